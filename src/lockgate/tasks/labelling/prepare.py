"""Prepare labelled data for training: part, learn from the training rows, lay out."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from lockgate.errors import DataError, quoted
from lockgate.files import write_text
from lockgate.tasks.base import Span
from lockgate.tasks.labelling.baselines.texts import TextLogistic
from lockgate.tasks.labelling.config import ClassifierConfig, LabelledConfig
from lockgate.tasks.labelling.encoder import FILE as ENCODER
from lockgate.tasks.labelling.encoder import Encoder, find_encoder, read_encoder
from lockgate.tasks.labelling.examples import Examples
from lockgate.tasks.labelling.labelled import Labelled, Ragged, check_labelled
from lockgate.tasks.labelling.linear_fit import fit_linear_path
from lockgate.tasks.labelling.linear_path import LinearPath, read_linear_path
from lockgate.tasks.labelling.parts import Parts, Rows, check_labels, not_given, split_parts
from lockgate.tasks.labelling.preprocessing import Encoded, LabelPreprocessing, learn_labelled
from lockgate.tasks.labelling.pretrained import read_pretrained
from lockgate.tasks.labelling.scorer import known

VECTORS = "vectors.npy"
PLAIN = ClassifierConfig()
_ROWS = ("train", "validation", "test", "overlap", "mixing")
_ARRAYS = ("values", "starts", "y", "weights", "linear")


@dataclass(frozen=True)
class PreparedLabelled:
    """Labelled data, ready to train on: the arrays of all of it and the rows of its parts."""

    arrays: dict[str, npt.NDArray[np.generic]]
    parts: Parts
    preprocessing: LabelPreprocessing
    tokens: dict[str, Any] | None = None
    """How texts are taken apart; see `Encoded`."""
    linear_path: LinearPath | None = None
    """What gave the array `linear`, the scores of a linear model."""
    encoder: Encoder | None = None
    """That embedding and stack begin from: pre-trained in this run, or read."""
    vectors: npt.NDArray[np.float32] | None = None
    """That the embedding begins from, `(tokens, embedding_size)`; NaN where there is none."""
    notices: tuple[str, ...] = ()
    """What should be said of what the network begins from."""
    compares_path: bool = False
    """Whether networks with a linear path are compared with others, which have none then."""
    text_logistic: TextLogistic | None = None
    """The baseline that the linear path is made of, chosen by the rows that stop a fit; None where
    it would have to be fitted again."""

    def settle(self, model: ClassifierConfig) -> ClassifierConfig:
        """Return the settings of a network with what they leave to the data."""
        if model.linear_path != "auto":
            return model
        has = self.linear_path is not None and not self.compares_path
        return model.model_copy(update={"linear_path": "on" if has else "off"})

    def examples(self, part: Span) -> Examples:
        """Return the examples of `part`."""
        arrays = {name: torch.from_numpy(array) for name, array in self.arrays.items()}
        return Examples(
            **arrays,
            rows=torch.from_numpy(self.parts.rows(part)),
            at_steps=self.preprocessing.kind == "steps",
        )

    def save(self, folder: Path) -> None:
        """Write everything to `folder`; other processes map the arrays instead of copying."""
        for name, array in self.arrays.items():
            np.save(folder / f"{name}.npy", array)
        parts = self.parts._asdict()
        for name in _ROWS:
            np.save(folder / f"{name}.npy", parts[name])
        if self.linear_path is not None:
            self.linear_path.write_into(folder)
        if self.vectors is not None:
            np.save(folder / VECTORS, self.vectors)
        if self.encoder is not None:
            self.encoder.write_into(folder)
        notices = {
            "parts": self.parts.notices,
            "tokens": self.tokens,
            "learned": self.notices,
            "compares_path": self.compares_path,
        }
        write_text(folder / "notices.json", json.dumps(notices))
        write_text(folder / "preprocessing.json", self.preprocessing.model_dump_json())

    @staticmethod
    def load(folder: Path) -> "PreparedLabelled":
        """Map what `save` wrote."""
        text = (folder / "preprocessing.json").read_text(encoding="utf-8")
        notices = json.loads((folder / "notices.json").read_text(encoding="utf-8"))
        rows = {name: np.load(folder / f"{name}.npy", allow_pickle=False) for name in _ROWS}
        arrays = {
            # copy on write: torch asks for writable memory, nothing is ever written
            name: np.load(folder / f"{name}.npy", mmap_mode="c", allow_pickle=False)
            for name in _ARRAYS
            if (folder / f"{name}.npy").exists()
        }
        preprocessing = LabelPreprocessing.model_validate_json(text)
        linear = "linear" in arrays
        vectors, encoder = folder / VECTORS, folder / ENCODER
        return PreparedLabelled(
            arrays,
            Parts(**rows, notices=tuple(notices["parts"])),
            preprocessing,
            notices["tokens"],
            read_linear_path(folder, preprocessing.outputs) if linear else None,
            read_encoder(encoder) if encoder.exists() else None,
            np.load(vectors, mmap_mode="c") if vectors.exists() else None,
            tuple(notices["learned"]),
            notices["compares_path"],
        )


def prepare_labelled(
    data: Labelled,
    config: LabelledConfig,
    model: ClassifierConfig = PLAIN,
    *,
    test: Rows | None = None,
    validation: Rows | None = None,
    compares_path: bool = False,
) -> PreparedLabelled:
    """Part `data`, learn from its training rows and lay it out.

    Args:
        data: Everything that was read, the given parts too.
        config: How.
        model: What a network begins from: a linear path, vectors of words.
        test: Rows of a test part that was given.
        validation: Rows of a validation part that was given.
        compares_path: Whether networks with a linear path are compared with others, so that there
            must be one.

    Raises:
        DataError: If nothing can be learned from it, or it cannot be parted.
    """
    # before classes are counted: what is unknown is mostly rare too
    given = {"validation": validation, "test": test}
    check_labels(data, not_given(data, validation, test), given)
    check_labelled(data)
    parts = split_parts(
        data,
        config.split_seed,
        test=test,
        validation=validation,
        by_time=data.times is not None,
    )
    return prepare_parts(data, parts, config, model, compares_path=compares_path)


def prepare_parts(
    data: Labelled,
    parts: Parts,
    config: LabelledConfig,
    model: ClassifierConfig = PLAIN,
    *,
    compares_path: bool = False,
) -> PreparedLabelled:
    """Learn from the training rows of data that are parted, and lay them out."""
    if compares_path:
        model = model.model_copy(update={"linear_path": "on"})
    if not data.is_text:
        _check_texts_alone(config, model)
    encoder = None if model.encoder is None else find_encoder(model.encoder)
    if encoder is not None:
        encoder.check_reading(config)
    tokens = None if encoder is None else encoder.tokens
    encoded = learn_labelled(data, parts.train, config, tokens)
    arrays = _lay_out(data, encoded, config, parts.train)
    prepared = PreparedLabelled(
        arrays, parts, encoded.preprocessing, encoded.tokens, encoder=encoder
    )
    if model.vectors is not None:
        prepared = _with_vectors(prepared, model)
    reads_texts = prepared.tokens is not None and data.kind in ("class", "classes")
    if model.linear_path == "on" or (model.linear_path == "auto" and reads_texts):
        prepared = _with_linear_path(prepared, data, config.split_seed, model.linear_path)
    return replace(prepared, compares_path=compares_path)


def _check_texts_alone(config: LabelledConfig, model: ClassifierConfig) -> None:
    """Refuse for sequences of numbers what only networks of texts begin from."""
    for name, given in (
        ("vectors", model.vectors),
        ("encoder", model.encoder),
        ("unlabelled", config.unlabelled),
        ("pretrain", model.pretrain),
    ):
        if given:
            raise DataError(
                f"{name} must be left out for sequences of numbers, got {quoted(given)}: it is for "
                "texts"
            )


def _with_vectors(prepared: PreparedLabelled, model: ClassifierConfig) -> PreparedLabelled:
    assert prepared.tokens is not None
    items = Ragged(prepared.arrays["values"], np.asarray(prepared.arrays["starts"]))
    training = np.concatenate([items[row] for row in prepared.parts.train])
    read = read_pretrained(prepared.preprocessing.tokens, training, model)
    return replace(
        prepared,
        vectors=read.values,
        tokens={**prepared.tokens, "vectors": read.coverage},
        notices=(*prepared.notices, read.notice),
    )


def _with_linear_path(
    prepared: PreparedLabelled, data: Labelled, seed: int, asked: str
) -> PreparedLabelled:
    try:
        linear = fit_linear_path(data, prepared.parts, prepared.preprocessing, seed)
    except DataError as error:
        if asked == "on":
            raise
        why_not = f"no linear path: {str(error).partition(';')[0]}"
        return replace(prepared, notices=(*prepared.notices, why_not))
    notice = f"linear path: logistic regression on TF-IDF of {linear.baseline.setting}"
    return replace(
        prepared,
        arrays={**prepared.arrays, "linear": linear.scores},
        linear_path=linear.path,
        text_logistic=linear.baseline,
        notices=(*prepared.notices, notice),
    )


def _lay_out(
    data: Labelled, encoded: Encoded, config: LabelledConfig, train: Rows
) -> dict[str, npt.NDArray[np.generic]]:
    """Return the arrays of `Examples`, by name."""
    preprocessing, ragged = encoded.preprocessing, encoded.items
    y = preprocessing.targets(data)
    if preprocessing.kind == "steps" and isinstance(data.items, Ragged):
        y = preprocessing.shortened_labels(y, data.items)
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "values": ragged.values,
        "starts": ragged.starts,
        "y": y,
    }
    if config.class_weight == "balanced" and preprocessing.kind in ("class", "steps"):
        # what is cut off does not count
        of_rows = Ragged(y, ragged.starts) if preprocessing.kind == "steps" else y[:, None]
        own = np.concatenate([of_rows[i] for i in train])
        own = own[known(own)]
        counts = np.bincount(own, minlength=len(preprocessing.classes))
        weights = len(own) / (len(counts) * np.maximum(counts, 1))
        arrays["weights"] = weights.astype(np.float32)[np.where(known(y), y, 0)]
    return arrays
