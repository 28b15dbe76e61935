"""`train`, `evaluate` and `predict` of labelled data, with labels and without."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import lockgate as package
from lockgate.tasks.labelling.fitted import FittedClassifier

QUICK = ["--set", "hidden_size=4", "--set", "embedding_size=3", "--set", "max_epochs=2"]
QUICK += ["--members", 1, "--no-mix", "--set", "linear_path=off"]
HEAD = "@problemName waves\n@classLabel {}\n@data\n"


def make_reviews(rows: int = 60, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    good = rng.permutation([True, False] * (rows // 2))
    words = {True: ["good", "fine", "great"], False: ["bad", "poor", "weak"]}
    texts = [
        " ".join(["a", *rng.choice(words[bool(g)], 3), "film", str(i)]) for i, g in enumerate(good)
    ]
    return pl.DataFrame(
        {"review": texts, "verdict": np.where(good, "pos", "neg"), "stars": 1.0 + 4.0 * good}
    )


def make_waves(rows: int = 60, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [
        rng.normal(3 * (i % 2), 1.0, int(n)).round(3)
        for i, n in enumerate(rng.integers(2, 9, rows))
    ]


def ts(waves: list[np.ndarray], labels: bool = True) -> str:
    lines = [
        ",".join(map(str, wave)) + (f":{'high' if i % 2 else 'low'}" if labels else "")
        for i, wave in enumerate(waves)
    ]
    return HEAD.format("true low high" if labels else "false") + "\n".join(lines)


def make_steps(steps: int = 400, seed: int = 0) -> pl.DataFrame:
    x = np.random.default_rng(seed).normal(size=(steps, 2)).round(4)
    return pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "on": (x[:, 0] > 0).astype(int)})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Write labelled data of every form, and the same without labels."""
    make_reviews().write_csv(tmp_path / "reviews.csv")
    make_reviews().select("review").write_csv(tmp_path / "plain.csv")
    (tmp_path / "waves.ts").write_text(ts(make_waves()))
    (tmp_path / "plain.ts").write_text(ts(make_waves(), labels=False))
    make_steps().write_csv(tmp_path / "steps.csv")
    make_steps().drop("on").write_csv(tmp_path / "plain_steps.csv")
    return tmp_path


TRAIN = {
    "texts": ["reviews.csv", "--text", "review", "--label", "verdict"],
    "waves": ["waves.ts"],
    "steps": ["steps.csv", "--label", "on", "--at-steps"],
    "numbers": ["reviews.csv", "--text", "review", "--label", "stars", "--set", "metric=mae"],
}
TRAIN["numbers"] += ["--set", "as_number=true"]
PLAIN = {"texts": "plain.csv", "waves": "plain.ts", "steps": "plain_steps.csv"}
PLAIN["numbers"] = "plain.csv"
ALL = pytest.mark.parametrize("kind", TRAIN)


@pytest.fixture
def trained_on(lockgate: Any, data: Path) -> Any:
    """Train on one of the files by the command; give its JSON."""

    def run(kind: str, *more: object) -> dict[str, Any]:
        result = lockgate("train", *TRAIN[kind], *QUICK, "--json", "--out", "model", *more)
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    return run


@ALL
def test_train_scores_beside_the_baselines_and_counts_its_look(trained_on, data, kind):
    told = trained_on(kind)

    metric = "mae" if kind == "numbers" else "log_loss"
    assert (told["metric"], told["test_looks"]) == (metric, 1)
    assert len(told["baselines"]) >= 2
    for row in (told, *told["baselines"]):
        assert row["validation"].keys() == row["test"].keys()
        assert row["test"][metric] >= 0
    files = {"README.md", "config.json", "config.yaml", "metrics.json", "model.safetensors"}
    assert {path.name for path in (data / "model").iterdir()} == {*files, "preprocessing.json"}
    assert (data / "test_looks.json").exists()


