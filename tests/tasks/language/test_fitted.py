"""A fitted language model predicts the same wherever it is loaded."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import lockgate
from lockgate.errors import DataError


def test_a_loaded_model_predicts_the_same(trained: Any, text_file: Path, tmp_path: Path) -> None:
    fitted, folder = trained

    again = lockgate.load(folder)
    fitted.save(tmp_path / "saved")

    assert again.predict(text_file).equals(fitted.predict(text_file))
    assert lockgate.load(tmp_path / "saved").metrics == fitted.metrics
    assert isinstance(again, lockgate.tasks.base.Fitted)


def test_log_losses_are_those_of_one_long_pass(trained: Any) -> None:
    fitted, _ = trained
    tokens = np.tile(np.arange(2, 13), 100)
    x = torch.from_numpy(np.concatenate([[fitted.preprocessing.end], tokens[:-1]]))
    with torch.no_grad():
        scores = fitted.model(x[None]).log_softmax(-1)
    expected = -scores[torch.arange(len(tokens)), torch.from_numpy(tokens)]

    np.testing.assert_allclose(fitted.log_losses(tokens), expected, rtol=1e-4, atol=1e-5)


def test_probabilities_of_all_words_sum_to_one(trained: Any) -> None:
    fitted, _ = trained
    words = len(fitted.preprocessing.words)

    next_losses = [fitted.log_losses(np.array([3, word]))[1] for word in range(words)]

    assert np.exp(-np.array(next_losses)).sum() == pytest.approx(1.0, abs=1e-5)


def test_texts_of_a_list_begin_anew_and_lines_of_a_file_go_on(trained: Any, tmp_path: Path) -> None:
    fitted, _ = trained
    (tmp_path / "a.txt").write_text("w1 w2 w4\nw2 w3 w5\n")

    apart = fitted.predict(["w1 w2 w4", "w2 w3 w5"])
    alone = fitted.predict(["w2 w3 w5"])
    going_on = fitted.predict(tmp_path / "a.txt")

    assert apart.columns == ["text", "words", "unknown", "log_loss", "perplexity"]
    assert apart["log_loss"][1] == alone["log_loss"][0]
    assert going_on["log_loss"][0] == pytest.approx(apart["log_loss"][0])
    assert going_on["log_loss"][1] != pytest.approx(apart["log_loss"][1])
    assert apart["words"].to_list() == [4, 4]


def test_what_follows_the_rule_is_likelier(trained: Any) -> None:
    found = trained[0].predict(["W1 W2 W4 W5 W7", "W1 W8 W3 W9 W2", "x y z"])

    assert found["perplexity"][0] < found["perplexity"][1]
    assert found["unknown"].to_list() == [0, 0, 3]


def test_options_of_a_classifier_are_refused(trained: Any, text_file: Path) -> None:
    with pytest.raises(DataError, match=r"got 'mc_samples'; the settings are encoding$"):
        lockgate.evaluate(trained[1], text_file, mc_samples=5)


def test_a_text_of_another_encoding_is_read_as_it_is_told(trained: Any, tmp_path: Path) -> None:
    path = tmp_path / "rings.txt"
    path.write_bytes("W1 W2 W4\nW5 W7 Wé\n".encode("utf-16-le"))

    predicted = lockgate.predict(trained[1], path, encoding="utf-16-le")
    scored = lockgate.evaluate(trained[1], path, encoding="utf-16-le")

    assert predicted["words"].to_list() == [4, 4]
    assert predicted["unknown"].to_list() == [0, 1]
    assert scored.words == 8


def changed(folder: Path, tmp_path: Path, name: str, change: Any) -> Path:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    content = json.loads((copy / name).read_text())
    change(content)
    (copy / name).write_text(json.dumps(content))
    return copy


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("preprocessing.json", lambda c: c["words"].append("w1"), "holds faulty words"),
        ("preprocessing.json", lambda c: c["words"].pop(0), "holds faulty words"),
        ("preprocessing.json", lambda c: c["words"].append("more"), "embedding.weight must have"),
        ("preprocessing.json", lambda c: c.pop("words"), "words: Field required"),
        ("config.json", lambda c: c["model"].update(hidden_size=10**9), "hidden_size must be"),
        ("config.json", lambda c: c["model"].update(tied_weights=False), "head.weight must have"),
        ("config.json", lambda c: c["model"].update(num_layers=100), "layers, got"),
        ("config.json", lambda c: c["model"].update(bidirectional=True), "must be false"),
        ("config.json", lambda c: c.update(task="labels"), "is no fitted model"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_faulty_folder_is_refused(
    trained: Any, tmp_path: Path, name: str, change: Any, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        lockgate.load(changed(trained[1], tmp_path, name, change))


def test_weights_of_another_type_are_refused(trained: Any, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(trained[1], copy)
    weights = load_file(copy / "model.safetensors")
    save_file({n: w.double() for n, w in weights.items()}, copy / "model.safetensors")

    with pytest.raises(DataError, match=r"in float32, got torch\.float64"):
        lockgate.load(copy)
