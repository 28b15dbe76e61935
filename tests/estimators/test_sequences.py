"""The estimators of sequences keep scikit-learn's contract, and lengths never leak."""

import inspect

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import lockgate
from lockgate import DataError, SequenceClassifier, SequenceRegressor, load
from lockgate.settings import resolve, setting_paths
from lockgate.tasks.labelling.config import LabelConfig

# of the settings of a run those that tell how files are read and parted
OF_FILES = {"text", "label", "labels", "at_steps", "as_number", "several", "id", "step", "inputs"}
OF_FILES |= {"group", "time", "test", "validation", "separator", "encoding", "header", "cut"}
OF_FILES |= {"drop_empty", "unlabelled", "mc_samples", "members", "mix"}
OF_FILES |= {"folds", "keep_validation"}  # of studies
PLAIN = {"input_dropout": 0.0, "recurrent_dropout": 0.0, "weight_dropout": 0.0}
PLAIN |= {"output_dropout": 0.0, "device": "cpu"}
# few epochs, and no dropout: the checks want many fits that learn
QUICK = {**PLAIN, "cell": "gru", "learning_rate": 0.03, "max_epochs": 30}
SMALL = {"hidden_size": 4, "max_epochs": 2, "device": "cpu"}


@parametrize_with_checks(
    [
        SequenceClassifier(**QUICK, hidden_size=8, batch_size=32),
        SequenceRegressor(**QUICK, hidden_size=16, batch_size=16),
    ]
)
# the checks warn where they must: of a column for y, of classes that are numbers
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_checks_pass(estimator, check):
    check(estimator)


