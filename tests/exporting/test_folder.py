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
from lockgate.exporting import folder
from lockgate.tasks.graphs import Exportable, Graph


class Twice(nn.Module):
    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        return (2.0 * given[0],)


def exportable(module: nn.Module, *, free: bool = True) -> Exportable:
    """Return a model of one input, whose steps are free or not."""

    def draw(batch: int, steps: int, generator: torch.Generator) -> dict[str, Tensor]:
        return {"x": torch.randn(batch, steps, generator=generator)}

    axes = {0: "batch"} | ({1: "steps"} if free else {})
    graph = Graph(module, {"x": axes}, ("y",), draw, (9, 3) if free else (9,))
    return Exportable(graph, {"task": "test"}, {"words.json": ["ein", "Wort", "\ud800"]})


@pytest.mark.parametrize(("to", "calls"), [("onnx", 4), ("pt2", 2)])
def test_a_folder_holds_graph_schema_files_and_their_checksums(
    to: str, calls: int, tmp_path: Path
) -> None:
    exported = folder.export(exportable(Twice(), free=to == "onnx"), tmp_path / "out", to)
    assert exported == (tmp_path / "out", calls, 0.0)
    names = sorted(path.name for path in exported.folder.iterdir())
    assert names == ["manifest.json", f"model.{to}", "schema.json", "words.json"]
    schema = json.loads((exported.folder / "schema.json").read_text())
    assert schema == {"format": 1, "task": "test", "inputs": ["x"], "outputs": ["y"]}
    manifest = json.loads((exported.folder / "manifest.json").read_text())
    for name in (f"model.{to}", "schema.json", "words.json"):
        assert manifest[name] == sha256((exported.folder / name).read_bytes()).hexdigest()
    # half a surrogate pair, which a text may hold, comes back
    assert json.loads((exported.folder / "words.json").read_text())[2] == "\ud800"


@pytest.mark.parametrize("to", ["onnx", "pt2"])
def test_what_gives_other_numbers_is_not_written(to: Any, tmp_path: Path) -> None:
    class Fickle(nn.Module):
        """Gives in Python what no graph of it does."""

        def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
            traced = torch.compiler.is_compiling()
            return (given[0] * (1.0 if traced else 1.01),)

    with pytest.raises(DataError, match=r"got y off by 9.9e-03 of its largest number"):
        folder.export(exportable(Fickle(), free=to == "onnx"), tmp_path / "out", to)
    assert list(tmp_path.iterdir()) == []


def test_what_is_infinite_must_be_so_in_both() -> None:
    wanted = torch.tensor([1.0, torch.inf])
    assert folder._apart("y", wanted, wanted.numpy()) == 0.0
    with pytest.raises(DataError, match="got y off by"):
        folder._apart("y", wanted, -wanted.numpy() * torch.tensor([-1.0, 1.0]).numpy())


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    with pytest.raises(FileExistsError, match="empty"):
        folder.export(exportable(Twice()), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_without_the_extra_the_remedy_is_told(monkeypatch: Any, tmp_path: Path) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "lockgate\[onnx\]"'):
        folder.export(exportable(Twice()), tmp_path / "out")


def test_another_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="to must be one of onnx, pt2, got 'h5'"):
        folder.export(exportable(Twice()), tmp_path / "out", "h5")
