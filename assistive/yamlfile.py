"""Read a YAML file that a person edits, and keep the line of every key, so that each complaint can name it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from assistive.errors import ConfigError
from assistive.home import home

MAX_BYTES = 1_000_000

Keys = tuple[str | int, ...]
Loader = yaml.SafeLoader | yaml.BaseLoader


@dataclass(frozen=True, slots=True)
class YamlFile:
    """What a file says, and where.

    Attributes:
        name: the file as messages show it: short for our own (``configs/default.yaml``), as given for the user's.
        data: the top-level mapping; below it plain mappings, lists and values.
        lines: line of each key, counted from 1, by its path from the top; an entry of a list is an ``int``.
    """

    name: str
    data: dict[str, Any]
    lines: dict[Keys, int]

    def where(self, keys: Keys) -> str:
        """Return ``configs/default.yaml:7`` for a path of keys, or for the nearest key above that the file has."""
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return f"{self.name}:{self.lines.get(keys, 1)}"

    def error(self, keys: Keys, what: str, remedy: str) -> ConfigError:
        """Return the error that blames the line of a path of keys."""
        return ConfigError(f"{self.where(keys)}: {what}", remedy)


def load_yaml(path: Path, text_only: bool = False) -> YamlFile:
    """Read a file whose top level is a mapping; an empty file is an empty mapping.

    Args:
        path: the file: UTF-8, 1 MB at most.
        text_only: leave every value as it is written; otherwise an unquoted ``No`` is false and ``12`` a number.

    Raises:
        ConfigError: it cannot be read, is no YAML, has a key twice, or its top level is something else.
    """
    file = YamlFile(_shown(path), {}, {})
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)  # a device tells no size, and may have no end
        if len(content) > MAX_BYTES:
            raise file.error((), f"larger than {MAX_BYTES} bytes", "name a file of settings or phrases")
        text = content.decode("utf-8-sig")
        loader = yaml.BaseLoader(text) if text_only else yaml.SafeLoader(text)
        node = loader.get_single_node()
        top = {} if node is None else _value(loader, node, file, (), set())
    except OSError as error:
        raise ConfigError(f"cannot read {file.name}: {error.strerror}", "check the path and its permissions") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"cannot read {file.name}: it is no UTF-8 text", "save it as UTF-8") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or "a character that YAML does not allow"
        remedy = "mend that line: write `key: value`, indented with spaces"
        raise ConfigError(f"{file.name}:{line}: malformed YAML: {problem}", remedy) from error
    except (ValueError, RecursionError) as error:  # a date such as 2026-99-99; nested too deep
        raise ConfigError(f"{file.name}:1: malformed YAML: {error}", "mend or remove what is named here") from error
    if not isinstance(top, dict):
        raise file.error((), "the top level is not a mapping", "write lines of the form `key: value`")
    file.data.update(top)
    return file


def unknown_key(file: YamlFile, keys: Keys, allowed: Iterable[str]) -> ConfigError:
    """Return the error for a key that nobody knows; its remedy names the nearest that is allowed there."""
    inside = f" in {'.'.join(map(str, keys[:-1]))}" if keys[:-1] else ""
    return file.error(keys, f"unknown key {str(keys[-1])!r}{inside}", nearest(str(keys[-1]), allowed))


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return the remedy for a wrong name: ``did you mean hold_s?``, or all there are when none is near.

    >>> nearest("hold", ["hold_s", "release_s"])
    'did you mean hold_s?'
    >>> nearest("x", ["hold_s", "release_s"])
    'use one of: hold_s, release_s'
    """
    names = list(allowed)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"use one of: {', '.join(names)}"


def _shown(path: Path) -> str:
    try:
        return path.resolve().relative_to(home().resolve()).as_posix()
    except ValueError:
        return str(path)


def _value(loader: Loader, node: yaml.Node, file: YamlFile, keys: Keys, seen: set[int]) -> Any:
    if id(node) in seen:  # twenty lines of aliases to aliases would fill the memory
        here = keys[:-1] if isinstance(keys[-1], int) else keys  # an entry has the line of what it is an alias of
        raise file.error(here, "malformed YAML: aliases (*name) are not known here", "mend it: repeat the value")
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for place, entry in enumerate(node.value):
            file.lines[*keys, place] = entry.start_mark.line + 1
        return [_value(loader, entry, file, (*keys, place), seen) for place, entry in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return loader.construct_object(node)
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key, line = str(key_node.value), key_node.start_mark.line + 1
        if key in mapping:
            first = file.where((*keys, key))
            what = f"{file.name}:{line}: {key!r} stands here twice"
            raise ConfigError(what, f"remove this one or the one at {first}")
        file.lines[*keys, key] = line
        mapping[key] = _value(loader, value_node, file, (*keys, key), seen)
    return mapping
