"""What the configurations of Keras layers say, in lockgate's words."""

import re
import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from lockgate.ops.gru import GATES as GRU_GATES
from lockgate.ops.lstm import GATES as LSTM_GATES
from lockgate.ops.rnn import GATES as RNN_GATES

GATES = {"SimpleRNN": RNN_GATES, "LSTM": LSTM_GATES, "GRU": GRU_GATES}
CELLS = {"SimpleRNNCell": "SimpleRNN", "LSTMCell": "LSTM", "GRUCell": "GRU"}
RECURRENT = (*GATES, "RNN", "Bidirectional")
DROPOUTS = ("Dropout", "SpatialDropout1D")
MERGE_MODES = {"concat": "concat", "sum": "sum", "ave": "mean", "mul": "mul", None: "none"}

_CONVERTED = {"units", "activation", "recurrent_activation", "use_bias", "reset_after", "dropout"}
_CONVERTED |= {"recurrent_dropout", "return_sequences", "trainable", "name", "merge_mode"}
_CONVERTED |= {"layer", "backward_layer"}
# what a call of a lockgate layer says, what only new weights are drawn by, how Keras computes
_NO_MATTER = {"return_state", "zero_output_for_mask", "seed", "dtype", "unroll", "implementation"}
_NO_MATTER |= {"kernel_initializer", "recurrent_initializer", "bias_initializer"}
_NO_MATTER |= {"unit_forget_bias", "batch_input_shape"}


# what all layers of a stack have in common
_ALIKE = ("cell", "use_bias", "activation", "reset_after", "recurrent_dropout")


class Spec(NamedTuple):
    """A Keras layer, or the two of a Bidirectional."""

    name: str
    cell: str  # its class in Keras
    units: int
    use_bias: bool
    activation: str
    reset_after: bool
    dropout: float
    recurrent_dropout: float
    bidirectional: bool
    merge_mode: str | None
    return_sequences: bool
    trainable: bool

    def shapes(self, input_size: int | None) -> list[tuple[int | None, ...]]:
        """Give the shapes of one direction's weights as Keras has them; None is any size."""
        columns = GATES[self.cell] * self.units
        shapes: list[tuple[int | None, ...]] = [(input_size, columns), (self.units, columns)]
        if self.use_bias:
            two = self.cell == "GRU" and self.reset_after
            shapes.append((2, columns) if two else (columns,))
        return shapes

    @property
    def parts(self) -> tuple[str, ...]:
        return ("forward_layer", "backward_layer") if self.bidirectional else ("",)

    @property
    def width(self) -> int:
        apart = self.bidirectional and self.merge_mode in ("concat", None)
        return self.units * (2 if apart else 1)


class _Reader:
    """Reads the options of one layer and collects what is wrong with them."""

    def __init__(self, name: str, config: Mapping[str, Any], ignore: Collection[str]) -> None:
        self.name, self.config, self.ignore = name, config, ignore
        self.faults: list[str] = []
        self.left: list[str] = []  # faults that ignore= would leave behind

    def fault(self, option: str, rule: str) -> None:
        got = repr(self.config[option])[:80] if option in self.config else "nothing"
        self.faults.append(f"{option} of {self.name!r} must be {rule}, got {got}")

    def size(self, option: str) -> int:
        value = self.config.get(option)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            self.fault(option, "an integer of at least 1")
            return 1
        return value

    def flag(self, option: str) -> bool:
        value = self.config.get(option)
        if not isinstance(value, bool):
            self.fault(option, "True or False")
        return bool(value)

    def rate(self, option: str) -> float:
        value = self.config.get(option)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value < 1.0:
            self.fault(option, "in [0, 1)")
            return 0.0
        return float(value)

    def one_of(self, option: str, choices: Collection[Any]) -> Any:
        value = self.config.get(option, "nothing")
        if not isinstance(value, str | None) or value not in choices:
            self.fault(option, " or ".join(map(repr, choices)))
            return next(iter(choices))
        return value

    def no_more(self, forward: bool) -> None:
        """Find the options that no other method reads and that are not at what changes nothing."""
        for option, value in self.config.items():
            if option in _CONVERTED | _NO_MATTER or option in self.ignore:
                continue
            if option == "go_backwards":
                wrong, rule = bool(value) is forward, repr(not forward)
            elif option in ("stateful", "time_major"):
                wrong, rule = value is not False, "False"
            else:
                wrong, rule = value is not None, "None"
            if wrong:
                self.fault(option, rule)
                self.left.append(option)


