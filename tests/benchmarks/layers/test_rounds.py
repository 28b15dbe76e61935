import json

import numpy as np
import pytest

pytest.importorskip("resource", reason="the benchmark runs on Linux and macOS")

from benchmarks.common.markdown import table
from benchmarks.layers import floors, page, peers
from benchmarks.layers.cases import RATIOS, SHAPES, Shape, groups
from benchmarks.layers.floors import Goal
from benchmarks.layers.plot import plot
from benchmarks.layers.rounds import (
    ENOUGH,
    Candidate,
    Sample,
    clean_rounds,
    goes_on,
    is_clean,
    repeats_for,
    spread,
    summary,
    timed,
)
from benchmarks.layers.rounds import run as run_rounds


def rounds_of(*seconds, clean=True):
    """Give a round for each pair of seconds, of torch's and of ours."""
    return [{"torch": Sample(a, clean, 7.0), "ours": Sample(b, True)} for a, b in seconds]


@pytest.mark.parametrize(
    ("wall", "steal", "delay", "clean"),
    [(1.0, 0, 0.0, True), (1.0, 0, 0.02, True), (1.0, 0, 0.021, False), (1.0, 1, 0.0, False)],
)
def test_sample_is_dropped_under_contention(wall, steal, delay, clean):
    assert is_clean(wall, steal, delay) is clean


@pytest.mark.parametrize(("seconds", "repeats"), [(1.0, 1), (0.02, 1), (0.002, 10), (0.0, 2e7)])
def test_short_call_is_repeated(seconds, repeats):
    assert repeats_for(seconds) == repeats


def test_sample_is_of_one_call():
    calls = []
    take = timed(lambda: calls.append(None))
    calls.clear()

    sample = take()

    assert 0.0 < sample.seconds < 0.001
    assert len(calls) > 100


def test_order_is_reversed_in_every_second_round():
    order = []

    def candidate(name):
        return Candidate(name, lambda: order.append(name) or Sample(1.0, True))

    rounds = run_rounds([candidate("a"), candidate("b"), candidate("c")], seconds=0.001)

    assert list(rounds[0]) == ["a", "b", "c"]
    assert "".join(order).startswith("abccba"[: len(order)])


def test_round_counts_only_if_all_of_it_is_clean():
    rounds = [*rounds_of((2.0, 1.0)), *rounds_of((2.0, 1.0), clean=False)]

    assert clean_rounds(rounds, []) == rounds[:1]


def test_peer_under_contention_spoils_its_own_ratios_alone():
    rounds = rounds_of((2.0, 1.0), clean=False)

    assert clean_rounds(rounds, ["torch"]) == rounds
    assert clean_rounds(rounds, ["torch"], "torch") == []


def test_rounds_go_on_for_twice_the_time_where_few_are_clean():
    clean, dirty = rounds_of((2.0, 1.0)), rounds_of((2.0, 1.0), clean=False)

    assert goes_on(0.9, 1.0, clean * ENOUGH, [])
    assert goes_on(9.0, 1.0, [], [])
    assert not goes_on(1.1, 1.0, clean * ENOUGH, [])
    assert goes_on(1.1, 1.0, dirty * ENOUGH, [])
    assert not goes_on(2.1, 1.0, dirty * ENOUGH, [])


def test_spread_has_median_and_quartiles():
    assert spread([1.0, 2.0, 3.0, 4.0, 50.0]) == {"median": 3.0, "low": 2.0, "high": 4.0}
    assert spread([1.23456]) == {"median": 1.235, "low": 1.235, "high": 1.235}


def test_ratio_is_the_median_within_rounds():
    rounds = rounds_of((2.0, 1.0), (30.0, 10.0), (4.0, 1.0), (5.0, 1.0), (60.0, 10.0))
    dirty = rounds_of((900.0, 1.0), clean=False)

    found = summary([*rounds, *dirty], [("torch", "ours")])

    assert (found["rounds"], found["clean_rounds"]) == (6, 5)
    ratio = found["ratios"]["torch/ours"]
    assert (ratio["median"], ratio["rounds"], ratio["crowded"]) == (4.0, 5, False)
    torch = found["candidates"]["torch"]
    assert torch["milliseconds"]["median"] == 5000.0
    assert (torch["dropped"], torch["page_faults"]) == (1, 7.0)


