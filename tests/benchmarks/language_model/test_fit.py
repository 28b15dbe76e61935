"""A fit learns, ends, and goes on after a stop as if there had been none."""

import json
from dataclasses import replace

import pytest
import torch

pytest.importorskip("safetensors", reason="checkpoints are of the extra [workbench]")

from safetensors import safe_open

from benchmarks.language_model.config import DEFAULT_ARMS, arm
from benchmarks.language_model.data import chunk_lengths, chunks, read_corpus, rows
from benchmarks.language_model.fit import COURSES, Averaged, Fit, Network, perplexity
from lockgate.nn import Stateful


@pytest.mark.parametrize("hold", COURSES)
def test_state_goes_on_from_chunk_to_chunk(hold, tiny):
    torch.manual_seed(0)
    network = Network(20, tiny).eval()
    text = rows(torch.randint(20, (90,)), 3, end=1)
    whole = network(text.inputs, Stateful(network.lstm)).scores

    layer = COURSES[hold](network.lstm)
    parts = [network(c.inputs, layer).scores for c in chunks(text, chunk_lengths(30, 7))]

    torch.testing.assert_close(torch.cat(parts), whole)


def test_perplexity_is_that_of_all_targets(tiny):
    torch.manual_seed(0)
    network = Network(20, tiny)
    tokens = torch.randint(20, (91,))
    text = rows(tokens, 1, end=1)
    with torch.no_grad():
        scores = network.eval()(text.inputs, Stateful(network.lstm)).scores.log_softmax(-1)
    expected = scores[:, 0].gather(1, tokens.unsqueeze(1)).mean().neg().exp()

    assert perplexity(network, text, 7) == pytest.approx(float(expected), rel=1e-5)


def test_filling_of_the_last_row_does_not_count(tiny):
    torch.manual_seed(0)
    network = Network(20, tiny)
    text = rows(torch.randint(20, (22,)), 4, end=1)  # 2 steps are filling
    other = text._replace(inputs=text.inputs.clone())
    other.inputs[-1, -1] = 7

    assert perplexity(network, other, 7) == perplexity(network, text, 7)


@pytest.mark.parametrize(("hold", "same"), [("chunk", False), ("epoch", True)])
def test_masks_are_held_as_the_config_says(hold, same, tiny):
    torch.manual_seed(0)
    network = Network(20, replace(tiny, weight_dropout=0.0))
    layer = COURSES[hold](network.lstm)
    seen = []
    forward = network.lstm._arguments
    network.lstm._arguments = lambda *args: seen.append(args[3].cells[0].x) or forward(*args)

    for _ in range(2):
        layer(torch.randn(5, 4, 8))

    assert torch.equal(seen[0], seen[2]) is same


def test_arms_of_a_seed_share_their_initial_weights(data, tiny):
    corpus = read_corpus(data, tiny)
    first, *others = (
        Fit(corpus, arm(tiny, name), 5).network.state_dict().values() for name in DEFAULT_ARMS
    )

    for other in others:
        assert all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_output_and_embedding_share_their_weights(tiny):
    network = Network(20, tiny)

    assert network.lstm.hidden_size == (12, 8)
    assert sum(p.numel() for p in network.parameters()) == 20 * 8 + 20 + sum(
        p.numel() for p in network.lstm.parameters()
    )


def test_training_lowers_the_perplexity(data, tiny):
    fit = Fit(read_corpus(data, tiny), replace(tiny, max_epochs=8), 0)

    fit.go_on()

    assert fit.curve[-1]["valid"] < 0.8 * fit.curve[0]["valid"]
    assert fit.test() < 0.8 * fit.curve[0]["valid"]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"hold": "epoch", "batch": 5},
        {"optimiser": "nt-asgd", "learning_rate": 20.0, "variable_bptt": True, "max_epochs": 12},
    ],
    ids=["adam", "held-masks", "nt-asgd"],
)
def test_resuming_equals_running_through(data, tmp_path, changes, tiny, curve):
    config = replace(tiny, patience=12, **changes)
    corpus = read_corpus(data, config)
    through = Fit(corpus, config, 3)
    through.go_on()

    resumed = Fit(corpus, config, 3)
    while not resumed.finished:
        stop_after_an_epoch(resumed, tmp_path / "fit")
        resumed = Fit(corpus, config, 3)
        resumed.load(tmp_path / "fit")

    assert curve(resumed) == curve(through)
    assert resumed.test() == through.test()
    assert through.curve[-1]["averages"] is (config.optimiser == "nt-asgd")