def check_ignore(ignore: Collection[str]) -> tuple[str, ...]:
    """Return the options to leave behind, or raise where weights or equations need one."""
    names = tuple(ignore)
    if isinstance(ignore, str) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"ignore must be a list of names of Keras options, got {ignore!r}")
    if needed := [name for name in names if name in _CONVERTED]:
        raise ValueError(
            f"ignore must name no option that the weights or the rates need, got {needed[0]!r}"
        )
    return names


class Part(NamedTuple):
    """A layer as one of `GATES` or a Bidirectional; an RNN around stacked cells is many."""

    kind: str
    config: Mapping[str, Any]
    group: str  # of its cell, below that of the layer
    number: int | None  # among stacked cells; None alone


def parts_of(kind: str, config: Mapping[str, Any]) -> list[Part]:
    """Give a layer `RNN` as the layers that its cells make, and any other as it is."""
    if kind != "RNN":
        return [Part(kind, config, "cell", None)]
    name = str(config.get("name"))
    cell = as_mapping(config.get("cell"), f"cell of {name!r}")
    stacked = kind_of(cell) == "StackedRNNCells"
    cells: Any = [cell]
    if stacked:
        cells = as_mapping(cell.get("config"), f"config of the cell of {name!r}").get("cells")
    if not (isinstance(cells, list) and cells):
        raise ValueError(f"cells of {name!r} must be a list of cells, got {str(cells)[:80]}")
    of_layer = {option: value for option, value in config.items() if option != "cell"}
    parts: list[Part] = []
    for number, one in enumerate(cells):
        inner = kind_of(one)
        if inner not in CELLS:
            raise ValueError(
                f"cell of {name!r} must be one of {', '.join(CELLS)}, got {inner}. "
                "Write a cell of your own with lockgate.nn's cells."
            )
        own = {**as_mapping(one.get("config"), f"config of a cell of {name!r}"), **of_layer}
        if "dtype" in one["config"]:
            own["dtype"] = one["config"]["dtype"]
        if number < len(cells) - 1:
            own["return_sequences"] = True
        before = sum(part.kind == CELLS[inner] for part in parts)
        group = snake_case(inner) + (f"_{before}" if before else "")
        place = f"cell/cells/{group}" if stacked else "cell"
        parts.append(Part(CELLS[inner], own, place, number if stacked else None))
    return parts


def tell_precision(name: str, config: Mapping[str, Any]) -> None:
    """Warn of a layer that computes in another type than its weights have."""
    policy = config.get("dtype")
    if isinstance(policy, Mapping):
        inner = policy.get("config")
        policy = inner.get("name") if isinstance(inner, Mapping) else None
    if isinstance(policy, str) and policy.startswith("mixed_"):
        warnings.warn(
            f"layer {name!r} computes in {policy.removeprefix('mixed_')} in Keras ({policy}); the "
            "lockgate layer computes in the type of its weights. For the other, call it under "
            "torch.autocast.",
            stacklevel=4,
        )


def read_spec(kind: str, config: Mapping[str, Any], ignore: Collection[str]) -> Spec:
    """Say what a Keras layer is, or raise one error that names all that lockgate cannot be."""
    reader = _Reader(str(config.get("name")), config, ignore)
    two = kind == "Bidirectional"
    spec = _read_pair(reader) if two else _read_one(reader, kind, forward=True)
    if reader.faults:
        remedy = ""
        if reader.left:
            names = ", ".join(f"{option!r}" for option in dict.fromkeys(reader.left))
            remedy = f". To leave behind what no weight depends on, pass ignore=[{names}]"
            if "go_backwards" in reader.left:
                remedy += ", and flip x and the output in time"
        raise ValueError("; ".join(dict.fromkeys(reader.faults)) + remedy + ".")
    return spec


