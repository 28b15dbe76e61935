"""What tutorials and how-to pages show runs, parses, and was printed by the code they show."""

import re
import runpy
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from lockgate.cli.app import app

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "write_tutorials"), run_name="tutorials")
PAGES = {str(path.relative_to(ROOT / "docs")): path for path in SCRIPT["PAGES"]}
HOWTO = [name for name in PAGES if name.startswith("howto")]
COMMANDS = typer.main.get_command(app)


def blocks(name: str) -> list[Any]:
    return list(SCRIPT["blocks"](PAGES[name].read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_says_was_printed_is_of_its_code(name: str) -> None:
    """Where it is not, scripts/write_tutorials runs the page again."""
    assert SCRIPT["in_step"](PAGES[name].read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PAGES)
def test_every_block_is_run_or_printed_or_said_not_to_be(name: str) -> None:
    text = PAGES[name].read_text(encoding="utf-8")

    own = blocks(name)

    assert all(block.runs or block.mark for block in own if block.kind)
    # and a block without a language is an installation
    bare = re.findall(r"^```\n(.*?)^```$", SCRIPT["FENCE"].sub("", text), re.M | re.S)
    assert all(code.startswith("pip install ") for code in bare)


@pytest.mark.parametrize("name", PAGES)
def test_every_command_of_a_page_parses(name: str) -> None:
    lines = [
        line for block in blocks(name) if block.kind == "sh" for line in block.code.split("\n")
    ]
    told = [shlex.split(line.split(" | ")[0])[1:] for line in lines if line.startswith("lockgate ")]

    assert told or name in HOWTO
    for command, *arguments in told:
        COMMANDS.commands[command].make_context(command, arguments)


@pytest.mark.parametrize("name", [name for name in PAGES if name not in HOWTO])
def test_the_data_of_a_tutorial_are_made(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = [block for block in blocks(name) if block.title]

    for block in made:
        exec(compile(block.code, block.title, "exec"), {})  # noqa: S102 - the page's own code

        assert (tmp_path / block.title).with_suffix(".csv").stat().st_size > 10_000
    assert len(made) == (name != "tutorials/first-study.md")


@pytest.mark.parametrize("name", HOWTO)
def test_a_how_to_page_runs_from_its_first_line_to_its_last(name: str) -> None:
    names: dict[str, Any] = {}

    for block in blocks(name):
        if block.kind == "python" and block.runs:
            exec(block.code, names)  # noqa: S102 - the page's own code

    assert "lockgate.nn" in sys.modules


def test_a_block_that_changed_needs_to_be_run_again() -> None:
    page = "```sh\necho 1\n```\n\n<!-- printed: {} -->\n```text\n1\n```\n"
    *_, (_, stamp) = SCRIPT["stamps"](page)

    assert not SCRIPT["in_step"](page)
    assert SCRIPT["in_step"](page.replace("{}", stamp))
    assert not SCRIPT["in_step"](page.replace("{}", stamp).replace("echo 1", "echo 2"))


def test_a_page_is_written_with_what_its_code_prints(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        '# A\n\n```python title="a.py"\nprint(1 + 1)\n```\n\n```sh\npython a.py\n```\n\n'
        "<!-- printed: new -->\n```text\n```\n\n```python\nb = 3\nprint(b)\n```\n\n"
        "<!-- printed: new -->\n```text\n```\n"
    )

    done = SCRIPT["rewritten"](page)

    assert [block.code for block in SCRIPT["blocks"](done) if block.mark] == ["2\n", "3\n"]
    assert SCRIPT["in_step"](done)
