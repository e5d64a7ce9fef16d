"""Read the action units of a coded clip as the collections' sheets write them.

    4+7, AU4+AU7, 4,7         units that moved
    L10, R12, A9, T23, B23    the same on the left or right, unevenly, with the upper or lower part of the lips
    4A, 7D, L12A              the same, from faint to strong
    4 or 7, 4/7, ref(5), 12?  units that may have moved
    4+?                       4 moved, of all others nothing is known
    ?, NULL, words, nothing   not coded

Where and how strongly a unit moved is not kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class UnitCodes:
    """What coders say of the action units of a clip.

    Attributes:
        moved: units that moved.
        unsure: units that may have moved.
        whole: no other unit moved; otherwise nothing is known of the others.
    """

    moved: frozenset[int] = frozenset()
    unsure: frozenset[int] = frozenset()
    whole: bool = False

    def row(self, units: Sequence[int]) -> NDArray[np.float32]:
        """Return 1 for each unit that moved, 0 where it did not, NaN where it is not known, float32 ``(n,)``."""
        rest = 0.0 if self.whole else np.nan
        known = {**dict.fromkeys(self.unsure, np.nan), **dict.fromkeys(self.moved, 1.0)}
        return np.array([known.get(unit, rest) for unit in units], np.float32)


NOT_CODED = UnitCodes()

_BETWEEN = re.compile("[+,;\u3001\uff0b\uff0c\uff1b]")
"""What stands between units, also as Chinese keyboards write it."""


def read_units(text: str) -> UnitCodes:
    """Return the action units of a cell."""
    moved: set[int] = set()
    unsure: set[int] = set()
    open_end = False
    for part in _BETWEEN.split(text.lower()):
        choices = [found for one in re.split(r"/|\bor\b", part) if (found := {int(n) for n in re.findall(r"\d+", one)})]
        if not choices:
            open_end |= "?" in part
        elif re.search(r"[?()]", part):
            unsure |= set.union(*choices)
        else:
            sure = set.intersection(*choices)
            moved |= sure
            unsure |= set.union(*choices) - sure
    return UnitCodes(frozenset(moved), frozenset(unsure - moved), bool(moved | unsure) and not open_end)
