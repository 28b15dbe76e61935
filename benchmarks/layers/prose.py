"""What the page says around its tables."""

HEAD = """# How fast the layers are

Ours with input and recurrent dropout at 0.25, against torch's layers, which have no such dropout,
against a loop over time with the same masks, Keras and onnxruntime. A ratio is their time over
ours: above 1, ours is faster. Masks *per cell* are shared by the gates (`mask_per="cell"`), and
*per gate* each gate has its own, of the input and of the state (`mask_per="gate"`).

![Ratios by shape](layers.svg)
"""
RUNS = """A command is that of its commit. Today it is `python -m benchmarks.layers`, which with
`--page-only` writes this page again from the results."""
TRAIN = """## A train step, against torch's layer

`zero_grad`, forward, backward from a dense gradient, with the gradient of `x`; ours draws its
masks anew in each step, torch drops nothing."""
INFERENCE = """## Inference, against torch's layer

In evaluation nothing is dropped, which is what has a floor; the columns with masks give ours masks
as Monte-Carlo dropout does, and torch none."""
STREAMS = """## A step of a stream, one sequence

`layer.stepper()` against `LSTMCell`, `GRUCell` and `RNNCell`, with 64 inputs."""
LOOP = """## Against a loop over time with the same masks

The backend `reference`, which unbinds the sequence once and is differentiated by autograd. Both
sides are given the same masks per cell, with which the loop is at its fastest."""
OTHERS = """## Against Keras and onnxruntime

Keras 3 on TensorFlow with `dropout` and `recurrent_dropout` at 0.25, its train step compiled by
XLA (`jit_compile=True`); onnxruntime with a model of the one node. Each runs in a process of its
own."""
MASKS = """## What the masks cost

Time with masks given over time of the same kernels without, and the share of a train step that
drawing them takes."""
SHARED = """## What masks save that a batch shares

A train step with `mask_for="batch"` on input and state, drawn anew in each step: time of the same
layer without masks over it, of masks for each sample (floor of H ≤ 64: 0.97), and of torch's
layer, which drops nothing. Measured by `python -m benchmarks.layers --shared`."""
VARIANTS = """## What a cell may have beside masks

A train step with masks per cell, given: time of a loop over it, and of the same layer without masks
and without what its column names. A projection is to 64 features. Measured by
`python -m benchmarks.layers --variants`."""
BFLOAT16 = """## Products of bfloat16

A train step, forward and backward, under `torch.autocast("cpu", torch.bfloat16)`: time of the same
layer in float32 over it, and of torch's layer in float32 and under the same autocast. Masks per
cell are drawn anew in each step. Measured by `python -m benchmarks.layers --bfloat16`."""
STORED = """## Weights of a stepper in fewer bits

One step of a stream, I = 64, by `stepper("bfloat16")` and `stepper("int8")`: time of
`stepper()` over it, and the largest difference of 20 steps' outputs, as a part of the largest
output. Measured by `python -m benchmarks.layers --bfloat16`."""
PEAK = """## Share of the FMA peak

Work of the products over time, against the peak that the same round measured. The floors hold from
H = 256."""
MILLISECONDS = """## Milliseconds

Medians. *unmasked* is our layer without any rate, *-given* with masks given, *-draw* the drawing
alone. Page faults are those of one call, of torch's layer and of ours, per cell in training.
"""
METHOD = """## How it was measured

Everything but Keras and onnxruntime runs in one process, and those two each in one of their own,
which sleeps between its samples. A round takes one sample of every candidate, the next round in
reverse order; a sample repeats a short call for 20 ms. A ratio is the median, over rounds, of the
ratio within a round. A sample is dropped if the hypervisor stole a tick or if the threads of its
process waited for a processor for more than 2 % of it (15 % in Keras, whose own threads wait for
each other), and a round counts only if all samples of the one process are clean and so are those in
the ratio. {crowded} marks numbers of fewer than 5
such rounds: they are of all rounds instead. {missed} marks a number that misses its floor.

Before anything is timed, output and all gradients of ours are compared with the loop's under the
same masks, and without masks with torch's; the plain forward of each peer is compared with torch's.
The largest error in `layers.json` is relative to the largest element of its tensor.

Two runs are of another kind. In *no page faults*, malloc keeps its memory
(`GLIBC_TUNABLES=glibc.malloc.mmap_threshold=1G`, `trim_threshold=4G`, in bytes), as some of torch's
shapes otherwise spend their time in page faults. In *avx2* both sides are capped to AVX2 on this
same processor (`LOCKGATE_INSTRUCTION_SET`, `ONEDNN_MAX_CPU_ISA`, `MKL_ENABLE_INSTRUCTIONS`,
`ATEN_CPU_CAPABILITY`), which is not a processor that has no more.

The work of a forward is 2·T·B·G·H·(I + H) for G gates, of a train step three times that. The peak
is {peak}.
Quartiles, counts and dropped samples are in the `.json` files.
"""