def _read_one(reader: _Reader, kind: str, *, forward: bool) -> Spec:
    if kind != "SimpleRNN":
        reader.one_of("recurrent_activation", ("sigmoid",))
    spec = Spec(
        name=reader.name,
        cell=kind,
        units=reader.size("units"),
        use_bias=reader.flag("use_bias"),
        activation=reader.one_of("activation", ("tanh", "relu")),
        reset_after=reader.flag("reset_after") if kind == "GRU" else True,
        dropout=reader.rate("dropout"),
        recurrent_dropout=reader.rate("recurrent_dropout"),
        bidirectional=False,
        merge_mode=None,
        return_sequences=reader.flag("return_sequences"),
        trainable=reader.config.get("trainable") is not False,
    )
    reader.no_more(forward)
    return spec


def _read_pair(reader: _Reader) -> Spec:
    merge_mode = reader.one_of("merge_mode", MERGE_MODES)
    reader.no_more(forward=True)
    name, config = reader.name, reader.config
    specs: list[Spec] = []
    # the two directions are what Bidirectional is about
    ignore = set(reader.ignore) - {"go_backwards"}
    trainable = config.get("trainable") is not False
    for part in ("layer", "backward_layer"):
        inner = config.get(part)
        if inner is None and part == "backward_layer" and specs:
            specs.append(specs[0])  # Keras makes it from the other
            continue
        inner = as_mapping(inner, f"{part} of {name!r}")
        parts = parts_of(kind_of(inner), as_mapping(inner.get("config"), f"config of {part}"))
        kind, config_of_part = parts[0].kind, parts[0].config
        if len(parts) > 1:
            reader.faults.append(
                f"{part} of {name!r} must be a layer of one cell, got one of {len(parts)} stacked "
                "cells: lockgate has both directions of each layer side by side"
            )
            continue
        if kind not in GATES:
            reader.faults.append(
                f"{part} of {name!r} must be one of {', '.join(GATES)}, got {kind}"
            )
            continue
        own = _Reader(name, config_of_part, ignore)
        specs.append(_read_one(own, kind, forward=part == "layer"))
        reader.faults += own.faults
        reader.left += [option for option in own.left if option != "go_backwards"]
    if not specs:
        raise ValueError("; ".join(reader.faults) + ".")
    forward, backward = specs[0], specs[-1]
    for option, mine, other in zip(Spec._fields, forward, backward, strict=True):
        if mine != other and option not in ("trainable", "name"):
            reader.faults.append(
                f"{option} of {name!r} must be the same in both directions, got {mine} and {other}"
            )
    return forward._replace(
        bidirectional=True, merge_mode=merge_mode, trainable=trainable and forward.trainable
    )


def read_dropout(kind: str, config: Mapping[str, Any]) -> tuple[float, str] | None:
    """Give the rate of a Dropout layer, and how long it holds its masks; None if in another way."""
    reader = _Reader(str(config.get("name")), config, ())
    rate, shape = reader.rate("rate"), config.get("noise_shape")
    if reader.faults:
        raise ValueError(f"{reader.faults[0]}.")
    if kind == "Dropout" and shape is None:
        return rate, "step"
    held = shape is None or (isinstance(shape, list | tuple) and list(shape) == [None, 1, None])
    return (rate, "sequence") if held else None


def snake_case(name: str) -> str:
    """Turn a class's name into that of its group in a file, as Keras does."""
    name = re.sub(r"\W+", "", name.rpartition(".")[2])
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def kind_of(layer: Any) -> str:
    """Give a layer's class, with its module where it is none of Keras's own."""
    kind = as_mapping(layer, "a layer").get("class_name")
    if not isinstance(kind, str):
        raise ValueError(f"class_name of a layer must be text, got {kind!r}")
    module = str(layer.get("module", "keras"))
    return kind if module.split(".")[0] == "keras" else f"{module}.{kind}"


