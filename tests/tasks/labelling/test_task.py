"""A study of labels end to end: what it writes, what chooses, and the one look at the test part."""

import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest

import lockgate
from lockgate import load
from lockgate.api import evaluate
from lockgate.errors import DataError
from lockgate.scoring.probabilities import fit_temperature
from lockgate.studies import study as study_module
from lockgate.studies import summary
from lockgate.studies.config import study_config
from lockgate.studies.study import run
from lockgate.studies.verdict import judge_pairs
from lockgate.tasks.labelling import shown as shown_module
from lockgate.tasks.labelling.config import LabelConfig, LabelledConfig
from lockgate.tasks.labelling.ladder import LADDER
from lockgate.tasks.labelling.prepare import PreparedLabelled
from lockgate.tasks.labelling.scores import macro_f1
from lockgate.tasks.labelling.shown import certainty
from lockgate.tasks.labelling.task import TASK as LABELLING
from lockgate.tasks.labelling.task import Labelling
from lockgate.tasks.stack.rungs import default_names

CONFIG = study_config(LabelConfig, default_names(LADDER))
SHARED = Path(os.environ.get("LOCKGATE_DATA", Path(__file__).parents[4] / "shared" / "data"))
KINDS = ("class", "steps", "number", "texts", "several")
ALL = pytest.mark.parametrize("kind", KINDS)
TEXTS = ("texts", "several")
CLASS_SCORES = {"accuracy", "balanced_accuracy", "macro_f1", "log_loss", "calibration_error"}
TOP = {"format_version", "lockgate_version", "task", "created", "command", "seconds", "config"}
TOP |= {
    "environment",
    "data",
    "metric",
    "baselines",
    "cell",
    "rungs",
    "verdict",
    "checks",
    "labels",
}
DATA = {"source", "fingerprint", "rows", "task", "texts", "classes", "channels", "lengths"}
DATA |= {"max_length", "tokens", "padded", "overlap", "whole", "notices", "split"}


def rung(results: Any, name: str) -> Any:
    return next(rung for rung in results["rungs"] if rung["name"] == name)


def scores_of(kind: str) -> set[str]:
    return {"mae", "rmse"} if kind == "number" else CLASS_SCORES


@pytest.fixture
def study(label_study: dict[str, Any], tmp_path: Path) -> Any:
    def start(source: Any, name: str = "study", **settings: Any) -> lockgate.StudyResult:
        out = tmp_path / "runs" / name
        return lockgate.study(source, out=out, **{**label_study, **settings})

    return start


@ALL
def test_results_have_what_the_report_needs(studied: Any, kind: str, strict_json: Any) -> None:
    result = studied(kind)
    results = result.results

    assert set(results) == TOP
    assert set(results["data"]) == DATA
    assert results["task"] == "labels"
    assert strict_json((result.folder / "results.json").read_text(encoding="utf-8")) == results
    for one in results["rungs"]:
        assert set(one["test_scores"]) == scores_of(kind)
        assert one["test"]["low"] <= one["test"]["mean"] <= one["test"]["high"]
        assert len(one["seeds"]) == 3
    for one in results["baselines"]:
        assert set(one["test"]) == set(one["validation"]) == scores_of(kind)
    assert sum(one["reference"] for one in results["baselines"]) == 1
    assert results["verdict"]["test_looks"] == 1
    assert result.report_path.exists()
    assert not list(result.folder.rglob(".*")), "temporary files stay"


def test_the_command_names_what_is_in_memory(studied: Any) -> None:
    assert (
        studied("number")
        .results["command"]
        .startswith("lockgate.study((X, y), as_number=True, hidden_size=4, ")
    )
    assert studied("texts").results["command"].startswith("lockgate.study((texts, labels), hidden")


@ALL
def test_what_is_told_of_the_data_is_true(studied: Any, labelled: Any, kind: str) -> None:
    data, (x, y) = studied(kind).results["data"], labelled(kind)[0]

    assert data["rows"] == len(x) == 60
    assert [part["rows"] for part in data["split"].values()] == [38, 10, 12]
    assert data["texts"] == (kind in TEXTS)
    assert data["task"] == {"texts": "class", "several": "classes"}.get(kind, kind)
    if kind in ("class", "texts"):
        found = Counter()
        for part in data["split"].values():
            found.update(dict(zip(data["classes"], part["classes"], strict=True)))
        assert found == Counter(y)
    if kind not in TEXTS:
        assert data["channels"] == ["dim_1", "dim_2"]
        assert sum(part["steps"] for part in data["split"].values()) == sum(map(len, x))
    else:
        assert data["tokens"]["kind"] == "word"
        assert data["tokens"]["size"] <= 2 + len({word for text in x for word in text.split()})


