"""`lockgate train`: one network, saved as a folder."""

from typing import Annotated

import typer

from lockgate.cli import options as o


def train(
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
    cell: Annotated[str | None, typer.Option(help="rnn, lstm or gru; default lstm.")] = None,
    device: o.Device = None,
    config: o.Config = None,
    settings: o.Set = None,
    out: o.Out = None,
    as_json: o.Json = False,
) -> None:
    """Train one network with dropout and save it, its preprocessing and its scores as a folder.

    TABLE is forecast, or, where --text or --label is given or it is a .ts file, its texts or
    sequences are classified. Ctrl-C ends training early: the best weights so far are kept.
    """
    source, told = o.gather(table, sample, settings, locals())
    from lockgate import api
    from lockgate.cli.show import require_target, show_fitted

    require_target(source, config, told)
    show_fitted(*api.train(source, out=out, config=config, **told), as_json=as_json)