def test_train_prints_accuracy_and_log_loss_beside_the_baselines(lockgate, data):
    result = lockgate("train", *TRAIN["texts"], *QUICK, "--cell", "gru")

    assert result.exit_code == 0, result.stderr
    header, *rows = result.stdout.splitlines()
    for name in ("validation log_loss", "test log_loss", "test accuracy", "test macro_f1"):
        assert name in header
    names = [row.split("  ")[0] for row in rows]
    assert names[:3] == ["gru", "majority class", "TF-IDF + logistic regression"]
    assert rows[-1] == "model: runs/reviews-verdict"


@pytest.mark.parametrize("kind", ["waves", "steps", "texts"])
def test_truncated_backpropagation_trains_and_is_kept(trained_on, data, kind):
    one_way = ["--set", "bidirectional=false"]
    whole = trained_on(kind, *one_way, "--set", "truncated_bptt_steps=1000", "--out", "whole")
    plain = trained_on(kind, *one_way)
    cut = trained_on(kind, *one_way, "--set", "truncated_bptt_steps=2", "--out", "cut")

    assert whole["history"]["training"] == pytest.approx(plain["history"]["training"], rel=1e-4)
    assert cut["history"]["training"] != pytest.approx(plain["history"]["training"], rel=1e-4)
    assert package.load(data / "cut").config.training.truncated_bptt_steps == 2


def test_a_study_of_one_direction_takes_truncated_backpropagation(lockgate, data):
    told = ["--rungs", "lstm,gru", "--folds", 3, "--rounds", 3, "--workers", 1, *QUICK]

    result = lockgate("study", "waves.ts", *told, "--set", "truncated_bptt_steps=2", "--json")

    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["config"]["training"]["truncated_bptt_steps"] == 2


def test_probabilities_are_calibrated_on_validation(trained_on, data):
    trained_on("waves")

    assert package.load(data / "model").temperature != 1.0


def test_a_given_test_part_is_scored_with_and_without_what_training_has_too(trained_on, data):
    shutil.copy(data / "waves.ts", data / "again.ts")
    with (data / "again.ts").open("a") as file:
        file.write("\n9.0,8.0,9.5:high\n")

    told = trained_on("waves", "--test", "again.ts")

    assert told["test"].keys() > {"accuracy", "accuracy_without_overlap"}


@ALL
def test_evaluate_gives_the_scores_of_the_same_rows(lockgate, trained_on, data, kind):
    other = {"waves": "other.ts"}.get(kind, "other.csv")
    if kind == "waves":
        (data / other).write_text(ts(make_waves(seed=5)))
    elif kind == "steps":
        make_steps(seed=5).write_csv(data / other)
    else:
        make_reviews(seed=5).write_csv(data / other)
    told = trained_on(kind, "--test", other)

    result = lockgate("evaluate", "model", other, "--json")
    plain = lockgate("evaluate", "model", other)

    found = json.loads(result.stdout)
    assert found["rows"] == (400 if kind == "steps" else 60)
    # of numbers, training keeps the truth in float32
    expected = {name: told["test"][name] for name in found["scores"]}
    assert found["scores"] == (pytest.approx(expected, rel=1e-5) if kind == "numbers" else expected)
    assert plain.stdout.splitlines()[0] == f"{found['rows']} rows of {other}"
    notes = [f"note: {notice}" for notice in found["notices"]]
    assert plain.stdout.splitlines()[1 : 1 + len(notes)] == notes
    header, scores, intervals = plain.stdout.splitlines()[1 + len(notes) :][:3]
    assert header.split()[1:] == list(found["scores"])
    assert scores.startswith("model ")
    assert intervals.startswith("95 % interval ")
    sampled = {"mae", "rmse"} if kind == "numbers" else set(found["scores"]) - {"calibration_error"}
    assert set(found["intervals"]) == sampled
    for name, (low, high) in found["intervals"].items():
        assert low <= found["scores"][name] <= high
        assert f"[{low:.3g}, {high:.3g}]" in intervals


