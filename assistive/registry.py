"""Find a part by its name, import it late.

A registry maps a name to ``module:attribute``; the module is imported when the part is asked for, so that a camera user
never pays for a voice engine that is not used. Other packages add parts through entry points of the group
``assistive.<kind>``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar, cast

from assistive.errors import ConfigError

T = TypeVar("T")


class Registry(Generic[T]):
    """Names of one kind of part ("source", "voice", "player") and where each lives.

    Args:
        kind: what is registered, singular, as shown to users.
        parts: ``module:attribute`` by name, in the order in which they are listed.
    """

    def __init__(self, kind: str, parts: dict[str, str]) -> None:
        self.kind = kind
        self._parts = dict(parts)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, our own first."""
        seen = dict.fromkeys(self._parts)
        for point in entry_points(group=f"assistive.{self.kind}"):
            seen.setdefault(point.name)
        return iter(seen)

    def get(self, name: str) -> Callable[..., T]:
        """Return the factory that is registered under a name.

        Raises:
            ConfigError: no part of this kind has that name; the remedy names the nearest.
        """
        if name in self._parts:
            module, _, attribute = self._parts[name].partition(":")
            part: Any = import_module(module)
            return cast("Callable[..., T]", getattr(part, attribute))
        for point in entry_points(group=f"assistive.{self.kind}"):
            if point.name == name:
                return cast("Callable[..., T]", point.load())
        names = list(self)
        near = difflib.get_close_matches(name, names, n=1)
        remedy = f"did you mean {near[0]}?" if near else f"one of: {', '.join(names)}"
        raise ConfigError(f"no {self.kind} is named {name!r}", remedy, f"{self.kind}.unknown")
