"""Baselines of texts are those of scikit-learn, by word or by character."""

import csv
import gzip
import os
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from lockgate.tasks.labelling.baselines.fit import (
    fit_class_baselines,
    fit_number_baselines,
)
from lockgate.tasks.labelling.scores import row_losses, score_classes

DATA = Path(os.environ.get("LOCKGATE_DATA", Path(__file__).parents[5] / "shared" / "data"))


TRAIN, VALIDATION, TEST = np.arange(60), np.arange(60, 90), np.arange(90, 150)


TFIDF = "TF-IDF + logistic regression"


def test_tf_idf_and_logistic_regression_are_those_of_scikit_learn(reviews, by_name):
    items, y = reviews()

    fitted = by_name(fit_class_baselines(items, y, TRAIN, VALIDATION, 2))[TFIDF]

    terms = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    x = terms.fit_transform([items[i] for i in TRAIN])
    others = {
        name: terms.transform([items[i] for i in rows])
        for name, rows in (("validation", VALIDATION), ("test", TEST))
    }
    judges = [LogisticRegression(C=C, max_iter=1000).fit(x, y[TRAIN]) for C in (0.3, 1, 3, 10)]
    best = min(
        judges,
        key=lambda judge: row_losses(
            judge.predict_proba(others["validation"]), y[VALIDATION], "log_loss"
        ).mean(),
    )
    assert fitted.model.strength == best.C
    assert fitted.setting == f"words and pairs of words, C = {best.C:g}, chosen on validation"
    p = fitted.probabilities(items, TEST)
    np.testing.assert_allclose(p, best.predict_proba(others["test"]), atol=5e-3)
    assert score_classes(p, y[TEST]).accuracy > 0.85


def test_texts_without_spaces_are_taken_by_character(reviews, by_name):
    items, y = reviews()
    items = tuple(text.replace(" ", "") for text in items)

    by_word = by_name(fit_class_baselines(items, y, TRAIN, VALIDATION, 2))
    by_character = by_name(fit_class_baselines(items, y, TRAIN, VALIDATION, 2, by_character=True))

    assert score_classes(by_character[TFIDF].probabilities(items, TEST), y[TEST]).accuracy > 0.8
    assert by_character[TFIDF].setting.startswith("runs of 1 to 3 characters, C = ")
    assert TFIDF not in by_word


def test_texts_without_a_common_word_are_skipped_with_the_reason():
    items = tuple(f"word{i}" for i in range(150))

    fitted = fit_class_baselines(items, np.arange(150) % 2, TRAIN, VALIDATION, 2)

    assert [b.name for b in fitted.baselines] == ["majority class"]
    assert fitted.skipped == ((TFIDF, "no word occurs in 2 training texts or more"),)


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
def test_twenty_thousand_reviews_are_done_in_a_minute(by_name):
    path = DATA / "imdb" / "imdb_train.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    items, y = tuple(row["text"] for row in rows), np.array([row["label"] for row in rows])
    order = np.random.default_rng(0).permutation(len(rows))
    train, validation, test = order[:18_000], order[18_000:20_000], order[20_000:]
    y = np.unique(y, return_inverse=True)[1]

    start = time.process_time()
    fitted = by_name(fit_class_baselines(items, y, train, validation, 2))[TFIDF]
    seconds = time.process_time() - start

    accuracy = score_classes(fitted.probabilities(items, test), y[test]).accuracy
    print(fitted.setting, accuracy, seconds)
    assert accuracy > 0.87
    assert seconds < 60
