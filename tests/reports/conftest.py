"""Results of studies made by hand, and what the page of a report is made of."""

import re
from copy import deepcopy
from importlib.resources import files
from typing import Any

import made
import pytest

Results = dict[str, Any]

_MADE: dict[str, Results] = {}


@pytest.fixture
def results() -> Results:
    """A realistic study of seven rungs and ten rounds."""
    return deepcopy(_MADE.setdefault("whole", made.make()))


@pytest.fixture(params=list(made.ODD), ids=lambda name: name.replace(" ", "-"))
def odd(request: pytest.FixtureRequest) -> Results:
    """Each kind of study, the odd ones too."""
    return deepcopy(_MADE.setdefault(request.param, made.ODD[request.param]()))


@pytest.fixture
def attacked() -> Results:
    """A study whose names are markup."""
    return made.hostile()


@pytest.fixture
def attack() -> str:
    """A column name that tries to become a script."""
    return made.ATTACK


@pytest.fixture(scope="session")
def style() -> str:
    """The style sheet of the page."""
    return (files("lockgate.reports") / "templates" / "style.css").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def palette(style: str) -> set[str]:
    """The names of the page's colours."""
    return set(re.findall(r"--([\w-]+):", style))
