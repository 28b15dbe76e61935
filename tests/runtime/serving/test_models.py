"""A folder that changes is read anew, and one that cannot be used changes nothing."""

import asyncio
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from exported_models import Exported
from lockgate_runtime import DataError
from lockgate_runtime.serving.models import Models, exported, named


def looked(models: Models, seconds: float = 0.3) -> None:
    """Let the models be watched for a while."""

    async def run() -> None:
        with ThreadPoolExecutor(1) as pool:
            watching = asyncio.create_task(models.watch(pool, 0.02))
            await asyncio.sleep(seconds)
            watching.cancel()

    asyncio.run(run())


def test_a_folder_that_changed_is_read_anew_once(
    plain: Exported, several: Exported, tmp_path: Path
) -> None:
    folder, told = tmp_path / "model", []
    shutil.copytree(plain.folder, folder)
    models = Models([exported("one", folder)], lambda *what: told.append(what))
    models.load()
    looked(models)
    assert told == []

    folder.rename(tmp_path / "old")
    shutil.copytree(several.folder, folder)
    looked(models)

    assert told == [("one", True)]
    assert models.get("one")[1].schema["several"]


def test_a_broken_folder_leaves_the_model_that_answers(
    plain: Exported, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, told = tmp_path / "model", []
    shutil.copytree(plain.folder, folder)
    models = Models([exported("one", folder)], lambda *what: told.append(what))
    models.load()
    before = models.get(None)[1]

    graph = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(graph[:-1])
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
    looked(models)

    assert told == [("one", False)]  # told once, not at every look
    assert models.get(None) == ("one", before)
    assert "one keeps its model: " in caplog.text

    (folder / "model.onnx").write_bytes(graph)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    looked(models)
    assert told == [("one", False), ("one", True)]
    assert models.get(None)[1] is not before


def test_names_are_told_apart(tmp_path: Path) -> None:
    assert named(["a", "b=x/a"]) == {"a": Path("a"), "b": Path("x/a")}
    with pytest.raises(DataError, match="names of their own, got two of the name 'a'"):
        named(["a", "x/a"])
