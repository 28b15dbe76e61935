"""A fitted folder is served as what it is exported to, and anew when it changes."""

from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason='needs the extra "serve"')
pytest.importorskip("onnxscript", reason='needs the extra "serve"')

import lockgate_runtime
from exported_models import Exported, hourly, train

from lockgate.errors import DataError
from lockgate.serving import serve, sources


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A forecaster of one series."""
    return train(tmp_path_factory.mktemp("served"), hourly(300), horizon=3, lookback=12, members=1)


def test_fitted_and_exported_folders_answer_alike(model: Exported) -> None:
    fitted = model.folder.parent / "run"
    own, exported = sources([fitted, f"out={model.folder}"])
    assert (own.name, exported.name) == ("run", "out")
    data = hourly(300).to_dict(as_series=False)
    answers = [one.load().predict(data)["forecast"].tolist() for one in (own, exported)]
    assert answers[0] == answers[1]


def test_a_change_of_a_fitted_folder_is_seen(model: Exported) -> None:
    (source,) = sources([model.folder.parent / "run"])
    before = source.mark()
    assert source.mark() == before
    card = model.folder.parent / "run" / "README.md"
    card.write_text(card.read_text() + "\n")
    assert source.mark() != before


def test_what_is_no_model_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCKGATE_TOKEN", raising=False)
    (source,) = sources([tmp_path])
    with pytest.raises(lockgate_runtime.DataError, match="is no fitted model"):
        source.load()
    with pytest.raises(DataError, match="is no fitted model"):
        serve([tmp_path])
    monkeypatch.setenv("LOCKGATE_TOKEN", "short")
    with pytest.raises(DataError, match="LOCKGATE_TOKEN must have at least 16 characters"):
        serve([tmp_path])
