"""Signatures are what the fields of the settings say."""

import inspect

import pytest
from signatures import ARGUMENTS, FACES, OF_STUDIES, rewritten

import lockgate
from lockgate.config import option_of
from lockgate.settings import fields_of
from lockgate.tasks.registry import configs


def test_no_signature_is_out_of_date() -> None:
    for path, text in rewritten().items():
        assert path.read_text(encoding="utf-8") == text, "run scripts/write_signatures"


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.name)
def test_an_estimator_has_every_setting_that_it_can_be_given(face) -> None:
    parameters = inspect.signature(getattr(lockgate, face.name)).parameters

    fields = {path.rpartition(".")[2]: f for path, f in fields_of(configs()[face.task]).items()}
    of_studies = {name for name, field in fields.items() if option_of(field) == OF_STUDIES}
    assert set(parameters) == fields.keys() - face.left_out - of_studies
    for name in parameters.keys() - {*face.first} - face.own.keys():
        assert parameters[name].default == fields[name].default, name


def test_settings_by_name_are_complete() -> None:
    names = {path.rpartition(".")[2] for kind in configs().values() for path in fields_of(kind)}

    text = ARGUMENTS.read_text(encoding="utf-8")
    assert not {name for name in names if f"    {name}: " not in text}


def test_a_setting_of_one_name_has_one_type_and_one_help_in_all_tasks() -> None:
    seen: dict[str, tuple[str, str]] = {}
    for task, kind in configs().items():
        for path, field in fields_of(kind).items():
            name = path.rpartition(".")[2]
            assert field.description, f"{name} of {task} must have a help"
            # a metric and the columns of inputs differ in what may be chosen
            kind_of = "" if name in ("metric", "inputs") else str(field.annotation)
            assert seen.setdefault(name, (kind_of, field.description)) == (
                kind_of,
                field.description,
            ), name
