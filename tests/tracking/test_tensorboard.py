"""What TensorBoard reads is what the history and the folder of a run hold, once."""

import math

from lockgate.tracking.ended import Ended
from lockgate.tracking.tensorboard import TensorBoardWriter


def test_a_fit_is_read_as_it_was(events, config, history, tmp_path):
    TensorBoardWriter().fit(tmp_path, "rounds/1-a/lstm", config, history)

    scalars, texts = events(tmp_path / "tensorboard" / "rounds" / "1-a" / "lstm")

    assert scalars["loss/training"] == list(zip(history.steps, history.training, strict=True))
    assert scalars["loss/validation"] == list(zip(history.steps, history.validation, strict=True))
    assert scalars["learning_rate"] == [(step, 0.01) for step in history.steps]
    assert scalars["epoch"] == [(5, 0.5), (10, 1.0), (15, 1.5), (20, 2.0)]
    assert "learning_rate: 0.01" in texts["settings"]


def test_a_fit_that_diverged_is_written_to_its_end(events, config, history, tmp_path):
    diverged = history.model_copy(update={"validation": [5.0, 4.5, 4.75, math.inf]})

    TensorBoardWriter().fit(tmp_path, "lstm", config, diverged)

    scalars, _ = events(tmp_path / "tensorboard" / "lstm")
    assert scalars["loss/validation"][-1] == (20, math.inf)


def test_a_fit_that_is_there_is_not_written_again(events, config, history, tmp_path):
    writer = TensorBoardWriter()
    writer.fit(tmp_path, "lstm", config, history)
    before = [path.stat() for path in (tmp_path / "tensorboard").rglob("*")]

    TensorBoardWriter().fit(tmp_path, "lstm", config, history)

    assert [path.stat() for path in (tmp_path / "tensorboard").rglob("*")] == before


def test_what_a_killed_process_left_is_not_shown_beside_it(events, config, history, tmp_path):
    left = tmp_path / "tensorboard" / "rounds" / "1-a" / ".lstm.0123abcd"
    left.mkdir(parents=True)
    (left / "events.out.tfevents.1").touch()

    TensorBoardWriter().fit(tmp_path, "rounds/1-a/lstm", config, history)

    assert [one.name for one in left.parent.iterdir()] == ["lstm"]


def test_the_end_of_a_run_that_went_on_takes_the_place_of_the_first(events, config, tmp_path):
    def ended(score, rounds):
        scores, texts = {"test/mae/delivered": score}, {"verdict": [f"{rounds} rounds.", "Open."]}
        return Ended(config, scores, texts, files=(), rounds=rounds)

    TensorBoardWriter().end(tmp_path, ended(2.0, 5))
    TensorBoardWriter().end(tmp_path, ended(1.0, 10))

    scalars, texts = events(tmp_path / "tensorboard" / "run")
    assert scalars == {"test/mae/delivered": [(10, 1.0)]}
    assert texts["verdict"] == "10 rounds.\n\nOpen."
    assert "target: sold" in texts["settings"]
