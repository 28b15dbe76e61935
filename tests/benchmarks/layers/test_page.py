"""The page says what the results say, and which floors they miss."""

import json
import re

from benchmarks.common.files import DOCS
from benchmarks.layers import page


def written(folder, *runs):
    for run in runs:
        (folder / page.FILES[run["kind"]]).write_text(json.dumps(run), encoding="utf-8")
    page.write(folder)
    return (folder / "README.md").read_text(encoding="utf-8")


def test_page_marks_what_misses_its_floor(tmp_path, results):
    text = written(tmp_path, results(ratio=1.2))

    assert "| LSTM 64, 120, 14, 32 | ≥ 1.3 (2) | **1.20** ✗ | **1.20** ✗ |" in text
    assert "| LSTM 32, 100, 256, 256 | ≥ 1 (1.15) | 1.20 | 1.20 |" in text
    asked = "- torch/cell of lstm-32-train-64x120x14: 1.20, ≥ 1.3 is asked"
    assert f"{asked}; 1.33 at the whole FMA peak" in text
    beyond = [float(best) for best in re.findall(r"≥ ([0-9.]+) is asked; 1.33 at", text)]
    assert f" {sum(best > 1.2 / 0.9 for best in beyond)} ask for more than the whole FMA" in text


def test_page_says_that_nothing_misses_its_floor(tmp_path, results):
    text = written(tmp_path, results(ratio=9.0))

    assert "figures that have a floor are at it or better" in text
    assert "✗ |" not in text


def test_page_marks_what_was_taken_under_contention(tmp_path, results):
    run = results()
    run["groups"][0]["ratios"]["torch/cell"]["crowded"] = True

    text = written(tmp_path, run)

    assert "| LSTM 64, 120, 14, 32 | ≥ 1.3 (2) | 2.00 † | 2.00 |" in text
    assert " 1 of them were taken under contention, marked †." in text


def test_page_has_a_column_for_each_kind_of_run(tmp_path, results):
    alone = written(tmp_path, results())
    assert "AVX2, per cell" not in alone

    text = written(tmp_path, results("avx2", ratio=1.1), results("no-page-faults", ratio=0.8))

    assert "no page faults (≥ 0.9), per cell | no page faults (≥ 0.9), per gate | AVX2" in text
    assert "| 2.00 | 2.00 | **0.80** ✗ | **0.80** ✗ | 1.10 | 1.10 |" in text
    assert "torch/cell of lstm-32-train-64x120x14, no-page-faults: 0.80, ≥ 0.9 is asked" in text


def test_page_tells_what_shared_masks_save_where_they_were_measured(tmp_path, results):
    assert "What masks save that a batch shares" not in written(tmp_path, results())

    text = written(tmp_path, results("shared", ratio=1.4))

    assert "per cell, 0.5: no masks (≥ 1.5 (1.8)) | masks for each sample | torch |" in text
    assert "| LSTM 32, 100, 256, 256 | **1.40** ✗ | 0.02 | 1.40 | 1.40 | 0.02 | 1.40 |" in text
    assert "| GRU 32, 100, 64, 64 | 1.40 | **0.02** ✗ | 1.40 |" in text
    assert "unmasked/cell-0.5 of lstm-256-shared-32x100x256, shared: 1.40, ≥ 1.5 is asked" in text


def test_page_tells_what_a_cell_may_have_beside_masks_costs(tmp_path, results):
    text = written(tmp_path, results(), results("variants", ratio=2.5))

    assert "| floor (aim) | zoneout: loop | plain | layer norm: loop | plain |" in text
    assert "| RNN 32, 100, 64, 128 | ≥ 3 (5) | **2.50** ✗ | 2.50 | **2.50** ✗ |" in text
    assert "projection-loop/projection of lstm-128-variants-32x100x64, variants: 2.50" in text


def test_page_names_command_data_versions_and_machine(tmp_path, results):
    text = written(tmp_path, results())

    assert "A CPU, 2 threads on 2 cores" in text
    assert "torch 2.13.0" in text
    row = (
        "| `python -m benchmarks.layers` | default, 14 min | 2026-11-21 | 0123456789ab and changes"
    )
    assert f"{row} | 0.1, 1.9 |" in text


def test_page_of_some_groups_leaves_the_others_out(tmp_path, results):
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


def test_nothing_is_left_beside_what_is_written(tmp_path, results):
    written(tmp_path, results())

    assert {path.name for path in tmp_path.iterdir()} == {"layers.json", "layers.svg", "README.md"}


def test_what_is_published_is_what_the_results_say(tmp_path):
    for name in page.FILES.values():
        if (DOCS / name).exists():
            (tmp_path / name).write_bytes((DOCS / name).read_bytes())

    page.write(tmp_path)

    for name in ("README.md", "layers.svg"):
        assert (tmp_path / name).read_text("utf-8") == (DOCS / name).read_text("utf-8")
