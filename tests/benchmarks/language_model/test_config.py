"""Arms and settings say what a fit is."""

from dataclasses import fields, replace

import pytest

from benchmarks.language_model.config import ARMS, DEFAULT_ARMS, PRESETS, Config, arm, override


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
def test_setting_that_cannot_be_meant_raises(setting, message, tiny):
    with pytest.raises(ValueError, match=message):
        override(tiny, [setting])


def test_unknown_arm_raises(tiny):
    with pytest.raises(ValueError, match=r"arms must be of none, .*, got 'all'"):
        arm(tiny, "all")
