"""What has ended is read from its folder: of a training, a study and a search alike."""

from lockgate.tracking.ended import Ended


def test_a_training_has_scores_and_a_card(trained):
    fitted, folder = trained

    ended = Ended.read(folder, fitted.config)

    assert ended.scores["test/mae/delivered"] == fitted.metrics["test"]["mae"]
    assert ended.files == ["config.yaml", "README.md", "metrics.json"]
    assert (ended.texts, ended.rounds) == ({}, 0)


def test_a_study_has_its_verdict_and_report_too(finished):
    ended = Ended.read(finished.folder, None)

    verdict = finished.results["verdict"]
    assert ended.texts == {"recommendation": verdict["recommendation"], "verdict": verdict["words"]}
    assert ended.rounds == finished.rounds
    assert {"report.html", "results.json", "fitted/README.md"} <= {*ended.files}


def test_a_search_has_the_scores_of_what_was_fitted_again(searched):
    ended = Ended.read(searched.folder, None)

    for one in searched.results["entrants"]:
        assert ended.scores[f"judged/mae/{one['name']}"] == one["judged"]["mae"]