def test_evaluate_shows_accuracy_by_share_kept_and_no_curve_without_dropout(lockgate, trained_on):
    trained_on("waves")
    drops = lockgate("evaluate", "model", "waves.ts", "--mc-samples", 3)
    told = json.loads(lockgate("evaluate", "model", "waves.ts", "--json").stdout)["certainty"]
    rates = ["input", "recurrent", "weight", "embedding", "output"]
    none = [part for rate in rates for part in ("--set", f"{rate}_dropout=0")]
    result = lockgate("train", "waves.ts", *QUICK, *none, "--out", "plain")
    assert result.exit_code == 0, result.stderr
    plain = lockgate("evaluate", "plain", "waves.ts")

    lines = drops.stdout.splitlines()
    assert lines[-3].split() == ["certain", *(f"{share}%" for share in range(100, 0, -10))]
    assert lines[-2].startswith("by probability ")
    assert lines[-1].startswith("by Monte-Carlo dropout, 3 passes ")
    shown = [f"{one['accuracy']:.3f}" for one in told["probability"]]
    assert lines[-2].split()[2:] == shown
    assert told["monte_carlo"]["samples"] == 20
    assert "Monte-Carlo dropout," not in plain.stdout
    assert plain.stdout.splitlines()[-1] == (
        "The network drops nothing, so that there is no Monte-Carlo dropout."
    )


def test_texts_that_are_cut_are_told_of(lockgate, trained_on, data):
    reviews = make_reviews(seed=5).with_row_index()
    long = pl.when(pl.col("index") == 3).then(pl.lit("good " * 5000)).otherwise(pl.col("review"))
    reviews.with_columns(review=long).drop("index").write_csv(data / "long.csv")
    told = trained_on("texts", "--test", "long.csv")

    found = lockgate("evaluate", "model", "long.csv")

    note = "1 text cut to 6 tokens (the longest had 5,000)"
    assert note in told["notices"]
    assert f"note: {note}" in found.stdout.splitlines()


def test_numbers_have_no_share_that_is_right(lockgate, trained_on):
    trained_on("numbers")

    found = json.loads(lockgate("evaluate", "model", "reviews.csv", "--json").stdout)

    assert found["certainty"] is None
    assert "share" not in lockgate("evaluate", "model", "reviews.csv").stdout


def test_one_pass_of_monte_carlo_dropout_is_refused(refused, trained_on):
    trained_on("waves")

    sentence = refused("evaluate", "model", "waves.ts", "--mc-samples", 1)

    assert sentence == "mc_samples must be 2 or more, got 1"


