"""Join the layers of settings and remember where each value came from.

Later layers win: ``settings.py`` < ``configs/default.yaml`` < a profile < the user's file < the environment
(``ASSISTIVE_DECISION__HOLD_S=0.3``) < the command line (``--set decision.hold_s=0.3``). A key that nobody knows is an
error in every layer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import BaseModel, ValidationError

from assistive.errors import ConfigError
from assistive.home import home
from assistive.settings import GestureHold, Settings
from assistive.types import GESTURES
from assistive.yamlfile import YamlFile, load_yaml, nearest, unknown_key

PREFIX = "ASSISTIVE_"
BUILT_IN = "built in"

Keys = tuple[str, ...]


class _Set(NamedTuple):
    """A value that some layer sets, and where that is."""

    value: Any
    where: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings and where they came from.

    Attributes:
        settings: the effective settings.
        origin: for each dotted key, ``configs/default.yaml:7``, ``environment ASSISTIVE_...``, ``command line --set
            ...`` or ``built in``.
    """

    settings: Settings
    origin: dict[str, str]


def load_settings(
    profile: str | None = None,
    file: Path | None = None,
    assignments: Sequence[str] = (),
    environment: Mapping[str, str] = os.environ,
) -> Loaded:
    """Load all layers.

    Args:
        profile: name of a file in ``configs/profiles/``, without ``.yaml``.
        file: the user's own settings file.
        assignments: ``section.key=value`` from the command line, the last one wins.
        environment: variables ``ASSISTIVE_SECTION__KEY``.

    Raises:
        ConfigError: a file is missing or malformed, a key unknown, a value out of bounds.
    """
    files = [home() / "configs" / "default.yaml"]
    files += [_profile_path(profile)] if profile else []
    files += [file] if file else []
    values: dict[Keys, _Set] = {}
    for layer in map(load_yaml, files):
        values.update(_flatten(layer, layer.data, KNOWN, ()))
    values.update(_from_environment(environment))
    values.update(_from_assignments(assignments))
    settings = _validate(values)
    origin = {".".join(keys): BUILT_IN for keys in _leaves(settings.model_dump(), ())}
    origin |= {".".join(keys): item.where for keys, item in values.items()}
    return Loaded(settings, origin)


def list_profiles() -> list[str]:
    """List the names of the profiles that there are."""
    return sorted(path.stem for path in (home() / "configs" / "profiles").glob("*.yaml"))


def _known(model: type[BaseModel]) -> dict[str, Any]:
    """Return the tree of keys below a model: a dict for a section, the annotation for a value."""
    tree: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            tree[name] = _known(kind)
        elif kind == dict[str, GestureHold]:
            tree[name] = {gesture: _known(GestureHold) for gesture in GESTURES}
        else:
            tree[name] = kind
    return tree


KNOWN = _known(Settings)


def _profile_path(name: str) -> Path:
    names = list_profiles()
    if name not in names:
        raise ConfigError(f"no profile is named {name!r}", nearest(name, names), "config.profile")
    return home() / "configs" / "profiles" / f"{name}.yaml"


def _flatten(
    file: YamlFile, section: dict[str, Any], known: dict[str, Any], above: Keys
) -> Iterator[tuple[Keys, _Set]]:
    for key, value in section.items():
        keys = (*above, key)
        if key not in known:
            raise unknown_key(file, keys, known)
        if not isinstance(known[key], dict):
            if isinstance(value, dict | list):
                raise file.error(keys, f"{'.'.join(keys)} takes one value", f"write `{key}: value`")
            yield keys, _Set(value, file.where(keys))
        elif isinstance(value, dict):
            yield from _flatten(file, value, known[key], keys)
        elif value is not None:  # a section whose lines are all commented out is empty, not wrong
            what = f"{'.'.join(keys)} is a section, not a value"
            raise file.error(keys, what, f"indent its keys below `{key}:`: {', '.join(known[key])}")


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[Keys, _Set]]:
    for name, text in sorted(environment.items()):
        if name.startswith(PREFIX) and name != "ASSISTIVE_HOME":
            keys = tuple(name.removeprefix(PREFIX).lower().split("__"))
            yield _one(keys, text, f"environment {name}")


def _from_assignments(assignments: Sequence[str]) -> Iterator[tuple[Keys, _Set]]:
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise ConfigError(f"--set {assignment}: no value", "write --set section.key=value")
        yield _one(tuple(key.strip().split(".")), text, f"command line {assignment}")


def _one(keys: Keys, text: str, where: str) -> tuple[Keys, _Set]:
    """Turn one ``key=value`` from outside a file into a checked item."""
    known: Any = KNOWN
    for depth, key in enumerate(keys):
        if not isinstance(known, dict):
            above = ".".join(keys[:depth])
            raise ConfigError(f"{where}: {above} is a value and holds no {key!r}", f"write {above}=value")
        if key not in known:
            inside = f" in {'.'.join(keys[:depth])}" if depth else ""
            raise ConfigError(f"{where}: unknown key {key!r}{inside}", nearest(key, known))
        known = known[key]
    if isinstance(known, dict):
        raise ConfigError(f"{where}: {'.'.join(keys)} is a section", f"name one of its keys: {', '.join(known)}")
    if known is str:
        return keys, _Set(text, where)
    try:
        return keys, _Set(yaml.safe_load(text), where)
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{where}: {text!r} is no value", "write a number, a word, true, false or null") from error


def _validate(values: Mapping[Keys, _Set]) -> Settings:
    nested: dict[str, Any] = {}
    for keys, item in values.items():
        section = nested
        for key in keys[:-1]:
            section = section.setdefault(key, {})
        section[keys[-1]] = item.value
    try:
        return Settings.model_validate(nested)
    except ValidationError as error:
        first = error.errors()[0]
        keys = tuple(map(str, first["loc"]))
        name, item = ".".join(keys), values[keys]
        default: Any = Settings().model_dump()
        for key in keys:
            default = default.get(key) if isinstance(default, dict) else None
        what = f"{item.where}: {name} = {item.value!r}: {first['msg'][:1].lower()}{first['msg'][1:]}"
        raise ConfigError(what, f"change or remove it; the default is {default!r}") from error


def _leaves(tree: Mapping[str, Any], above: Keys) -> Iterator[Keys]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key)
