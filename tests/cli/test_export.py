"""`lockgate export`, and what it says where it cannot."""

import pytest

pytest.importorskip("onnxruntime", reason='needs the extra "onnx"')
pytest.importorskip("onnxscript", reason='needs the extra "onnx"')

import lockgate_runtime


def test_a_folder_is_written_and_predicts(lockgate, trained, tmp_path):
    out = tmp_path / "out"
    done = lockgate("export", trained[1], "--out", out, "--weights", "int8")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith(
        f"{out}: in 2 calls the graph gave what the model gives; they differed by at most "
    )
    # no matrix of it is large
    assert "\nweights in int8 change forecast by 0 % of its range, at most 0 %" in done.stdout
    schema = lockgate_runtime.load(out).schema
    assert (schema["horizon"], schema["weights"]) == (3, "int8")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--level", "much"], "level must be numbers parted by commas, got 'much'"),
        (["--level", "120"], "level must be numbers above 0 and below 100, in per cent, got 120.0"),
        (["--to", "pt2", "--weights", "int8"], "weights must be float32 where to is pt2, got int8"),
        (["--level", "80"], "level must be left out of this model (--level none), which has no"),
    ],
)
def test_wrong_use_is_one_sentence(options, words, lockgate, trained, tmp_path):
    out = tmp_path / "out"
    done = lockgate("export", trained[1], "--out", out, *options)
    assert done.exit_code == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not out.exists()


def test_what_holds_something_is_left_alone(lockgate, trained, tmp_path):
    (tmp_path / "kept").touch()
    done = lockgate("export", trained[1], "--out", tmp_path)
    assert done.exit_code == 2
    assert "out must be a new folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
