"""`lockgate study`: which tricks help on this table."""

from functools import partial
from typing import Annotated, Any

import typer

from lockgate.cli import options as o


@o.with_settings("study")
def study(
    table: o.Source = None,
    sample: o.Sample = None,
    task: o.TaskName = None,
    config: o.ConfigFile = None,
    settings: o.Set = None,
    out: o.Out = None,
    resume: o.Resume = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Stop after the plan.")] = False,
    verbose: o.Verbose = False,
    quiet: o.Quiet = False,
    as_json: o.Json = False,
    *,
    options: dict[str, Any],
) -> None:
    """Train a ladder of networks round after round and tell which tricks help on this table.

    Plain RNN, LSTM and GRU, then input dropout, recurrent dropout, both, stacked and bidirectional
    on the best of them, beside naive baselines; a report tells what to use, with intervals. TABLE
    is forecast, or, where --text or --label is given or it is a .ts file, its texts or sequences
    are classified.
    """
    o.log_to_stderr(verbose=verbose, quiet=quiet)
    source, named = o.source(table, sample), o.with_set(options, settings)
    from lockgate import api
    from lockgate.cli import show

    if dry_run:
        before = _nothing if as_json else show.show_prepared
        plan = api.plan_study(source, task=task, config=config, on_prepared=before, **named)
        show.show_plan(plan, as_json=as_json)
        return
    result = api.study(
        source,
        task=task,
        out=out,
        resume=resume,
        config=config,
        on_prepared=_nothing if quiet else partial(show.show_prepared, stderr=True),
        on_plan=_nothing if quiet else partial(show.show_plan, stderr=True),
        **named,
    )
    show.show_result(result, as_json=as_json)


def _nothing(_: Any) -> None:
    """Show nothing of a plan."""
