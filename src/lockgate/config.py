"""What every configuration is: settings with rules, a help text and, for some, an option."""

import re
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict


class Option(NamedTuple):
    """Marks a setting that commands have an option for, of its name; any other is set by `--set`.

    A setting that is True or False becomes a flag, which turns its default round.
    """

    commands: tuple[str, ...] = ("study", "train", "tune", "lr-find", "backtest")


READING = Option((*Option().commands, "predict", "evaluate", "update"))
"""Marks a setting that tells how a source is read, which a fitted model may be given anew for
another source of the same content; see `settings.read_anew`."""

FOLDS = Option(("study", "tune"))
"""Marks a setting of the folds, which commands have that judge several networks."""


class Config(BaseModel):
    """A group of settings. A field's docstring is its help, on the command line and in the docs.

    A subclass that declares a field anew, for another default, keeps its help and its option.

    Example:
        >>> class Sizes(Config):
        ...     width: int = 8
        ...     '''How wide.'''
        >>> class Wide(Sizes):
        ...     width: int = 64
        >>> Wide().width, Wide.model_fields["width"].description == Sizes.model_fields[
        ...     "width"
        ... ].description
        (64, True)
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Take over what a field that is declared anew leaves out."""
        super().__pydantic_init_subclass__(**kwargs)
        for name, field in cls.model_fields.items():
            for parent in cls.__mro__[1:]:
                known = getattr(parent, "__pydantic_fields__", {}).get(name)
                if known is None or known is field:
                    continue
                if field.description is None:
                    field.description = known.description
                if option_of(field) is None and (option := option_of(known)) is not None:
                    field.metadata.append(option)


def option_of(field: Any) -> Option | None:
    """Return the option of a field, if it has one."""
    return next((mark for mark in field.metadata if isinstance(mark, Option)), None)


def parts(value: object) -> object:
    """Take a text apart at its commas; a lone number is a list of one."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(","))
    return (value,) if isinstance(value, int | float) else value


def conditions(where: object) -> object:
    """Take `where` apart: a text at those commas that a further condition follows."""
    if isinstance(where, str):
        return tuple(part.strip() for part in re.split(r",(?=[^,]*=)", where))
    if isinstance(where, dict):
        return tuple(f"{column}={value}" for column, value in where.items())
    return where
