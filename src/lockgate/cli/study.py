"""`lockgate study`: which tricks help on this table."""

from typing import Annotated

import typer

from lockgate.cli import options as o


def study(
    table: o.Source = None,
    sample: o.Sample = None,
    target: o.Target = None,
    horizon: o.Horizon = None,
    lookback: o.Lookback = None,
    time: o.Time = None,
    time_format: o.TimeFormat = None,
    resample: o.Resample = None,
    missing: o.Missing = None,
    max_gap: o.MaxGap = None,
    inputs: o.Inputs = None,
    exclude: o.Exclude = None,
    split: o.Split = None,
    separator: o.Separator = None,
    decimal: o.Decimal = None,
    metric: o.Metric = None,
    text: o.Text = None,
    label: o.Label = None,
    labels: o.Labels = None,
    id: o.Id = None,  # noqa: A002 - the name of the option
    step: o.Step = None,
    group: o.Group = None,
    test: o.Test = None,
    validation: o.Validation = None,
    at_steps: o.AtSteps = None,
    encoding: o.Encoding = None,
    header: o.Header = None,
    drop_empty: o.DropEmpty = None,
    rungs: Annotated[
        str | None,
        typer.Option(help="Networks to compare: lstm,recurrent-dropout,both; default all."),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(help="Repetitions of every network; default 5.")
    ] = None,
    budget: Annotated[str | None, typer.Option(help="Time for all fits together: 10m.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes side by side; default cores.")
    ] = None,
    device: o.Device = None,
    config: o.Config = None,
    settings: o.Set = None,
    out: o.Out = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue in the folder.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Stop after the plan.")] = False,
    as_json: o.Json = False,
) -> None:
    """Train a ladder of networks over several seeds and tell which tricks help on this table.

    Plain RNN, LSTM and GRU, then input dropout, recurrent dropout, both, stacked and bidirectional
    on the best of them, beside naive baselines; a report tells what helped, with intervals. TABLE
    is forecast, or, where --text or --label is given or it is a .ts file, its texts or sequences
    are classified.
    """
    source, told = o.gather(table, sample, settings, locals())
    from lockgate import api
    from lockgate.cli.show import require_target, show_plan, show_result

    require_target(source, config, told)
    if dry_run:
        show_plan(api.plan_study(source, config=config, **told), as_json=as_json)
        return
    result = api.study(
        source,
        out=out,
        resume=resume,
        config=config,
        on_plan=lambda plan: show_plan(plan, stderr=True),
        **told,
    )
    show_result(result, as_json=as_json)
