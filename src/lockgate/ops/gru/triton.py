"""The GRU's pointwise part on a GPU; `../_triton/walk.py` walks the sequence with it."""

import triton
import triton.language as tl

from lockgate.ops._triton.walk import tanh


@triton.jit
def step(x, h, state):
    """Give the new state, the gates r, z, n, and what h gave to n."""
    r = tl.sigmoid(x[0] + h[0])
    z = tl.sigmoid(x[1] + h[1])
    n = tanh(x[2] + r * h[2])
    return ((1.0 - z) * n + z * state[0],), (r, z, n, h[2])


@triton.jit
def step_backward(gates, after, before, d):
    """Give the gradients of the state before, but for the products with h, and of the sums.

    The sums are those of r and z, then what h gave to n, which W_hh takes, and what x gave.
    """
    r, z, n, v_n = gates
    d_h = d[0]
    d_u_n = d_h * (1.0 - z) * (1.0 - n * n)
    d_z = d_h * (before[0] - n) * z * (1.0 - z)
    d_r = d_u_n * v_n * r * (1.0 - r)
    return (d_h * z,), (d_r, d_z, d_u_n * r, d_u_n)


STEPS = {"tanh": (step, step_backward)}