def test_intervals_are_of_groups_where_there_are_groups(lockgate, data):
    reviews = make_reviews(seed=5)
    for name, who in (("rows", range(60)), ("groups", np.arange(60) // 12)):
        reviews.with_columns(who=pl.Series(who)).write_csv(data / f"{name}.csv")
    make_reviews().with_columns(who=pl.Series(range(60))).write_csv(data / "train.csv")
    told = ["--text", "review", "--label", "verdict", "--group", "who"]
    result = lockgate("train", "train.csv", *told, *QUICK, "--out", "model")
    assert result.exit_code == 0, result.stderr

    found = {
        name: json.loads(lockgate("evaluate", "model", f"{name}.csv", "--json").stdout)
        for name in ("rows", "groups")
    }

    assert found["rows"]["scores"] == found["groups"]["scores"]
    assert found["rows"]["intervals"] != found["groups"]["intervals"]


@ALL
def test_predict_needs_no_labels_and_reads_none(lockgate, trained_on, data, kind):
    trained_on(kind)

    plain = lockgate("predict", "model", PLAIN[kind])
    whole = lockgate("predict", "model", TRAIN[kind][0])

    assert plain.exit_code == 0, plain.stderr
    own = pl.read_csv(plain.stdout.encode())
    assert own.drop("name").equals(pl.read_csv(whole.stdout.encode()).drop("name"))
    steps = ["step"] if kind == "steps" else []
    classes = {"texts": "neg pos", "waves": "low high", "steps": "0 1", "numbers": ""}[kind]
    expected = [f"probability_{name}" for name in sorted(classes.split())]
    notes = ["note"] if kind in ("texts", "numbers") else []
    assert own.columns == ["name", *steps, "label", *expected, *notes]
    assert len(own) == (400 if kind == "steps" else 60)
    if kind == "steps":
        assert own["step"].to_list() == list(range(1, 401))
    if kind != "numbers":
        best = own.select(expected).to_numpy().argmax(axis=1)
        assert own["label"].cast(str).to_list() == [expected[k][12:] for k in best]
        np.testing.assert_allclose(own.select(expected).to_numpy().sum(axis=1), 1.0, rtol=1e-6)


def test_blank_and_foreign_texts_are_answered_and_noted(lockgate, trained_on, data, caplog):
    trained_on("texts")
    (data / "other.csv").write_text(
        'review,verdict\ngood film,pos\n" ",neg\nxyzzy qwerty!,pos\n,neg\n'
    )

    shown = lockgate("predict", "model", "other.csv")
    scored = json.loads(lockgate("evaluate", "model", "other.csv", "--json").stdout)

    told = "2 texts blank and 1 text without a known word: the answer rests on no word of theirs"
    found = pl.read_csv(shown.stdout.encode())
    assert found["note"].fill_null("").to_list() == ["", "blank", "no known word", "blank"]
    assert set(found["label"]) <= {"neg", "pos"}
    assert caplog.messages == [f"note: {told}"]
    assert (scored["rows"], scored["notices"][-1]) == (4, told)


@pytest.mark.parametrize(
    ("name", "reader"), [("p.csv", pl.read_csv), ("p.parquet", pl.read_parquet)]
)
def test_predictions_are_written_to_a_file(lockgate, trained_on, data, name, reader, strict_json):
    trained_on("waves")

    result = lockgate("predict", "model", "plain.ts", "--out", name)
    rows = strict_json(lockgate("predict", "model", "plain.ts", "--json").stdout)

    assert result.stderr == f"60 rows written to {name}\n"
    assert reader(data / name).to_dicts() == rows


@pytest.mark.parametrize("kind", ["texts", "waves"])
def test_a_folder_predicts_the_same_elsewhere_to_the_bit(trained_on, data, tmp_path_factory, kind):
    trained_on(kind)
    here = package.load(data / "model").predict(str(data / PLAIN[kind]))
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shutil.move(data / "model", elsewhere / "moved")
    shutil.copy(data / PLAIN[kind], elsewhere)

    command = [str(Path(sys.executable).with_name("lockgate")), "predict", "moved", PLAIN[kind]]
    subprocess.run([*command, "--out", "p.parquet"], cwd=elsewhere, check=True, timeout=120)

    assert pl.read_parquet(elsewhere / "p.parquet").equals(here)


def test_neither_padding_nor_the_rows_beside_change_a_prediction(trained_on, data):
    trained_on("waves")
    model, waves = package.load(data / "model"), make_waves()
    assert isinstance(model, FittedClassifier)

    together = model.predict([*waves, np.ones(300)]).head(len(waves))
    alone = pl.concat([model.predict([wave]) for wave in waves])

    assert alone["label"].equals(together["label"])
    for name in ("probability_low", "probability_high"):
        # rounding of float32
        np.testing.assert_allclose(alone[name], together[name], rtol=1e-5)


def test_sequences_of_an_archive_are_predicted_without_their_labels(lockgate, data):
    waves = make_waves()
    for name, labelled in (("whole.zip", True), ("plain.zip", False)):
        with zipfile.ZipFile(data / name, "w") as archive:
            for i, wave in enumerate(waves):
                archive.writestr(f"wave_{i}.csv", "\n".join(["x", *map(str, wave)]))
            rows = [f"{i},{'high' if i % 2 else 'low'}" for i in range(len(waves))]
            if labelled:
                archive.writestr("target.csv", "\n".join(["id,class", *rows]))
    told = ["whole.zip", "--labels", "target.csv", *QUICK, "--out", "model"]
    result = lockgate("train", *told)
    assert result.exit_code == 0, result.stderr

    found = [lockgate("predict", "model", name).stdout for name in ("whole.zip", "plain.zip")]

    assert found[0] == found[1]
    assert pl.read_csv(found[0].encode()).height == 60


def test_columns_of_other_names_are_told_anew(lockgate, trained_on, data):
    trained_on("texts")
    names = {"review": "body", "verdict": "kind"}
    make_reviews().rename(names).write_csv(data / "renamed.csv", separator="|")
    told = ["renamed.csv", "--text", "body", "--label", "kind", "--separator", "|"]

    predicted = [lockgate("predict", "model", *w).stdout for w in (told, ["reviews.csv"])]
    scored = [lockgate("evaluate", "model", *w, "--json") for w in (told, ["reviews.csv"])]

    assert predicted[0] == predicted[1]
    scores = [json.loads(one.stdout)["scores"] for one in scored]
    assert scores[0] == scores[1]


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_folder_of_the_other_kind_is_refused(refused, trained, data, command):
    sentence = refused(command, trained[1], "waves.ts")

    assert sentence == (
        f"{trained[1]} must hold a classifier of sequences or texts for 'waves.ts', got a "
        "forecaster of a table"
    )


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_classifier_forecasts_nothing(refused, trained_on, data, command):
    trained_on("waves")

    assert refused(command, "model", "--sample", "co2") == (
        "model must hold a forecaster of a table for 'sample:co2', got a classifier of sequences "
        "or texts"
    )
    assert " must name " in refused(command, "model", "steps.csv")


@pytest.mark.parametrize(
    ("command", "name", "content", "words"),
    [
        ("predict", "other.csv", "text\ngood\n", "got 'review'; the columns are"),
        ("evaluate", "other.csv", "review\ngood\nbad\n", "got 'verdict'"),
        ("evaluate", "other.csv", "review,verdict\ngood,so\nbad,neg\n", "got 'so'"),
        ("predict", "nope.csv", None, "source must be an existing file"),
    ],
    ids=["column", "no-label", "unknown-label", "no-file"],
)
def test_what_cannot_be_read_is_told(refused, trained_on, data, command, name, content, words):
    trained_on("texts")
    if content:
        (data / name).write_text(content)

    assert words in refused(command, "model", name)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (ts([np.array([1.0, np.inf])], labels=False), "every value of a sequence must be a finite"),
        (HEAD.format("false") + "1,2:3,4\n", "must have the channels dim_1, got dim_1, dim_2"),
        (HEAD.format("false"), "must hold"),
    ],
    ids=["infinite", "channels", "none"],
)
def test_sequences_that_cannot_be_predicted_are_told(refused, trained_on, data, content, words):
    trained_on("waves")
    (data / "other.ts").write_text(content)

    assert words in refused("predict", "model", "other.ts", "--out", "p.csv")


def test_a_training_of_one_class_is_refused_and_nothing_is_written(refused, data):
    (data / "one.ts").write_text(ts(make_waves()).replace(":high", ":low"))

    assert "two classes or more" in refused("train", "one.ts", *QUICK, "--out", "model")


def test_a_training_that_diverged_at_once_is_not_saved(lockgate, data):
    result = lockgate("train", "waves.ts", *QUICK, "--set", "learning_rate=1e38", "--out", "model")

    assert result.exit_code == 2
    assert "diverged in its first epoch" in result.stderr.splitlines()[-1]
    assert not (data / "model").exists()
    assert not (data / "test_looks.json").exists()
