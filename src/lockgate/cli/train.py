"""`lockgate train`: one network, saved as a folder."""

from typing import Any

from lockgate.cli import options as o


@o.with_settings("train")
def train(
    table: o.Source = None,
    sample: o.Sample = None,
    task: o.TaskName = None,
    config: o.ConfigFile = None,
    settings: o.Set = None,
    out: o.Out = None,
    resume: o.Resume = False,
    devices: o.Devices = 1,
    verbose: o.Verbose = False,
    quiet: o.Quiet = False,
    as_json: o.Json = False,
    *,
    options: dict[str, Any],
) -> None:
    """Train one network with dropout and save it, its preprocessing and its scores as a folder.

    TABLE is forecast, or, where --text or --label is given or it is a .ts file, its texts or
    sequences are classified. Ctrl-C ends training early: the best weights so far are kept.
    """
    o.log_to_stderr(verbose=verbose, quiet=quiet)
    source, named = o.source(table, sample), o.with_set(options, settings)
    from lockgate import api
    from lockgate.cli.show import show_fitted
    from lockgate.running.ranks import of_torchrun

    named |= {"task": task, "out": out, "resume": resume, "devices": devices, "config": config}
    with of_torchrun() as is_first:
        if is_first:
            show_fitted(*api.train(source, **named), as_json=as_json)
