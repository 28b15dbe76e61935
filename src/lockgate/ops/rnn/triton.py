"""The RNN's pointwise part on a GPU; `../_triton/walk.py` walks the sequence with it."""

import triton
import triton.language as tl

from lockgate.ops._triton.walk import tanh


@triton.jit
def step(x, h, state):
    """Give the new state; the backward needs nothing but it."""
    return (tanh(x[0] + h[0]),), ()


@triton.jit
def step_backward(gates, after, before, d):
    """Give the gradients of the state before, but for the product with h, and of the sum."""
    h = after[0]
    return (tl.zeros_like(h),), (d[0] * (1.0 - h * h),)


@triton.jit
def relu_step(x, h, state):
    """Give the new state, as `step` does."""
    a = x[0] + h[0]
    # a comparison is false for NaN, which has to stay one
    return (tl.where(a <= 0.0, 0.0, a),), ()


@triton.jit
def relu_step_backward(gates, after, before, d):
    """Give what `step_backward` gives."""
    h = after[0]
    return (tl.zeros_like(h),), (tl.where(h > 0.0, d[0], 0.0),)


STEPS = {"tanh": (step, step_backward), "relu": (relu_step, relu_step_backward)}
