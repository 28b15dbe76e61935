"""A study and a training of a language model end to end."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lockgate
from lockgate.api import plan_study
from lockgate.studies.command import command
from lockgate.tasks.base import Fitted
from lockgate.tasks.language.prepare import LanguagePreprocessing, PreparedText
from lockgate.tasks.language.task import worst_words
from lockgate.tasks.registry import task
from lockgate.tasks.stack.rungs import choose_rungs, default_names

from .conftest import SMALL


def test_a_trained_network_beats_single_words_clearly(trained: Any) -> None:
    fitted, _ = trained
    baselines = {one["name"]: one["test"]["perplexity"] for one in fitted.metrics["baselines"]}

    assert isinstance(fitted, Fitted)
    assert fitted.metrics["test"]["perplexity"] < 0.5 * baselines["unigram"]
    assert baselines["bigram"] < 0.5 * baselines["unigram"]


def test_a_study_compares_rungs_with_their_parents(studied: Any) -> None:
    results = studied.results

    assert [rung["name"] for rung in results["rungs"]] == ["lstm", "recurrent-dropout", "all"]
    assert {pair["parent"] for pair in results["verdict"]["pairs"]} == {"lstm"}
    assert [one["name"] for one in results["baselines"] if one["reference"]] == ["bigram"]
    for rung in results["rungs"]:
        losses = [one["judged"]["log_loss"] for one in rung["rounds"]]
        assert rung["judged"]["log_loss"] == pytest.approx(np.mean(losses))
        assert rung["rounds"][0]["judged"].keys() == {"log_loss", "perplexity"}
    assert results["data"]["split"]["train"]["words"] == 1_600
    assert "--set data.chunk_steps=12" in results["command"]


def test_the_best_model_of_a_study_is_loaded(studied: Any) -> None:
    found = lockgate.load(studied.folder)

    assert found.task == "language"
    assert found.metrics["test"]["perplexity"] > 1.0
    assert len(found.predict(["w1 w2", "w3"])) == 2


def test_scores_are_those_of_what_the_study_kept(studied: Any) -> None:
    for rung in studied.results["rungs"]:
        for one in rung["rounds"]:
            folder = studied.folder / "rounds" / f"{one['round']}-{one['fold']}" / rung["name"]
            kept = np.load(folder / "judged.npy")
            assert np.mean(kept) == pytest.approx(one["judged"]["log_loss"], rel=1e-5)

    own = json.loads((studied.folder / "fitted" / "metrics.json").read_text())["test"]
    assert own == studied.results["delivered"]["mixture"]


def test_a_plan_counts_chunks_and_names_the_task(text: str, text_file: Path) -> None:
    settings = {**SMALL, "chunk_steps": 35, "rungs": "lstm", "rounds": 5}

    of_file, in_memory = (
        plan_study(source, task="language", **settings) for source in (text_file, [text])
    )

    assert command(of_file).startswith("lockgate study rings.txt --task language --set ")
    assert command(in_memory).startswith("lockgate.study(texts, task='language', ")
    assert of_file.fits == 5
    assert of_file.epoch_steps == 12  # 46 windows in 4 streams


def test_parents_of_the_ladder_are_rungs() -> None:
    ladder = task("language").ladder
    names = default_names(ladder)

    assert {rung.parent for rung in ladder} - {None, "cell"} <= set(names)
    assert choose_rungs(names, ladder) == ladder


def test_a_canary_in_later_parts_is_not_learned(text: str, tmp_path: Path) -> None:
    lines = text.splitlines()
    kept = "\n".join(lines[:170])
    settings = {**SMALL, "max_epochs": 1}
    parts = {}
    for name, rest in {"a": lines[170:], "b": ["canary sings"] * 30}.items():
        (tmp_path / f"{name}.txt").write_text("\n".join(rest))
        given = {"test": str(tmp_path / f"{name}.txt"), "validation": str(tmp_path / "a.txt")}
        fitted, _ = lockgate.train(
            [kept], task="language", out=tmp_path / f"out-{name}", **settings, **given
        )
        parts[name] = fitted

    assert parts["a"].preprocessing == parts["b"].preprocessing
    assert parts["a"].predict(lines[:3]).equals(parts["b"].predict(lines[:3]))


def test_worst_words_are_those_of_the_largest_mean_loss() -> None:
    learned = LanguagePreprocessing(words=("<unk>", "<eos>", "a", "b"))
    test = np.array([2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 1])
    prepared = PreparedText(
        {"train": np.array([2, 3, 3]), "validation": test, "test": test}, learned, 5
    )
    losses = np.array([1.0, 2.0, 3.0, 2.0, 2.0, 5.0, 5.0, 5.0, 5.0, 5.0, 99.0])

    found = worst_words(prepared, losses, np.ones(11))

    assert [(one["word"], one["count"], one["trained"], one["network"]) for one in found] == [
        ("b", 5, 2, 5.0),
        ("a", 5, 1, 2.0),
    ]
