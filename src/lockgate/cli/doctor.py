"""`lockgate doctor`: what is installed, and which backend runs."""

from typing import Any

from lockgate.cli import options as o

NOT_BUILT = (
    "lockgate was installed without a C++ compiler or Python's headers, or with "
    "LOCKGATE_KERNELS=OFF"
)


def doctor(as_json: o.Json = False) -> None:
    """Tell versions, machine, devices, and which backend computes each layer and why."""
    import json

    import torch

    from lockgate import nn
    from lockgate.running.machine import environment

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
    kernels, gpu = _kernels(), _gpu()
    if as_json:
        content = {**report, "cpu_kernels": kernels, "gpu_kernels": gpu}
        print(json.dumps(content, ensure_ascii=False))
        return
    for name, value in report.items():
        print(f"{name}: {value}")
    print(f"CPU kernels: {_in_words(kernels)}")
    reason = gpu["why_not"]
    print(f"GPU kernels: {f'not used: {reason}' if reason else gpu['gpu']}")


def _kernels() -> dict[str, Any]:
    from lockgate.ops import kernels

    status = kernels.status()
    if status is None:
        return {"built": False, "why_not": NOT_BUILT}
    return {"built": True, **status._asdict()}


def _gpu() -> dict[str, str | None]:
    from lockgate.ops._triton import support

    return support.status()._asdict()


def _in_words(kernels: dict[str, Any]) -> str:
    if not kernels["built"]:
        return f"not built: {kernels['why_not']}"
    present = ", ".join(kernels["instruction_sets"])
    told = f"{kernels['instruction_set']} of {present}; threads: {kernels['threads']}"
    return f"{told}; bfloat16: {'where autocast asks for it' if kernels['bfloat16'] else 'no'}"