def test_embedding_dropout_is_left_out_where_there_are_no_words(studied: Any) -> None:
    for kind in KINDS:
        rungs = studied(kind).results["rungs"]
        names = [one["name"] for one in rungs]
        assert ("embedding-dropout" in names) == (kind in TEXTS)
        assert {"lstm", "bidirectional", "input-dropout"} <= set(names)


def test_embedding_dropout_alone_on_sequences_leaves_the_cells(study: Any, labelled: Any) -> None:
    result = study(labelled("class")[0], rungs="gru,embedding-dropout", seeds=1)

    assert [one["name"] for one in result.results["rungs"]] == ["gru"]


@pytest.mark.parametrize("kind", ["class", "texts"])
def test_a_network_is_told_by_what_it_can_drop(study: Any, labelled: Any, kind: str) -> None:
    result = study(labelled(kind)[0], rungs="gru,bidirectional,all", seeds=1)

    words = result.results["rungs"][-1]["words"]
    assert "recurrent dropout" in words
    assert ("embedding dropout" in words) == (kind in TEXTS)


@ALL
def test_scores_are_those_of_the_kept_predictions(studied: Any, labelled: Any, kind: str) -> None:
    result = studied(kind)
    truth = truth_of(result, labelled(kind)[0][1], kind)

    for one in result.results["rungs"]:
        for seed in one["seeds"]:
            p = np.load(result.folder / "predictions" / f"{one['name']}-seed-{seed['seed']}.npy")
            if kind == "number":
                assert seed["test"]["mae"] == pytest.approx(
                    np.abs(p[:, 0] - truth).mean(), rel=1e-4
                )
            elif kind == "several":
                losses = -np.log(np.where(truth, p, 1 - p))
                assert seed["test"]["log_loss"] == pytest.approx(losses.mean(), rel=1e-4)
                right = ((p > 0.5) == truth).all(axis=1)
                assert seed["test"]["accuracy"] == pytest.approx(right.mean())
            else:
                losses = -np.log(p[range(len(p)), truth])
                assert seed["test"]["log_loss"] == pytest.approx(losses.mean(), rel=1e-4)
                assert seed["test"]["accuracy"] == pytest.approx((p.argmax(1) == truth).mean())


def truth_of(result: lockgate.StudyResult, y: Any, kind: str) -> Any:
    """The truth of the test part, from the labels themselves."""
    rows = np.load(result.folder / "prepared" / "test.npy")
    classes = result.results["data"]["classes"]
    if kind == "number":
        return np.array(y)[rows]
    if kind == "steps":
        return np.array([classes.index(label) for row in rows for label in y[row]])
    if kind == "several":
        return np.array([[name in y[row].split("|") for name in classes] for row in rows])
    return np.array([classes.index(y[row]) for row in rows])


@ALL
def test_the_kept_model_is_the_selected_one(studied: Any, labelled: Any, kind: str) -> None:
    result = studied(kind)
    chosen = result.results["verdict"]["selected"]
    data = LABELLING.read(labelled(kind)[0], config_of(kind, labelled))

    fitted = load(result.folder / "fitted")
    prediction = fitted.predict_data(data.all)

    name = f"{chosen['rung']}-seed-{chosen['seed']}.npy"
    kept = np.load(result.folder / "predictions" / name)
    rows = np.load(result.folder / "prepared" / "test.npy")
    if kind == "steps":
        starts = data.all.items.starts
        prediction = np.concatenate([prediction[starts[i] : starts[i + 1]] for i in rows])
    else:
        prediction = prediction[rows]
    np.testing.assert_allclose(prediction, kept, rtol=1e-5)


def config_of(kind: str, labelled: Any) -> Any:
    told = {k: v for k, v in labelled(kind)[1].items() if k != "metric"}
    return CONFIG(data=LabelledConfig(**told))


