"""A folder is data: what is not as it was exported is named, and nothing of it is run."""

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import lockgate_runtime
import pytest
from exported_models import Exported, hourly

RUNTIME = Path(lockgate_runtime.__file__).parents[1]


@pytest.fixture
def folder(plain: Exported, tmp_path: Path) -> Path:
    return Path(shutil.copytree(plain.folder, tmp_path / "copy"))


def test_what_was_cut_short_swapped_or_altered_is_named(folder: Path) -> None:
    for name in ("model.onnx", "schema.json"):
        whole = (folder / name).read_bytes()
        for other in (whole[:-1], whole[:-1] + b"!", b""):
            (folder / name).write_bytes(other)
            with pytest.raises(lockgate_runtime.DataError, match=f"{name} must be as it was exp"):
                lockgate_runtime.load(folder)
        (folder / name).write_bytes(whole)
    lockgate_runtime.load(folder)


def test_what_is_no_exported_model_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(lockgate_runtime.DataError, match="a folder that lockgate export wrote"):
        lockgate_runtime.load(tmp_path / "none")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"../secret": "0"}))
    with pytest.raises(
        lockgate_runtime.DataError,
        match=r"must name the files of an exported model, got .*'\.\./secret'",
    ):
        lockgate_runtime.load(folder)
    (folder / "manifest.json").write_text("[" * 100_000)
    with pytest.raises(lockgate_runtime.DataError, match=r"manifest\.json must be JSON"):
        lockgate_runtime.load(folder)


def sealed(folder: Path) -> None:
    """Give a folder the checksums of what it holds."""
    from lockgate.exporting.folder import manifest

    (folder / "manifest.json").write_text(json.dumps(manifest(folder)))


def test_a_stranger_s_folder_cannot_hang_or_crash(folder: Path) -> None:
    schema = json.loads((folder / "schema.json").read_text())
    for other in ({}, {"horizon": "x"}, {"step": None}, {"opening": [[1]]}):
        told = {"format": 1, "task": "forecast"} if not other else schema | other
        (folder / "schema.json").write_text(json.dumps(told))
        sealed(folder)
        with pytest.raises(lockgate_runtime.DataError):
            lockgate_runtime.load(folder).predict(hourly().to_dict(as_series=False))
    (folder / "model.onnx").unlink()
    os.mkfifo(folder / "model.onnx")
    with pytest.raises(lockgate_runtime.DataError, match="must be a regular file"):
        lockgate_runtime.load(folder)


def test_a_graph_reads_no_other_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx = pytest.importorskip("onnx")
    secret = tmp_path / "secret"
    secret.write_bytes(b"PASSWORD")
    monkeypatch.chdir(tmp_path)
    numbers = onnx.TensorProto(name="x", data_type=onnx.TensorProto.UINT8, dims=[8])
    numbers.data_location = onnx.TensorProto.EXTERNAL
    numbers.external_data.add(key="location", value="secret")
    output = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.UINT8, [8])
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    graph = onnx.helper.make_graph([node], "g", [], [output], [numbers])
    opset = [onnx.helper.make_opsetid("", 18)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=10)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    sealed(folder)
    with pytest.raises(lockgate_runtime.DataError, match="must be a graph that onnxruntime runs"):
        lockgate_runtime.load(folder)


@pytest.mark.parametrize(("name", "value"), [("format", 2), ("task", "paint"), ("task", None)])
def test_another_format_or_task_is_refused(name: str, value: Any, folder: Path) -> None:
    schema = json.loads((folder / "schema.json").read_text()) | {name: value}
    (folder / "schema.json").write_text(json.dumps(schema))
    sealed(folder)
    with pytest.raises(lockgate_runtime.DataError, match="must hold a model of format 1"):
        lockgate_runtime.load(folder)


def test_it_predicts_where_there_is_neither_torch_nor_lockgate(plain: Exported) -> None:
    """In a process in which they cannot be imported."""
    table = {
        name: list(map(str, c)) if name == "ds" else c
        for name, c in hourly().to_dict(as_series=False).items()
    }
    code = f"""
import json, sys
for name in ("torch", "lockgate", "polars", "pandas", "scipy", "sklearn"):
    sys.modules[name] = None
sys.path.insert(0, {str(RUNTIME)!r})
import lockgate_runtime
model = lockgate_runtime.load({str(plain.folder)!r}, threads=1)
print(json.dumps(model.predict(json.load(sys.stdin))["forecast"].tolist()))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(table), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    wanted = lockgate_runtime.load(plain.folder).predict(hourly().to_dict(as_series=False))
    assert json.loads(done.stdout) == pytest.approx(wanted["forecast"].tolist())


@pytest.mark.slow
def test_an_environment_of_its_own_is_small_and_answers_soon(
    plain: Exported, tmp_path: Path
) -> None:
    """Installed from a wheel beside nothing else: at most 170 MB, an answer within a second."""
    home, built = tmp_path / "venv", tmp_path / "built"
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", built, RUNTIME.parent],
        check=True,
    )
    venv.create(home, with_pip=False)
    wheel = next(built.glob("lockgate_runtime-*.whl"))
    python = home / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "-q", wheel], check=True
    )
    size = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    assert size <= 170e6
    code = f"""
import time; began = time.perf_counter()
import json, sys, lockgate_runtime
model = lockgate_runtime.load({str(plain.folder)!r})
model.predict(json.load(sys.stdin))
print(time.perf_counter() - began)
assert "torch" not in sys.modules
"""
    table = {
        "ds": [f"2024-01-01T{hour:02}" for hour in range(24)],
        "y": [1.0] * 24,
        "x": [1.0] * 24,
    }
    for _ in range(2):  # the first reads from disk what the second has at hand
        done = subprocess.run(
            [python, "-c", code], input=json.dumps(table), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1.0
