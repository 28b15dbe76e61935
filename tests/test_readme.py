"""What the README shows runs as shown."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
WORKBENCH, LAYER = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S)


def test_layer_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(LAYER, {})  # noqa: S102  # the README's own code

    assert "layer 1 forward: " in capsys.readouterr().out


def test_workbench_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    days = [f"2023-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)]
    rows = [f"{day},{100 + i % 28}" for i, day in enumerate(days)]
    later = [f"2024-{month:02}-{day:02},100" for month in (1, 2) for day in range(1, 29)]
    (tmp_path / "sales.csv").write_text("\n".join(["day,sold", *rows]))
    (tmp_path / "later.csv").write_text("\n".join(["day,sold", *rows, *later]))
    # a small study: the claim is that the names and the flow hold
    one = 'target="sold", horizon="7d", rungs="lstm", rounds=5, max_epochs=1, hidden_size=4)'
    assert 'target="sold", horizon="7d")' in WORKBENCH
    small = WORKBENCH.replace('target="sold", horizon="7d")', one)
    small = small.replace('horizon="7d").fit', 'horizon="7d", max_epochs=1).fit')

    exec(small, scope := {})  # noqa: S102  # the README's own code

    assert len(scope["forecast"]) == 7
    assert scope["result"].report_path.exists()