def selected_seed(result: Any) -> Any:
    chosen = result.results["verdict"]["selected"]
    return rung(result.results, chosen["rung"])["seeds"][chosen["seed"]]


@ALL
def test_what_is_shown_agrees_with_the_scores(studied: Any, kind: str) -> None:
    result = studied(kind)
    shown, seed = result.results["labels"], selected_seed(result)
    reference = next(b for b in result.results["baselines"] if b["reference"])

    assert shown["reference"] == reference["name"]
    intervals = scores_of(kind) - {"calibration_error"}
    assert {row["name"] for row in shown["scores"]} == intervals
    for row in shown["scores"]:
        assert row["network"]["score"] == seed["test"][row["name"]]
        assert row["reference"]["score"] == reference["test"][row["name"]]
        for side in ("network", "reference"):
            # a percentile interval of 12 rows is coarse
            assert row[side]["low"] <= row[side]["high"]
    chosen = rung(result.results, result.results["verdict"]["selected"]["rung"])
    for name in scores_of(kind):
        spread = chosen["test_intervals"][name]
        assert spread["low"] <= spread["mean"] <= spread["high"]
        assert spread["mean"] == pytest.approx(chosen["test_scores"][name])
    if kind == "number":
        assert shown["confusion"] is shown["certainty"] is None
        return
    certainty, accuracy = shown["certainty"], seed["test"]["accuracy"]
    assert certainty["probability"][0]["accuracy"] == pytest.approx(accuracy)
    drops = chosen["name"] not in ("lstm", "bidirectional")
    assert (certainty["monte_carlo"] is not None) == drops


def test_confusion_agrees_with_the_scores(studied: Any) -> None:
    for kind in ("class", "steps", "texts", "several"):
        result = studied(kind)
        shown, data = result.results["labels"], result.results["data"]
        matrix, seed = np.array(shown["confusion"]), selected_seed(result)["test"]

        if kind == "several":
            assert matrix.shape == (len(data["classes"]), 2, 2)
            assert (matrix.sum(axis=(1, 2)) == data["split"]["test"]["rows"]).all()
            assert macro_f1(matrix) == pytest.approx(seed["macro_f1"])
            continue
        assert matrix.sum(axis=1).tolist() == data["split"]["test"]["classes"]
        assert np.trace(matrix) / matrix.sum() == pytest.approx(seed["accuracy"])


def test_mistakes_are_of_the_rows_that_they_name(studied: Any, labelled: Any) -> None:
    for kind in KINDS:
        shown = studied(kind).results["labels"]
        (x, y), _ = labelled(kind)
        order = {"number": "error", "steps": "wrong"}.get(kind, "probability")
        sizes = [abs(one[order]) for one in shown["mistakes"]]
        if kind == "steps":
            sizes = [one["wrong"] / one["steps"] for one in shown["mistakes"]]
        assert sizes == sorted(sizes, reverse=True)
        assert 0 < len(sizes) <= 10
        for one in shown["mistakes"]:
            row = int(one["name"].removeprefix("row ")) - 1
            if kind == "steps":
                assert 0 < one["wrong"] <= one["steps"] == len(y[row])
                assert one["truth"] == [y[row][one["step"] - 1]] != one["predicted"]
                continue
            assert one["text"] == (x[row] if kind in TEXTS else f"{len(x[row])} steps")
            if kind == "number":
                assert one["truth"] == pytest.approx(y[row])
                assert one["error"] == pytest.approx(one["predicted"] - one["truth"])
            elif kind == "several":
                assert sorted(one["truth"]) == sorted(filter(None, y[row].split("|")))
                assert one["truth"] != one["predicted"]
            else:
                assert one["truth"] == [y[row]] != one["predicted"]


def test_mistakes_name_the_step_of_the_whole_sequence(labelled: Any) -> None:
    x, y = labelled("steps")[0]
    told = LabelledConfig(at_steps=True, max_length=3, keep="end")
    config = CONFIG(data=told)
    data = LABELLING.read((x, y), config)
    prepared = LABELLING.prepare(data, config)
    truth = prepared.examples("test").truth().numpy()
    wrong = np.eye(2)[1 - truth] * 0.8 + 0.1

    shown = list(shown_module._worst_sequences(data.all, prepared, wrong, truth))

    for one in shown:
        row = int(one["name"].removeprefix("row ")) - 1
        assert one["wrong"] == one["steps"] == 3
        assert one["step"] == len(y[row]) - 2
        assert one["truth"] == [y[row][one["step"] - 1]]