def stop_after_an_epoch(fit, path):
    def stop(fit):
        fit.save(path)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit.go_on(stop)


def test_fit_ends_when_nothing_improves(data, tiny):
    fit = Fit(read_corpus(data, tiny), replace(tiny, max_epochs=50, patience=3), 0)
    fit.curve = [{"epoch": n, "valid": valid} for n, valid in enumerate([9.0, 7.0, 8.0, 7.0], 1)]

    assert (fit.best_epoch, fit.finished) == (2, False)
    fit.curve.append({"epoch": 5, "valid": 7.5})
    assert (fit.best_epoch, fit.finished) == (2, True)


def test_best_weights_are_tested(data, tiny):
    fit = Fit(read_corpus(data, tiny), replace(tiny, learning_rate=0.3, patience=9), 0)
    kept = {}

    def keep(fit):
        kept[len(fit.curve)] = {n: v.clone() for n, v in fit.network.state_dict().items()}

    fit.go_on(keep)
    fit.test()

    best = kept[fit.best_epoch]
    assert all(torch.equal(v, best[n]) for n, v in fit.network.state_dict().items())


def test_rate_falls_after_an_epoch_without_a_new_best(data, tiny):
    fit = Fit(read_corpus(data, tiny), tiny, 0)
    rates = []
    for valid in (9.0, 8.0, 8.0, 7.0):
        fit._after_epoch(valid)
        fit.curve.append({"valid": valid})
        rates.append(fit.optimiser.param_groups[0]["lr"])

    assert rates == [0.01, 0.01, 0.0025, 0.0025]


def test_averaging_begins_when_nothing_improves(data, tiny):
    fit = Fit(read_corpus(data, tiny), replace(tiny, optimiser="nt-asgd"), 0)
    began = []
    for valid in (9.0, 8.0, 8.5, 8.5, 8.5, 8.2, 8.1, 8.05):
        fit._after_epoch(valid)
        fit.curve.append({"valid": valid})
        began.append(fit.averages)

    assert began == [False] * 7 + [True]  # 8.0 is more than five epochs old


def test_averages_stand_in_for_the_weights_while_asked(data, tiny):
    fit = Fit(read_corpus(data, tiny), replace(tiny, optimiser="nt-asgd"), 0)
    fit.optimiser = fit._asgd()
    text = rows(read_corpus(data, tiny).train, 4, end=1)
    seen = []
    for _ in range(2):
        fit._epoch(text)
        seen.append(fit.network.decoder.bias.detach().clone())
    average = fit.optimiser.state[fit.network.decoder.bias]["ax"].clone()

    with Averaged(fit):
        inside = fit.network.decoder.bias.detach().clone()

    assert torch.equal(inside, average)
    assert not torch.equal(inside, seen[-1])
    assert torch.equal(fit.network.decoder.bias, seen[-1])


def test_checkpoint_is_safetensors_and_json_in_one_file(data, tmp_path, tiny):
    fit = Fit(read_corpus(data, tiny), replace(tiny, max_epochs=1), 0)
    fit.go_on()

    fit.save(tmp_path / "fit.safetensors")

    with safe_open(tmp_path / "fit.safetensors", framework="pt") as file:
        told = json.loads(file.metadata()["told"])
    assert told["curve"] == fit.curve
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["fit.safetensors"]


def test_checkpoint_of_another_fit_raises(data, tmp_path, tiny):
    corpus = read_corpus(data, tiny)
    Fit(corpus, tiny, 0).save(tmp_path / "fit")

    with pytest.raises(ValueError, match=r"seed must be that of .*, 0, got 1"):
        Fit(corpus, tiny, 1).load(tmp_path / "fit")
    with pytest.raises(ValueError, match=r"config must be that of"):
        Fit(corpus, replace(tiny, bptt=8), 0).load(tmp_path / "fit")
