"""A study of labels end to end: what it writes, what chooses, and the one look at the test part."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import lockgate
import lockgate.api
from lockgate import load
from lockgate.errors import DataError
from lockgate.scoring.probabilities import fit_temperature
from lockgate.settings import resolve
from lockgate.studies import rounds as rounds_module
from lockgate.studies import study as study_module
from lockgate.studies.config import study_config
from lockgate.studies.gather import gather
from lockgate.studies.plan import Watcher
from lockgate.studies.study import run
from lockgate.tasks.base import PARTS
from lockgate.tasks.labelling.baselines import sequences
from lockgate.tasks.labelling.config import LabelConfig, LabelledConfig
from lockgate.tasks.labelling.ladder import LADDER
from lockgate.tasks.labelling.prepare import PreparedLabelled
from lockgate.tasks.labelling.task import TASK as LABELLING
from lockgate.tasks.labelling.task import Labelling
from lockgate.tasks.stack.rungs import default_names

CONFIG = study_config(LabelConfig, default_names(LADDER))
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
    "delivered",
    "folds",
}
DATA = {"source", "fingerprint", "rows", "task", "texts", "classes", "channels", "lengths"}
DATA |= {"max_length", "tokens", "padded", "overlap", "whole", "notices", "split"}


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
        assert set(one["judged"]) == scores_of(kind)
        assert len(one["rounds"]) == len(one["by_fold"]) == 3
    for one in results["baselines"]:
        assert set(one["test"]) == set(one["judged"]) == scores_of(kind)
    assert sum(one["reference"] for one in results["baselines"]) == 1
    assert results["verdict"]["test_looks"] == 1
    assert result.report_path.exists()
    assert not list(result.folder.rglob(".*")), "temporary files stay"


def test_the_command_names_what_is_in_memory(studied: Any) -> None:
    assert (
        studied("number")
        .results["command"]
        .startswith("lockgate.study((X, y), as_number=True, folds=3, hidden_size=4, ")
    )
    assert (
        studied("texts")
        .results["command"]
        .startswith("lockgate.study((texts, labels), folds=3, hidden")
    )


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
    result = study(labelled("class")[0], rungs="gru,bidirectional,embedding-dropout")

    assert [one["name"] for one in result.results["rungs"]] == ["gru", "bidirectional"]


@pytest.mark.parametrize("kind", ["class", "texts"])
def test_a_network_is_told_by_what_it_can_drop(study: Any, labelled: Any, kind: str) -> None:
    result = study(labelled(kind)[0], rungs="gru,bidirectional,all")

    words = result.results["rungs"][-1]["words"]
    assert "recurrent dropout" in words
    assert ("embedding dropout" in words) == (kind in TEXTS)


@ALL
def test_scores_are_those_of_the_kept_predictions(studied: Any, labelled: Any, kind: str) -> None:
    result, y = studied(kind), labelled(kind)[0][1]
    for one in result.results["rungs"]:
        for told in one["rounds"]:
            p = np.load(round_of(result, told) / one["name"] / "judged.npy")
            truth, scores = truth_of(result, told["fold"], y, kind), told["judged"]
            if kind == "number":
                assert scores["mae"] == pytest.approx(np.abs(p[:, 0] - truth).mean(), rel=1e-4)
            elif kind == "several":
                losses = -np.log(np.where(truth, p, 1 - p))
                assert scores["log_loss"] == pytest.approx(losses.mean(), rel=1e-4)
                right = ((p > 0.5) == truth).all(axis=1)
                assert scores["accuracy"] == pytest.approx(right.mean())
            else:
                losses = -np.log(p[range(len(p)), truth])
                assert scores["log_loss"] == pytest.approx(losses.mean(), rel=1e-4)
                assert scores["accuracy"] == pytest.approx((p.argmax(1) == truth).mean())


def round_of(result: lockgate.StudyResult, told: Any) -> Path:
    return result.folder / "rounds" / f"{told['round']}-{told['fold']}"


def truth_of(result: lockgate.StudyResult, fold: str, y: Any, kind: str) -> Any:
    """The truth of the rows of a fold that are judged, from the labels themselves."""
    prepared = result.folder / "prepared"
    # a fold counts its rows among those that are not of the test part
    rest = np.sort(np.concatenate([np.load(prepared / "whole" / f"{p}.npy") for p in PARTS[:2]]))
    rows = rest[np.load(prepared / fold / "test.npy")]
    if kind == "number":
        return np.array(y)[rows]
    classes = PreparedLabelled.load(prepared / fold).preprocessing.classes
    if kind == "steps":
        return np.array([classes.index(label) for row in rows for label in y[row]])
    if kind == "several":
        return np.array([[name in y[row].split("|") for name in classes] for row in rows])
    return np.array([classes.index(y[row]) for row in rows])


@ALL
def test_the_kept_model_is_the_selected_one(studied: Any, labelled: Any, kind: str) -> None:
    result = studied(kind)
    data = LABELLING.read(labelled(kind)[0], config_of(kind, labelled))
    fitted = load(result.folder / "fitted")
    [kept] = result.folder.glob("delivered/*/*/fit.json")

    prediction = fitted.predict_data(data.all)

    np.testing.assert_allclose(prediction, load(kept.parent).predict_data(data.all), rtol=1e-5)
    assert kept.parent.parent.name == result.results["verdict"]["selected"]


def config_of(kind: str, labelled: Any) -> Any:
    told = {k: v for k, v in labelled(kind)[1].items() if k != "metric"}
    return CONFIG(data=LabelledConfig(**told))


def test_validation_scores_are_in_the_unit_of_the_labels(studied: Any) -> None:
    for one in studied("number").results["rungs"]:
        # labels are 100 + 3 * length: an untrained network errs by their deviation at most or so
        for told in one["rounds"]:
            assert 0.5 < told["validation"] < 20
            assert told["validation"] == pytest.approx(told["judged"]["mae"], rel=2)


def test_rmse_of_numbers_is_the_root_of_the_squared_error(study: Any, labelled: Any) -> None:
    source, told = labelled("number")
    result = study(source, rungs="lstm", **{**told, "metric": "rmse"})

    [one] = result.results["rungs"]
    told = one["rounds"][1]
    p = np.load(round_of(result, told) / "lstm" / "judged.npy")[:, 0]
    truth = truth_of(result, told["fold"], source[1], "number")
    expected = np.sqrt(np.square(p - truth).mean())
    assert told["judged"]["rmse"] == pytest.approx(expected, rel=1e-4)
    deviation = json.loads(
        (result.folder / "prepared" / told["fold"] / "preprocessing.json").read_text()
    )["label_deviation"]
    least = np.sqrt(min(told["history"]["validation"]))
    assert told["validation"] == pytest.approx(least * deviation)


@pytest.mark.parametrize("kind", ["class", "texts"])
def test_an_interrupted_study_is_resumed(
    kind: str, studied: Any, labelled: Any, label_study: Any, tmp_path: Path, numbers: Any
) -> None:
    source, told = labelled(kind)
    out = tmp_path / "runs" / "study"

    class Interrupting(Watcher):
        def on_fit(self, _: Any, done: int, __: int) -> None:
            if done == 4:
                raise KeyboardInterrupt

    config = config_of_study(label_study, told)
    with pytest.raises(KeyboardInterrupt):
        run(source, config, out, LABELLING, watcher=Interrupting())
    kept = {path: path.stat().st_mtime_ns for path in out.glob("rounds/*/*/fit.json")}
    result = lockgate.study(source, out=out, resume=True, **label_study, **told)

    assert len(kept) == 4
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert numbers(result.results) == numbers(studied(kind).results)


PLAIN = ("max_epochs", "learning_rate", "validations", "average")


def config_of_study(label_study: Any, told: Any) -> Any:
    model = {name: label_study[name] for name in ("hidden_size", "embedding_size", "linear_path")}
    training = {name: label_study[name] for name in PLAIN}
    rest = {name: label_study[name] for name in ("rungs", "rounds", "budget", "workers")}
    rest |= {name: label_study[name] for name in ("members", "mix")}
    told = {**told, "folds": label_study["folds"]}
    return CONFIG.model_validate({"data": told, "model": model, "training": training, **rest})


def chosen_before_the_test_part(results: Any) -> Any:
    return {
        "cell": results["cell"],
        "selected": results["verdict"]["selected"],
        "reference": [b["name"] for b in results["baselines"] if b["reference"]],
        "settings": [b["setting"] for b in results["baselines"]],
        "baselines": [b["judged"] for b in results["baselines"]],
        "judged": [r["judged"] for r in results["rungs"]],
        "curves": [s["history"]["validation"] for r in results["rungs"] for s in r["rounds"]],
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

    told = {"text": "text", "label": "label"}
    one, two = (study(train, Path(test).stem, test=test, **told).results for test in tests)

    assert chosen_before_the_test_part(one) == chosen_before_the_test_part(two)
    assert one["delivered"]["mixture"] != two["delivered"]["mixture"]
    assert one["data"]["split"]["test"]["rows"] == 60
    assert two["data"]["split"]["test"]["rows"] == 28


def test_the_truth_of_the_test_part_is_looked_at_after_every_choice(
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

    study(labelled("texts")[0], rungs="lstm,bidirectional")

    looked = events.index("look")
    # before it the tests are those of three folds: two rungs each
    assert Counter(events[:looked])["truth of test"] == 3
    assert Counter(events[:looked])["predict test"] == 6
    assert "predict test" in events[looked:]


def test_scores_are_given_with_and_without_the_rows_that_training_has(
    study: Any, labelled: Any, tmp_path: Path
) -> None:
    texts, labels = labelled("texts")[0]
    train = write(tmp_path / "train.csv", texts, labels)
    other, truth = labelled("texts", 1)[0]
    test = write(tmp_path / "test.csv", [*texts[:8], *other[:12]], [*labels[:8], *truth[:12]])

    result = study(train, test=test, text="text", label="label", rungs="lstm")

    data, scores = result.results["data"], result.results["delivered"]["mixture"]
    assert data["overlap"] == 8
    told = f"lockgate study train.csv --text text --label label --test {test} --folds 3"
    assert result.results["command"].startswith(told)
    assert any("8 rows of the given test part also in another" in n for n in data["notices"])
    without = {f"{name}_without_overlap" for name in CLASS_SCORES}
    assert set(scores) == CLASS_SCORES | without
    own = load(result.folder / "fitted").predict([*texts[:8], *other[:12]])
    truths = [*labels[:8], *truth[:12]]
    right = np.array(own["label"]) == truths
    assert scores["accuracy"] == pytest.approx(right.mean())
    assert scores["accuracy_without_overlap"] == pytest.approx(right[8:].mean())
    assert set(result.results["baselines"][0]["judged"]) == CLASS_SCORES


def test_a_test_part_that_is_all_in_training_has_no_scores_without(
    study: Any, labelled: Any, tmp_path: Path
) -> None:
    texts, labels = labelled("texts")[0]
    train = write(tmp_path / "train.csv", texts, labels)
    test = write(tmp_path / "test.csv", texts[:20], labels[:20])

    result = study(train, test=test, text="text", label="label", rungs="lstm")

    scores = result.results["delivered"]["mixture"]
    assert scores["accuracy"] is not None
    assert scores.get("accuracy_without_overlap") is None
    assert result.report_path.exists()


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

    def spy(*rounds: Any, **told: Any) -> Any:
        judged.append(gather(*rounds, **told))
        return judged[-1]

    monkeypatch.setattr(rounds_module, "gather", spy)
    study(source, rungs="lstm,bidirectional", at_steps=kind == "steps" or None, **told)

    [evidence] = judged
    if kind == "steps":  # a sequence is a row
        assert evidence.counts.max() > 1
        return
    groups, (block, _) = evidence.groups, evidence.blocks()
    assert groups is not None
    assert len(set(groups)) < len(groups)
    assert block.max() > 1
    assert all(len(set(block[groups == one])) == 1 for one in set(groups))


@ALL
def test_temperature_is_fitted_to_the_validation_part_and_kept(studied: Any, kind: str) -> None:
    folder = studied(kind).folder
    fitted = load(folder / "fitted")
    validation = PreparedLabelled.load(folder / "prepared" / "whole").examples("validation")

    expected = 1.0
    if kind != "number":
        expected = fit_temperature(fitted.scores(validation), validation.truth().numpy())

    assert fitted.temperature == pytest.approx(expected)


def test_long_sequences_and_padding_are_told_of(labelled: Any) -> None:
    x, y = labelled("class")[0]
    config = CONFIG()
    data = LABELLING.read(([np.tile(one, (60, 1)) for one in x], y), config)
    prepared = LABELLING.prepare(data, config)

    advice = LABELLING.advice(data, prepared)

    assert "stride=4" in advice[0]
    short = LABELLING.read((x, y), config)
    assert not any(
        "stride=4" in one for one in LABELLING.advice(short, LABELLING.prepare(short, config))
    )
    checks = LABELLING.checks({"padded": 0.7, "tokens": {"unknown": 0.3, "size": 9}})
    assert [one["status"] for one in checks] == ["warn", "warn", "warn"]


@pytest.mark.parametrize("kind", ["class", "texts"])
@pytest.mark.parametrize("installed", [True, False])
def test_the_plan_names_the_extra_of_a_baseline_that_lacks_it(
    labelled: Any, monkeypatch: pytest.MonkeyPatch, kind: str, installed: bool
) -> None:
    spec = object() if installed else None
    monkeypatch.setattr(sequences.importlib.util, "find_spec", lambda _: spec)
    data = LABELLING.read(labelled(kind)[0], CONFIG())

    advice = LABELLING.advice(data, LABELLING.prepare(data, CONFIG()))

    wanted = (
        "a strong baseline, random convolutions + ridge, is left out: aeon is not installed "
        '(pip install "lockgate[aeon]")'
    )
    assert advice == ((wanted,) if kind == "class" and not installed else ())


def test_a_metric_of_another_kind_is_refused(study: Any, labelled: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="metric must be mae or rmse for labels of this kind"):
        study(labelled("number")[0], as_number=True)
    with pytest.raises(DataError, match="metric must be log_loss for labels of this kind, got 'ma"):
        study(labelled("class")[0], metric="mae")

    assert not (tmp_path / "runs").exists()


@pytest.fixture(scope="module")
def partly_labelled() -> Any:
    """Give 60 sequences of tags, of which about half are missing."""
    rng = np.random.default_rng(0)
    x = [rng.normal(size=(int(n), 1)) for n in rng.integers(8, 14, 60)]
    y = [np.where(row[:, 0] > 0, "up", "down").astype(object) for row in x]
    for row in y:
        row[2:][rng.random(len(row) - 2) < 0.6] = None
    return x, y


@pytest.mark.parametrize("more", [{}, {"class_weight": "balanced"}, {"truncated_bptt_steps": 3}])
def test_steps_without_a_label_are_in_no_count_loss_or_score(
    partly_labelled: Any, more: dict[str, Any]
) -> None:
    told = {"at_steps": True, "max_epochs": 2, "hidden_size": 4, "bidirectional": False, **more}
    config = resolve(LabelConfig, told)
    data = LABELLING.read(partly_labelled, config)
    prepared = LABELLING.prepare(data, config)
    described = LABELLING.describe(data, prepared)

    fitted, history = LABELLING.train(prepared, config)
    scorer = LABELLING.scorer(data, prepared, config, "test")
    prediction = LABELLING.predict(fitted, prepared, "test")
    baselines = LABELLING.baselines(data, prepared, config).baselines

    known = sum(np.sum(row != None) for row in partly_labelled[1])  # noqa: E711
    counted = [described["split"][part]["classes"] for part in PARTS]
    assert sum(map(sum, counted)) == known < len(data.all.labels)
    assert described["notices"][0].startswith(f"no label at {len(data.all.labels) - known} of ")
    assert len(scorer.losses(prediction)) == sum(counted[2])
    assert scorer.scores(prediction)["log_loss"] == pytest.approx(
        scorer.losses(prediction).mean(), rel=1e-6
    )
    # the loss that training stops by is that of the same rows
    losses = LABELLING.scorer(data, prepared, config, "validation").losses(
        LABELLING.predict(replace(fitted, temperature=1.0), prepared, "validation")
    )
    assert history.validation[history.best_epoch - 1] == pytest.approx(losses.mean(), rel=1e-5)
    shares = baselines[0].predict("test")[0]
    # calibrated, as all are
    np.testing.assert_allclose(shares, np.array(counted[0]) / sum(counted[0]), atol=2e-3)
    # what is seen of a step tells its label
    assert scorer.scores(baselines[1].predict("test"))["accuracy"] > 0.8


def test_the_report_of_steps_counts_those_with_a_label(study: Any, partly_labelled: Any) -> None:
    results = study(partly_labelled, at_steps=True).results

    counted = sum(results["data"]["split"]["test"]["classes"])
    assert np.sum(results["labels"]["confusion"]) == counted
    assert all(row["wrong"] <= row["steps"] for row in results["labels"]["mistakes"])
    assert any("no label at" in notice for notice in results["data"]["notices"])


@pytest.fixture(scope="module")
def with_holes() -> Any:
    """Give 60 sequences of two channels padded to 12 steps, with holes in the first channel.

    Where a value is missing tells the class; the values tell nothing.
    """
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 12, 2))
    y = np.array(["often", "rarely"] * 30)
    x[..., 0][rng.random((60, 12)) < np.where(y == "often", 0.6, 0.1)[:, None]] = np.nan
    for row, steps in enumerate(rng.integers(6, 13, 60)):
        x[row, steps:] = np.nan
    return x, y


@pytest.mark.parametrize("as_number", [False, True])
def test_missing_values_reach_networks_and_baselines_alike(
    with_holes: Any, as_number: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    x, y = with_holes
    y = (y == "often") * 1.0 if as_number else y
    more = {"as_number": True, "metric": "mae"} if as_number else {}
    told = {"max_epochs": 1, "hidden_size": 4, **more}
    config = resolve(LabelConfig, told)
    data = LABELLING.read((x, y), config)
    prepared = LABELLING.prepare(data, config)

    fitted, _ = LABELLING.train(prepared, config)
    fitted.save(tmp_path / "model")
    notices = LABELLING.describe(data, prepared)["notices"]
    compared = LABELLING.baselines(data, prepared, config)
    scorer = LABELLING.scorer(data, prepared, config, "test")
    scores = {one.name: scorer.scores(one.predict("test")) for one in compared.baselines}

    assert notices[0].endswith("shortened: the steps at their end hold no value")
    assert "beside channels that tell where: 'dim_1' (" in notices[1]
    assert np.isfinite(LABELLING.predict(fitted, prepared, "test")).all()
    if as_number:
        assert scores["summary statistics + ridge"]["mae"] < 0.7 * scores["mean"]["mae"]
    else:
        assert scores["summary statistics + logistic regression"]["accuracy"] > 0.8
    first = fitted.predict(x)
    ended = [row[: np.flatnonzero(~np.isnan(row[:, 1]))[-1] + 1] for row in x]
    assert fitted.predict(ended).equals(first)
    assert load(tmp_path / "model").predict(x).equals(first)
    assert not caplog.records
    holes = x.copy()
    holes[0, 0, 1] = np.nan
    fitted.predict(holes)
    [told_of] = caplog.messages
    assert told_of.startswith("note: missing values filled in channels that were complete in trai")


def test_a_study_compares_a_linear_path_with_the_plain_cell(
    study: Any, labelled: Any, tmp_path: Path
) -> None:
    result = study(labelled("texts")[0], rungs="lstm,linear-path", max_epochs=1)

    plain, linear = result.results["rungs"]
    assert (linear["name"], linear["parent"]) == ("linear-path", "lstm")
    assert "a linear path" in linear["words"]
    assert "a linear path" not in plain["words"]
    # after an epoch the network knows little: it is the path that does
    assert linear["judged"]["log_loss"] < plain["judged"]["log_loss"]
    assert any(one.startswith("linear path: ") for one in result.results["data"]["notices"])


def test_a_linear_path_of_every_rung_is_not_compared_with_itself(labelled: Any) -> None:
    with pytest.raises(DataError, match="linear_path must be off in a study with the rung linear"):
        lockgate.api.plan_study(labelled("texts")[0], rungs="lstm,linear-path", linear_path="on")
