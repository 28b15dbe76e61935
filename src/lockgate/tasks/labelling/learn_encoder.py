"""Pre-train, once for all fits of a run, what its networks begin from."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lockgate.errors import count_of
from lockgate.running.machine import check_device
from lockgate.tasks.labelling.config import LabelConfig
from lockgate.tasks.labelling.encoder import Encoder
from lockgate.tasks.labelling.examples import lay_out
from lockgate.tasks.labelling.fitted import build_classifier
from lockgate.tasks.labelling.labelled import Labelled, Ragged
from lockgate.tasks.labelling.prepare import PreparedLabelled
from lockgate.tasks.labelling.pretrain import NAME, perplexity_of, pretrain
from lockgate.training.history import History
from lockgate.training.streams import Streams


def learn_encoder(
    data: Labelled,
    prepared: PreparedLabelled,
    config: LabelConfig,
    further: Sequence[str] = (),
    tell: Callable[[str], None] = lambda _: None,
    checkpoint: Path | None = None,
) -> PreparedLabelled:
    """Return `prepared` with an encoder, if `config` asks for one to be pre-trained.

    It learns from the texts of the training part, and from further ones that are not among `data`:
    what is in the validation or the test part is left out, spelled as it may be.

    Args:
        data: What was read.
        prepared: What was made of it.
        config: A run.
        further: Texts without labels.
        tell: Called with what is done, in words, at the beginning and after every epoch.
        checkpoint: The file from which it goes on if it was killed.

    Raises:
        DataError: If the loss diverges, or the checkpoint is damaged or of another fit.
    """
    if not config.model.pretrain:
        return prepared
    check_device(config.training.device)
    preprocessing, model = prepared.preprocessing, prepared.settle(config.model)
    assert preprocessing.tokenizer is not None
    texts, notices = without_known(further, data, prepared)
    items = [_items(prepared)[row] for row in prepared.parts.train]
    if texts:
        max_length, keep_end = preprocessing.max_length, preprocessing.keep
        encoded = preprocessing.tokens.encode(texts, max_length, keep_end)
        items += [encoded[i] for i in range(len(encoded))]
    streams = Streams.of(config.training.random_state, 0, NAME)
    classifier = build_classifier(model, preprocessing, streams.weights)

    def after_epoch(history: History) -> None:
        done = f"epoch {history.epochs:g} of {model.pretrain_epochs}"
        tell(f"pre-training: {done}, perplexity {perplexity_of(history):.1f}")

    tell("pre-training")
    examples = lay_out(Ragged.of(items), at_steps=False)
    pretrain(classifier, examples, config, after_epoch, checkpoint)
    return replace(
        prepared,
        encoder=Encoder.of(classifier, preprocessing.tokenizer, model),
        notices=(*prepared.notices, *notices),
    )


def without_known(
    further: Sequence[str], data: Labelled, prepared: PreparedLabelled
) -> tuple[list[str], tuple[str, ...]]:
    """Return the texts that are not among those of `data`, each once, and say what was left out."""
    if not further:
        return [], ()
    assert isinstance(data.items, tuple)
    train = {_spelled(data.items[row]) for row in prepared.parts.train}
    parts = prepared.parts
    judged = {_spelled(data.items[row]) for row in np.concatenate([parts.validation, parts.test])}
    once: dict[str, str] = {}
    for text in further:
        once.setdefault(_spelled(text), text)
    known = train | judged
    kept = [text for spelled, text in once.items() if spelled not in known]
    held_out = len(judged.intersection(once))
    notice = (
        f"pre-trained on {count_of(len(kept), 'further text')} of {len(further):,}: left out are "
        f"{held_out:,} that the validation or the test part holds, and what is there twice"
    )
    return kept, (notice,)


def _spelled(text: str) -> str:
    """Return what is equal for texts that differ in blanks and capitals alone."""
    return " ".join(text.split()).casefold()


def _items(prepared: PreparedLabelled) -> Ragged:
    return Ragged(prepared.arrays["values"], np.asarray(prepared.arrays["starts"]))
