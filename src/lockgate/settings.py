"""Turn settings as users write them, from a file or by name, into a configuration."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from lockgate.config import READING, option_of
from lockgate.errors import DataError, listed, nearest, quoted
from lockgate.files import write_text

# rules of pydantic as a user says them
PLAIN = {"be a valid tuple": "be several, joined by commas"}
ConfigT = TypeVar("ConfigT", bound=BaseModel)


def resolve(kind: type[ConfigT], *layers: Mapping[str, Any]) -> ConfigT:
    """Build a configuration from layers of settings; a later layer overrules an earlier one.

    A setting is named by its path (`"model.hidden_size"`), by its name alone (`"hidden_size"`), or
    stands in a nested mapping as in a configuration file.

    Raises:
        DataError: If a name is unknown (the nearest are named) or a value breaks its rule.

    Example:
        >>> from lockgate.tasks.forecasting.config import ForecastConfig
        >>> config = resolve(ForecastConfig, {"target": "y", "horizon": 24}, {"model.cell": "gru"})
        >>> config.data.horizon, config.model.cell
        (24, 'gru')
    """
    paths = setting_paths(kind)
    # every section, so that the error names what it lacks
    nested: dict[str, Any] = {path.split(".")[0]: {} for path in paths.values() if "." in path}
    for path, value in by_path(kind, *layers).items():
        *sections, name = path.split(".")
        place = nested
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = value
    try:
        return kind.model_validate(nested)
    except ValidationError as error:
        raise DataError(_sentences(error, set(paths.values()))) from None


def read_anew(config: ConfigT, settings: Mapping[str, Any]) -> ConfigT:
    """Return the settings of a fitted model for a source that is read another way.

    Args:
        config: What the model was trained with.
        settings: Those that tell how a source is read, by name; None, or a text that holds nothing,
            leaves it to the source.

    Raises:
        DataError: If one is unknown, is about something else, or breaks its rule.

    Example:
        >>> from lockgate.tasks.forecasting.config import ForecastConfig
        >>> config = resolve(ForecastConfig, {"target": "y", "horizon": 24})
        >>> read_anew(config, {"separator": ";"}).data.separator
        ';'
    """
    paths = setting_paths(type(config))
    fields = fields_of(type(config))
    known = [name for name, path in paths.items() if option_of(fields[path]) == READING]
    for name in settings:
        if name not in known:
            raise DataError(
                f"settings of a fitted model must tell how a source is read, got {quoted(name)}; "
                f"the settings are {listed(known, 20)}"
            )
    given = {name: None if value == "" else value for name, value in settings.items()}
    return resolve(type(config), config.model_dump(), given) if given else config


def setting_paths(kind: type[BaseModel]) -> dict[str, str]:
    """Return the path of every setting of a configuration by its name alone."""
    return {path.rpartition(".")[2]: path for path in fields_of(kind)}


def fields_of(kind: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the field of every setting of a configuration by its path."""
    fields: dict[str, FieldInfo] = {}
    for name, field in kind.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            inner = fields_of(field.annotation)
            fields |= {f"{name}.{path}": own for path, own in inner.items()}
        else:
            fields[name] = field
    return fields


def read_settings(path: Path) -> dict[str, Any]:
    """Read a YAML file of settings, as data.

    Raises:
        DataError: If there is no such file or it holds no mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"config must be a file, got {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(
            f"config must be YAML, got {path}: {' '.join(str(error).split())}"
        ) from None
    if not isinstance(content, dict):
        raise DataError(f"config must hold settings by name, got {path} without any")
    return content


def write_settings(config: BaseModel, path: Path) -> None:
    """Write a configuration as YAML that `read_settings` reads."""
    write_text(path, as_yaml(config))


def as_yaml(config: BaseModel) -> str:
    """Return a configuration as YAML text."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def by_path(kind: type[BaseModel], *layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of all layers by their path; a later layer overrules an earlier one.

    Raises:
        DataError: If a name is unknown.
    """
    paths = setting_paths(kind)
    return {path: value for layer in layers for path, value in _flat(layer, paths)}


def difference(there: Mapping[str, Any], here: Mapping[str, Any]) -> str | None:
    """Say of the first setting by name that differs what it is in both; None if none does.

    Example:
        >>> difference({"training": {"patience": 4}}, {"training": {"patience": 5}})
        'training.patience is 4 there and 5 here'
    """
    old, new = _leaves(there), _leaves(here)
    differ = [path for path in new.keys() | old.keys() if old.get(path) != new.get(path)]
    if not differ:
        return None
    path = min(differ)
    return f"{path} is {old.get(path)!r} there and {new.get(path)!r} here"


def _leaves(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    leaves: dict[str, Any] = {}
    for key, value in nested.items():
        path = f"{prefix}{key}"
        leaves |= _leaves(value, f"{path}.") if isinstance(value, Mapping) else {path: value}
    return leaves


def _flat(
    layer: Mapping[str, Any], paths: Mapping[str, str], prefix: str = ""
) -> list[tuple[str, Any]]:
    """Return (path, value) of every setting in a layer, nested or not."""
    settings = []
    for key, value in layer.items():
        name = f"{prefix}{key}"
        if any(path.startswith(f"{name}.") for path in paths.values()):
            if not isinstance(value, Mapping | None):
                raise DataError(f"{name} must hold settings by name, got {quoted(value)}")
            settings += _flat(value or {}, paths, prefix=f"{name}.")
        elif name in paths.values():
            settings.append((name, value))
        elif name in paths:
            settings.append((paths[name], value))
        else:
            near = nearest(name, [*paths, *paths.values()], "settings")
            raise DataError(f"settings must be known ones, got {quoted(name)}; {near}")
    return settings


def _sentences(error: ValidationError, paths: set[str]) -> str:
    """Say what is wrong with each setting; of one that may be of several types, say it once."""
    rules: dict[str, list[str]] = {}
    values: dict[str, str] = {}
    together: list[str] = []
    for fault in error.errors():
        name = _setting(fault["loc"], paths)
        if name is None:
            # of settings that do not go together; such a rule is a whole sentence
            together.append(fault["msg"].removeprefix("Value error, "))
            continue
        missing = fault["type"] == "missing"
        rule = fault["msg"].removeprefix("Input should ").removeprefix("Value error, ")
        rules.setdefault(name, []).append("be given" if missing else PLAIN.get(rule, rule))
        values[name] = "" if missing else f", got {fault['input']!r}"
    alone = [f"{n} must {' or '.join(rules[n])}{values[n]}" for n in rules]
    return "; ".join([*together, *alone])


def _setting(place: tuple[int | str, ...], paths: set[str]) -> str | None:
    """Return the name of the setting at `place`, which goes on into its types and parts, if any."""
    heads = (place[:i] for i in range(len(place), 0, -1))
    path = next((head for head in heads if ".".join(map(str, head)) in paths), None)
    return None if path is None else str(path[-1])
