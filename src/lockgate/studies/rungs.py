"""The ladder of networks that a study compares: what each rung turns on, and its parent."""

from typing import Literal, NamedTuple, TypeVar, get_args

from lockgate.data.errors import DataError, nearest
from lockgate.models import ClassifierConfig, ModelConfig
from lockgate.models.config import Cell

Place = Literal[
    "embedding_dropout",
    "input_dropout",
    "dropout",
    "recurrent_dropout",
    "weight_dropout",
    "output_dropout",
]
RATES: tuple[Place, ...] = get_args(Place)


AnyNetwork = ModelConfig | ClassifierConfig
Network = TypeVar("Network", ModelConfig, ClassifierConfig)


class Rung(NamedTuple):
    """One network of the ladder. Dropout is off but where `on` says; `parent` is what it adds to.

    A rung without a `cell` takes the cell that is best on validation, and a parent of "cell" is
    the plain network of that cell. `trick` is what the rung adds, with settings in braces. One that
    is not a `default` runs where it is asked for.
    """

    name: str
    trick: str = ""
    cell: Cell | None = None
    on: tuple[Place, ...] = ()
    stacked: bool = False
    bidirectional: bool = False
    parent: str | None = "cell"
    per_step: bool = False
    default: bool = True


LADDER = (
    Rung("rnn", cell="rnn", parent=None),
    Rung("lstm", cell="lstm", parent=None),
    Rung("gru", cell="gru", parent=None),
    Rung("input-dropout", "input dropout {input_dropout:g}", on=("input_dropout",)),
    Rung("recurrent-dropout", "recurrent dropout {recurrent_dropout:g}", on=("recurrent_dropout",)),
    Rung(
        "both",
        "input dropout {input_dropout:g} with recurrent dropout {recurrent_dropout:g}",
        on=("input_dropout", "recurrent_dropout"),
    ),
    Rung("stacked", "a stack of {num_layers} layers", stacked=True),
    Rung(
        "stacked+both",
        "dropout on the stack (input {input_dropout:g}, between layers {dropout:g}, "
        "recurrent {recurrent_dropout:g})",
        on=("input_dropout", "dropout", "recurrent_dropout"),
        stacked=True,
        parent="stacked",
    ),
    Rung("bidirectional", "reading both directions", bidirectional=True),
    # what tutorials teach: dropout before the head, and masks that are not held
    Rung(
        "last-dropout",
        "dropout {output_dropout:g} on the last state",
        on=("output_dropout",),
        default=False,
    ),
    Rung(
        "both-per-step",
        "drawing the masks anew at every step instead of holding them",
        on=("input_dropout", "recurrent_dropout"),
        parent="both",
        per_step=True,
        default=False,
    ),
)
NAMES = tuple(rung.name for rung in LADDER)
DEFAULT_NAMES = tuple(rung.name for rung in LADDER if rung.default)


_PLACES: dict[str, str] = {
    "dropout": "dropout between layers",
    "output_dropout": "dropout on the last state",
}


def choose_rungs(names: tuple[str, ...], ladder: tuple[Rung, ...] = LADDER) -> tuple[Rung, ...]:
    """Return the named rungs in the ladder's order.

    Raises:
        DataError: If a name is unknown, or none of the cells is among them.
    """
    known = [rung.name for rung in ladder]
    for name in names:
        if name not in known:
            raise DataError(
                f"rungs must be among the ladder's, got {name!r}; {nearest(name, known, 'rungs')}"
            )
    rungs = tuple(rung for rung in ladder if rung.name in names)
    if not any(rung.cell for rung in rungs):
        raise DataError(
            f"rungs must hold at least one of rnn, lstm, gru to build on, got {','.join(names)}"
        )
    return rungs


def model_config(rung: Rung, base: Network, cell: Cell) -> Network:
    """Return the network of `rung`; its sizes, and the rates that it turns on, are from `base`."""
    rates = {
        str(place): getattr(base, place) if place in rung.on else 0.0
        for place in RATES
        if hasattr(base, place)
    }
    return base.model_copy(
        update={
            **rates,
            "mask_over": "step" if rung.per_step else "sequence",
            "cell": rung.cell or cell,
            "num_layers": max(2, base.num_layers) if rung.stacked else 1,
            "bidirectional": rung.bidirectional,
        }
    )


def parent_name(rung: Rung, cell: Cell) -> str | None:
    """Return the name of the rung that `rung` is compared with."""
    return cell if rung.parent == "cell" else rung.parent


def in_words(config: AnyNetwork, idle: tuple[Place, ...] = ()) -> str:
    """Describe a network, without idle rates: `2 layers of bidirectional LSTM + dropout 0.25`."""
    name = ("bidirectional " if config.bidirectional else "") + config.cell.upper()
    parts = [name if config.num_layers == 1 else f"{config.num_layers} layers of {name}"]
    for place in RATES:
        rate = 0.0 if place in idle else getattr(config, place, 0.0)
        if rate and (place != "dropout" or config.num_layers > 1):
            parts.append(f"{_PLACES.get(place, place.replace('_', ' '))} {rate:g}")
    if config.mask_over == "step" and len(parts) > 1:
        parts[-1] += ", masks drawn at every step"
    return " + ".join(parts)
