"""Labels of sequences and texts, as a study sees them."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lockgate.errors import DataError, listed
from lockgate.nn import Reach, gradient_reach
from lockgate.scoring.arrays import FloatArray
from lockgate.tasks.base import (
    PARTS,
    Candidate,
    Chosen,
    Compared,
    OnEpoch,
    Span,
    check,
    ignore,
)
from lockgate.tasks.labelling.baselines.fit import fit_class_baselines, fit_number_baselines
from lockgate.tasks.labelling.baselines.sequences import NO_AEON, convolutions_why_not
from lockgate.tasks.labelling.committees import LabelCommittees, calibrated
from lockgate.tasks.labelling.config import NAME, ClassifierConfig, LabelConfig, LabelTrainingConfig
from lockgate.tasks.labelling.encoder import find_encoder
from lockgate.tasks.labelling.examples import Examples
from lockgate.tasks.labelling.fitted import FittedClassifier, build_classifier, load
from lockgate.tasks.labelling.labelled import LabelData, Ragged
from lockgate.tasks.labelling.ladder import LADDER, compares_linear_path
from lockgate.tasks.labelling.learn_encoder import learn_encoder
from lockgate.tasks.labelling.pages import PAGES, LabelPages
from lockgate.tasks.labelling.prepare import PreparedLabelled, prepare_labelled
from lockgate.tasks.labelling.rounds import LabelRounds
from lockgate.tasks.labelling.scorer import LabelScorer, block_order, known, units_of
from lockgate.tasks.labelling.shown import labels_shown
from lockgate.tasks.labelling.sources.further import read_further
from lockgate.tasks.labelling.sources.read import read_labelled
from lockgate.tasks.labelling.train import check_metric, start, train_classifier
from lockgate.tasks.labelling.truncated import losses
from lockgate.tasks.labelling.tuning import TUNING, LabelTuning
from lockgate.tasks.results import Check
from lockgate.tasks.stack.rungs import Place, Rung, model_config
from lockgate.training.history import History
from lockgate.training.losses import Batch
from lockgate.training.streams import Streams

LONG = 400
REACH_ROWS = 64
MANY_PADDED = 0.4


@dataclass(frozen=True)
class Labelling:
    """Classes, tags or numbers of sequences or texts."""

    @property
    def name(self) -> str:
        """What the results call the task."""
        return NAME

    @property
    def ladder(self) -> tuple[Rung, ...]:
        """The rungs that there are."""
        return LADDER

    def idle(self, prepared: PreparedLabelled) -> tuple[Place, ...]:
        """Tell that without words there is no embedding to drop any of."""
        return () if prepared.preprocessing.is_text else ("embedding_dropout",)

    @property
    def run(self) -> type[LabelConfig]:
        """The settings of a run."""
        return LabelConfig

    def defaults(self, source: Any) -> Mapping[str, Any]:  # noqa: ARG002
        """Give nothing: no labelled data come along."""
        return {}

    def missing(self, source: Any, settings: Mapping[str, Any]) -> None:
        """Tell nothing: reading says what is missing."""

    def subject(self, config: LabelConfig) -> str:
        """Name the column of labels."""
        return config.data.label or "labels"

    def check_study(self, config: Any, rungs: tuple[Rung, ...]) -> None:
        """Refuse what does not go with a study, or with some of its rungs."""
        if config.model.pretrain:
            raise DataError(
                "pretrain must be false in a study, got true: every fit of every rung would be "
                "trained twice; train one network with it (lockgate train ... --pretrain), from "
                "whose encoder a study can begin (--encoder)"
            )
        if config.model.encoder is not None:
            encoder = find_encoder(config.model.encoder)
            for rung in rungs:
                # one without a cell takes that of another rung
                cell = rung.cell or encoder.network.cell
                encoder.check(model_config(rung, config.model, cell), f"rung {rung.name}")
        if config.model.linear_path == "on" and compares_linear_path(config):
            raise DataError(
                "linear_path must be off in a study with the rung linear-path, got on: every rung "
                "would have one; leave out one of them"
            )
        steps = config.training.truncated_bptt_steps
        both = [rung.name for rung in rungs if rung.bidirectional]
        if steps is not None and both:
            raise DataError(
                "truncated_bptt_steps must be left out with rungs that read both directions, got "
                f"{steps} with {listed(both)}: the reverse direction begins at the end; name "
                "others (--rungs rnn,lstm,gru)"
            )

    def read(self, source: Any, config: LabelConfig) -> LabelData:
        """Read everything that was given."""
        data, test, validation = read_labelled(source, config.data)
        further = read_further(config.data)
        data = data if data.fingerprint else data.fingerprinted()
        return LabelData(data, test, validation, further)

    def prepare(self, data: LabelData, config: LabelConfig) -> PreparedLabelled:
        """Part the data and learn from the training rows."""
        model = config.model
        # the rungs of a study have been checked, and what they have in common is no network
        if model.encoder is not None and data.all.is_text and not hasattr(config, "rungs"):
            find_encoder(model.encoder).check(model)
        prepared = prepare_labelled(
            *(data.all, config.data, config.model),
            test=data.test,
            validation=data.validation,
            compares_path=compares_linear_path(config),
        )
        check_metric(prepared.preprocessing, config.training)
        return prepared

    def begin(
        self,
        data: LabelData,
        prepared: PreparedLabelled,
        config: LabelConfig,
        tell: Callable[[str], None],
        checkpoint: Path,
    ) -> PreparedLabelled:
        """Pre-train embedding and stack of texts, if asked for."""
        return learn_encoder(data.all, prepared, config, data.further, tell, checkpoint)

    def part(
        self,
        prepared: PreparedLabelled,
        part: Span,
        config: Any = None,  # noqa: ARG002 - of forecasts it tells more
    ) -> Examples:
        """Give the examples of a part."""
        return prepared.examples(part)

    def build(self, prepared: PreparedLabelled, network: ClassifierConfig) -> nn.Module:
        """Build a classifier."""
        return build_classifier(prepared.settle(network), prepared.preprocessing)

    def losses(
        self, network: Any, batch: Batch, config: LabelTrainingConfig, masks: torch.Generator
    ) -> Iterator[Tensor]:
        """Yield the loss of a batch, or those of its chunks."""
        return losses(network, batch, config, masks)

    def advice(self, data: LabelData, prepared: PreparedLabelled) -> tuple[str, ...]:
        """Warn of sequences that are long to learn from, and of a baseline that lacks a package."""
        longest = int(prepared.examples("train").lengths.max())
        if prepared.preprocessing.is_text:
            return ()
        found = []
        if longest > LONG:
            found.append(
                f"the longest sequence has {longest:,} steps: recurrent networks learn slowly over "
                f"more than {LONG}; stride=4 joins steps, max_length cuts (--set stride=4)"
            )
        # labels of one class for a sequence of values: tokens have none to compute with
        of_values = isinstance(data.all.items, Ragged) and data.all.items.values.ndim == 2
        if prepared.preprocessing.kind == "class" and of_values:
            why_not = convolutions_why_not(np.asarray(data.all.labels))
            if why_not == NO_AEON:
                found.append(
                    f"a strong baseline, random convolutions + ridge, is left out: {NO_AEON}"
                )
        return tuple(found)

    def save(self, prepared: PreparedLabelled, folder: Path) -> None:
        """Keep the prepared data."""
        prepared.save(folder)

    def load(self, folder: Path) -> PreparedLabelled:
        """Map what `save` kept."""
        return PreparedLabelled.load(folder)

    def start(
        self,
        prepared: PreparedLabelled,
        config: LabelConfig,
        streams: Streams,
        learn: Span = "train",
    ) -> tuple[nn.Module, Examples]:
        """Build the network that a fit begins with, and give what it learns from."""
        return start(prepared, config, streams, learn)

    def train(
        self,
        prepared: PreparedLabelled,
        config: LabelConfig,
        *,
        seed: int = 0,
        name: str = "",
        on_epoch: OnEpoch = ignore,
        learn: Span = "train",
        stop: Span | None = "validation",
        checkpoint: Path | None = None,
    ) -> tuple[FittedClassifier, History]:
        """Fit one network; the temperature of its probabilities is of a whole validation part."""
        fitted, history = train_classifier(
            *(prepared, config),
            seed=seed,
            name=name,
            on_epoch=on_epoch,
            learn=learn,
            stop=stop,
            checkpoint=checkpoint,
        )
        if history.stopped == "diverged" or stop != "validation":
            return fitted, history
        return calibrated(fitted, prepared, stop), history

    @property
    def committees(self) -> LabelCommittees:
        """What makes one classifier of several."""
        return LabelCommittees()

    @property
    def rounds(self) -> LabelRounds:
        """What parts the data into folds."""
        return LabelRounds()

    @property
    def tuning(self) -> LabelTuning:
        """What a search over its settings may change."""
        return TUNING

    def load_fitted(self, folder: Path) -> FittedClassifier:
        """Read a fitted classifier."""
        return load(folder)

    def reach(self, fitted: FittedClassifier, prepared: PreparedLabelled) -> Reach | None:
        """Measure how far back the gradient of the scores reaches, over sequences of one length.

        Tokens have no gradient, and a stem joins steps: neither is measured.
        """
        model, examples = fitted.model.eval(), prepared.examples("validation")
        if model.embedding is not None or model.stem is not None or model.at_steps:
            return None
        steps = int(examples.lengths.median())
        rows = torch.nonzero(examples.lengths >= steps).flatten()[:REACH_ROWS]
        if steps < 2 or not len(rows):
            return None
        x = examples.batch(rows).x[:, :steps]
        lengths = torch.full((len(x),), steps)

        def score(x: Tensor) -> Tensor:
            scores: Tensor = model(x, lengths)
            return scores

        return gradient_reach(score, x, batch_first=True)

    def predict(
        self, fitted: FittedClassifier, prepared: PreparedLabelled, part: Span
    ) -> FloatArray:
        """Give calibrated probabilities of the classes, or numbers in their own unit."""
        examples, mixture = prepared.examples(part), fitted.mixture
        if mixture is not None and mixture.of_parts is not None:
            examples = replace(examples, mixed=torch.from_numpy(mixture.of_parts(part)))
        return fitted.predict_examples(examples)

    def scorer(
        self, data: LabelData, prepared: PreparedLabelled, config: LabelConfig, part: Span
    ) -> LabelScorer:
        """Give what scores the predictions of a part."""
        examples, preprocessing = prepared.examples(part), prepared.preprocessing
        truth = _truth(examples)
        if preprocessing.kind == "number":
            truth = truth[:, 0] * preprocessing.label_deviation + preprocessing.label_mean
        at_steps = preprocessing.kind == "steps"
        lengths = examples.lengths.numpy() if at_steps else None
        rows = prepared.parts.rows(part)
        units = units_of(None if data.all.groups is None else data.all.groups[rows], lengths)
        order = block_order(units, truth, in_order=at_steps and data.all.groups is None)
        overlap = prepared.parts.overlap
        apart = None
        if part == "test" and len(overlap):
            others = ~np.isin(prepared.parts.test, overlap)
            if lengths is not None:
                others = np.repeat(others, lengths)
            apart = others if (others & known(truth)).any() else None
        return LabelScorer(truth, config.training.metric, order, units, apart)

    def baselines(
        self,
        data: LabelData,
        prepared: PreparedLabelled,
        config: LabelConfig,
        choose: Span = "validation",
    ) -> Compared:
        """Fit the majority, and what is known to be strong on such data."""
        parts, preprocessing, items = prepared.parts, prepared.preprocessing, data.all.items
        if isinstance(items, Ragged):
            # they see what the networks see
            items = preprocessing.filled(items)
        # a tokenizer by character was chosen for a script without spaces
        by_character = preprocessing.by_character
        if preprocessing.kind == "number":
            numbers = fit_number_baselines(
                items,
                np.asarray(data.all.labels, dtype=np.float64),
                parts.train,
                parts.rows(choose),
                "rmse" if config.training.metric == "rmse" else "mae",
                by_character=by_character,
            )
            regressors = (
                Candidate(b.name, b.setting, partial(_numbers, b, items, parts), b)
                for b in numbers.baselines
            )
            return Compared(tuple(regressors), numbers.skipped)
        y = preprocessing.targets(data.all)
        chosen_alike = np.array_equal(parts.rows(choose), parts.rows("stopping"))
        fitted = fit_class_baselines(
            items,
            y.astype(np.int64),
            parts.train,
            parts.rows(choose),
            preprocessing.outputs,
            at_steps=preprocessing.kind == "steps",
            by_character=by_character,
            text_logistic=prepared.text_logistic if chosen_alike else None,
        )
        candidates = (
            Candidate(b.name, b.setting, partial(_classes, b, items, parts), b)
            for b in fitted.baselines
        )
        return Compared(tuple(candidates), fitted.skipped)

    def power(self, metric: Any) -> float:
        """Give 1/2 for RMSE, which is the root of a mean."""
        return 0.5 if metric == "rmse" else 1.0

    def validation_score(
        self, loss: float, prepared: PreparedLabelled, config: LabelConfig
    ) -> float:
        """Turn the loss into the metric."""
        deviation = prepared.preprocessing.label_deviation
        if config.training.metric == "rmse":
            return float(np.sqrt(loss)) * deviation
        return loss * (deviation if config.training.metric == "mae" else 1.0)

    def scales(self, prepared: PreparedLabelled) -> dict[str, Any]:  # noqa: ARG002
        """Give nothing: no score is divided by anything."""
        return {}

    def test_fingerprint(self, data: LabelData, prepared: PreparedLabelled) -> str:
        """Give what tells this test part from others."""
        rows = np.sort(data.all.content()[prepared.parts.test])
        return f"labels {data.fingerprint} {hash_of(rows)}"

    def planned(self, data: LabelData, prepared: PreparedLabelled) -> dict[str, Any]:
        """Tell in words what will be learned from."""
        described = self.describe(data, prepared)
        lengths, tokens = described["lengths"], described["tokens"]
        unit = "tokens" if tokens else "steps"
        return {
            "data": f"{data.source}: {described['rows']:,} {'texts' if tokens else 'sequences'} of "
            f"{lengths['shortest']} to {lengths['longest']} {unit}",
            "labels": listed(described["classes"]) if described["classes"] else "numbers",
            **({"tokens": f"{tokens['size']:,} {tokens['kind']}"} if tokens else {}),
            **({} if tokens else {"channels": listed(described["channels"])}),
            "notices": list(described["notices"]) or "none",
            "parts": [f"{part}: {described['split'][part]['rows']:,}" for part in PARTS],
        }

    def describe(self, data: LabelData, prepared: PreparedLabelled) -> dict[str, Any]:
        """Describe the examples, the classes and the parts."""
        preprocessing, parts = prepared.preprocessing, prepared.parts
        lengths = prepared.examples("train").lengths.numpy()
        described: dict[str, Any] = {
            "source": data.source,
            "fingerprint": data.fingerprint,
            "rows": len(data.all),
            "task": preprocessing.kind,
            "texts": preprocessing.is_text,
            "classes": preprocessing.classes,
            "channels": preprocessing.channels,
            "lengths": {
                "shortest": int(lengths.min()),
                "median": float(np.median(lengths)),
                "longest": int(lengths.max()),
            },
            "max_length": preprocessing.max_length,
            "tokens": None,
            "padded": prepared.examples("train").padded_share(64),
            "overlap": len(parts.overlap),
            "whole": "groups"
            if data.all.groups is not None
            else "sequences"
            if preprocessing.kind == "steps"
            else None,
            "notices": [*data.all.notices, *parts.notices],
            "split": {part: _part(prepared, part) for part in PARTS},
        }
        described["notices"] += [*preprocessing.notices(data.all), *prepared.notices]
        if prepared.tokens is not None:
            tokens = dict(prepared.tokens)
            described["notices"] += tokens.pop("notices")
            described["tokens"] = tokens
        return described

    def learn_apart(self, prepared: Any, config: Any, networks: Any) -> None:
        """Tell nothing: all networks learn alike."""

    def checks(self, described: dict[str, Any]) -> list[Check]:
        """Check for padding, unknown words and rare classes."""
        padded = described["padded"]
        checks = [
            check(
                "Padding",
                "warn" if padded > MANY_PADDED else "pass",
                f"{padded:.0%} of a batch is padding, which the networks do not see.",
            ),
            check(
                "Test parts",
                "warn",
                "One test part: the score of what is delivered rests on it alone. The verdicts "
                "rest on folds of the other rows.",
            ),
        ]
        if tokens := described["tokens"]:
            unknown = tokens["unknown"]
            checks.insert(
                0,
                check(
                    "Unknown words",
                    "warn" if unknown > 0.1 else "pass",
                    f"{unknown:.1%} of the training part's tokens are not in the vocabulary of "
                    f"{tokens['size']:,}.",
                ),
            )
        return checks

    def shown(
        self,
        data: LabelData,
        prepared: PreparedLabelled,
        config: Any,
        scorer: LabelScorer,
        chosen: Chosen,
    ) -> dict[str, Any]:
        """Give what `labels_shown` tells: how sure the scores are, and the mistakes."""
        return {"labels": labels_shown(data.all, prepared, config.mc_samples, scorer, chosen)}

    @property
    def pages(self) -> LabelPages:
        """What the report shows of it."""
        return PAGES


def hash_of(values: npt.NDArray[Any]) -> str:
    """Return a short digest of an array."""
    return hashlib.sha256(values.tobytes()).hexdigest()[:16]


def _truth(examples: Examples) -> npt.NDArray[Any]:
    return examples.truth().numpy()


def _numbers(baseline: Any, items: Any, parts: Any, part: Span) -> FloatArray:
    numbers: FloatArray = baseline.numbers(items, parts.rows(part))[:, None]
    return numbers


def _classes(baseline: Any, items: Any, parts: Any, part: Span) -> FloatArray:
    probabilities: FloatArray = baseline.probabilities(items, parts.rows(part))
    return probabilities


def _part(prepared: PreparedLabelled, part: Span) -> dict[str, Any]:
    examples, preprocessing = prepared.examples(part), prepared.preprocessing
    counts = None
    if preprocessing.kind in ("class", "steps"):
        truth = _truth(examples)
        counts = np.bincount(truth[known(truth)], minlength=len(preprocessing.classes))
    return {"rows": len(examples), "steps": int(examples.lengths.sum()), "classes": counts}


TASK = Labelling()
