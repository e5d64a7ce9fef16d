"""The log of finished folds: a run that was stopped goes on behind the last whole line."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assistive.errors import AssistiveError

REMEDY = "name another folder, or remove that file"


class FoldLog:
    """The log of finished folds, JSON lines; the first says what is measured.

    Args:
        path: the file; made where there is none, else continued.
        header: what the figures depend on: data, recipe, protocol.

    Attributes:
        done: finished folds by seed and name.

    Raises:
        AssistiveError: the file was begun with another header, or is no such log.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self._path = path
        self.done: dict[tuple[int, str], dict[str, Any]] = {}
        try:
            lines = [json.loads(line) for line in _whole_lines(path)]
            self.done = {(row["seed"], row["fold"]): row for row in lines[1:]}
        except (ValueError, TypeError, KeyError) as error:
            raise AssistiveError(f"{path} is damaged, or no log of folds", REMEDY, "training.log") from error
        if not lines:
            path.write_text(json.dumps(header) + "\n", encoding="utf-8")
        elif lines[0] != json.loads(json.dumps(header)):
            what = f"{path} was begun with other data or another recipe"
            raise AssistiveError(what, REMEDY, "training.log")

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
    text = path.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if whole != text:
        os.truncate(path, len(whole))  # not written anew: who is stopped here must not lose the rest
    return whole.decode().splitlines()
