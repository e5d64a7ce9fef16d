"""A drawn person who plays a script: everything runs without a camera, and the same way every time."""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache

import cv2
import numpy as np

from assistive.settings import SourceSettings
from assistive.sources.drawn_face import FacePose, Image
from assistive.sources.drawn_hand import HandPicture, paste_hand, render_hand
from assistive.sources.hand_pose import pose
from assistive.sources.person import HEIGHT, LIPS, SHIRT, SHOULDER, SKIN, WIDTH, draw_person
from assistive.sources.script import HOLD_S, LOWER_S, RISE_S, START_S, TALK, Performed, eased, lips_apart, parse_script
from assistive.types import EXPRESSIONS, GESTURES, NO_GESTURE, Frame

DEFAULT = ("like+positive", "palm", "peace+surprise", "ok", "call", "stop+negative")
DEFAULT_SCRIPT = tuple(turn.partition("+")[0] for turn in DEFAULT)
"""The gestures that are played where nothing else is asked for."""

RATE_HZ = 30.0

HAND_PX = 158.0
BESIDE = (172.0, 214.0)
RAISED = {"mute": (LIPS[0] - 14.0, LIPS[1] + 104.0), "like": (196.0, 224.0), "dislike": (216.0, 216.0)}
"""Where a gesture is held; ``BESIDE`` the head unless it is named here."""
LOWERED_PX = 330.0
FORMING_STEPS = 4
"""Pictures of the hand on its way from relaxed to the gesture; each is drawn once and kept."""


class PerformerSource:
    """Plays gestures one after another, hand up, hold, hand down, rest, and moves the face.

    Args:
        script: turns with commas between them, as :mod:`assistive.sources.script` has them; empty = six clear gestures,
            three of them with a brief expression.
        settings: not used; the performer has its own size and rate.

    Raises:
        SourceError: a name is none of the 18 gestures, or no expression.
    """

    live = False
    dropped = 0
    status: str | None = None
    size = (WIDTH, HEIGHT)
    name = "performer"

    def __init__(self, script: str, settings: SourceSettings) -> None:
        played = parse_script(script)
        self._script = played if played.turns else parse_script(",".join(DEFAULT))
        self._starts_s = self._script.starts_s
        self._moves = self._script.expressions()
        self._closed = False

    @property
    def script(self) -> tuple[str, ...]:
        """The gestures in the order in which they are played."""
        return tuple(turn.gesture for turn in self._script.turns if turn.gesture)

    @property
    def seconds(self) -> float:
        """Length of the performance in seconds."""
        return self._starts_s[-1]

    def expressions(self) -> tuple[Performed, ...]:
        """Return the expressions that are played, with their true times, in order."""
        return tuple(move for move in self._moves if move.label in EXPRESSIONS)

    def frames(self) -> Iterator[Frame | None]:
        """Yield every picture of the performance in order, 30 a second of media time."""
        for index in range(round(self.seconds * RATE_HZ)):
            if self._closed:
                return
            t_s = index / RATE_HZ
            image = self.picture(t_s)
            yield Frame(image, t_s, index, time.perf_counter())

    def picture(self, t_s: float) -> Image:
        """Return the picture at a time of the performance: uint8 ``(480, 640, 3)``, RGB."""
        image = draw_person(0.5 - 0.5 * math.cos(t_s * 1.6), self.face_at(t_s))
        gesture, raised = self.hand_at(t_s)
        if raised > 0.0:
            _draw_arm(image, gesture, raised, t_s)
        return image

    def hand_at(self, t_s: float) -> tuple[str, float]:
        """Return the gesture of a moment and how far the hand is raised, 0 = out of sight, 1 = held."""
        turn = bisect_right(self._starts_s, t_s) - 1
        gesture = self._script.turns[min(max(turn, 0), len(self._script.turns) - 1)].gesture
        if gesture is None or t_s < START_S or turn >= len(self._script.turns):
            return gesture or NO_GESTURE, 0.0
        into = t_s - self._starts_s[turn]
        if into < RISE_S:
            return gesture, eased(into / RISE_S)
        return gesture, eased(1.0 - (into - RISE_S - HOLD_S) / LOWER_S)

    def face_at(self, t_s: float) -> FacePose:
        """Return what the face does at a moment."""
        amounts = dict.fromkeys((*EXPRESSIONS, TALK), 0.0)
        for move in self._moves:
            spoken = move.label == TALK and move.start_s < t_s < move.end_s
            amounts[move.label] += lips_apart(t_s - move.start_s) if spoken else move.amount(t_s)
        return FacePose(
            brows_up=amounts["surprise"], brows_down=amounts["negative"], corners_up=amounts["positive"],
            mouth_open=amounts[TALK], eyes_open=_eyes_open(t_s), gaze=_gaze(t_s),
        )  # fmt: skip

    def close(self) -> None:
        """End the performance."""
        self._closed = True


def _eyes_open(t_s: float) -> float:
    """Return 1, but 0 for a blink of a fifth of a second every 3.7 seconds."""
    return min(abs(t_s % 3.7 - 3.0) / 0.1, 1.0)


def _gaze(t_s: float) -> float:
    """Return where the eyes look, -1..1: most of the time at the camera, now and then beside it for a second."""
    into = t_s % 7.3 - 4.4
    return (0.7 if t_s % 14.6 < 7.3 else -0.7) * min(eased(into / 0.06), eased((1.0 - into) / 0.06))


@lru_cache(maxsize=len(GESTURES) * (FORMING_STEPS + 1))
def _hand(gesture: str, step: int) -> HandPicture:
    goal = pose(gesture)
    relaxed = pose(NO_GESTURE)
    start = type(relaxed)(relaxed.flexion, relaxed.spread, relaxed.thumb, goal.wrist, goal.facing)
    return render_hand(start.towards(goal, step / FORMING_STEPS), HAND_PX, skin=SKIN, sleeve=SHIRT)


def _draw_arm(image: Image, gesture: str, raised: float, t_s: float) -> None:
    """Draw upper arm, forearm and hand, in place."""
    picture = _hand(gesture, round(eased(raised * 1.15) * FORMING_STEPS))
    x, y = RAISED.get(gesture, BESIDE)
    x += 1.6 * math.sin(t_s * 4.1)
    y += 1.2 * math.sin(t_s * 5.3) + (1 - raised) * LOWERED_PX
    elbow = (x + picture.elbow_px[0], y + picture.elbow_px[1])
    ends = np.round(np.array((SHOULDER, elbow)) * 16).astype(np.int32)
    cv2.polylines(image, [ends], False, tuple(int(part * 0.95) for part in SHIRT), 76, cv2.LINE_AA, 4)
    paste_hand(image, picture, (x, y))