class Drawn(NamedTuple):
    """What stands in for a fitted network: hand-made averages over passes."""

    average: Any
    drops: bool

    @property
    def model(self) -> Any:
        return self

    def mc_probabilities(self, examples: Any, n: int) -> Any:
        assert (examples, n) == ("examples", 7)
        return self.average


def test_monte_carlo_sets_aside_what_the_passes_disagree_on() -> None:
    truth = np.array([0] * 10)
    found = np.tile([0.6, 0.4], (10, 1))
    found[:2] = [0.05, 0.95]  # two sure mistakes
    average = np.tile([0.9, 0.1], (10, 1))
    average[:2] = [0.45, 0.55]  # of which the passes are not sure

    told = certainty(Drawn(average, True), "examples", found, truth, 7)
    plain = certainty(Drawn(average, False), "examples", found, truth, 7)

    by_probability = [one["accuracy"] for one in told["probability"]]
    by_passes = [one["accuracy"] for one in told["monte_carlo"]["shares"]]
    assert by_probability == pytest.approx([0.8, *((n - 2) / n for n in range(9, 1, -1)), 0])
    assert by_passes == pytest.approx([0.8, 8 / 9, *[1.0] * 8])
    assert told["monte_carlo"]["samples"] == 7
    assert told["monte_carlo"]["scores"]["accuracy"] == 0.8
    assert plain == {"probability": told["probability"], "monte_carlo": None}


@pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"no data folder {SHARED}; LOCKGATE_DATA names another"
)
def test_the_most_certain_of_real_waves_are_decided_best(tmp_path: Path) -> None:
    waves = SHARED / "tsc_aeon"
    told = {"hidden_size": 16, "max_epochs": 30, "learning_rate": 0.01}
    lockgate.train(waves / "ItalyPowerDemand_TRAIN.ts", out=tmp_path / "model", **told)

    found = evaluate(
        tmp_path / "model", waves / "ItalyPowerDemand_TEST.ts.gz", mc_samples=5
    ).to_dict()

    told = found["certainty"]
    assert 0.7 < found["scores"]["accuracy"] == told["probability"][0]["accuracy"] < 1.0
    for shares in (told["probability"], told["monte_carlo"]["shares"]):
        by_share = {one["share"]: one["accuracy"] for one in shares}
        assert by_share[1.0] < by_share[0.8] <= by_share[0.5]
        assert by_share[0.5] > 0.5 * (1.0 + by_share[1.0])
    # the networks that dropout draws of so small a one are worse than it
    assert 0.8 < told["monte_carlo"]["scores"]["accuracy"] < found["scores"]["accuracy"]


def test_of_several_labels_certain_is_what_is_probably_right_as_a_whole() -> None:
    truth = np.array([[1, 0], [1, 1]])
    found = np.array([[0.99, 0.52], [0.95, 0.95]])  # the first is wrong, and half sure of it

    told = certainty(Drawn(found, True), "examples", found, truth, 7)

    assert [one["accuracy"] for one in told["probability"]][-1] == 1.0
    assert [one["accuracy"] for one in told["monte_carlo"]["shares"]][-1] == 1.0


def test_validation_scores_are_in_the_unit_of_the_labels(studied: Any) -> None:
    for one in studied("number").results["rungs"]:
        # labels are 100 + 3 * length: an untrained network errs by their deviation at most or so
        assert 0.5 < one["validation"]["mean"] < 20
        assert one["validation"]["mean"] == pytest.approx(one["test"]["mean"], rel=2)


def test_rmse_of_numbers_is_the_root_of_the_squared_error(study: Any, labelled: Any) -> None:
    source, told = labelled("number")
    result = study(source, seeds=1, rungs="lstm", **{**told, "metric": "rmse"})

    p = np.load(result.folder / "predictions" / "lstm-seed-0.npy")[:, 0]
    truth = truth_of(result, source[1], "number")
    [one] = result.results["rungs"]
    assert one["test"]["mean"] == pytest.approx(np.sqrt(np.square(p - truth).mean()), rel=1e-4)
    history = one["seeds"][0]["history"]["validation"]
    deviation = json.loads((result.folder / "prepared" / "preprocessing.json").read_text())
    expected = np.sqrt(min(history)) * deviation["label_deviation"]
    assert one["validation"]["mean"] == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["class", "texts"])
