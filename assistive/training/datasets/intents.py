"""What people mean by a gesture and a tone together: a declared table, its Bayes ceiling, and pairs drawn from it.

Hands and faces of different people say nothing about which gesture goes with which tone. The table says it instead: it
is made up, printed with every result, and the same for training and test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistive.errors import ConfigError
from assistive.fusion.evidence import NAMES
from assistive.fusion.tokens import TONES

SMOOTHING = 1e-3
"""Share of pairs that mean what their gesture and tone mean one by one: nothing is impossible."""


@dataclass(frozen=True, slots=True, eq=False)
class IntentTable:
    """Which gesture and tone go with which intent.

    Attributes:
        names: of the intents.
        together: float64 ``(k, 19, 4)``, probability of intent, gesture and tone; sums to 1.
    """

    names: tuple[str, ...]
    together: NDArray[np.float64]

    @classmethod
    def declared(cls, rows: Mapping[str, Mapping[str, Any]]) -> IntentTable:
        """Build the table from a configuration.

        Args:
            rows: by intent: ``share``, ``gestures`` and ``tones`` (share by name); shares need not sum to 1.

        Raises:
            ConfigError: a gesture or a tone has no such name.
        """
        parts = []
        for name, row in rows.items():
            gestures = _shares(row["gestures"], NAMES, name)
            parts.append(row["share"] * np.outer(gestures, _shares(row["tones"], TONES, name)))
        together = np.stack(parts)
        together /= together.sum()
        apart = together.sum(2)[:, :, None] * together.sum(1)[:, None] / together.sum((1, 2))[:, None, None]
        return cls(tuple(rows), (1 - SMOOTHING) * together + SMOOTHING * apart)

    @property
    def ceiling(self) -> float:
        """How often whoever knows gesture and tone for certain guesses the intent right, 0..1 (Bayes)."""
        return float(self.together.max(0).sum())

    def given(self, gesture: NDArray[np.floating[Any]], tone: NDArray[np.floating[Any]],
              expected: tuple[NDArray[np.float64], NDArray[np.float64]]) -> NDArray[np.float64]:  # fmt: skip
        """Return the probability of each intent when two independent streams say so much.

        Args:
            gesture: ``(n, 19)``, rows sum to 1.
            tone: ``(n, 4)``, rows sum to 1.
            expected: how often each gesture and each tone occurred where the streams learned to be calibrated.

        Returns:
            float64 ``(n, k)``, rows sum to 1.
        """
        likely = np.einsum("kga,ng,na->nk", self.over(expected), gesture, tone) + 1e-9
        return np.asarray(likely / likely.sum(1, keepdims=True))

    def over(self, expected: tuple[NDArray[np.float64], NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return the table over how often each gesture and tone is expected, ``(k, 19, 4)``."""
        return self.together / np.maximum(np.outer(*expected), 1e-6)

    def draw(
        self, gesture: NDArray[np.int64], tone: NDArray[np.int64], parts: tuple[NDArray[np.int64], ...], count: int,
        most_uses: int, seed: int,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
        """Draw dependent pairs from those that there are.

        A draw whose gesture and tone no pair shows, or whose pairs are used up, is drawn anew.

        Args:
            gesture: of each pair that there is, int64 ``(n,)``.
            tone: likewise.
            parts: number of the hand and of the face in each pair; each is used at most ``most_uses`` times.
            count: number of pairs, fewer if what is there is used up.
            most_uses: how often a hand or a face may be used.
            seed: of everything.

        Returns:
            Index of the pair, and its intent, int64 ``(m,)`` each.
        """
        rng = np.random.default_rng(seed)
        used = [dict.fromkeys(part.tolist(), 0) for part in parts]
        rows: list[tuple[int, int]] = []
        flat = self.together.ravel()
        for cell in rng.choice(len(flat), 20 * count, p=flat / flat.sum()):
            intent, g, a = np.unravel_index(cell, self.together.shape)
            free = [i for i in np.flatnonzero((gesture == g) & (tone == a)).tolist()
                    if all(uses[int(part[i])] < most_uses for uses, part in zip(used, parts, strict=True))]
            if free and len(rows) < count:
                chosen = int(rng.choice(free))
                for uses, part in zip(used, parts, strict=True):
                    uses[int(part[chosen])] += 1
                rows.append((chosen, int(intent)))
        drawn = np.array(rows, np.int64).reshape(-1, 2)
        return drawn[:, 0], drawn[:, 1]


def _shares(given: Mapping[str, float], names: tuple[str, ...], intent: str) -> NDArray[np.float64]:
    unknown = [name for name in given if name not in names]
    if unknown:
        raise ConfigError(f"the intent {intent} speaks of {unknown[0]!r}", f"one of {', '.join(names)}", "fusion.table")
    shares = np.array([given.get(name, 0.0) for name in names])
    return np.asarray(shares / shares.sum())