def as_mapping(value: Any, what: str) -> Mapping[str, Any]:
    """Return a value if it is a mapping, or raise."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{what} must be a mapping, got {type(value).__name__}")
    return value


def stack_options(specs: Sequence[Spec], between: Sequence[tuple[float, str]]) -> dict[str, Any]:
    """Give the options of the lockgate layer that a stack of Keras layers is.

    `between` has, for each gap between layers, the rate of the Dropout that stands there and how
    long its masks are held.
    """
    first = specs[0]
    faults = [
        f"{option} must be the same in all layers, got {_listed(specs, option)}"
        for option in _ALIKE
        if len({getattr(spec, option) for spec in specs}) > 1
    ]
    two = [spec for spec in specs if spec.bidirectional]
    if not _merge_alike(specs):
        faults.append(
            f"merge_mode must be the same in all layers, got {_listed(two, 'merge_mode')}"
        )
    if not all(spec.return_sequences for spec in specs[:-1]):
        faults.append("return_sequences must be True in all layers but the last, got False")
    if faults:
        names = ", ".join(repr(spec.name) for spec in specs)
        raise ValueError(f"{'; '.join(faults)}. Convert {names} one by one.")
    sizes = [spec.units for spec in specs]
    options: dict[str, Any] = {
        "hidden_size": sizes[0] if len(set(sizes)) == 1 else sizes,
        "num_layers": len(sizes),
        "bias": first.use_bias,
        "batch_first": True,
        "bidirectional": [spec.bidirectional for spec in specs],
        "nonlinearity": first.activation,
        "input_dropout": first.dropout,
        "recurrent_dropout": first.recurrent_dropout,
        "merge_mode": MERGE_MODES[two[-1].merge_mode] if two else "concat",
        "init": "keras",
    }
    if first.cell == "GRU":
        options["reset_after"] = first.reset_after
    return options | _dropout_options(specs, between)


def _merge_alike(specs: Sequence[Spec]) -> bool:
    modes = [spec.merge_mode for spec in specs if spec.bidirectional]
    if specs[-1].bidirectional and specs[-1].merge_mode is None:
        # below a layer that keeps its directions apart, Keras and lockgate have them side by side
        modes[-1] = "concat"
    return None not in modes and len(set(modes)) <= 1


def _listed(specs: Sequence[Spec], option: str) -> str:
    return ", ".join(str(getattr(spec, option)) for spec in specs)


def _dropout_options(specs: Sequence[Spec], between: Sequence[tuple[float, str]]) -> dict[str, Any]:
    """Give the rates between layers, and how their masks are drawn."""
    own = [spec.dropout for spec in specs]
    placed = [rate for rate, _ in between]
    overs = {over for rate, over in between if rate > 0.0}
    overs |= {"sequence" for rate in own[1:] if rate > 0.0}
    per_gate = specs[0].recurrent_dropout > 0.0
    twice = any(a > 0.0 and b > 0.0 for a, b in zip(own[1:], placed, strict=True))
    if twice or len(overs) > 1 or (per_gate and any(placed) and any(own)):
        raise ValueError(
            "Dropout layers between recurrent layers must not stand beside a dropout= of another "
            f"kind, got dropout={own} and Dropout layers of {placed}. Convert the layers one by "
            "one."
        )
    rates = [a or b for a, b in zip(own[1:], placed, strict=True)]
    options: dict[str, Any] = {
        "dropout": rates[0] if len(set(rates)) == 1 else rates,
        # with recurrent dropout, Keras draws masks for each gate from what enters a layer too
        "mask_per": {"input": "gate" if per_gate and not any(placed) else "cell"},
    }
    if not rates:
        options["dropout"] = 0.0
    if "step" in overs:
        options["mask_over"] = {"between": "step"}
    return options
