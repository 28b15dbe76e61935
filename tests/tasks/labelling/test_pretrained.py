"""An embedding begins from the vectors of a file, stays so for as long as asked, and is saved."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lockgate import load
from lockgate.errors import DataError
from lockgate.estimators.sequences import SequenceClassifier
from lockgate.tasks.labelling.config import ClassifierConfig, LabelConfig, LabelledConfig
from lockgate.tasks.labelling.labelled import Labelled, Ragged
from lockgate.tasks.labelling.prepare import PreparedLabelled, prepare_labelled
from lockgate.tasks.labelling.task import Labelling
from lockgate.training import checkpoint
from lockgate.training.history import History

ROWS = 100
VECTORS = {"good": (1.0, 0.0, 3.0), "bad": (-1.0, 1.0, 0.0), "film": (0.0, 5.0, 1.0)}


def reviews() -> Labelled:
    """Texts of three words that have a vector, two that have none, and one that is unknown."""
    rng = np.random.default_rng(0)
    y = np.arange(ROWS) % 2
    texts = tuple(
        f"{('bad', 'good')[k]} film {rng.choice(['seen', 'twice'])} only{i} again{i}"
        for i, k in enumerate(y)
    )
    names = tuple(map(str, range(ROWS)))
    return Labelled(texts, np.array(["no", "yes"])[y], "class", names, "a.csv")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rows = (f"{word} {' '.join(map(str, numbers))}\n" for word, numbers in VECTORS.items())
    (tmp_path / "v.txt").write_text("".join(rows) + "other 1 2 3\n")
    return tmp_path / "v.txt"


def settings(path: Path, **more: Any) -> ClassifierConfig:
    told = {
        "vectors": str(path),
        "embedding_size": 3,
        "hidden_size": 4,
        "linear_path": "off",
        **more,
    }
    return ClassifierConfig.model_validate(told)


def train(model: ClassifierConfig, epochs: int = 1, **watch: Any) -> tuple[Any, PreparedLabelled]:
    prepared = prepare_labelled(reviews(), LabelledConfig(), model)
    training = {"max_epochs": epochs, "batch_size": 16, "learning_rate": 0.1}
    config = LabelConfig.model_validate({"model": model, "training": training})
    return Labelling().train(prepared, config, **watch)[0], prepared


def vectors_of(fitted: Any) -> dict[str, list[float]]:
    words = fitted.preprocessing.tokens.vocabulary
    return dict(zip(words, fitted.model.embedding.weight.tolist(), strict=True))


def test_frozen_vectors_are_those_of_the_file_and_are_saved_with_the_model(
    path: Path, tmp_path: Path
) -> None:
    fitted, _ = train(settings(path, freeze_vectors="always"), epochs=2)
    fitted.save(tmp_path / "model")
    path.unlink()

    found = vectors_of(load(tmp_path / "model"))

    assert {word: tuple(found[word]) for word in VECTORS} == VECTORS
    assert found["<pad>"] == [0.0, 0.0, 0.0]
    assert load(tmp_path / "model").predict(["a good film"]).height == 1


@pytest.mark.parametrize(
    ("frozen", "epochs", "same"), [(0, 1, False), (1, 1, True), (1, 2, False), (2, 2, True)]
)
def test_vectors_are_trained_after_the_epochs_for_which_they_are_frozen(
    frozen: int, epochs: int, same: bool, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the weights at the end, whichever epoch was best
    monkeypatch.setattr(torch.nn.Module, "load_state_dict", lambda *_: None)

    found = vectors_of(train(settings(path, freeze_vectors=frozen), epochs)[0])

    assert (tuple(found["good"]) == VECTORS["good"]) == same


@pytest.mark.parametrize("look", [2, 3, 4, 7])
@pytest.mark.parametrize("frozen", [1, "always"])
def test_a_fit_that_was_killed_goes_on_with_vectors_as_frozen_as_they_were(
    frozen: Any, look: int, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(checkpoint, "_SHARE", 1e9)
    model, fit = settings(path, freeze_vectors=frozen), tmp_path / "fit"

    def kill(history: History) -> None:
        if history.looks == look:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        train(model, epochs=3, checkpoint=fit, on_epoch=kill)
    again, _ = train(model, epochs=3, checkpoint=fit)

    first, _ = train(model, epochs=3)
    assert vectors_of(again) == vectors_of(first)
    for name, weight in first.model.state_dict().items():
        assert torch.equal(weight, again.model.state_dict()[name]), name


def test_tokens_without_a_vector_are_drawn_like_those_that_have_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "v.txt"
    path.write_text(f"film {' '.join(f'{x:.6f}' for x in rng.normal(5.0, 3.0, 2000))}\n")
    model = settings(path, embedding_size=2000, freeze_vectors="always", hidden_size=1)

    fitted, _ = train(model)

    weight = fitted.model.embedding.weight.detach()
    words = fitted.preprocessing.tokens.vocabulary
    drawn = [i for i, word in enumerate(words) if word not in ("film", "<pad>")]
    away = weight[drawn] - weight[words.index("film")]
    assert away.std().item() == pytest.approx(3.0, rel=0.1)
    assert len({tuple(row) for row in away[:, :5].tolist()}) == len(drawn)


def test_what_the_file_has_is_told_and_kept(path: Path) -> None:
    _, prepared = train(settings(path))

    assert prepared.tokens is not None
    told = {"vocabulary": 3 / 5, "running": 2 / 5}  # two of five words of every text
    assert prepared.tokens["vectors"] == pytest.approx(told)
    assert prepared.notices == (
        "4 vectors of 3 numbers in 'v.txt': they are of 60.0% of the vocabulary, and of 40.0% of "
        "the tokens of the training texts",
    )


def test_a_file_that_was_cut_is_told(path: Path) -> None:
    path.write_text("9 3\n" + path.read_text())

    _, prepared = train(settings(path))

    assert "4 vectors of 3 numbers in 'v.txt' (its header tells of 9):" in prepared.notices[0]


def test_another_embedding_size_is_refused_with_the_one_that_works(path: Path) -> None:
    message = (
        r"embedding_size must be 3, the width of the vectors in 'v.txt', got 64; pass "
        r"embedding_size=3 \(--set embedding_size=3\)"
    )
    with pytest.raises(DataError, match=message):
        train(settings(path, embedding_size=64))


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [("word", "are they of another language?"), ("bpe", "taken apart by bpe: try words")],
)
def test_vectors_without_a_word_of_the_texts_are_refused(
    kind: Any, remedy: str, path: Path
) -> None:
    path.write_text("mot 1 2 3\nparole 4 5 6\n")

    message = f"vectors must have a word of the training texts, got none of .* in the 2 .*{remedy}"
    with pytest.raises(DataError, match=message):
        prepare_labelled(reviews(), LabelledConfig(tokens=kind), settings(path))


def test_sequences_of_numbers_have_no_vectors(path: Path) -> None:
    ragged = Ragged.of([np.full((3, 1), i, dtype=np.float32) for i in range(20)])
    names = tuple(map(str, range(20)))
    data = Labelled(ragged, np.array(["a", "b"] * 10), "class", names, "a.ts", ("x",))

    with pytest.raises(DataError, match="vectors must be left out for sequences of numbers, got"):
        prepare_labelled(data, LabelledConfig(), settings(path))


def test_prepared_data_keep_the_vectors(path: Path, tmp_path: Path) -> None:
    _, prepared = train(settings(path))
    (tmp_path / "prepared").mkdir()

    prepared.save(tmp_path / "prepared")
    again = PreparedLabelled.load(tmp_path / "prepared")

    np.testing.assert_array_equal(again.vectors, prepared.vectors)
    assert again.notices == prepared.notices
    assert again.tokens is not None
    assert again.tokens["vectors"] == pytest.approx({"vocabulary": 3 / 5, "running": 2 / 5})


def test_an_estimator_takes_vectors(path: Path) -> None:
    data = reviews()
    model = SequenceClassifier(
        vectors=str(path), embedding_size=3, freeze_vectors="always", hidden_size=2, max_epochs=1
    ).fit(list(data.items), data.labels)

    assert tuple(vectors_of(model.fitted_)["film"]) == VECTORS["film"]
