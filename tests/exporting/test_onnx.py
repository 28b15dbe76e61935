"""A folder is written once the graph was seen to give what the model does."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnxruntime", reason='needs the extra "onnx"')
pytest.importorskip("onnxscript", reason='needs the extra "onnx"')

import torch
from torch import Tensor, nn

from lockgate.errors import DataError
from lockgate.exporting import onnx
from lockgate.tasks.graphs import Exportable, Graph


class Twice(nn.Module):
    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        return (2.0 * given[0],)


def exportable(module: nn.Module) -> Exportable:
    def draw(batch: int, steps: int, generator: torch.Generator) -> dict[str, Tensor]:
        return {"x": torch.randn(batch, steps, generator=generator)}

    graph = Graph(module, {"x": {0: "batch", 1: "steps"}}, ("y",), draw, (9, 3))
    return Exportable(graph, {"task": "test"}, {"words.json": ["ein", "Wort", "\ud800"]})


def test_a_folder_holds_graph_schema_files_and_their_checksums(tmp_path: Path) -> None:
    exported = onnx.export(exportable(Twice()), tmp_path / "out")
    assert exported == (tmp_path / "out", 4, 0.0)
    names = sorted(path.name for path in exported.folder.iterdir())
    assert names == ["manifest.json", "model.onnx", "schema.json", "words.json"]
    schema = json.loads((exported.folder / "schema.json").read_text())
    assert schema == {"format": 1, "task": "test", "inputs": ["x"], "outputs": ["y"]}
    manifest = json.loads((exported.folder / "manifest.json").read_text())
    for name in ("model.onnx", "schema.json", "words.json"):
        assert manifest[name] == sha256((exported.folder / name).read_bytes()).hexdigest()
    # half a surrogate pair, which a text may hold, comes back
    assert json.loads((exported.folder / "words.json").read_text())[2] == "\ud800"


def test_what_gives_other_numbers_is_not_written(tmp_path: Path) -> None:
    class Fickle(nn.Module):
        """Gives in Python what no graph of it does."""

        def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
            traced = torch.compiler.is_compiling()
            return (given[0] * (1.0 if traced else 1.01),)

    with pytest.raises(DataError, match=r"got y off by 9.9e-03 of its largest number"):
        onnx.export(exportable(Fickle()), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_what_is_infinite_must_be_so_in_both() -> None:
    wanted = torch.tensor([1.0, torch.inf])
    assert onnx._apart("y", wanted, wanted.numpy()) == 0.0
    with pytest.raises(DataError, match="got y off by"):
        onnx._apart("y", wanted, -wanted.numpy() * torch.tensor([-1.0, 1.0]).numpy())


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    with pytest.raises(FileExistsError, match="empty"):
        onnx.export(exportable(Twice()), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_without_the_extra_the_remedy_is_told(monkeypatch: Any, tmp_path: Path) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "lockgate\[onnx\]"'):
        onnx.export(exportable(Twice()), tmp_path / "out")
