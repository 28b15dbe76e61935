"""`lockgate tune`: search for better settings, and tell whether they help."""

from typing import Annotated, Any

import typer

from lockgate.cli import options as o


@o.with_settings("tune")
def tune(
    table: o.Source = None,
    sample: o.Sample = None,
    task: o.TaskName = None,
    space: Annotated[
        list[str] | None,
        typer.Option(
            "--space",
            metavar="NAME=RANGE",
            help="A setting to search: hidden_size=16,256,log or cell=lstm,gru. Default: cell, "
            "sizes, rates, learning rate and decay; of tables lookback and level too.",
        ),
    ] = None,
    config: o.ConfigFile = None,
    settings: o.Set = None,
    out: o.Out = None,
    storage: Annotated[
        str | None,
        typer.Option(
            help="Where Optuna keeps the trials: a file, or postgresql://... Default: in out."
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue in the folder.")] = False,
    verbose: o.Verbose = False,
    quiet: o.Quiet = False,
    as_json: o.Json = False,
    *,
    options: dict[str, Any],
) -> None:
    """Search for settings that are better than the default, and tell whether they help.

    Trials are judged beside the default on folds of all but the test part. The best three are
    fitted again on other seeds and judged as the tricks of a study are; a report tells what to use,
    with intervals, and how much of what the search promised was luck.
    """
    o.log_to_stderr(verbose=verbose, quiet=quiet)
    source, named = o.source(table, sample), o.with_set(options, settings)
    from lockgate import api
    from lockgate.cli import show, show_tuning
    from lockgate.tuning.spelling import read_options

    result = api.tune(
        source,
        task=task,
        space=read_options(space) if space else None,
        out=out,
        resume=resume,
        storage=storage,
        config=config,
        on_search=_nothing if quiet else show_tuning.show_plan,
        **named,
    )
    show.show_result(result, as_json=as_json)


def _nothing(_: Any) -> None:
    """Show nothing of a plan."""
