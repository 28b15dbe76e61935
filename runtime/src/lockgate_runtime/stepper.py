"""Labels of streams, one step after another."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lockgate_runtime.errors import DataError

MOST_TOLD = 300
Rows = npt.NDArray[np.float64]


class StreamState(NamedTuple):
    """What the steps before leave to the next, of each stream of a batch."""

    layers: Mapping[str, npt.NDArray[Any]]
    """The state of each layer, `(batch, hidden_size)`, by its name in the graph."""
    last: Rows
    """Of each channel the last value that was not missing, NaN without one, `(batch, channels)`."""
    steps: int
    """Steps since the state began."""


class Stepper:
    """What `stepper()` of a classifier returns: call it with each step of one stream or several.

    Step after step it gives what the graph gives of the whole sequence, and keeps no state itself:
    one stepper serves any number of streams. Of a model that learned from stretches of so many
    steps (`cut`) the state begins anew after as many, as it does in `predict`.

    Args:
        schema: What is done around the graph.
        session: The graph of one step.
        rows: Reads a step as rows of channels.
        told: Names what the graph gives.

    Example:
        step, state = model.stepper(), None
        for row in stream:
            answer, state = step(row, state)
    """

    def __init__(
        self,
        schema: Mapping[str, Any],
        session: Any,
        rows: Callable[[Any], Rows],
        told: Callable[[Rows], dict[str, Any]],
    ) -> None:
        self._session, self._rows, self._told = session, rows, told
        self._outputs, self._states = (
            list(schema["one_step"]["outputs"]),
            dict(schema["one_step"]["states"]),
        )
        sizes = {one.name: one.shape[1] for one in session.get_inputs() if one.name in self._states}
        self._sizes = {name: int(sizes[name]) for name in self._states}
        self._means, self._cut = np.array(schema["means"], dtype=np.float64), schema["cut"]
        self._masked = [schema["channels"].index(name) for name in schema["masked"]]

    def __call__(
        self, x: Any, state: StreamState | None = None
    ) -> tuple[dict[str, Any], StreamState]:
        """Label one step.

        Args:
            x: The step, `(batch, channels)`, a row for each stream, NaN where missing; or a mapping
                of channels to their values.
            state: What the call before gave. Default: streams begin.

        Returns:
            `label`, and of each class `probability_` with its name, with a row for each stream; and
            the state for the next step.

        Raises:
            DataError: If `x` has other channels, or other streams than the state.
        """
        values = self._rows(x)
        if state is None or state.steps == self._cut:
            state = self._first(len(values) if state is None else len(state.last))
        if len(values) != len(state.last):
            raise DataError(
                f"x must have a row for each of the {len(state.last)} streams of the state, got "
                f"{len(values)}; begin other streams with state=None"
            )
        missing = np.isnan(values)
        last = np.where(missing, state.last, values)
        feed = {"values": np.where(np.isnan(last), self._means, last), **state.layers}
        if self._masked:
            feed["missing"] = missing[:, self._masked].astype(np.float32)
        found = dict(zip(self._outputs, self._session.run(self._outputs, feed), strict=True))
        layers = {name: found[after] for name, after in self._states.items()}
        return self._told(found[self._outputs[0]]), StreamState(layers, last, state.steps + 1)

    def _first(self, batch: int) -> StreamState:
        layers = {
            name: np.zeros((batch, size), dtype=np.float32) for name, size in self._sizes.items()
        }
        return StreamState(layers, np.full((batch, len(self._means)), np.nan), 0)


def not_stepped(schema: Mapping[str, Any]) -> DataError:
    """Return what `stepper()` raises of a model without a graph of one step."""
    told = schema.get("one_step", {})
    reason = told.get("refused", "its folder holds no graph of one step; export the model again")
    return DataError(
        f"model must answer at every step to have a stepper: {str(reason)[:MOST_TOLD]}"
    )