def test_all_rounds_count_and_are_marked_where_few_are_clean():
    dirty = rounds_of((900.0, 1.0), (901.0, 1.0), (902.0, 1.0), clean=False)

    ratio = summary([*rounds_of((2.0, 1.0)), *dirty], [("torch", "ours")])["ratios"]["torch/ours"]

    assert (ratio["median"], ratio["rounds"], ratio["crowded"]) == (900.5, 4, True)


def test_share_is_of_the_best_peak_in_the_round():
    peak = {"mm": Sample(0.5, True), "fma": Sample(0.25, True)}
    rounds = [{**found, **peak} for found in rounds_of((4.0, 2.0)) * ENOUGH]

    found = summary(rounds, [], peaks=["mm", "fma"], gflop={"ours": 4.0})

    assert found["shares"]["ours"]["median"] == 0.5
    assert found["peak_gflops"]["fma"]["median"] == 4.0
    assert set(found["candidates"]) == {"torch", "ours"}


def test_work_of_a_train_step_is_three_forwards():
    shape = Shape(B=2, T=3, I=5, H=7)

    assert shape.gflop("gru", train=False) == pytest.approx(2e-9 * 3 * 2 * 3 * 7 * 12)
    assert shape.gflop("gru", train=True) == pytest.approx(3 * shape.gflop("gru", train=False))


LSTM_64 = ("train-32x100x64", "inference-32x100x64", "step-1x20x64")


def test_groups_are_chosen_by_text():
    chosen = [group.name for group in groups("lstm-64")]

    assert chosen == [
        "lstm-64-train-32x100x64",
        "lstm-64-inference-32x100x64",
        "lstm-64-step-1x20x64",
    ]
    names = [group.name for group in groups("")]
    assert len(set(names)) == len(names) == 3 * (2 * len(SHAPES) + 4)


def test_goal_bounds_from_below_or_above():
    assert Goal(1.3, 2.0).missed(1.29)
    assert not Goal(1.3, 2.0).missed(1.3)
    assert Goal(0.03, 0.01, most=True).missed(0.031)
    assert str(Goal(0.03, 0.01, most=True)) == "≤ 0.03 (0.01)"


@pytest.mark.parametrize(
    ("cell", "H", "floor", "aim"),
    [
        ("lstm", 128, 1.3, 2.0),
        ("lstm", 256, 1.0, 1.15),
        ("gru", 128, 2.5, 4.0),
        ("gru", 256, 2.5, 2.8),
        ("gru", 512, 2.2, 2.8),
        ("gru", 650, 2.0, 2.8),
    ],
)
def test_floor_of_a_train_step(cell, H, floor, aim):
    assert floors.train(cell, H) == Goal(floor, aim)


def test_gates_are_reordered_by_blocks_of_rows():
    names = np.repeat(["i", "f", "g", "o"], 2)

    assert "".join(peers.reordered(names, peers.ONNX_ORDER["lstm"])) == "iiooffgg"
    assert "".join(peers.reordered(names, peers.KERAS_ORDER["lstm"])) == "iiffggoo"
    assert "".join(peers.reordered(np.array(["r", "z", "n"]), peers.ONNX_ORDER["gru"])) == "zrn"


def test_weights_have_the_shapes_of_the_peers():
    given = {"w_ih": np.ones((12, 3)), "w_hh": np.ones((12, 4)), "b_ih": np.ones(12)}
    given["b_hh"] = np.ones(12)

    assert [w.shape for w in peers.keras_weights("gru", given)] == [(3, 12), (4, 12), (2, 12)]
    onnx = peers.onnx_weights("gru", given)
    assert {name: w.shape for name, w in onnx.items()} == {
        "W": (1, 12, 3),
        "R": (1, 12, 4),
        "B": (1, 24),
    }


# ---- the page ----


def of(median, *, crowded=False):
    return {"median": median, "low": median, "high": median, "rounds": 9, "crowded": crowded}


