"""A stepper is the layer, one step at a time: same numbers, any depth, a snapshot."""

import copy
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch

from lockgate.nn import GRU, LSTM
from lockgate.nn.recurrent import Recurrent, weights_of
from lockgate.nn.stepper import rounded
from lockgate.ops import kernels
from lockgate.ops.recurrence import Weights

# float32 goes through the kernels where there are any, float64 through the operator
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


@pytest.fixture(params=kernels.status().instruction_sets if kernels.BUILT else [None])
def instruction_set(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run the kernels, where there are any, on each instruction set that this processor has."""
    module = kernels.extension()
    before = module and module.instruction_set()
    if module is not None:
        module.use_instruction_set(request.param)
    yield
    if module is not None:
        module.use_instruction_set(before)


def walk(step, x: torch.Tensor, hx=None):
    """Run over a sequence (T, B, I) step by step."""
    outputs = []
    for x_t in x:
        output, hx = step(x_t, hx)
        outputs.append(output)
    return torch.stack(outputs), hx


@DTYPES
@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("batch", [1, 3, 20])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
def test_steps_give_what_the_layer_gives(make, draw, dtype, num_layers, batch, bias) -> None:
    layer = make(7, 19, num_layers=num_layers, bias=bias, dtype=dtype)
    x = draw(6, batch, 7).to(dtype)

    got = walk(layer.stepper(), x)

    torch.testing.assert_close(got, layer(x))


@DTYPES
@pytest.mark.parametrize("sizes", [(1, 1), (9, 199), (300, 33)], ids=str)
def test_steps_of_any_size_give_what_the_layer_gives(make, draw, dtype, sizes: tuple) -> None:
    layer = make(*sizes, num_layers=2, dtype=dtype)
    x = draw(3, 2, sizes[0]).to(dtype)

    torch.testing.assert_close(walk(layer.stepper(), x), layer(x))


@DTYPES
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("norm", [False, True], ids=["plain", "norm"])
@pytest.mark.parametrize("proj_size", [0, 3, 20])
def test_steps_of_a_layer_that_projects_or_normalises_give_what_the_layer_gives(
    draw, instruction_set, dtype, batch: int, norm: bool, proj_size: int
) -> None:
    options = {"proj_size": proj_size, "layer_norm": norm, "zoneout": (0.2, 0.3)}
    layer = LSTM(7, 37, 3, dtype=dtype, **options).eval()
    x = draw(6, batch, 7).to(dtype)

    torch.testing.assert_close(walk(layer.stepper(), x), layer(x))


@DTYPES
def test_steps_of_a_layer_with_zoneout_mix_old_and_new_as_the_layer_does(make, draw, dtype) -> None:
    layer = make(7, 19, num_layers=2, zoneout=0.3, dtype=dtype).eval()
    x = draw(6, 3, 7).to(dtype)

    torch.testing.assert_close(walk(layer.stepper(), x), layer(x))


@DTYPES
def test_stream_goes_on_from_a_given_state(make, draw, dtype) -> None:
    layer = make(num_layers=2, dtype=dtype)
    x, h, c = draw(6, 3, 3).to(dtype), draw(2, 3, 5).to(dtype), draw(2, 3, 5).sin().to(dtype)
    hx = (h, c) if isinstance(layer, LSTM) else h

    torch.testing.assert_close(walk(layer.stepper(), x, hx), layer(x, hx))
    _, between = layer(x[:4], hx)
    torch.testing.assert_close(walk(layer.stepper(), x[4:], between)[0], layer(x, hx)[0][4:])


@DTYPES
def test_batch_may_change_between_streams(make, draw, dtype) -> None:
    layer = make(num_layers=2, dtype=dtype)
    step = layer.stepper()

    for batch in (2, 7, 1, 0, 3):
        x = draw(4, batch, 3).to(dtype)
        torch.testing.assert_close(walk(step, x), layer(x))


@DTYPES
def test_streams_may_take_turns(make, draw, dtype) -> None:
    layer = make(num_layers=2, dtype=dtype)
    step, first, second = layer.stepper(), draw(4, 2, 3).to(dtype), draw(4, 5, 3).to(dtype)
    states = [None, None]

    for pair in zip(first, second, strict=True):
        for stream, x in enumerate(pair):
            _, states[stream] = step(x, states[stream])

    torch.testing.assert_close(states, [layer(first)[1], layer(second)[1]])


@DTYPES
def test_layout_of_a_step_changes_nothing(make, draw, dtype) -> None:
    layer = make(num_layers=2, dtype=dtype)
    x, h = draw(3, 3).to(dtype), draw(2, 3, 5).to(dtype)
    step, lstm = layer.stepper(), isinstance(layer, LSTM)
    expected = step(x, (h, h) if lstm else h)

    wide = torch.full((6, 8), float("nan"), dtype=dtype)
    wide[::2, 1:7:2] = x
    turned = h.transpose(0, 2).contiguous().transpose(0, 2)
    for x_t in (x.t().contiguous().t(), wide[::2, 1:7:2]):
        got = step(x_t, (turned, turned) if lstm else turned)
        torch.testing.assert_close(got, expected)

    row = x[:1]
    spread = step(row.expand(4, 3))[0]
    torch.testing.assert_close(spread, step(row)[0].expand(4, 5))


@DTYPES
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_steps_run_on_any_number_of_threads(make, draw, dtype, threads: int) -> None:
    layer = make(70, 401, dtype=dtype)
    x = draw(3, 2, 70).to(dtype)
    expected = layer(x)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        got = walk(layer.stepper(), x)
    finally:
        torch.set_num_threads(before)

    torch.testing.assert_close(got, expected)


@DTYPES
def test_stepper_is_a_snapshot(make, draw, dtype) -> None:
    layer, x = make(num_layers=2, dtype=dtype), draw(4, 2, 3).to(dtype)
    step, expected = layer.stepper(), copy.deepcopy(layer)(x)

    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()

    torch.testing.assert_close(walk(step, x), expected)


@DTYPES
def test_stepper_drops_nothing_and_records_no_gradient(make, draw, dtype) -> None:
    rates = {"input_dropout": 0.5, "recurrent_dropout": 0.5, "output_dropout": 0.5}
    layer = make(num_layers=2, dropout=0.5, dtype=dtype, **rates).train()
    x = draw(4, 2, 3).to(dtype).requires_grad_()

    output, hx = walk(layer.stepper(), x)

    assert not output.requires_grad
    assert not any(part.requires_grad for part in (hx if isinstance(hx, tuple) else (hx,)))
    torch.testing.assert_close((output, hx), layer.eval()(x))


@DTYPES
def test_step_leaves_what_it_is_given_and_has_given_alone(make, draw, dtype) -> None:
    layer = make(num_layers=2, dtype=dtype)
    x, h = draw(2, 3).to(dtype), draw(2, 2, 5).to(dtype)
    hx = (h, h.clone()) if isinstance(layer, LSTM) else h
    step = layer.stepper()
    given = copy.deepcopy((x, hx))

    first = step(x, hx)
    kept = copy.deepcopy(first)
    step(x, first[1])

    torch.testing.assert_close((x, hx), given, rtol=0, atol=0)
    torch.testing.assert_close(first, kept, rtol=0, atol=0)


@pytest.mark.skipif(not kernels.BUILT, reason="lockgate has no kernels here")
def test_nan_stays_in_its_row(make, draw) -> None:
    layer = make(dtype=torch.float32)
    x = draw(2, 3).float()
    expected, _ = layer.stepper()(x)
    x[0, 1] = float("nan")

    output, _ = layer.stepper()(x)

    assert output[0].isnan().all()
    assert torch.equal(output[1], expected[1])


def test_stepper_without_kernels_runs_the_operator(make, draw, monkeypatch) -> None:
    layer, x = make(dtype=torch.float32), draw(4, 2, 3).float()
    expected = layer(x)
    monkeypatch.setattr(kernels, "BUILT", False)

    torch.testing.assert_close(walk(layer.stepper(), x), expected)


def with_rounded(layer: Recurrent, stored: str) -> Recurrent:
    """The layer with the weights that a stepper stores, of all its layers."""
    other = copy.deepcopy(layer)
    for index in range(layer.num_layers):
        weights = rounded(weights_of(layer, index), stored)
        for name in ("ih", "hh", "hr") if weights.w_hr is not None else ("ih", "hh"):
            getattr(other, f"weight_{name}_l{index}").data = getattr(weights, f"w_{name}")
    return other


@pytest.mark.parametrize("stored", ["bfloat16", "int8"])
@pytest.mark.parametrize("sizes", [(7, 19), (33, 16), (70, 53)], ids=str)
@pytest.mark.parametrize("batch", [1, 20])
def test_steps_of_stored_weights_are_those_of_the_weights_rounded(
    make, draw, instruction_set, stored: str, sizes: tuple, batch: int
) -> None:
    layer = make(*sizes, num_layers=2, dtype=torch.float32)
    x = draw(6, batch, sizes[0]).float()
    expected = with_rounded(layer, stored)(x)
    # with AVX-512 BF16 x and h are rounded too
    loose = {"atol": 0.02, "rtol": 0.0} if stored == "bfloat16" else {}

    torch.testing.assert_close(walk(layer.stepper(stored), x), expected, **loose)


@pytest.mark.parametrize("stored", ["bfloat16", "int8"])
def test_stored_weights_of_a_layer_in_float64_are_rounded_alike(make, draw, stored: str) -> None:
    layer, x = make(7, 19, num_layers=2), draw(6, 3, 7)

    torch.testing.assert_close(walk(layer.stepper(stored), x), with_rounded(layer, stored)(x))


def test_int8_has_a_scale_for_each_row_of_both_matrices() -> None:
    weights = Weights(torch.randn(8, 5), 3 * torch.randn(8, 2))
    weights.w_ih[3] = 0.0
    weights.w_hh[3] = 0.0
    both = torch.cat([weights.w_ih, weights.w_hh], 1)

    w_ih, w_hh = rounded(weights, "int8")[:2]

    scale = both.abs().amax(1, keepdim=True) / 127
    found = torch.cat([w_ih, w_hh], 1)
    assert ((found - both).abs() <= 0.5001 * scale).all()
    whole = found / scale.where(scale > 0, 1.0)
    torch.testing.assert_close(whole, whole.round(), atol=1e-4, rtol=0)
    # the kernels store what has been rounded, and must find the same numbers
    torch.testing.assert_close(rounded(Weights(w_ih, w_hh), "int8")[:2], (w_ih, w_hh))


@pytest.mark.skipif(not kernels.BUILT, reason="lockgate has no kernels here")
def test_stored_weights_take_a_half_or_a_quarter_of_the_memory(make) -> None:
    layer, module = make(64, 256, dtype=torch.float32), kernels.extension()

    def taken(stored: str) -> int:
        kernels.release()  # else a larger block may be lent that lies about
        before = module.lent_bytes()
        stepper = layer.stepper(stored)
        assert stepper is not None
        return int(module.lent_bytes() - before)

    whole = taken("float32")
    assert taken("int8") < 0.27 * whole
    assert taken("bfloat16") < (0.52 if module.has_bfloat16() else 1.01) * whole


@pytest.mark.parametrize("stored", ["bfloat16", "int8"])
def test_what_the_kernels_do_not_store_is_rounded_alike(draw, stored: str) -> None:
    x = draw(4, 2, 3).float()

    for layer in (
        GRU(3, 5, reset_after=False),
        LSTM(3, 5, layer_norm=True),
        LSTM(3, 5, proj_size=2),
    ):
        expected = with_rounded(layer, stored)(x)
        # products of bfloat16 round x and h too, and the norm divides by a small deviation
        loose = 0.1 if layer.layer_norm else 0.02
        atol = 1e-6 if stored == "int8" else loose
        torch.testing.assert_close(walk(layer.stepper(stored), x), expected, atol=atol, rtol=0)


def test_weights_of_another_kind_raise(make) -> None:
    with pytest.raises(
        ValueError, match=re.escape("weights must be one of float32, bfloat16, int8, got 'int4'")
    ):
        make().stepper("int4")


def test_stepper_of_both_directions_raises(make) -> None:
    expected = "bidirectional must be False for a stepper, got True: the reverse direction starts"
    with pytest.raises(ValueError, match=expected):
        make(bidirectional=True).stepper()


@DTYPES
def test_x_of_another_kind_raises(make, dtype) -> None:
    step = make(dtype=dtype).stepper()
    other = torch.float64 if dtype == torch.float32 else torch.float32

    for shape in [(2, 4), (3,), (1, 2, 3)]:
        expected = re.escape(f"x must have shape (batch, 3), got {shape}")
        with pytest.raises(ValueError, match=expected):
            step(torch.zeros(shape, dtype=dtype))
    with pytest.raises(ValueError, match=f"x must be {dtype} on cpu, got {other} on cpu"):
        step(torch.zeros(2, 3, dtype=other))
    with pytest.raises(ValueError, match=f"x must be {dtype} on cpu, got {dtype} on meta"):
        step(torch.zeros(2, 3, dtype=dtype, device="meta"))


@DTYPES
def test_state_of_another_kind_raises(make, dtype) -> None:
    layer = make(num_layers=2, dtype=dtype)
    step, x = layer.stepper(), torch.zeros(2, 3, dtype=dtype)
    right = torch.zeros(2, 2, 5, dtype=dtype)

    def give(h: torch.Tensor) -> None:
        step(x, (right, h) if isinstance(layer, LSTM) else h)

    for shape in [(2, 3, 5), (1, 2, 5), (2, 5), (2, 2, 6)]:
        expected = f"(layers * directions, batch, hidden_size) = (2, 2, 5), got {shape}"
        with pytest.raises(ValueError, match=re.escape(expected)):
            give(torch.zeros(shape, dtype=dtype))
    other = torch.float64 if dtype == torch.float32 else torch.float32
    with pytest.raises(ValueError, match=rf"must be {dtype}, got {other}"):
        give(right.to(other))


def test_state_that_is_no_pair_raises() -> None:
    step, x, h = LSTM(3, 5).stepper(), torch.zeros(2, 3), torch.zeros(1, 2, 5)

    for hx in (h, (h, h, h)):
        with pytest.raises((TypeError, ValueError), match="hx must"):
            step(x, hx)


def test_state_of_one_tensor_may_be_no_tuple() -> None:
    h = torch.zeros(1, 2, 5)

    with pytest.raises((TypeError, ValueError), match="hx must"):
        GRU(3, 5).stepper()(torch.zeros(2, 3), (h,))


def test_pair_of_one_raises_and_does_not_crash() -> None:
    script = (
        "import torch; from lockgate.nn import LSTM\n"
        "LSTM(3, 5).stepper()(torch.zeros(2, 3), (torch.zeros(1, 2, 5),))"
    )

    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert result.returncode == 1  # and no signal
    assert "hx must" in result.stderr
