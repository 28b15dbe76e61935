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
    return Exportable(
        graph, "it has no steps", {"task": "test"}, {"words.json": ["ein", "Wort", "\ud800"]}
    )


@pytest.mark.parametrize(("to", "calls"), [("onnx", 4), ("pt2", 2)])
def test_a_folder_holds_graph_schema_files_and_their_checksums(
    to: str, calls: int, tmp_path: Path
) -> None:
    exported = folder.export(exportable(Twice(), free=to == "onnx"), tmp_path / "out", to)
    assert exported == (tmp_path / "out", calls, 0.0, {}, 0, "it has no steps")
    names = sorted(path.name for path in exported.folder.iterdir())
    assert names == ["manifest.json", f"model.{to}", "schema.json", "words.json"]
    schema = json.loads((exported.folder / "schema.json").read_text())
    named = {"inputs": ["x"], "outputs": ["y"], "one_step": {"refused": "it has no steps"}}
    assert schema == {"format": 1, "task": "test", **named, "weights": "float32", "losses": {}}
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


class Product(nn.Module):
    """A matrix of unlike rows."""

    def __init__(self) -> None:
        super().__init__()
        drawn = torch.randn(40, 50, generator=torch.Generator().manual_seed(0))
        self.weight = nn.Parameter(drawn * torch.arange(1.0, 41.0)[:, None])

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        x = given[0] @ self.weight
        return (x / 300.0).tanh(), torch.where(given[0][:, :1] > 1.0, torch.nan, x)


def product() -> Exportable:
    def draw(batch: int, _: int, generator: torch.Generator) -> dict[str, Tensor]:
        return {"x": torch.randn(batch, 40, generator=generator)}

    return Exportable(
        Graph(Product(), {"x": {0: "batch"}}, ("y", "sum"), draw, (1,)), "it has no steps", {}
    )


def test_what_weights_in_fewer_bytes_change_is_told(tmp_path: Path) -> None:
    exported = {
        weights: folder.export(product(), tmp_path / weights, weights=weights)
        for weights in folder.WEIGHTS
    }
    whole = exported.pop("float32")
    for weights, one in exported.items():
        # of the same comparison in float32
        assert one[1:3] == whole[1:3]
        assert list(one.losses) == ["y", "sum"]
        for loss in one.losses.values():
            assert 0.0 < loss.mean < loss.largest < 0.02
        schema = json.loads((one.folder / "schema.json").read_text())
        assert schema["weights"] == weights
        assert schema["losses"]["sum"]["mean"] == one.losses["sum"].mean
    sizes = [(one.folder / "model.onnx").stat().st_size for one in (whole, *exported.values())]
    # 2,000 numbers, with a scale for each of 40 rows
    assert sizes[0] - sizes[1] == pytest.approx(4_000, abs=300)
    assert sizes[0] - sizes[2] == pytest.approx(6_000 - 160, abs=300)


def test_weights_that_change_too_much_are_refused(monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setattr("lockgate.exporting.comparing.MOST_LOSS", 1e-6)
    words = r"weights must be float32 for this model .*, got int8, by which y is off by .* above 0%"
    with pytest.raises(DataError, match=words):
        folder.export(product(), tmp_path / "out", weights="int8")
    assert list(tmp_path.iterdir()) == []


def test_other_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="weights must be one of float32, bfloat16, int8, got 'f4'"):
        folder.export(product(), tmp_path / "out", weights="f4")
    words = r"weights must be float32 where to is pt2, got int8; pass to='onnx' \(--to onnx\)"
    with pytest.raises(DataError, match=words):
        folder.export(product(), tmp_path / "out", "pt2", "int8")
