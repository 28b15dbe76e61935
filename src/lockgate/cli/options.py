"""The options that several commands share, and how they become settings."""

from pathlib import Path
from typing import Annotated, Any

import typer

Source = Annotated[
    str | None,
    typer.Argument(
        metavar="TABLE",
        help="CSV (also .gz) or Parquet file; of labels also .ts, a zip or a folder.",
        show_default=False,
    ),
]
Sample = Annotated[
    str | None, typer.Option(help="Use a table that comes along instead of a file: co2.")
]
Target = Annotated[str | None, typer.Option(help="Column to forecast.")]
Horizon = Annotated[str | None, typer.Option(help="How far ahead: steps, or 24h, 7d, 26w, 12mo.")]
Lookback = Annotated[str | None, typer.Option(help="How much past to read: steps or a duration.")]
Time = Annotated[str | None, typer.Option(help="Time column, or its parts: year,month,day,hour.")]
TimeFormat = Annotated[str | None, typer.Option(help="Format of the time: %d/%m/%Y %H:%M.")]
Resample = Annotated[str | None, typer.Option(help="Average over bins of this duration: 1h.")]
Missing = Annotated[str | None, typer.Option(help="Numbers that mean missing: -9999.")]
MaxGap = Annotated[int | None, typer.Option(help="Most steps filled forward in inputs; default 3.")]
Inputs = Annotated[
    str | None, typer.Option(help="Columns to read: target, all, or a,b; default all.")
]
Exclude = Annotated[str | None, typer.Option(help="Columns to leave out of the inputs: a,b.")]
Split = Annotated[
    str | None,
    typer.Option(
        help="Fractions, or the dates where validation and test begin; default 0.7,0.15,0.15."
    ),
]
Separator = Annotated[str | None, typer.Option(help="Column separator, where it is not told.")]
Decimal = Annotated[str | None, typer.Option(help='Decimal mark, "." or "," [.].')]
Metric = Annotated[
    str | None, typer.Option(help="What is compared: mae, rmse or mase; default mae.")
]
Text = Annotated[str | None, typer.Option(help="Column of texts to classify.")]
Label = Annotated[str | None, typer.Option(help="Column of labels, of texts or sequences.")]
Labels = Annotated[str | None, typer.Option(help="File of labels in or beside an archive.")]
Id = Annotated[str | None, typer.Option(help="Column that tells sequences apart.")]
Step = Annotated[str | None, typer.Option(help="Column that orders a sequence's steps.")]
Group = Annotated[str | None, typer.Option(help="Column of what must stay in one part.")]
Test = Annotated[str | None, typer.Option(help="File of the test part of labelled data.")]
Validation = Annotated[str | None, typer.Option(help="File of the validation part.")]
AtSteps = Annotated[bool | None, typer.Option("--at-steps", help="There is a label at every step.")]
Encoding = Annotated[str | None, typer.Option(help="Encoding of texts, where it is told wrong.")]
Header = Annotated[
    bool | None,
    typer.Option(" /--no-header", help="Columns have no names but 1, 2 and so on."),
]
DropEmpty = Annotated[bool | None, typer.Option("--drop-empty", help="Leave out empty texts.")]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps; default auto.")]
Config = Annotated[
    Path | None, typer.Option(help="YAML file of settings, such as a run's config.yaml.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Any setting: model.hidden_size=64."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, nothing else.")]
Out = Annotated[Path | None, typer.Option(help="Folder to write; default runs/TABLE-TARGET.")]

# options of a command that are no settings
_OTHERS = {"table", "sample", "config", "settings", "out", "resume", "dry_run", "as_json", "folder"}


def source(table: str | None, sample: str | None) -> str:
    """Return the table that the argument, or the option that stands in for it, names."""
    from lockgate.data.errors import DataError, listed
    from lockgate.data.prepare import SAMPLE
    from lockgate.data.table import SAMPLES

    if (table is None) == (sample is None):
        raise DataError("TABLE must be given, or --sample, and not both")
    if sample is not None and sample not in SAMPLES:
        raise DataError(f"sample must be one of {listed(SAMPLES)}, got {sample!r}")
    return table if table is not None else f"{SAMPLE}{sample}"


def gather(
    table: str | None, sample: str | None, settings: list[str] | None, options: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return the source and the settings told by options, overruled by those told by `--set`.

    Args:
        table: The argument.
        sample: The option that stands in for it.
        settings: `NAME=VALUE` pairs.
        options: The command's arguments by name, as `locals()` at its start gives them.
    """
    from lockgate.data.errors import DataError

    named = source(table, sample)
    told = {
        name: value
        for name, value in options.items()
        if name not in _OTHERS and value is not None and not name.startswith("_")
    }
    for setting in settings or ():
        name, equals, value = setting.partition("=")
        if not equals:
            raise DataError(f"--set must be NAME=VALUE, got {setting!r}")
        told[name.strip()] = value.strip()
    return named, told


def model_folder(folder: Path) -> Path:
    """Return where a fitted model lies: the folder, or `fitted` in that of a study."""
    return folder / "fitted" if (folder / "fitted").is_dir() else folder
