"""Several classifiers are the mean of their probabilities, mixed with a linear model of texts."""

from typing import Any

import numpy as np
import pytest

import lockgate
from lockgate.scoring.probabilities import log_scores, probabilities
from lockgate.settings import resolve
from lockgate.tasks.labelling.config import LabelConfig
from lockgate.tasks.labelling.task import TASK

SMALL = {"hidden_size": 4, "embedding_size": 3, "max_epochs": 2, "linear_path": "off"}


@pytest.fixture
def fitted(labelled: Any) -> Any:
    """Give two fits of a kind of data, and what they were fitted to."""

    def fit(kind: str) -> Any:
        source, told = labelled(kind)
        config = resolve(LabelConfig, {**SMALL, **told})
        data = TASK.read(source, config)
        prepared = TASK.prepare(data, config)
        fits = [TASK.train(prepared, config, seed=k, stop=None)[0] for k in range(2)]
        return fits, prepared, data, config

    return fit


@pytest.mark.parametrize("kind", ["class", "steps", "texts", "several", "number"])
def test_the_prediction_is_the_mean_of_the_members(fitted: Any, kind: str) -> None:
    fits, prepared, _, _ = fitted(kind)

    joined = TASK.committees.join(fits, prepared, None)

    judge = np.mean([TASK.predict(one, prepared, "test") for one in fits], axis=0)
    np.testing.assert_allclose(TASK.predict(joined, prepared, "test"), judge, rtol=1e-6)
    alone = TASK.committees.alone(joined, 1)
    own = TASK.predict(fits[1], prepared, "test")
    np.testing.assert_array_equal(TASK.predict(alone, prepared, "test"), own)


@pytest.mark.parametrize("kind", ["class", "several"])
def test_the_mean_is_calibrated_as_one_network_is(fitted: Any, kind: str) -> None:
    fits, prepared, _, _ = fitted(kind)
    plain = TASK.committees.join(fits, prepared, None)
    joined = TASK.committees.join(fits, prepared, "validation")
    again = TASK.committees.join(fits, prepared, None, like=joined)

    assert joined.temperature != 1.0
    assert again.temperature == joined.temperature
    mean = TASK.predict(plain, prepared, "test")
    several = kind == "several"
    judge = probabilities(log_scores(mean, several=several), joined.temperature, several=several)
    np.testing.assert_allclose(TASK.predict(joined, prepared, "test"), judge, rtol=1e-9)


@pytest.mark.parametrize("kind", ["texts", "several"])
def test_a_mixture_with_the_linear_model_survives_a_folder(
    fitted: Any, labelled: Any, tmp_path: Any, kind: str
) -> None:
    fits, prepared, data, config = fitted(kind)
    compared = TASK.baselines(data, prepared, config, "validation").baselines
    linear = next(one for one in compared if one.name.startswith("TF-IDF"))
    assert TASK.committees.mixes(linear)

    again = TASK.committees.refit(data, prepared, config, linear)
    joined = TASK.committees.join(fits, prepared, None)
    mixed = TASK.committees.mixed(joined, again, 0.25)

    judge = 0.25 * TASK.predict(joined, prepared, "test") + 0.75 * again.predict("test")
    np.testing.assert_allclose(TASK.predict(mixed, prepared, "test"), judge, rtol=1e-6)
    mixed.save(tmp_path / "model")
    loaded = lockgate.load(tmp_path / "model")
    texts = labelled(kind)[0][0]
    assert loaded.predict(texts).equals(mixed.predict(texts))
    rows = prepared.parts.test
    of_rows = loaded.predict([texts[row] for row in rows])
    shown = of_rows.select(name for name in of_rows.columns if name.startswith("probability_"))
    np.testing.assert_allclose(shown.to_numpy(), judge, atol=1e-5)


def test_the_linear_model_is_fitted_again_with_its_choices(fitted: Any) -> None:
    _, prepared, data, config = fitted("texts")
    compared = TASK.baselines(data, prepared, config, "validation").baselines
    linear = next(one for one in compared if one.name.startswith("TF-IDF"))

    again = TASK.committees.refit(data, prepared, config, linear)

    # the judge: scikit-learn on all but the test part
    from sklearn.linear_model import LogisticRegression

    rows = prepared.parts.rows("development")
    texts = [data.all.items[row] for row in rows]
    y = prepared.preprocessing.targets(data.all)[rows]
    text = linear.model.baseline
    vectorizer = type(text.terms.vectorizer)(**text.terms.vectorizer.get_params())
    model = LogisticRegression(C=text.model.strength, max_iter=1000, tol=1e-6)
    model.fit(vectorizer.fit_transform(texts), y)
    test = [data.all.items[row] for row in prepared.parts.test]
    p = model.predict_proba(vectorizer.transform(test))
    judge = probabilities(np.log(p), linear.model.temperature)
    np.testing.assert_allclose(again.predict("test"), judge, atol=1e-5)


def test_baselines_that_no_folder_keeps_are_not_mixed_in(fitted: Any) -> None:
    _, prepared, data, config = fitted("class")

    compared = TASK.baselines(data, prepared, config, "validation").baselines

    assert compared
    assert not any(TASK.committees.mixes(one) for one in compared)


def test_a_part_too_small_to_be_halved_is_told(fitted: Any) -> None:
    _, prepared, _, _ = fitted("class")

    rows = len(prepared.parts.validation)
    assert rows < 40
    assert TASK.committees.why_not_halved(prepared) == (
        f"the validation part has {rows} rows, under 40, and is not halved"
    )
