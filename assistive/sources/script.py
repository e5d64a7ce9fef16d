"""What a drawn person plays, and when: gestures, movements of the face beside them, and movements of the face alone.

A script is turns with commas between them: ``like`` is a gesture, ``like+positive`` the same with a brief smile while
it is held, ``@positive+like`` with the smile while the hand comes up, ``@surprise`` an expression alone, ``@talk`` a
sentence without sound. An expression is a micro-expression unless ``/macro`` follows it: ``@negative/macro``. ``scene``
is a script by itself.
"""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from assistive.errors import SourceError
from assistive.types import EXPRESSIONS, GESTURES

TALK = "talk"

SCENE = (
    "fist", "@surprise/macro+palm", "@positive/macro+like", "@negative/macro+dislike", "ok", "@surprise/macro+stop",
    "@positive/macro+three", "@negative/macro+call", "@negative/macro+peace_inverted",
    "@positive/macro+two_up_inverted",
)  # fmt: skip
"""Ten gestures, most with a face that changes what is said: what ``performer:scene`` plays."""

START_S, RISE_S, HOLD_S, LOWER_S, REST_S = 0.6, 0.45, 1.3, 0.40, 1.0
TURN_S = RISE_S + HOLD_S + LOWER_S + REST_S

BESIDE_S = 0.55
"""An expression begins so long after the hand is up."""
EARLY_S = 0.1
"""One that comes before the gesture begins so long after the turn does, and is seen before the gesture is confirmed."""
ALONE_S, ALONE_TURN_S = 0.9, 2.4
"""An expression without a gesture begins so long after the turn does, and the turn takes so long in all."""
UNEVEN_S = 0.0137
"""Each further turn begins its expression so much later, so that not all begin with a frame."""

MICRO_RISE_S, MICRO_FALL_S = 0.14, 0.21
MACRO_RISE_S, MACRO_STAY_S, MACRO_FALL_S = 0.35, 0.5, 0.55
MACRO_S = MACRO_RISE_S + MACRO_STAY_S + MACRO_FALL_S
MICRO_SHARE = {"negative": 0.5, "positive": 0.31, "surprise": 0.25}
"""A micro-expression goes so far towards the strongest movement; a brow goes farther up than down, a corner between."""
TALK_S = 2.4


@dataclass(frozen=True, slots=True)
class Performed:
    """One movement of the face, as it is really played.

    Attributes:
        start_s: media time at which it leaves rest.
        apex_s: media time of its strongest moment; of a macro-expression the middle of the time that it stays.
        end_s: media time at which it is over.
        label: one of ``EXPRESSIONS``, or ``talk``.
        kind: ``micro`` or ``macro``; speech has none of its own and counts as ``macro``.
    """

    start_s: float
    apex_s: float
    end_s: float
    label: str
    kind: Literal["micro", "macro"]

    def amount(self, t_s: float) -> float:
        """Return how strong it is at a moment, 0..1: it rises and falls smoothly, faster than it falls."""
        if not self.start_s < t_s < self.end_s:
            return 0.0
        if self.kind == "micro":
            rise_s, fall_s, most = MICRO_RISE_S, MICRO_FALL_S, MICRO_SHARE[self.label]
        else:
            rise_s, fall_s, most = MACRO_RISE_S, MACRO_FALL_S, 1.0
        return most * min(eased((t_s - self.start_s) / rise_s), eased((self.end_s - t_s) / fall_s))


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a script: a gesture, a movement of the face, or both; ``early``: the face moves first."""

    gesture: str | None = None
    expression: str | None = None
    kind: Literal["micro", "macro"] = "micro"
    early: bool = False

    @property
    def seconds(self) -> float:
        """How long it takes, seconds."""
        if self.gesture is not None:
            return TURN_S
        return ALONE_TURN_S + (TALK_S if self.expression == TALK else MACRO_S if self.kind == "macro" else 0.0)


@dataclass(frozen=True, slots=True)
class Script:
    """Turns one after another."""

    turns: tuple[Turn, ...]

    @property
    def starts_s(self) -> tuple[float, ...]:
        """Media time at which each turn begins, and at last the one at which the script ends."""
        return tuple(accumulate((turn.seconds for turn in self.turns), initial=START_S))

    def expressions(self) -> tuple[Performed, ...]:
        """Return every movement of the face in order, speech included."""
        timed = zip(self.turns, self.starts_s, strict=False)
        return tuple(_performed(turn, start_s, index) for index, (turn, start_s) in enumerate(timed) if turn.expression)


def _performed(turn: Turn, start_s: float, index: int) -> Performed:
    start_s += EARLY_S if turn.early else ALONE_S if turn.gesture is None else RISE_S + BESIDE_S
    start_s += (index * UNEVEN_S) % 0.1
    if turn.expression == TALK:
        return Performed(start_s, start_s + TALK_S / 2, start_s + TALK_S, TALK, "macro")
    if turn.kind == "micro":
        apex_s, end_s = MICRO_RISE_S, MICRO_RISE_S + MICRO_FALL_S
    else:
        apex_s, end_s = MACRO_RISE_S + MACRO_STAY_S / 2, MACRO_S
    return Performed(start_s, start_s + apex_s, start_s + end_s, turn.expression or "", turn.kind)


def eased(share: float) -> float:
    """Return a share, cut to 0..1, that starts and stops smoothly."""
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)


def lips_apart(into_s: float) -> float:
    """Return how far the mouth is open so long into a sentence, 0..1: some four syllables a second, none alike."""
    fade = min(eased(into_s / 0.15), eased((TALK_S - into_s) / 0.15))
    beat = math.sin(into_s * 25.0 + 1.4 * math.sin(into_s * 4.3))
    return fade * (0.35 + 0.25 * beat) * (0.75 + 0.25 * math.sin(into_s * 7.1))


def parse_script(text: str) -> Script:
    """Read a script.

    Raises:
        SourceError: a name is no gesture or no expression; the remedy names the nearest.

    Example:
        >>> [turn.expression for turn in parse_script("like+positive, @surprise/macro, stop").turns]
        ['positive', 'surprise', None]
    """
    names = SCENE if text.strip() == "scene" else text.split(",")
    return Script(tuple(_turn(name.strip()) for name in names if name.strip()))


def _turn(text: str) -> Turn:
    face_first = text.startswith("@")
    first, plus, second = text.removeprefix("@").partition("+")
    hand, face = (second, first) if face_first else (first, second)
    gesture, (expression, slash, kind) = hand.strip(), face.strip().partition("/")
    if plus or not face_first:
        _check("gesture", gesture, GESTURES)
    if plus or face_first:
        _check("expression", expression, (*EXPRESSIONS, TALK))
    if slash:
        _check("kind of expression", kind, ("micro", "macro"))
    return Turn(gesture or None, expression or None, "macro" if kind == "macro" else "micro", face_first and bool(plus))


def _check(what: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        remedy = f"did you mean {near[0]}?" if near else f"one of: {', '.join(known)}"
        raise SourceError(f"the performer knows no {what} {name!r}", remedy, "source.performer")
