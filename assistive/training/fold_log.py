"""The log of finished folds: a run that was stopped goes on behind the last whole line."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assistive.errors import AssistiveError


class FoldLog:
    """The log of finished folds, JSON lines; the first says what is measured.

    Args:
        path: the file; made where there is none, else continued.
        header: what the figures depend on: data, recipe, protocol.

    Attributes:
        done: finished folds by seed and name.

    Raises:
        AssistiveError: the file was begun with another header.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self._path = path
        self.done: dict[tuple[int, str], dict[str, Any]] = {}
        whole = _whole_lines(path)
        if not whole:
            path.write_text(json.dumps(header) + "\n", encoding="utf-8")
            return
        if json.loads(whole[0]) != json.loads(json.dumps(header)):
            what = f"{path} was begun with other data or another recipe"
            raise AssistiveError(what, "name another folder with --out, or remove that file", "training.log")
        self.done = {(row["seed"], row["fold"]): row for row in map(json.loads, whole[1:])}

    def add(self, row: Mapping[str, Any]) -> None:
        """Write a finished fold to the disk before the next one begins."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.done[row["seed"], row["fold"]] = dict(row)


def _whole_lines(path: Path) -> list[str]:
    """Return the lines of a log; one that was cut off while it was written is taken away."""
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole, encoding="utf-8")
    return whole.splitlines()
