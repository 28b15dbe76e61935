"""The page says what the results say."""

import json
from xml.etree import ElementTree

import pytest

pytest.importorskip("safetensors", reason="checkpoints are of the extra [workbench]")

from benchmarks.common.files import DOCS
from benchmarks.language_model import page
from benchmarks.language_model.__main__ import main
from benchmarks.language_model.config import PRESETS

FULL = {"none": [130.0, 131, 132], "locked": [110.0, 112, 111], "weight": [105.0, 106, 107]}


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

    main(["--page-only", "--out", str(tmp_path)])

    assert (tmp_path / "README.md").read_text(encoding="utf-8").startswith("# A language model")
    svg = ElementTree.fromstring((tmp_path / "curves.svg").read_text(encoding="utf-8"))  # noqa: S314
    lines = svg.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 18


def test_what_is_published_is_what_the_results_say(tmp_path):
    folder = DOCS / "language_model"
    (tmp_path / "results.json").write_bytes((folder / "results.json").read_bytes())

    page.write(tmp_path)

    for name in ("README.md", "curves.svg"):
        assert (tmp_path / name).read_text("utf-8") == (folder / name).read_text("utf-8")
