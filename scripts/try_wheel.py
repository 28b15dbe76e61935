"""Run a layer of the lockgate that is installed, and compare it with torch's: `try_wheel.py`.

cibuildwheel calls it for each wheel, with `--without-kernels` for those that have none.
"""

import sys

import torch

import lockgate
from lockgate.ops import kernels


def main() -> None:
    """Print what computes, or fail."""
    with_kernels = "--without-kernels" not in sys.argv[1:]
    torch.manual_seed(0)
    x = torch.randn(7, 5, 3, requires_grad=True)
    plain = torch.nn.LSTM(3, 33)
    layer = lockgate.nn.LSTM(3, 33, recurrent_dropout=0.5)
    layer.load_state_dict(plain.state_dict())

    print(lockgate.__file__, layer.backend_report(x), sep="\n")
    if with_kernels != kernels.BUILT:
        raise SystemExit(f"kernels must be there: {with_kernels}, got {kernels.BUILT}")

    output, _ = layer(x)  # with a mask
    output.square().sum().backward()
    torch.testing.assert_close(layer.eval()(x), plain(x))
    if not all(weight.grad.isfinite().all() for weight in [x, *layer.parameters()]):
        raise SystemExit("every gradient must be finite")


if __name__ == "__main__":
    main()