def test_an_interrupted_study_is_resumed(
    kind: str, studied: Any, labelled: Any, label_study: Any, tmp_path: Path, numbers: Any
) -> None:
    source, told = labelled(kind)
    out = tmp_path / "runs" / "study"

    def interrupt(fit: Any, done: int, total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    config = config_of_study(label_study, told)
    with pytest.raises(KeyboardInterrupt):
        run(source, config, out, LABELLING, on_fit=interrupt)
    kept = {path: path.stat().st_mtime_ns for path in out.glob("fits/*/*/fit.json")}
    result = lockgate.study(source, out=out, resume=True, **label_study, **told)

    assert len(kept) == 4
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert numbers(result.results) == numbers(studied(kind).results)


def config_of_study(label_study: Any, told: Any) -> Any:
    model = {name: label_study[name] for name in ("hidden_size", "embedding_size")}
    training = {name: label_study[name] for name in ("max_epochs", "learning_rate")}
    rest = {name: label_study[name] for name in ("rungs", "seeds", "workers")}
    return CONFIG.model_validate({"data": told, "model": model, "training": training, **rest})


def chosen_on_validation(results: Any) -> Any:
    return {
        "cell": results["cell"],
        "selected": results["verdict"]["selected"],
        "reference": [b["name"] for b in results["baselines"] if b["reference"]],
        "settings": [b["setting"] for b in results["baselines"]],
        "baselines": [b["validation"] for b in results["baselines"]],
        "validation": [r["validation"] for r in results["rungs"]],
        "curves": [s["history"]["validation"] for r in results["rungs"] for s in r["seeds"]],
        "tokens": results["data"]["tokens"],
        "classes": results["data"]["classes"],
        "max_length": results["data"]["max_length"],
    }


def write(path: Path, texts: Any, labels: Any, **more: Any) -> str:
    pl.DataFrame({"text": texts, "label": labels, **more}).write_csv(path)
    return str(path)


def test_another_test_part_changes_nothing_that_is_chosen(
    study: Any, labelled: Any, tmp_path: Path
) -> None:
    texts, labels = labelled("texts")[0]
    train = write(tmp_path / "train.csv", texts, labels)
    tests = [
        write(tmp_path / "one.csv", labelled("texts", 1)[0][0], labelled("texts", 1)[0][1]),
        write(
            tmp_path / "two.csv", ["canary <br /> " * i for i in range(2, 30)], ["bad", "good"] * 14
        ),
    ]

    told = {"text": "text", "label": "label", "seeds": 1}
    one, two = (study(train, Path(test).stem, test=test, **told).results for test in tests)

    assert chosen_on_validation(one) == chosen_on_validation(two)
    assert one["rungs"][0]["test"] != two["rungs"][0]["test"]
    assert one["data"]["split"]["test"]["rows"] == 60
    assert two["data"]["split"]["test"]["rows"] == 28


def test_the_truth_of_the_test_part_is_looked_at_once_after_every_choice(
    study: Any, labelled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []

    def spy(owner: Any, name: str, event: Any) -> None:
        original = getattr(owner, name)

        def called(*args: Any, **more: Any) -> Any:
            events.append(event(*args))
            return original(*args, **more)

        monkeypatch.setattr(owner, name, called)

    spy(Labelling, "scorer", lambda *args: f"truth of {args[-1]}")
    spy(Labelling, "predict", lambda *args: f"predict {args[-1]}")
    spy(study_module, "look", lambda *_: "look")

    study(labelled("texts")[0], seeds=2, rungs="lstm,bidirectional")

    looked = events.index("look")
    assert not any("test" in event for event in events[:looked])
    assert Counter(events)["truth of test"] == 1
    assert Counter(events)["predict test"] == 4


def test_scores_are_given_with_and_without_the_rows_that_training_has(
    study: Any, labelled: Any, tmp_path: Path
) -> None:
    texts, labels = labelled("texts")[0]
    train = write(tmp_path / "train.csv", texts, labels)
    other, truth = labelled("texts", 1)[0]
    test = write(tmp_path / "test.csv", [*texts[:8], *other[:12]], [*labels[:8], *truth[:12]])

    result = study(train, test=test, text="text", label="label", rungs="lstm", seeds=1)

    data, [one] = result.results["data"], result.results["rungs"]
    assert data["overlap"] == 8
    told = f"lockgate study train.csv --text text --label label --test {test} --set model.hidden"
    assert result.results["command"].startswith(told)
    assert any("8 rows of the given test part also in another" in n for n in data["notices"])
    without = {f"{name}_without_overlap" for name in CLASS_SCORES}
    assert set(one["test_scores"]) == CLASS_SCORES | without
    p = np.load(result.folder / "predictions" / "lstm-seed-0.npy")
    right = p.argmax(axis=1) == [data["classes"].index(y) for y in [*labels[:8], *truth[:12]]]
    assert one["test_scores"]["accuracy"] == pytest.approx(right.mean())
    assert one["test_scores"]["accuracy_without_overlap"] == pytest.approx(right[8:].mean())
    assert set(result.results["baselines"][0]["validation"]) == CLASS_SCORES


def test_steps_of_sequences_that_training_has_are_left_out_too(labelled: Any) -> None:
    x, y = labelled("steps")[0]
    config = CONFIG(data=LabelledConfig(at_steps=True))
    data = LABELLING.read(([*x[:30], *x[:2], *x[30:]], [*y[:30], *y[:2], *y[30:]]), config)
    given = data._replace(test=np.arange(30, 40))
    prepared = LABELLING.prepare(given, config)

    scorer = LABELLING.scorer(given, prepared, config, "test")

    again = len(x[0]) + len(x[1])
    assert scorer.apart is not None
    assert not scorer.apart[:again].any()
    assert scorer.apart[again:].all()
    assert len(scorer.apart) == len(scorer.truth)


def test_a_test_part_that_is_all_in_training_has_no_scores_without(
    study: Any, labelled: Any, tmp_path: Path
) -> None:
    texts, labels = labelled("texts")[0]
    train = write(tmp_path / "train.csv", texts, labels)
    test = write(tmp_path / "test.csv", texts[:20], labels[:20])

    result = study(train, test=test, text="text", label="label", rungs="lstm", seeds=1)

    [one] = result.results["rungs"]
    assert one["test_scores"]["accuracy"] is not None
    assert one["test_scores"].get("accuracy_without_overlap") is None
    assert result.report_path.exists()


def test_groups_stay_together_in_parts_and_in_blocks(labelled: Any) -> None:
    texts, labels = labelled("texts")[0]
    groups = [f"g{i % 15}" for i in range(60)]
    frame = pl.DataFrame({"text": texts, "label": labels, "who": groups})
    config = CONFIG(data=LabelledConfig(text="text", label="label", group="who"))
    data = LABELLING.read(frame, config)
    prepared = LABELLING.prepare(data, config)
    who = np.array(groups)

    seen = [set(who[prepared.parts._asdict()[p]]) for p in ("train", "validation", "test")]
    scorer = LABELLING.scorer(data, prepared, config, "test")
    ordered = who[prepared.parts.test][scorer.order]

    assert not seen[0] & seen[1] | seen[0] & seen[2] | seen[1] & seen[2]
    changes = int((ordered[1:] != ordered[:-1]).sum())
    assert changes == len(seen[2]) - 1
    assert scorer.horizon == max(Counter(ordered).values())
    assert scorer.groups is not None
    assert np.array_equal(np.diff(scorer.groups) != 0, ordered[1:] != ordered[:-1])
    assert sorted(scorer.order.tolist()) == list(range(len(ordered)))


def test_steps_of_a_group_of_sequences_stay_together(labelled: Any) -> None:
    x, y = labelled("steps")[0]
    data = LABELLING.read((x, y), CONFIG(data=LabelledConfig(at_steps=True)))
    who = np.arange(60) % 7
    prepared = LABELLING.prepare(data, CONFIG())
    given = data._replace(all=replace(data.all, groups=who))

    scorer = LABELLING.scorer(given, prepared, CONFIG(), "test")

    rows = prepared.parts.test
    assert scorer.groups is not None
    assert np.count_nonzero(np.diff(scorer.groups)) == len(set(who[rows])) - 1
    lengths = np.array([len(x[i]) for i in rows])
    assert scorer.horizon == max(lengths[who[rows] == one].sum() for one in set(who[rows]))


@pytest.mark.parametrize("kind", ["steps", "class"])
def test_no_block_of_a_verdict_ends_inside_a_sequence_or_a_group(
    study: Any, labelled: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, told = labelled(kind)[0], {}
    if kind == "class":
        ends = np.cumsum([len(x) for x in source[0]])
        labels = np.repeat(source[1], [len(x) for x in source[0]])
        frame = pl.DataFrame({"x": np.concatenate(source[0])[:, 1], "label": labels})
        number = np.searchsorted(ends, np.arange(ends[-1]), side="right")
        source = frame.with_columns(id=pl.Series(number), who=pl.Series(number // 2 % 20))
        told = {"label": "label", "id": "id", "group": "who"}
    judged = []

    def spy(evidence: Any, *rest: Any) -> Any:
        judged.append(evidence)
        return judge_pairs(evidence, *rest)

    monkeypatch.setattr(summary, "judge_pairs", spy)
    study(source, rungs="lstm,bidirectional", seeds=1, at_steps=kind == "steps" or None, **told)

    [evidence] = judged
    groups = evidence.groups
    assert groups is not None
    assert len(set(groups)) < len(groups)
    assert evidence.blocks > 1
    assert all(groups[start] != groups[start - 1] for start in evidence.starts[1:])


def test_rows_of_a_file_sorted_by_label_are_mixed_over_the_blocks(labelled: Any) -> None:
    texts, labels = labelled("texts")[0]
    order = np.argsort(labels, kind="stable")
    source = ([texts[i] for i in order], [labels[i] for i in order])
    config = CONFIG()
    data = LABELLING.read(source, config)
    prepared = LABELLING.prepare(data, config)

    scorer = LABELLING.scorer(data, prepared, config, "test")
    p = np.tile([0.25, 0.75], (len(scorer.truth), 1))

    truth = scorer.truth[scorer.order]
    assert np.abs(np.diff(truth)).sum() > 1
    np.testing.assert_allclose(scorer.losses(p), -np.log(np.where(truth == 1, 0.75, 0.25)))
    assert scorer.losses(p).mean() == pytest.approx(scorer.scores(p)["log_loss"])


def test_no_block_is_shorter_than_a_sequence_of_tags(studied: Any) -> None:
    results = studied("steps").results

    assert results["verdict"]["blocks"] <= results["data"]["split"]["test"]["steps"] // 11


@ALL
def test_temperature_is_fitted_to_the_validation_part_and_kept(studied: Any, kind: str) -> None:
    folder = studied(kind).folder
    fitted = load(folder / "fitted")
    validation = PreparedLabelled.load(folder / "prepared").examples("validation")

    expected = 1.0
    if kind != "number":
        expected = fit_temperature(fitted.scores(validation), validation.truth().numpy())

    assert fitted.temperature == pytest.approx(expected)


def test_long_sequences_and_padding_are_told_of(labelled: Any) -> None:
    x, y = labelled("class")[0]
    config = CONFIG()
    data = LABELLING.read(([np.tile(one, (60, 1)) for one in x], y), config)
    prepared = LABELLING.prepare(data, config)

    [advice] = LABELLING.advice(prepared)

    assert "stride=4" in advice
    assert LABELLING.advice(LABELLING.prepare(LABELLING.read((x, y), config), config)) == ()
    checks = LABELLING.checks({"padded": 0.7, "tokens": {"unknown": 0.3, "size": 9}})
    assert [one["status"] for one in checks] == ["warn", "warn", "warn"]


def test_a_metric_of_another_kind_is_refused(study: Any, labelled: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="metric must be mae or rmse for labels of this kind"):
        study(labelled("number")[0], as_number=True)
    with pytest.raises(DataError, match="metric must be log_loss for labels of this kind, got 'ma"):
        study(labelled("class")[0], metric="mae")

    assert not (tmp_path / "runs").exists()
