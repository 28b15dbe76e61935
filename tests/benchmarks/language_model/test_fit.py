import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import fields, replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch

pytest.importorskip("safetensors", reason="checkpoints are of the extra [workbench]")

from safetensors import safe_open

from benchmarks.language_model import __main__ as language_model
from benchmarks.language_model import checkpoint, page
from benchmarks.language_model.config import ARMS, DEFAULT_ARMS, PRESETS, Config, arm, override
from benchmarks.language_model.data import (
    IGNORED,
    chunk_lengths,
    chunks,
    encode,
    learn_vocabulary,
    read_corpus,
    rows,
)
from benchmarks.language_model.fit import COURSES, Averaged, Fit, Network, perplexity
from lockgate.nn import Stateful

ROOT = Path(__file__).parents[3]
TINY = Config(
    corpus="tiny",
    embedding=8,
    hidden=12,
    weight_decay=1e-6,
    batch=4,
    bptt=7,
    learning_rate=0.01,
    max_epochs=4,
    eval_batch=3,
    train_sample=100,
)
SETTINGS = [f"{field.name}={getattr(TINY, field.name)}" for field in fields(Config)]
SETTINGS = [setting.replace("=False", "=false") for setting in SETTINGS]


def text(lines, seed):
    """Draw lines in which each word depends on the one before."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(2, (lines, 9), generator=generator).cumsum(1) % 13
    return "".join(" ".join(f"w{n}" for n in line) + "\n" for line in drawn.tolist())


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data" / "tiny"
    folder.mkdir(parents=True)
    for seed, (name, lines) in enumerate({"train": 60, "valid": 15, "test": 15}.items()):
        (folder / f"{name}.txt").write_text(text(lines, seed), encoding="utf-8")
    return folder.parent


def curve(fit):
    """Give what has to repeat of a curve: everything but seconds."""
    return [{k: v for k, v in e.items() if not k.endswith("seconds")} for e in fit.curve]


# ---- words ----


def test_vocabulary_is_learned_from_the_training_part_alone(data):
    before = read_corpus(data, replace(TINY, train_tokens=100, vocabulary=9))
    train = (data / "tiny" / "train.txt").read_text(encoding="utf-8").split("\n")
    for name in ("valid", "test"):
        (data / "tiny" / f"{name}.txt").write_text("new words " * 500 + "\n", encoding="utf-8")
    kept = "\n".join(train[:10]) + "\n"  # each line of 9 words and <eos>
    (data / "tiny" / "train.txt").write_text(kept + "other words\n" * 500, encoding="utf-8")

    after = read_corpus(data, replace(TINY, train_tokens=100, vocabulary=9))

    assert after.words == before.words
    assert torch.equal(after.train, before.train)
    assert after.valid[:-1].eq(0).all()


def test_vocabulary_is_of_the_most_frequent_words():
    words = ["c", "b", "b", "a", "a", "a", "<eos>", "<unk>", "d"]

    assert learn_vocabulary(words, 4) == ("<unk>", "<eos>", "a", "b")
    assert learn_vocabulary(words) == ("<unk>", "<eos>", "a", "b", "c", "d")
    assert encode(words, ("<unk>", "<eos>", "a", "b")).tolist() == [0, 3, 3, 2, 2, 2, 1, 0, 0]


def test_missing_corpus_raises(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"data must hold .*train.txt, got neither"):
        read_corpus(tmp_path, TINY)


# ---- rows and chunks ----


@pytest.mark.parametrize(("tokens", "batch"), [(20, 4), (23, 4), (5, 5), (7, 1), (3, 5)])
def test_every_token_is_a_target_once(tokens, batch):
    words = torch.arange(100, 100 + tokens)

    text = rows(words, batch, end=1)

    in_order = text.targets.t().flatten()
    assert in_order[in_order != IGNORED].tolist() == words.tolist()
    assert text.inputs.shape == text.targets.shape == (math.ceil(tokens / batch), batch)


def test_input_is_the_word_before_its_target():
    words = torch.arange(100, 123)

    text = rows(words, 4, end=1)

    inputs, targets = text.inputs.t().flatten(), text.targets.t().flatten()
    assert inputs[0] == 1
    assert torch.equal(inputs[1:23], targets[:22])


@pytest.mark.parametrize("drawn", [False, True])
def test_chunks_follow_each_other(drawn):
    text = rows(torch.arange(1000), 4, end=1)
    generator = torch.Generator().manual_seed(0) if drawn else None
    lengths = chunk_lengths(len(text.inputs), 20, generator)

    found = list(chunks(text, lengths))

    assert sum(lengths) == 250
    assert (len(set(lengths[:-1])) > 1) is drawn
    assert torch.equal(torch.cat([chunk.inputs for chunk in found]), text.inputs)
    assert torch.equal(torch.cat([chunk.targets for chunk in found]), text.targets)


@pytest.mark.parametrize("hold", COURSES)
def test_state_goes_on_from_chunk_to_chunk(hold):
    torch.manual_seed(0)
    network = Network(20, TINY).eval()
    text = rows(torch.randint(20, (90,)), 3, end=1)
    whole = network(text.inputs, Stateful(network.lstm)).scores

    layer = COURSES[hold](network.lstm)
    parts = [network(c.inputs, layer).scores for c in chunks(text, chunk_lengths(30, 7))]

    torch.testing.assert_close(torch.cat(parts), whole)


def test_perplexity_is_that_of_all_targets():
    torch.manual_seed(0)
    network = Network(20, TINY)
    tokens = torch.randint(20, (91,))
    text = rows(tokens, 1, end=1)
    with torch.no_grad():
        scores = network.eval()(text.inputs, Stateful(network.lstm)).scores.log_softmax(-1)
    expected = scores[:, 0].gather(1, tokens.unsqueeze(1)).mean().neg().exp()

    assert perplexity(network, text, 7) == pytest.approx(float(expected), rel=1e-5)


def test_filling_of_the_last_row_does_not_count():
    torch.manual_seed(0)
    network = Network(20, TINY)
    text = rows(torch.randint(20, (22,)), 4, end=1)  # 2 steps are filling
    other = text._replace(inputs=text.inputs.clone())
    other.inputs[-1, -1] = 7

    assert perplexity(network, other, 7) == perplexity(network, text, 7)


# ---- masks ----


@pytest.mark.parametrize(("hold", "same"), [("chunk", False), ("epoch", True)])
def test_masks_are_held_as_the_config_says(hold, same):
    torch.manual_seed(0)
    network = Network(20, replace(TINY, weight_dropout=0.0))
    layer = COURSES[hold](network.lstm)
    seen = []
    forward = network.lstm._arguments
    network.lstm._arguments = lambda *args: seen.append(args[3].cells[0].x) or forward(*args)

    for _ in range(2):
        layer(torch.randn(5, 4, 8))

    assert torch.equal(seen[0], seen[2]) is same


# ---- arms and settings ----


@pytest.mark.parametrize("name", ARMS)
@pytest.mark.parametrize("preset", PRESETS)
def test_arm_differs_in_what_it_says_alone(preset, name):
    full = PRESETS[preset]

    own = arm(full, name)

    differing = {f.name for f in fields(Config) if getattr(own, f.name) != getattr(full, f.name)}
    assert differing == {part for part in ARMS[name] if getattr(full, part)}
    assert all(getattr(own, part) == 0.0 for part in ARMS[name])


def test_arms_are_those_of_the_paper_in_a_row():
    none, locked, weight = (arm(PRESETS["merity-wt2"], name) for name in DEFAULT_ARMS)

    rates = ("embedding_dropout", "input_dropout", "dropout", "output_dropout")
    assert [getattr(none, name) for name in rates] == [0.0] * 4
    assert [getattr(locked, name) for name in rates] == [0.1, 0.65, 0.3, 0.4]
    assert (locked.weight_dropout, weight.weight_dropout) == (0.0, 0.5)
    assert replace(weight, weight_dropout=0.0) == locked


def test_arms_of_a_seed_share_their_initial_weights(data):
    corpus = read_corpus(data, TINY)
    first, *others = (
        Fit(corpus, arm(TINY, name), 5).network.state_dict().values() for name in DEFAULT_ARMS
    )

    for other in others:
        assert all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_output_and_embedding_share_their_weights():
    network = Network(20, TINY)

    assert network.lstm.hidden_size == (12, 8)
    assert sum(p.numel() for p in network.parameters()) == 20 * 8 + 20 + sum(
        p.numel() for p in network.lstm.parameters()
    )


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("size=3", r"set must name one of .*, got 'size'"),
        ("batch=x", r"batch must be of type int, got 'x'"),
        ("batch=0", r"batch must be at least 1, got 0"),
        ("train_tokens=-1", r"train_tokens must be at least 0, got -1"),
        ("optimiser=sgd", r"optimiser must be one of adam, nt-asgd, got 'sgd'"),
        ("learning_rate=0", r"learning_rate must be above 0, got 0.0"),
        ("decay=2", r"decay must be in \(0, 1\], got 2.0"),
    ],
)
def test_setting_that_cannot_be_meant_raises(setting, message):
    with pytest.raises(ValueError, match=message):
        override(TINY, [setting])


def test_unknown_arm_raises():
    with pytest.raises(ValueError, match=r"arms must be of none, .*, got 'all'"):
        arm(TINY, "all")


# ---- training ----


def test_training_lowers_the_perplexity(data):
    fit = Fit(read_corpus(data, TINY), replace(TINY, max_epochs=8), 0)

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
def test_resuming_equals_running_through(data, tmp_path, changes):
    config = replace(TINY, patience=12, **changes)
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


def test_fit_ends_when_nothing_improves(data):
    fit = Fit(read_corpus(data, TINY), replace(TINY, max_epochs=50, patience=3), 0)
    fit.curve = [{"epoch": n, "valid": valid} for n, valid in enumerate([9.0, 7.0, 8.0, 7.0], 1)]

    assert (fit.best_epoch, fit.finished) == (2, False)
    fit.curve.append({"epoch": 5, "valid": 7.5})
    assert (fit.best_epoch, fit.finished) == (2, True)


def test_best_weights_are_tested(data):
    fit = Fit(read_corpus(data, TINY), replace(TINY, learning_rate=0.3, patience=9), 0)
    kept = {}

    def keep(fit):
        kept[len(fit.curve)] = {n: v.clone() for n, v in fit.network.state_dict().items()}

    fit.go_on(keep)
    fit.test()

    best = kept[fit.best_epoch]
    assert all(torch.equal(v, best[n]) for n, v in fit.network.state_dict().items())


def test_rate_falls_after_an_epoch_without_a_new_best(data):
    fit = Fit(read_corpus(data, TINY), TINY, 0)
    rates = []
    for valid in (9.0, 8.0, 8.0, 7.0):
        fit._after_epoch(valid)
        fit.curve.append({"valid": valid})
        rates.append(fit.optimiser.param_groups[0]["lr"])

    assert rates == [0.01, 0.01, 0.0025, 0.0025]


def test_averaging_begins_when_nothing_improves(data):
    fit = Fit(read_corpus(data, TINY), replace(TINY, optimiser="nt-asgd"), 0)
    began = []
    for valid in (9.0, 8.0, 8.5, 8.5, 8.5, 8.2, 8.1, 8.05):
        fit._after_epoch(valid)
        fit.curve.append({"valid": valid})
        began.append(fit.averages)

    assert began == [False] * 7 + [True]  # 8.0 is more than five epochs old


def test_averages_stand_in_for_the_weights_while_asked(data):
    fit = Fit(read_corpus(data, TINY), replace(TINY, optimiser="nt-asgd"), 0)
    fit.optimiser = fit._asgd()
    text = rows(read_corpus(data, TINY).train, 4, end=1)
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


# ---- checkpoints ----


def test_checkpoint_is_safetensors_and_json_in_one_file(data, tmp_path):
    fit = Fit(read_corpus(data, TINY), replace(TINY, max_epochs=1), 0)
    fit.go_on()

    fit.save(tmp_path / "fit.safetensors")

    with safe_open(tmp_path / "fit.safetensors", framework="pt") as file:
        told = json.loads(file.metadata()["told"])
    assert told["curve"] == fit.curve
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["fit.safetensors"]


def test_failed_write_leaves_the_last_checkpoint(tmp_path):
    path = tmp_path / "fit"
    checkpoint.write(path, {"a": {"x": torch.ones(2)}}, {"epoch": 1})

    with pytest.raises(TypeError):
        checkpoint.write(path, {"a": {"x": torch.zeros(2)}}, {"epoch": object()})

    tensors, told = checkpoint.read(path)
    assert told == {"epoch": 1}
    assert torch.equal(tensors["a"]["x"], torch.ones(2))


def test_checkpoint_of_another_fit_raises(data, tmp_path):
    corpus = read_corpus(data, TINY)
    Fit(corpus, TINY, 0).save(tmp_path / "fit")

    with pytest.raises(ValueError, match=r"seed must be that of .*, 0, got 1"):
        Fit(corpus, TINY, 1).load(tmp_path / "fit")
    with pytest.raises(ValueError, match=r"config must be that of"):
        Fit(corpus, replace(TINY, bptt=8), 0).load(tmp_path / "fit")


# ---- the script ----


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_killed_run_goes_on_and_ends_as_one_not_killed(data, tmp_path):
    epochs = 40
    settings = [*SETTINGS, f"max_epochs={epochs}", f"patience={epochs}"]
    options = [
        "--data",
        str(data),
        "--runs",
        str(tmp_path / "runs"),
        "--out",
        str(tmp_path / "out"),
    ]
    options += ["--arms", "locked", "weight", "--seeds", "4", "--workers", "1"]
    options += [part for setting in settings for part in ("--set", setting)]
    command = [sys.executable, "-m", "benchmarks.language_model", *options]
    checkpoints = tmp_path / "runs" / "locked-4.safetensors"
    run = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    while not checkpoints.exists() and run.poll() is None:
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert not (tmp_path / "runs" / "weight-4.json").exists()

    with pytest.raises(ValueError, match=r"runs must be an empty folder, got .*--resume"):
        language_model.main(options)
    language_model.main([*options, "--resume"])

    results = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert [fit["arm"] for fit in results["fits"]] == ["locked", "weight"]
    assert len(results["sessions"]) == 2
    for found in results["fits"]:
        config = arm(override(PRESETS["small"], settings), found["arm"])
        fit = Fit(read_corpus(data, config), config, 4)
        fit.go_on()
        found["curve"] = [
            {k: v for k, v in e.items() if "seconds" not in k} for e in found["curve"]
        ]
        assert found["curve"] == curve(fit)
        assert found["test"] == fit.test()


def test_run_with_other_settings_is_not_gone_on_with(data, tmp_path):
    options = ["--data", str(data), "--runs", str(tmp_path), "--out", str(tmp_path)]
    args = language_model.arguments(options)
    language_model.begin(args, TINY)

    args = language_model.arguments([*options, "--resume"])
    with pytest.raises(ValueError, match=r"config must be that of the run"):
        language_model.begin(args, replace(TINY, bptt=8))


# ---- the page ----


def results_of(tests, preset="small"):
    """Give results of fits with these test perplexities, by arm."""
    fits = [
        {
            "arm": name,
            "seed": seed,
            "test": test,
            "best_epoch": 2,
            "parameters": 1000,
            "vocabulary": 5000,
            "tokens": {"train": 200_000, "valid": 10, "test": 10},
            "unknown": {"train": 0.116, "valid": 0.196, "test": 0.198},
            "curve": [
                {"epoch": 1, "train": 300.0, "valid": test + 20, "seconds": 60.0},
                {"epoch": 2, "train": 200.0, "valid": test + 1, "seconds": 60.0},
                {"epoch": 3, "train": 100.0, "valid": test + 5, "seconds": 60.0},
            ],
        }
        for name, values in tests.items()
        for seed, test in enumerate(values)
    ]
    session = {
        "command": "python -m benchmarks.language_model",
        "date": "2026-01-01 00:00 UTC",
        "commit": "0123456789ab",
        "uncommitted": False,
        "instruction_set": "avx512",
        "gpu": None,
        "versions": {"lockgate": "0.1.0", "torch": "2.13.0"},
        "python": "3.11.0",
        "platform": "Linux",
        "cpu": "a processor",
        "cores": 2,
    }
    return {
        "preset": preset,
        "config": PRESETS[preset].to_dict(),
        "arms": list(tests),
        "seeds": [0, 1, 2],
        "threads": 1,
        "workers": 2,
        "device": "cpu",
        "sessions": [session],
        "fits": fits,
    }


FULL = {"none": [130.0, 131, 132], "locked": [110.0, 112, 111], "weight": [105.0, 106, 107]}


def test_page_tells_means_spread_and_paired_differences():
    text = page.page(results_of(FULL))

    assert "| `weight` | 3 | 107.00 ± 1.00 | 106.00 ± 1.00 | 200.00 ± 0.00 |" in text
    assert "| weight dropout | -5.00 | -6.00 | -4.00 | -5.00 ± 1.00 | -4.5 % |" in text
    assert "not comparable with published ones" in text
    assert "not finished" not in text
    assert "<unk>" not in text.replace("`<unk>`", "")  # would be taken for HTML


def test_page_names_fits_that_are_missing():
    text = page.page(results_of({"none": [130.0, 131, 132], "locked": [110.0]}))

    assert "**2 of 6 fits are not finished yet.**" in text
    assert "Too few fits" in text


@pytest.mark.parametrize(
    ("weight", "others", "claim"),
    [
        ([105.0, 106, 107], {}, "its gain is seen at this size too. Whether it is the *largest*"),
        ([115.0, 117, 116], {}, "it costs more than it gives"),
        ([112.0, 110, 111], {}, "not told from the noise"),
        ([105.0, 106, 107], {"no-input": [107.0, 108, 109]}, "the paper's order is seen"),
        ([105.0, 106, 107], {"no-input": [117.0, 118, 119]}, "Larger is dropout of the input"),
    ],
)
def test_verdict_follows_the_numbers(weight, others, claim):
    assert claim in page.page(results_of({**FULL, "weight": weight, **others}))


def test_published_figures_are_targets():
    text = page.page(results_of(FULL))

    assert "57.3" in text
    assert "65.8" in text
    assert "They have not been run here" in text


def test_page_and_plot_are_written_again_from_results_alone(tmp_path):
    (tmp_path / "results.json").write_text(json.dumps(results_of(FULL)), encoding="utf-8")

    language_model.main(["--page-only", "--out", str(tmp_path)])

    assert (tmp_path / "README.md").read_text(encoding="utf-8").startswith("# A language model")
    svg = ElementTree.fromstring((tmp_path / "curves.svg").read_text(encoding="utf-8"))  # noqa: S314
    lines = svg.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 18


def test_plot_of_nothing_is_a_plot():
    assert page.plot([]).startswith("<svg")
