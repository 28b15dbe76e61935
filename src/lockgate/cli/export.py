"""`lockgate export`: write a fitted model as a folder that predicts without lockgate."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from lockgate.cli import options as o

NO_LEVEL = "none"


def export(
    folder: Annotated[Path, typer.Argument(help="A folder that `train` or `study` wrote.")],
    out: Annotated[Path, typer.Option(help="New folder for what is exported.")],
    to: Annotated[
        Literal["onnx", "pt2"], typer.Option(help="The form of the graph; pt2 is torch's own.")
    ] = "onnx",
    weights: Annotated[
        Literal["float32", "bfloat16", "int8"],
        typer.Option(
            help="How matrices of a graph of ONNX are stored; bfloat16 and int8 make the file "
            "smaller, and what that changes is told."
        ),
    ] = "float32",
    level: Annotated[
        str | None,
        typer.Option(
            help="Per cent of truths that intervals of a forecast cover: 80,95; none leaves them "
            "out. Default: 80,95, as far as the model tells any."
        ),
    ] = None,
) -> None:
    """Export a fitted model: one graph from raw numbers to forecasts or probabilities.

    Before it is written, the graph is run beside the model. From one of ONNX `lockgate-runtime`
    predicts with numpy and onnxruntime alone; one of torch (`--to pt2`) torch loads by itself. A
    model that answers at every step, in one direction, gets a graph of one step too.
    """
    from lockgate import fitted

    levels = [] if level == NO_LEVEL else o.numbers("level", level)
    exported = fitted.export(folder, out, to=to, weights=weights, level=levels)
    print(
        f"{exported.folder}: in {exported.calls} calls the graph gave what the model gives; they "
        f"differed by at most {exported.farthest:.0e} of the largest number"
    )
    if exported.stepped:
        print(f"one step after another gave the same over {exported.stepped} batches")
    elif to == "onnx":
        print(f"no graph of one step: {exported.not_stepped}")
    for name, loss in exported.losses.items():
        largest, mean = _per_cent(loss.largest), _per_cent(loss.mean)
        print(f"weights in {weights} change {name} by {mean} of its range, at most {largest}")


def _per_cent(share: float) -> str:
    return f"{100 * share:.2g} %"
