"""`lockgate lr-find`: a picture of the training loss as the learning rate rises."""

import json
from typing import Any

from lockgate.cli import options as o


@o.with_settings("lr-find")
def lr_find(
    table: o.Source = None,
    sample: o.Sample = None,
    task: o.TaskName = None,
    config: o.ConfigFile = None,
    settings: o.Set = None,
    out: o.Out = None,
    verbose: o.Verbose = False,
    quiet: o.Quiet = False,
    as_json: o.Json = False,
    *,
    options: dict[str, Any],
) -> None:
    """Draw how the training loss goes as the learning rate rises, and suggest a range.

    The network that `lockgate train` would begin with takes a step on each of its first batches, at
    rates that rise until the loss diverges. What is suggested is where the loss falls fastest: a
    study or `lockgate tune` judges.
    """
    o.log_to_stderr(verbose=verbose, quiet=quiet)
    source, named = o.source(table, sample), o.with_set(options, settings)
    from lockgate import api

    result = api.lr_find(source, task=task, out=out, config=config, **named)
    if as_json:
        print(json.dumps(result.to_dict(), ensure_ascii=False))
        return
    print(*result.words, sep="\n")
    print(f"picture: {result.report_path}")
