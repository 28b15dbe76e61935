"""The pages of the site that are made from the code and the README: a hook of MkDocs."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import lockgate
from lockgate.cli.app import app
from lockgate.settings import fields_of
from lockgate.studies.config import StudySettings
from lockgate.tasks.registry import task
from lockgate.tuning.config import RateSettings, TuneSettings

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"(!?)\[([^\]]+)\]\(([^)]+)\)")


def on_files(files: Any, config: Any) -> Any:
    """Add what is made here to the files of the site."""
    from mkdocs.structure.files import File

    for name, content in pages().items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Name what lies outside of the site in place of a link to it."""
    return without_links_out(markdown, Path(page.file.src_uri).parent)


def pages() -> dict[str, str]:
    """Return the pages that are made, by their path."""
    return {
        "index.md": start("README.md"),
        "zh.md": start("README.zh.md"),
        "reference/python.md": public_names(),
        "reference/commands.md": commands(),
        "reference/settings.md": settings(),
    }


def start(name: str) -> str:
    """Return a README as a page."""
    text = (ROOT / name).read_text(encoding="utf-8")
    text = text.replace("](README.md)", "](index.md)").replace("](README.zh.md)", "](zh.md)")
    return text.replace("](docs/", "](").replace("](CONTRIBUTING.md)", "](../CONTRIBUTING.md)")


def without_links_out(markdown: str, folder: Path) -> str:
    """Return a page whose links lead to nothing outside of the site.

    Args:
        markdown: The page.
        folder: Where it lies in the site.
    """

    def shown(found: re.Match[str]) -> str:
        image, words, target = found.groups()
        leads_out = "://" not in target and _leads_out(folder, target.partition("#")[0])
        if image or not leads_out:
            return found[0]
        return words if words.startswith("`") or "/" not in words else f"`{words}`"

    return LINK.sub(shown, markdown)


def _leads_out(folder: Path, target: str) -> bool:
    depth = len(folder.parts)
    for part in Path(target).parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return True
    return False


def public_names() -> str:
    """Return the page of all public names, each where it is defined."""
    named = sorted(lockgate._HOMES.items(), key=lambda one: (one[0][0].isupper(), one[0]))
    parts = [
        f"::: {home}\n"
        if home == f"lockgate.{name}"
        else f"::: {home}.{name}\n    options: {{ heading_level: 2 }}\n"
        for name, home in named
        if name not in ("nn", "interop")
    ]
    layers = [
        f"::: lockgate.nn.{name}\n    options: {{ heading_level: 2 }}\n"
        for name in lockgate.nn.__all__
    ]
    return "\n".join(["# Python\n", *parts, "# lockgate.nn\n", *layers])


def commands() -> str:
    """Return the page of all commands and their options."""
    group = typer.main.get_command(app)
    context = click.Context(group, info_name="lockgate")
    parts = ["# Commands\n"]
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        parts.append(f"## lockgate {name}\n\n{_plain(command.help)}\n")
        parts.append("| option | says |\n|---|---|")
        for parameter in command.params:
            record = parameter.get_help_record(context)
            spelled = record[0] if record else parameter.human_readable_name
            parts.append(f"| `{_cell(spelled)}` | {_cell(parameter.help)} |")
        parts.append("")
    return "\n".join(parts)


def settings() -> str:
    """Return the page of all settings, by task, with their defaults."""
    kinds: dict[str, type[BaseModel]] = {
        "Forecasts": task("forecast").run,
        "Texts and recordings": task("labels").run,
        "Language models": task("language").run,
        "Studies": StudySettings,
        "Searches": TuneSettings,
        "Pictures of learning rates": RateSettings,
    }
    parts = [
        "# Settings\n\nEach is given as `--set NAME=VALUE`, or by the last part of its name.\n"
    ]
    for title, kind in kinds.items():
        parts.append(f"## {title}\n\n| setting | default | says |\n|---|---|---|")
        parts += _rows(fields_of(kind))
        parts.append("")
    return "\n".join(parts)


def _rows(fields: dict[str, FieldInfo]) -> Iterator[str]:
    for path, field in fields.items():
        yield f"| `{path}` | {_default(field)} | {_cell(field.description)} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return ""
    value = field.get_default(call_default_factory=True)
    if value is None or value == ():
        return ""
    shown = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    return f"`{_cell(shown)}`"


def _plain(text: object) -> str:
    return " ".join(str("" if text is None else text).split())


def _cell(text: object) -> str:
    return _plain(text).replace("|", "\\|")
