"""The site has a page for all that is public, and no link out of it."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import lockgate
from lockgate.cli.app import app
from lockgate.settings import fields_of
from lockgate.tasks.registry import NAMES, task

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import docs_site  # noqa: E402

PAGES = docs_site.pages()


def test_the_reference_has_every_public_name() -> None:
    page = PAGES["reference/python.md"]

    for name, home in lockgate._HOMES.items():
        if name not in ("nn", "interop"):
            assert f"::: {home}.{name}\n" in page
    for name in lockgate.nn.__all__:
        assert f"::: lockgate.nn.{name}\n" in page


def test_every_command_and_each_of_its_options_has_a_row() -> None:
    page = PAGES["reference/commands.md"]

    for name, command in typer.main.get_command(app).commands.items():
        section = page.split(f"## lockgate {name}\n")[1].split("\n## ")[0]
        rows = [line for line in section.splitlines() if line.startswith("| `")]
        assert len(rows) == len(command.params)


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_of_a_task_has_its_default_and_its_help(name: str) -> None:
    page = PAGES["reference/settings.md"]

    for path, field in fields_of(task(name).run).items():
        assert f"| `{path}` | " in page
        assert " ".join(field.description.split()).replace("|", "\\|") in page
    assert "| `model.hidden_size` | `64` |" in page
    assert "| `model.bidirectional` | `false` |" in page
    assert "| `training.weight_decay` | `0.0` |" in page


@pytest.mark.parametrize(("name", "other"), [("index.md", "zh.md"), ("zh.md", "index.md")])
def test_the_first_pages_are_the_readmes(name: str, other: str) -> None:
    start = PAGES[name]

    assert start.startswith("# lockgate\n")
    assert "](docs/" not in start
    assert "](workbench.md)" in start
    assert f"]({other})" in start


@pytest.mark.parametrize(
    ("folder", "markdown", "shown"),
    [
        ("", "[page](rule.md#looks)", "[page](rule.md#looks)"),
        ("", "[tests/nn/test_gru.py](../tests/nn/test_gru.py)", "`tests/nn/test_gru.py`"),
        ("", "[CONTRIBUTING.md](../CONTRIBUTING.md)", "CONTRIBUTING.md"),
        ("benchmarks", "[rule](../rule.md)", "[rule](../rule.md)"),
        ("benchmarks", "[it](../../src/x.py)", "it"),
        ("", "[paper](https://arxiv.org/abs/1)", "[paper](https://arxiv.org/abs/1)"),
        ("", "![Report](report.png)", "![Report](report.png)"),
    ],
)
def test_what_lies_outside_of_the_site_is_named_and_not_linked(
    folder: str, markdown: str, shown: str
) -> None:
    assert docs_site.without_links_out(markdown, Path(folder)) == shown


def test_every_page_is_in_the_navigation() -> None:
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").split("nav:")[1]
    named = set(re.findall(r": (\S+\.md)$", nav, re.M))

    written = {str(p.relative_to(ROOT / "docs")) for p in (ROOT / "docs").rglob("*.md")}

    assert named == written | PAGES.keys()


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("mkdocs") is None, reason="the extra docs is not installed"
)
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(tmp_path / "site")]

    subprocess.run(command, cwd=ROOT, check=True, timeout=300)

    for page in PAGES:
        assert (tmp_path / "site" / page).with_suffix(".html").exists()