def results(kind="default", *, ratio=2.0, crowded=False):
    """Give results of every group with the same numbers."""
    candidates = {"torch", *(name for pairs in RATIOS.values() for pair in pairs for name in pair)}
    told = {"milliseconds": of(1.5, crowded=crowded), "page_faults": 3.0, "dropped": 1}
    measured = [
        {
            "name": group.name,
            "cell": group.cell,
            "mode": group.mode,
            **group.shape._asdict(),
            "errors": {},
            "failed": {},
            "slow": {},
            "rounds": 12,
            "clean_rounds": 9,
            "candidates": dict.fromkeys(sorted(candidates), told),
            "ratios": {
                "/".join(pair): of(ratio if pair[0] in ("torch", "loop", "onnx") else 0.02)
                for pair in RATIOS[group.mode]
            },
            "shares": {name: of(0.9) for name in sorted(candidates)},
            "peak_gflops": {"mm": of(100.0), "fma": of(120.0)},
        }
        for group in groups("")
    ]
    environment = {
        "cpu": "A CPU",
        "cores": 2,
        "threads": 2,
        "instruction_set": "avx512",
        "torch_capability": "AVX512",
        "peaks": ["mm", "fma"],
        "contention_seen": True,
        "python": "3.11.7",
        "platform": "Linux",
        "versions": {"torch": "2.13.0"},
        "commit": "0123456789ab",
        "uncommitted": True,
    }
    return {
        "kind": kind,
        "command": "python -m benchmarks.layers",
        "date": "2026-11-21",
        "minutes": 14.2,
        "load_average": {"before": [0.1, 0, 0], "after": [1.9, 1, 1]},
        "environment": environment,
        "groups": measured,
    }


def written(folder, *runs):
    for run in runs:
        (folder / page.FILES[run["kind"]]).write_text(json.dumps(run), encoding="utf-8")
    page.write(folder)
    return (folder / "README.md").read_text(encoding="utf-8")


def test_table_is_markdown():
    assert table(["a", "b"], [["x", "1"]]) == "| a | b |\n| --- | --: |\n| x | 1 |"


def test_page_marks_what_misses_its_floor(tmp_path):
    text = written(tmp_path, results(ratio=1.2))

    assert "| LSTM 64, 120, 14, 32 | ≥ 1.3 (2) | **1.20** ✗ | **1.20** ✗ |" in text
    assert "| LSTM 32, 100, 256, 256 | ≥ 1 (1.15) | 1.20 | 1.20 |" in text
    assert "- torch/cell of lstm-32-train-64x120x14: 1.20, ≥ 1.3 is asked" in text


def test_page_says_that_nothing_misses_its_floor(tmp_path):
    text = written(tmp_path, results(ratio=9.0))

    assert "figures that have a floor are at it or better" in text
    assert "✗ |" not in text


def test_page_marks_what_was_taken_under_contention(tmp_path):
    run = results()
    run["groups"][0]["ratios"]["torch/cell"]["crowded"] = True

    text = written(tmp_path, run)

    assert "| LSTM 64, 120, 14, 32 | ≥ 1.3 (2) | 2.00 † | 2.00 |" in text
    assert " 1 of them were taken under contention, marked †." in text


def test_page_has_a_column_for_each_kind_of_run(tmp_path):
    alone = written(tmp_path, results())
    assert "AVX2, per cell" not in alone

    text = written(tmp_path, results("avx2", ratio=1.1), results("no-page-faults", ratio=0.8))

    assert "no page faults (≥ 0.9), per cell | no page faults (≥ 0.9), per gate | AVX2" in text
    assert "| 2.00 | 2.00 | **0.80** ✗ | **0.80** ✗ | 1.10 | 1.10 |" in text
    assert "torch/cell of lstm-32-train-64x120x14, no-page-faults: 0.80, ≥ 0.9 is asked" in text


def test_page_names_command_data_versions_and_machine(tmp_path):
    text = written(tmp_path, results())

    assert "A CPU, 2 threads on 2 cores" in text
    assert "torch 2.13.0" in text
    row = (
        "| `python -m benchmarks.layers` | default, 14 min | 2026-11-21 | 0123456789ab and changes"
    )
    assert f"{row} | 0.1, 1.9 |" in text


def test_page_of_some_groups_leaves_the_others_out(tmp_path):
    run = results()
    run["groups"] = run["groups"][:2]
    del run["groups"][0]["ratios"]["keras/cell"]
    run["groups"][0]["slow"] = {"keras": 13.7}

    text = written(tmp_path, run)

    assert "| LSTM 64, 120, 14, 32 | – | 0.02 | 2.00 |" in text
    assert (
        "- keras takes 14 s for a call of lstm-32-train-64x120x14, too long for the rounds" in text
    )
    assert "GRU 64" not in text


def test_nothing_is_left_beside_what_is_written(tmp_path):
    written(tmp_path, results())

    assert {path.name for path in tmp_path.iterdir()} == {"layers.json", "layers.svg", "README.md"}


def test_plot_has_a_dot_for_each_ratio():
    drawn = plot(results()["groups"])

    assert drawn.count('r="3"') == 2 * 3 * len(SHAPES) + 2  # and the legend's
    assert "LSTM 64, 120, 14, 32" in drawn
