"""Baselines of texts are those of scikit-learn, by word or by character."""

import csv
import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from lockgate.scoring.baselines import Grid
from lockgate.tasks.labelling.baselines import texts as class_texts
from lockgate.tasks.labelling.baselines.common import calibrated_loss
from lockgate.tasks.labelling.baselines.fit import (
    fit_class_baselines,
    fit_number_baselines,
)
from lockgate.tasks.labelling.baselines.texts import STRENGTHS
from lockgate.tasks.labelling.scores import score_classes

DATA = Path(os.environ.get("LOCKGATE_DATA", Path(__file__).parents[5] / "shared" / "data"))


TRAIN, VALIDATION, TEST = np.arange(60), np.arange(60, 90), np.arange(90, 150)


TFIDF = "TF-IDF + logistic regression"


def test_tf_idf_and_logistic_regression_are_those_of_scikit_learn(reviews, by_name):
    items, y = reviews()

    fitted = by_name(fit_class_baselines(items, y, TRAIN, VALIDATION, 2))[TFIDF].baseline

    analyzers = {"words": ("word", (1, 2)), "runs": ("char_wb", (2, 5))}
    judges = {}
    for told, (analyzer, n) in analyzers.items():
        terms = TfidfVectorizer(analyzer=analyzer, ngram_range=n, min_df=2, sublinear_tf=True)
        x = terms.fit_transform([items[i] for i in TRAIN])
        validation, test = (terms.transform([items[i] for i in r]) for r in (VALIDATION, TEST))
        for C in STRENGTHS.values:
            judge = LogisticRegression(C=C, max_iter=1000, tol=1e-6).fit(x, y[TRAIN])
            p = judge.predict_proba(validation)
            judges[told, C] = calibrated_loss(p, y[VALIDATION]), judge.predict_proba(test)
    (told, C), (_, expected) = min(judges.items(), key=lambda item: item[1][0])
    assert fitted.setting.startswith(told)
    assert fitted.model.strength == C
    p = fitted.probabilities(items, TEST)
    np.testing.assert_allclose(p, expected, atol=5e-3)
    assert score_classes(p, y[TEST]).accuracy > 0.85


def test_runs_of_characters_are_tried_beside_words_and_the_better_is_told(by_name):
    rng = np.random.default_rng(0)
    y = np.arange(150) % 2
    # each word is new: its ending alone tells the class
    stems = ["".join(rng.choice(list("bcdfgklmnp"), 6)) for _ in range(450)]
    items = tuple(
        " ".join(["film", *(s + ["ing", "ous"][k] for s in stems[3 * i : 3 * i + 3])])
        for i, k in enumerate(y)
    )

    fitted = by_name(fit_class_baselines(items, y, TRAIN, VALIDATION, 2))[TFIDF]

    assert fitted.setting.startswith("runs of 2 to 5 characters within words, C = ")
    assert score_classes(fitted.probabilities(items, TEST), y[TEST]).accuracy == 1.0


def test_runs_within_words_are_left_to_texts_that_are_few_enough(reviews, by_name, monkeypatch):
    monkeypatch.setattr(class_texts, "MOST_CHARACTERS", 100)
    items, y = reviews()

    setting = by_name(fit_class_baselines(items, y, TRAIN, VALIDATION, 2))[TFIDF].setting

    count = sum(len(items[i]) for i in TRAIN)
    assert setting.startswith(
        f"words and pairs of words (runs within words are not tried: {count:,} characters times "
        "classes are over 100), C = "
    )


def test_the_grid_is_left_behind_where_the_best_lies_at_its_edge(reviews, by_name, monkeypatch):
    monkeypatch.setattr(class_texts, "STRENGTHS", Grid((1e-5, 1.0, 10.0), 0, 1))
    items, y = reviews()

    fitted = by_name(fit_class_baselines(items, y, TRAIN, VALIDATION, 2))[TFIDF]

    assert fitted.baseline.model.strength > 1e-5


def test_texts_without_spaces_are_taken_by_character(reviews, by_name):
    items, y = reviews()
    items = tuple(text.replace(" ", "") for text in items)

    by_word = by_name(fit_class_baselines(items, y, TRAIN, VALIDATION, 2))
    by_character = by_name(fit_class_baselines(items, y, TRAIN, VALIDATION, 2, by_character=True))

    assert score_classes(by_character[TFIDF].probabilities(items, TEST), y[TEST]).accuracy > 0.8
    assert by_character[TFIDF].setting.startswith("runs of 1 to 3 characters, C = ")
    assert by_word[TFIDF].setting.startswith("runs of 2 to 5 characters within words, C = ")


def test_texts_without_a_common_word_are_skipped_with_the_reason():
    items = tuple(f"{chr(0x4E00 + i)}" for i in range(150))

    fitted = fit_class_baselines(items, np.arange(150) % 2, TRAIN, VALIDATION, 2)

    assert [b.name for b in fitted.baselines] == ["majority class"]
    assert fitted.skipped == (
        (TFIDF, "no word or run of characters occurs in 2 training texts or more"),
    )


def test_numbers_of_texts_are_a_ridge_on_tf_idf(reviews):
    items, label = reviews()
    y = 3.0 * label + 1.0

    *_, ridge = fit_number_baselines(items, y, TRAIN, VALIDATION).baselines

    assert ridge.name == "TF-IDF + ridge"
    assert np.abs(ridge.numbers(items, TEST) - y[TEST]).mean() < 0.7 * y.std()


def sentences(train, test, encoding, lines):
    """Texts of `label text` lines and their labels, training first, and how many that is."""
    parts = [lines(f"en_sentences/{name}", encoding) for name in (train, test)]
    labels, texts = zip(*(line.split(" ", 1) for line in parts[0] + parts[1]), strict=True)
    return texts, labels, len(parts[0])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "encoding", "accuracy"),
    [
        (("TREC.train.all", "TREC.test.all"), "latin-1", 0.86),
        (("stsa.binary.train", "stsa.binary.test"), "utf-8", 0.79),
    ],
    ids=["TREC", "SST-2"],
)
def test_real_texts(judged, lines, files, encoding, accuracy):
    scores = judged(*sentences(*files, encoding, lines))

    assert scores[TFIDF].accuracy >= accuracy
    assert scores[TFIDF].log_loss < 0.65 * scores["majority class"].log_loss


@pytest.mark.slow
def test_eighteen_thousand_reviews_are_learned_from(by_name):
    path = DATA / "imdb" / "imdb_train.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    items, y = tuple(row["text"] for row in rows), np.array([row["label"] for row in rows])
    order = np.random.default_rng(0).permutation(len(rows))
    train, validation, test = order[:18_000], order[18_000:20_000], order[20_000:]
    y = np.unique(y, return_inverse=True)[1]

    fitted = by_name(fit_class_baselines(items, y, train, validation, 2))[TFIDF]

    assert score_classes(fitted.probabilities(items, test), y[test]).accuracy > 0.87
