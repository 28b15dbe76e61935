"""Call the kernels of an installed wheel with numpy's arrays, and compare them with a loop.

tests/test_install.py runs it in environments without torch, where lockgate itself does not run.
"""

import importlib.util
import sys
import sysconfig
from pathlib import Path

import numpy as np

SIZES = [(1, 1, 1, 1), (7, 2, 3, 5), (4, 3, 17, 33)]  # T, B, I, H: odd on purpose
GATES = {"rnn": 1, "lstm": 4, "gru": 3}


def load():
    """Load the extension by its file."""
    folder = Path(sysconfig.get_path("platlib")) / "lockgate" / "ops"
    (file,) = folder.glob("_kernels.*")
    spec = importlib.util.spec_from_file_location("lockgate.ops._kernels", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, file


def sigmoid(a):
    return 1.0 / (1.0 + np.exp(-a))


def loop(cell, x, h, c, w_ih, w_hh, b_ih, b_hh):
    """Run the cell in float64 as its equations stand."""
    x, h, c, w_ih, w_hh, b_ih, b_hh = (
        array.astype(np.float64) for array in (x, h, c, w_ih, w_hh, b_ih, b_hh)
    )
    outputs = []
    for x_t in x:
        of_x = np.split(x_t @ w_ih.T + b_ih, GATES[cell], axis=1)
        of_h = np.split(h @ w_hh.T + b_hh, GATES[cell], axis=1)
        if cell == "rnn":
            h = np.tanh(of_x[0] + of_h[0])
        elif cell == "lstm":
            i, f, g, o = (a + b for a, b in zip(of_x, of_h, strict=True))
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        else:
            r, z = sigmoid(of_x[0] + of_h[0]), sigmoid(of_x[1] + of_h[1])
            h = (1.0 - z) * np.tanh(of_x[2] + r * of_h[2]) + z * h
        outputs.append(h)
    return np.stack(outputs), h, c


def kernels(module, cell, x, h, c, *weights):
    """Run the cell by addresses."""
    (T, B, n_in), H = x.shape, h.shape[1]
    output, last_h, last_c = np.full((T, B, H), np.nan, "f4"), np.empty_like(h), c.copy()
    # forward, the reset gate after the product, tanh, nothing run again, on two threads
    call = module.Call(T, B, n_in, H, H, False, True, False, module.Words.floats, 0, 2)
    call.x(x.ctypes.data, B * n_in, n_in)
    call.state(h.ctypes.data, c.ctypes.data)
    call.weights(*(weight.ctypes.data for weight in weights))
    call.results(output.ctypes.data, last_h.ctypes.data, last_c.ctypes.data, 0)
    module.forward(getattr(module.Cell, cell), call)
    return output, last_h, last_c


def main():
    """Print what was compared, or fail."""
    module, file = load()
    random = np.random.default_rng(0)
    for cell, gates in GATES.items():
        for name in module.instruction_sets():
            module.use_instruction_set(name)
            for T, B, n_in, H in SIZES:
                shapes = [(T, B, n_in), (B, H), (B, H), (gates * H, n_in), (gates * H, H)]
                shapes += [(gates * H,)] * 2
                arrays = [random.normal(0.0, 0.5, shape).astype(np.float32) for shape in shapes]
                results = zip(kernels(module, cell, *arrays), loop(cell, *arrays), strict=True)
                for got, expected in results:
                    np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-6)
            print(cell, name, file.name, sys.version.split()[0])
    assert "torch" not in sys.modules


if __name__ == "__main__":
    main()
