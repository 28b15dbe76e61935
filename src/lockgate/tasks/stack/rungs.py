"""The ladder of networks that a study compares: what each rung turns on, and its parent."""

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple, TypeVar, get_args

from lockgate.errors import DataError, nearest, option
from lockgate.tasks.stack.config import CellName, StackConfig

Place = Literal[
    "embedding_dropout",
    "input_dropout",
    "dropout",
    "recurrent_dropout",
    "weight_dropout",
    "output_dropout",
    "zoneout",
]
RATES: tuple[Place, ...] = get_args(Place)


Network = TypeVar("Network", bound=StackConfig)


class Rung(NamedTuple):
    """One network of the ladder. Dropout is off but where `on` says; `parent` is what it adds to.

    A rung without a `cell` takes the cell that is best on validation, and a parent of "cell" is
    the plain network of that cell. `trick` is what the rung adds, with settings in braces;
    `sets` are settings that are no rates. One that is not a `default` runs where it is asked for.
    One with a `run` has its network and its training, whatever those of the study are.
    """

    name: str
    trick: str = ""
    cell: CellName | None = None
    on: tuple[Place, ...] = ()
    stacked: bool = False
    bidirectional: bool = False
    parent: str | None = "cell"
    per_step: bool = False
    sets: tuple[tuple[str, Any], ...] = ()
    default: bool = True
    run: Any = None


AT_LEAST: dict[Place, float] = {"weight_dropout": 0.25, "zoneout": 0.1}
"""Rates of what a rung turns on, where the setting is 0, its default."""
_FLAGS = {"layer norm": "layer_norm", "residual connections": "residual"}
_PLACES: dict[str, str] = {
    "dropout": "dropout between layers",
    "output_dropout": "dropout on the last state",
}


def choose_rungs(names: tuple[str, ...], ladder: tuple[Rung, ...]) -> tuple[Rung, ...]:
    """Return the named rungs in the ladder's order.

    Raises:
        DataError: If a name is unknown, none of the cells is among them, or a rung is there without
            the one that it is compared with.
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
    for rung in rungs:
        if rung.parent is not None and rung.parent not in ("cell", *names):
            raise DataError(
                f"rungs must hold {rung.parent}, which {rung.name} is compared with, got "
                f"{','.join(names)}; {option('rungs', ','.join((*names, rung.parent)))}"
            )
    return rungs


def default_names(ladder: tuple[Rung, ...]) -> tuple[str, ...]:
    """Return the names of the rungs that are compared where none are named."""
    return tuple(rung.name for rung in ladder if rung.default)


def model_config(
    rung: Rung, base: Network, cell: CellName, compared: Iterable[Rung] = ()
) -> Network:
    """Return the network of `rung`; its sizes, and the rates that it turns on, are from `base`.

    Rates that it does not turn on are off, but for one that is off by default and that none of the
    rungs `compared` turns on: a network has that as it is set.
    """
    if rung.run is not None:
        network: Network = rung.run.model
        return network
    defaults, tried = type(base)(), {place for one in compared for place in one.on}
    rates = {
        str(place): (getattr(base, place) or AT_LEAST.get(place, 0.0)) if place in rung.on else 0.0
        for place in RATES
        if hasattr(base, place)
        and (place in rung.on or place in tried or getattr(defaults, place) > 0.0)
    }
    sizes = base.layer_sizes if rung.stacked else base.layer_sizes[:1]
    by_layer = rung.stacked and isinstance(base.bidirectional, tuple)
    return base.model_copy(
        update={
            **rates,
            **dict(rung.sets),
            "mask_over": "step" if rung.per_step else "sequence",
            "cell": rung.cell or cell,
            "hidden_size": sizes[0] if len(set(sizes)) == 1 else sizes,
            "num_layers": max(2, len(sizes)) if rung.stacked else 1,
            "bidirectional": base.bidirectional if by_layer else rung.bidirectional,
        }
    )


def parent_name(rung: Rung, cell: CellName) -> str | None:
    """Return the name of the rung that `rung` is compared with."""
    return cell if rung.parent == "cell" else rung.parent


def in_words(config: StackConfig, idle: tuple[Place, ...] = ()) -> str:
    """Describe a network, without idle rates: `2 layers of bidirectional LSTM + dropout 0.25`."""
    parts = [_layers_in_words(config)]
    for place in RATES:
        rate = 0.0 if place in idle else getattr(config, place, 0.0)
        if rate and (place != "dropout" or len(config.layer_sizes) > 1):
            parts.append(f"{_PLACES.get(place, place.replace('_', ' '))} {rate:g}")
    if config.mask_over == "step" and len(parts) > 1:
        parts[-1] += ", masks drawn at every step"
    if config.mask_for == "batch" and len(parts) > 1:
        parts[-1] += ", masks shared by a batch"
    parts += [name for name, has in _FLAGS.items() if getattr(config, has)]
    return " + ".join([*parts, *config.beside])


def _layers_in_words(config: StackConfig) -> str:
    cell = config.cell.upper()
    layers = list(zip(config.layer_sizes, config.layer_directions, strict=True))
    names = ["bidirectional " * both + cell for _, both in layers]
    if len(set(layers)) > 1:
        return ", then ".join(f"{n} {size}" for n, (size, _) in zip(names, layers, strict=True))
    return names[0] if len(layers) == 1 else f"{len(layers)} layers of {names[0]}"