def sequences(count: int = 120, channels: int = 2, seed: int = 0) -> list[np.ndarray]:
    """Sequences of 2 to 9 steps; those at odd places are higher."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(2, 10, count)
    return [
        rng.normal(3.0 * (i % 2), 1.0, (n, channels)).astype(np.float32)
        for i, n in enumerate(lengths)
    ]


def labels(count: int = 120) -> np.ndarray:
    return np.array(["low", "high"] * (count // 2))


def texts(count: int = 120) -> list[str]:
    return [f"a {'good' if i % 2 else 'bad'} film, seen {i % 7} times" for i in range(count)]


@pytest.fixture(scope="module")
def fitted() -> SequenceClassifier:
    """A classifier of sequences that has learned. Not to be changed."""
    return SequenceClassifier(**QUICK, hidden_size=8).fit(sequences(), labels())


@pytest.mark.parametrize("kind", [SequenceClassifier, SequenceRegressor])
def test_the_arguments_are_the_settings_of_a_run_with_their_defaults(kind):
    own = {"class_weight", "linear_path"} if kind is SequenceRegressor else {"metric"}
    settings = {"metric": "rmse"} if kind is SequenceRegressor else {}

    assert set(inspect.signature(kind).parameters) == set(setting_paths(LabelConfig)) - (
        OF_FILES | own
    )
    assert resolve(LabelConfig, kind().get_params()) == resolve(LabelConfig, settings)


def test_every_argument_is_documented():
    told = SequenceClassifier.__doc__.split("Attributes:")[0] + SequenceRegressor.__doc__

    for kind in (SequenceClassifier, SequenceRegressor):
        for name in inspect.signature(kind).parameters:
            assert name in told, name


def test_sequences_of_unequal_length_are_classified(fitted):
    assert fitted.classes_.tolist() == ["high", "low"]
    assert fitted.score(sequences(seed=1), labels()) > 0.95
    assert not hasattr(fitted, "n_features_in_")
    np.testing.assert_allclose(fitted.predict_proba(sequences()).sum(axis=1), 1.0, rtol=1e-6)


def test_the_other_rows_change_no_prediction(fitted):
    X = sequences(20, seed=2)
    together = fitted.predict_proba([*X, np.ones((200, 2))])[:-1]

    alone = np.concatenate([fitted.predict_proba([x]) for x in X])

    # rounding of float32 over at most 9 steps
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-7)


def test_a_block_is_a_list_of_sequences_of_one_length(fitted):
    block = np.stack([x[:2] for x in sequences(10, seed=3)])

    np.testing.assert_array_equal(fitted.predict_proba(block), fitted.predict_proba(list(block)))


def test_a_table_is_a_channel_over_its_columns():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(40, 6))

    model = SequenceClassifier(**SMALL).fit(table, labels(40))

    assert model.n_features_in_ == 6
    expected = model.predict_proba(table)
    np.testing.assert_array_equal(model.predict_proba(table[..., None]), expected)
    np.testing.assert_array_equal(model.predict_proba([list(row) for row in table]), expected)
    assert model.predict([table[0], table[1, :3]]).shape == (2,)


@pytest.mark.parametrize("kind", [list, tuple, np.array, pd.Series], ids=lambda k: k.__name__)
def test_texts_are_classified(kind):
    X = kind(texts())

    model = SequenceClassifier(**QUICK, hidden_size=8, min_count=1).fit(X, labels())

    assert model.score(X, labels()) == 1.0
    assert model.predict(["a bad film", "a good film"]).tolist() == ["low", "high"]


def test_classes_that_are_numbers_keep_their_type_and_order():
    y = np.tile([10, 9, -1], 14)

    model = SequenceClassifier(**SMALL).fit(sequences(42), y)

    assert model.classes_.tolist() == [-1, 9, 10]
    assert model.predict(sequences(3)).dtype == y.dtype
    assert model.fitted_.preprocessing.classes == ("-1", "9", "10")


def test_a_blank_text_is_answered_but_not_learned_from():
    X, y = texts(), ["n", "p"] * 60
    model = SequenceClassifier(hidden_size=4, max_epochs=1).fit(X, y)

    assert np.isfinite(model.predict_proba(["", "a good film"])).all()
    with pytest.raises(DataError, match="every text must hold something, got 1 empty one: row 1"):
        SequenceClassifier().fit([" ", *X[1:]], y)


def test_classes_of_texts_of_numbers_are_told_apart_in_their_order():
    X, y = sequences(), np.where(labels() == "low", "9", "10")

    model = SequenceClassifier(**QUICK, hidden_size=8).fit(X, y)

    assert model.classes_.tolist() == ["10", "9"]
    assert model.score(X, y) > 0.95


def test_a_number_for_each_sequence():
    X = sequences()
    y = np.array([1e6 + x.mean() for x in X])

    model = SequenceRegressor(**QUICK, hidden_size=8).fit(X, y)

    assert model.score(sequences(), y) > 0.8
    assert abs(model.predict(X).mean() - 1e6) < 10


def test_few_rows_are_all_learned_from_for_all_epochs():
    few = SequenceClassifier(**{**SMALL, "max_epochs": 4}, patience=1).fit(
        sequences(98), labels(98)
    )
    many = SequenceClassifier(**SMALL).fit(sequences(), labels())

    assert (few.history_.epochs, few.history_.validation) == (4, [])
    assert few.fitted_.temperature == 1.0
    assert many.history_.epochs == 2
    assert many.fitted_.temperature != 1.0


def test_a_class_with_one_row_is_learned_from():
    y = labels().astype("<U5")
    y[7] = "other"

    model = SequenceClassifier(**SMALL).fit(sequences(), y)

    assert model.classes_.tolist() == ["high", "low", "other"]


def test_groups_are_kept_together(monkeypatch):
    from lockgate.estimators import sequences as module

    seen = []
    split = module.split_validation
    monkeypatch.setattr(
        module, "split_validation", lambda data, seed: seen.append(split(data, seed)) or seen[-1]
    )
    groups = np.arange(120) // 6

    SequenceClassifier(**SMALL).fit(sequences(), labels(), groups=groups)

    assert len(seen[0].validation)
    assert not {*groups[seen[0].train]} & {*groups[seen[0].validation]}


def test_a_class_that_weighs_more_is_predicted_more():
    X = [np.zeros((3, 1), dtype=np.float32) + i % 3 for i in range(60)]
    plain = SequenceClassifier(**QUICK, hidden_size=4)

    for name in ("low", "high"):
        model = clone(plain).set_params(class_weight={name: 1000.0}).fit(X, labels(60))
        assert (model.predict(X) == name).all()


def test_a_grid_is_searched_over_lists():
    search = GridSearchCV(
        SequenceClassifier(**SMALL), {"cell": ["rnn", "gru"]}, cv=2, error_score="raise"
    )

    search.fit(sequences(), labels())

    assert search.best_params_["cell"] in ("rnn", "gru")
    assert search.predict(sequences(4)).shape == (4,)


def test_it_ends_a_pipeline_and_shows_itself():
    table = np.random.default_rng(0).normal(size=(40, 6))
    pipeline = make_pipeline(StandardScaler(), SequenceClassifier(**SMALL))

    pipeline.fit(table, labels(40))

    assert pipeline.predict(table).shape == (40,)
    assert "SequenceClassifier" in pipeline._repr_html_()


def test_a_saved_model_predicts_the_same_to_the_bit(fitted, tmp_path):
    from lockgate.tasks.labelling.sources.sequences import from_arrays

    fitted.fitted_.save(tmp_path / "model")
    data = from_arrays(sequences())

    again = load(tmp_path / "model")

    assert np.array_equal(again.predict_data(data), fitted.fitted_.predict_data(data))


def test_no_seed_is_a_new_one_each_time():
    fits = [SequenceClassifier(**SMALL, random_state=s) for s in (0, 0, None, None)]

    found = [model.fit(sequences(), labels()).predict_proba(sequences()) for model in fits]

    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[2], found[3])


@pytest.mark.parametrize(
    ("X", "y", "rule"),
    [
        (sequences(4), ["a"] * 4, "y must hold two classes or more, got one class, .'a'"),
        (sequences(4), None, "requires y to be passed, but the target y is None"),
        (sequences(4), ["a", "b"], "inconsistent numbers of samples"),
        (
            sequences(4),
            ["a", "b", None, "a"],
            "y must hold a label for each row, got none in row 3",
        ),
        (np.zeros((4, 3)), ["a", "b", "b", None], "y must hold a label for each row, .* row 4"),
        ([*sequences(3), np.zeros((0, 2))], list("abab"), "got 1 empty one: row 4"),
        ([*sequences(3), np.full((1, 2), np.nan)], list("abab"), "got 1 empty one: row 4"),
        ([*sequences(3), np.zeros((2, 5))], list("abab"), "as many channels each, got 2 in row 1"),
        (["good", " "], ["a", "b"], "every text must hold something, got 1 empty one: row 2"),
    ],
    ids=[
        "one-class",
        "no-y",
        "few-y",
        "none-y",
        "none-y-of-a-table",
        "empty",
        "nan",
        "channels",
        "empty-text",
    ],
)
def test_what_cannot_be_learned_from_is_told(X, y, rule):
    with pytest.raises(ValueError, match=rule):
        SequenceClassifier(**SMALL).fit(X, y)


def test_other_data_than_it_was_fitted_to_are_refused(fitted):
    with pytest.raises(DataError, match="must hold sequences of numbers, as the training part did"):
        fitted.predict(["a text"])
    with pytest.raises(DataError, match=r"must have the channels dim_1, dim_2, got dim_1"):
        fitted.predict(np.zeros((3, 4)))


@pytest.mark.parametrize("kind", [SequenceClassifier, SequenceRegressor])
def test_a_faulty_argument_is_told_when_fitting(kind):
    model = kind(cell="lstn", keep="middle")

    with pytest.raises(DataError, match=r"keep must be .*'middle'.*cell must be .*'lstn'"):
        model.fit(sequences(4), [0, 1, 0, 1])


def test_a_fit_that_diverged_at_once_is_refused():
    model = SequenceClassifier(**SMALL, learning_rate=1e38)

    with pytest.raises(DataError, match="diverged in its first epoch"):
        model.fit(sequences(), labels())


def test_without_fit_nothing_is_predicted(fitted):
    with pytest.raises(NotFittedError):
        clone(fitted).predict(sequences(2))


def test_they_are_the_public_ones():
    assert lockgate.SequenceClassifier is SequenceClassifier
    assert lockgate.SequenceRegressor is SequenceRegressor


def test_a_table_and_sequences_padded_with_nan_are_those_that_end(fitted):
    ragged = sequences(8)
    longest = max(map(len, ragged))
    padded = np.full((8, longest, 2), np.nan)
    for row, own in zip(padded, ragged, strict=True):
        row[: len(own)] = own

    assert np.array_equal(fitted.predict_proba(padded), fitted.predict_proba(ragged))
    table = SequenceClassifier(**SMALL).fit(padded[..., 0], list("abababab"))
    assert table.predict(padded[..., 0]).tolist() == table.predict(padded[:, :, :1]).tolist()
