"""`lockgate doctor`: what is installed, and which backend runs."""

from lockgate.cli import options as o


def doctor(as_json: o.Json = False) -> None:
    """Tell versions, machine, devices, and which backend computes each layer and why."""
    import json

    import torch

    from lockgate import nn
    from lockgate.fitted.environment import environment

    x = torch.zeros(2, 3, 4)
    report = {
        **environment(),
        "threads": torch.get_num_threads(),
        "cuda": torch.cuda.is_available(),
    }
    for layer in (nn.RNN, nn.LSTM, nn.GRU):
        for rate in (0.0, 0.25):
            name = f"{layer.__name__}, recurrent_dropout={rate}"
            report[name] = str(layer(4, 5, recurrent_dropout=rate).backend_report(x))
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
        return
    for name, value in report.items():
        print(f"{name}: {value}")
