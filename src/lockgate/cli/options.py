"""The options that several commands share, and how they become settings."""

import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from pydantic.fields import FieldInfo

from lockgate.config import Config, option_of
from lockgate.errors import DataError, listed, quoted
from lockgate.settings import fields_of
from lockgate.studies.config import StudySettings, of_study
from lockgate.tasks.forecasting.config import BacktestSettings, UpdateSettings
from lockgate.tasks.registry import NAMES, configs
from lockgate.tuning.config import RateSettings, TuneSettings

Source = Annotated[
    str | None,
    typer.Argument(
        metavar="TABLE",
        help="CSV (also .gz), Parquet or a folder of it; of labels also .ts, a zip or a folder.",
        show_default=False,
    ),
]
Sample = Annotated[
    str | None, typer.Option(help="Use a table that comes along instead of a file: co2.")
]
TaskName = Annotated[
    str | None,
    typer.Option(help=f"What to do: {' or '.join(NAMES)}. Default: what is given shows."),
]
ConfigFile = Annotated[
    Path | None, typer.Option(help="YAML file of settings, such as a run's config.yaml.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Any setting: model.hidden_size=64."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, nothing else.")]
Out = Annotated[Path | None, typer.Option(help="Folder to write; default runs/TABLE-TARGET.")]
Resume = Annotated[bool, typer.Option("--resume", help="Continue what was stopped in the folder.")]
Devices = Annotated[
    int,
    typer.Option(
        help="Processes that train a network together, each on a GPU or on its part of the cores. "
        "Ctrl-C ends them, and --resume goes on."
    ),
]


Verbose = Annotated[
    bool, typer.Option("--verbose", help="Tell each step on standard error, in place of a bar.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print the result alone: no plan, no bar.")]


def log_to_stderr(*, verbose: bool, quiet: bool) -> None:
    """Set what `logging.getLogger("lockgate")` tells, and so whether bars are shown."""
    if verbose and quiet:
        raise DataError("verbose must not be given with quiet: leave one out")
    logger = logging.getLogger("lockgate")
    logger.handlers.clear()
    logger.setLevel(logging.INFO if verbose else logging.ERROR if quiet else logging.WARNING)
    if verbose:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
        logger.addHandler(handler)


def with_settings(command: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for every setting that its fields mark so.

    The command gets what a user named as `options`, by the settings' names.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        own = [
            parameter
            for name, parameter in inspect.signature(function).parameters.items()
            if name != "options"
        ]
        marked = dict(_marked(command))

        @functools.wraps(function)
        def run(**arguments: Any) -> None:
            named = {name: arguments.pop(name) for name in marked}
            options = {name: value for name, value in named.items() if value is not None}
            function(**arguments, options=options)

        added = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=_annotation(name, field, command),
            )
            for name, field in marked.items()
        ]
        first = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
        # what is read comes first in the help, then the settings, then where it all goes
        parameters = [*first[:3], *added, *first[3:]]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        del run.__wrapped__
        return run

    return decorate


def _marked(command: str) -> Iterator[tuple[str, FieldInfo]]:
    """Yield the settings of every task, then those of a study, that a command has options for."""
    # where a study and a search share a name, each has its own help and default
    own = OWN.get(command, StudySettings)
    tasks = [kind for name, kind in configs().items() if name in TASKS.get(command, NAMES)]
    kinds: list[type[Config]] = [*tasks[::-1], own]
    for kind in kinds:
        for path, field in fields_of(kind).items():
            option = option_of(field)
            if option is not None and command in option.commands:
                name = path.rpartition(".")[2]
                yield name, of_study(name, field) if command in JUDGED else field


OWN: dict[str, type[Config]] = {
    "tune": TuneSettings,
    "lr-find": RateSettings,
    "backtest": BacktestSettings,
    "update": UpdateSettings,
}
"""What a command has settings of its own in, where that is no study."""
TASKS = {"backtest": ("forecast",), "update": ("forecast",)}
"""The tasks that a command is for, where it is not for all."""
JUDGED = ("study", "tune")
"""Commands that have the defaults of a study."""
FITTED = ("predict", "evaluate", "backtest", "update")
"""Commands that may read a source with the settings of a fitted model."""


def _annotation(name: str, field: FieldInfo, command: str) -> Any:
    help_text = " ".join((field.description or "").split())
    kinds = get_args(field.annotation) or (field.annotation,)
    if bool in kinds:
        on, off = f"--{name.replace('_', '-')}", f"--no-{name.replace('_', '-')}"
        # a flag that turns the default round; of a fitted model, what it was trained with
        flag = f"{on}/{off}" if command in FITTED else f" /{off}" if field.default else on
        return Annotated[bool | None, typer.Option(flag, help=help_text, show_default=False)]
    whole = int in kinds and str not in kinds
    if not field.is_required() and isinstance(field.default, int) and not field.default_factory:
        help_text += f" Default: {field.default}."
    return Annotated[int | None if whole else str | None, typer.Option(help=help_text)]


def source(table: str | None, sample: str | None) -> str:
    """Return the table that the argument, or the option that stands in for it, names."""
    # imported here because help must not wait for what reads
    from lockgate.reading.samples import SAMPLE, SAMPLES

    if (table is None) == (sample is None):
        raise DataError("TABLE must be given, or --sample, and not both")
    if sample is not None and sample not in SAMPLES:
        raise DataError(f"sample must be one of {listed(SAMPLES)}, got {sample!r}")
    return table if table is not None else f"{SAMPLE}{sample}"


NO_SETTINGS = ("task", "config", "out", "resume", "space", "storage", "devices")
"""What commands hand to a function beside its settings."""


def with_set(options: dict[str, Any], settings: list[str] | None) -> dict[str, Any]:
    """Return the settings that options name, overruled by those of `--set NAME=VALUE`.

    Raises:
        DataError: If one is not of that form, or names what a command is told by another option.
    """
    named = dict(options)
    for setting in settings or ():
        name, equals, value = (part.strip() for part in setting.partition("="))
        if not equals:
            raise DataError(f"--set must be NAME=VALUE, got {setting!r}")
        if name in NO_SETTINGS:
            raise DataError(f"--set must name a setting, got {quoted(name)}; pass --{name}")
        named[name] = value
    return named


def numbers(name: str, text: str | None) -> list[float] | None:
    """Return the numbers of an option, parted by commas; None where it is not given.

    Raises:
        DataError: If one is no number.
    """
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise DataError(f"{name} must be numbers parted by commas, got {quoted(text)}") from None
