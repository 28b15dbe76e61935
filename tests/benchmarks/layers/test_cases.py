"""What is compared, and its work."""

import pytest

from benchmarks.layers.cases import SHAPES, Shape, groups


def test_work_of_a_train_step_is_three_forwards():
    shape = Shape(B=2, T=3, I=5, H=7)

    assert shape.gflop("gru", train=False) == pytest.approx(2e-9 * 3 * 2 * 3 * 7 * 12)
    assert shape.gflop("gru", train=True) == pytest.approx(3 * shape.gflop("gru", train=False))


def test_groups_are_chosen_by_text():
    chosen = [group.name for group in groups("lstm-64")]

    assert chosen == [
        "lstm-64-train-32x100x64",
        "lstm-64-inference-32x100x64",
        "lstm-64-step-1x20x64",
    ]
    assert [group.name for group in groups("lstm-64", "shared")] == ["lstm-64-shared-32x100x64"]
    variants = [group.name for group in groups("", "variants")]
    assert variants[::2] == [f"{cell}-128-variants-32x100x64" for cell in ("lstm", "gru", "rnn")]
    names = [group.name for group in groups("")]
    assert len(set(names)) == len(names) == 3 * (2 * len(SHAPES) + 4)
