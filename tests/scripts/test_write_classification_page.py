import json

import pytest
import write_classification_page as writer

STUDY = writer.Study("trec", "TREC", 0.87)


def rung(name, accuracy, parent=None):
    judged = score(accuracy)
    return {"name": name, "parent": parent, "judged": judged, "seconds": 120.0}


def score(accuracy):
    return {"accuracy": accuracy, "macro_f1": accuracy - 0.01, "log_loss": 1.0 - accuracy}


def baseline(name, accuracy, *, reference=False):
    return {"name": name, "reference": reference, "test": score(accuracy)}


def delivered(accuracy):
    return {
        "members": 5,
        "baseline": "TF-IDF",
        "single": score(accuracy - 0.03),
        "networks": score(accuracy - 0.01),
        "mixture": score(accuracy),
        "refitted": score(0.89),
        "effect": {"name": "TF-IDF", "percent": -3.0, "low": -9.0, "high": 4.0},
    }


def results(accuracy=0.88):
    return {
        "format_version": 2,
        "metric": "log_loss",
        "command": "lockgate study TREC.train.all.gz --test TREC.test.all",
        "config": {},
        "created": "2026-11-21T17:00:00+00:00",
        "seconds": 600.0,
        "environment": {"cpu": "A CPU", "workers": 2, "torch": "2.13.0", "lockgate": "0.1.0"},
        "data": {
            "rows": 1600,
            "overlap": 0,
            "task": "class",
            "classes": ["who", "where"],
            "tokens": {"size": 3000, "kind": "word"},
            "lengths": {"shortest": 2, "median": 9.0, "longest": 19},
            "split": {"train": {"rows": 1000}, "validation": {"rows": 100}, "test": {"rows": 500}},
            "notices": ["81 exact duplicates, kept in one part each"],
        },
        "baselines": [baseline("majority class", 0.3), baseline("TF-IDF", 0.89, reference=True)],
        "rungs": [rung("lstm", 0.8), rung("all", 0.87, "lstm")],
        "delivered": delivered(accuracy),
        "verdict": {
            "recommendation": ["Use an LSTM with all of them together: it lowers the log loss."],
            "words": [
                "Use an LSTM with all of them together: it lowers the log loss.",
                "A single network (all) loses to TF-IDF on the rows judged: +2.0 % log loss.",
                "All of them together helps: −9.0 % log loss [−12.0, −6.0] against lstm.",
            ],
            "pairs": [
                {
                    "rung": "all",
                    "parent": "lstm",
                    "outcome": "helps",
                    "percent": -9.0,
                    "low": -12.0,
                    "high": -6.0,
                    "rounds": 10,
                    "limit": None,
                }
            ],
            "selected": "all",
            "test_looks": 1,
            "rounds": 10,
        },
        "checks": [
            {"status": "warn", "name": "Test parts", "text": "One."},
            {"status": "pass", "name": "Padding", "text": "Little."},
        ],
        "commit": "abc1234",
    }


def test_what_is_delivered_is_held_against_the_reach():
    row = writer.reach_row(STUDY, results())

    assert row[1:4] == ("0.87", "0.880", "met by 0.010")
    assert row[4:] == ("**0.890 TF-IDF**", "10", "500")


def test_second_look_at_a_test_part_is_said_so():
    given = results()
    given["verdict"]["test_looks"] = 2

    assert writer.reach_row(STUDY, given)[3] == "met by 0.010, at look 2"


@pytest.mark.parametrize(
    ("accuracy", "reach", "words"),
    [(0.87, 0.87, "met by 0.000"), (0.85, 0.87, "**missed** by 0.020"), (0.85, None, "")],
)
def test_missed_reach_is_said_so(accuracy, reach, words):
    assert writer.met(accuracy, reach) == words


def test_section_tells_command_sizes_scores_and_machine():
    section = writer.section(STUDY, results())

    assert "lockgate study TREC.train.all.gz --test TREC.test.all" in section
    assert (
        "1,600 texts; 3,000 word tokens; 2 classes; 1,000 to train on (of 2 to 19 tokens)"
        in section
    )
    assert "81 exact duplicates" in section
    assert "- Use an LSTM with all of them together: it lowers the log loss.\n" in section
    assert "| all against lstm | helps | −9.0 % [−12.0, −6.0] | 10 |  |" in section
    assert "- A single network (all) loses to TF-IDF on the rows judged" in section
    assert "All of them together helps" not in section
    assert "| **all** (selected) | 0.870 | 0.860 | 0.130 | 2 |" in section
    assert "| majority class | 0.300 | 0.290 | 0.700 | +58.0 | −82.9 % |" in section
    assert "| TF-IDF (reference) | 0.890 | 0.880 | 0.110 | −1.0 | +9.1 % |" in section
    assert "| **mixed with TF-IDF** (delivered) | 0.880 | 0.870 | 0.120 |  |  |" in section
    assert "| TF-IDF in it | 0.890 | 0.880 | 0.110 |  | −3.0 % [−9.0, +4.0] |" in section
    assert "warn: Test parts" in section
    assert "Padding" not in section
    assert section.rstrip().endswith("2026-11-21, commit abc1234.")


def test_what_is_behind_a_baseline_is_told_so():
    [line] = writer.behind(results(0.84))

    assert line == "**What is delivered is behind TF-IDF in accuracy**, by 5.0 points."


def test_what_is_ahead_is_not_told_to_be_behind():
    assert writer.behind(results(0.9)) == []


def test_steps_with_labels_are_what_is_counted():
    data = {"task": "steps", "split": {"test": {"rows": 98, "steps": 9752}}}

    assert writer.test_size(data) == "9,752 steps"


def test_accuracy_without_overlap_is_told_where_there_is_any():
    given = results()
    assert writer.without_overlap(given) == []
    given["data"]["overlap"] = 10
    for scores in [given["delivered"]["mixture"], *(b["test"] for b in given["baselines"])]:
        scores["accuracy_without_overlap"] = scores["accuracy"] - 0.02

    [line] = writer.without_overlap(given)

    assert line.endswith("accuracy 0.860; majority class 0.280, TF-IDF 0.870.")


def test_page_names_studies_that_are_not_finished(tmp_path):
    folder = tmp_path / "runs" / "trec"
    folder.mkdir(parents=True)
    (folder / "results.json").write_text(json.dumps(results()))
    (tmp_path / "runs" / "trec.commit").write_text("abc1234\n")

    writer.main(tmp_path / "runs", tmp_path / "page.md")

    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "; IMDb: long English film reviews." in page
    assert "Not run: JapaneseVowels: who speaks; " in page
    assert "| TREC: what a question asks for | 1 of 1 | 1 | 0 | 0 | 0 | 0 | 0 | 0 | 10 |" in page
    assert page.count("\n## ") == 2
    assert "commit abc1234." in page
