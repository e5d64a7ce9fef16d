"""A drawn person who plays a script of gestures: everything runs without a camera, and the same way every time."""

from __future__ import annotations

import difflib
import math
import time
from collections.abc import Iterator
from functools import lru_cache

import cv2
import numpy as np

from assistive.errors import SourceError
from assistive.settings import SourceSettings
from assistive.sources.drawn_hand import HandPicture, paste_hand, render_hand
from assistive.sources.hand_pose import pose
from assistive.sources.person import HEIGHT, LIPS, SHIRT, SHOULDER, SKIN, WIDTH, Image, draw_person
from assistive.types import GESTURES, NO_GESTURE, Frame

DEFAULT_SCRIPT = ("like", "palm", "peace", "ok", "call", "stop")

RATE_HZ = 30.0
START_S, RISE_S, HOLD_S, LOWER_S, REST_S = 0.6, 0.45, 1.3, 0.40, 1.0
TURN_S = RISE_S + HOLD_S + LOWER_S + REST_S

HAND_PX = 158.0
BESIDE = (172.0, 214.0)
RAISED = {"mute": (LIPS[0] - 14.0, LIPS[1] + 104.0), "like": (196.0, 224.0), "dislike": (216.0, 216.0)}
"""Where a gesture is held; ``BESIDE`` the head unless it is named here."""
LOWERED_PX = 330.0
FORMING_STEPS = 4
"""Pictures of the hand on its way from relaxed to the gesture; each is drawn once and kept."""


class PerformerSource:
    """Plays gestures one after another: hand up, hold, hand down, rest.

    Args:
        script: names of gestures with commas between them; empty = six clear ones.
        settings: not used; the performer has its own size and rate.

    Raises:
        SourceError: a name is none of the 18 gestures.
    """

    live = False
    dropped = 0
    status: str | None = None
    size = (WIDTH, HEIGHT)
    name = "performer"

    def __init__(self, script: str, settings: SourceSettings) -> None:
        names = [name.strip() for name in script.split(",") if name.strip()]
        self.script: tuple[str, ...] = tuple(names) or DEFAULT_SCRIPT
        for name in names:
            if name not in GESTURES:
                near = difflib.get_close_matches(name, GESTURES, n=1)
                remedy = f"did you mean {near[0]}?" if near else f"one of: {', '.join(GESTURES)}"
                raise SourceError(f"the performer knows no gesture {name!r}", remedy, "source.performer")
        self._closed = False

    @property
    def seconds(self) -> float:
        """Length of the performance in seconds."""
        return START_S + TURN_S * len(self.script)

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
        image = draw_person(0.5 - 0.5 * math.cos(t_s * 1.6), _eyes_open(t_s))
        gesture, raised = self.hand_at(t_s)
        if raised > 0.0:
            _draw_arm(image, gesture, raised, t_s)
        return image

    def hand_at(self, t_s: float) -> tuple[str, float]:
        """Return the gesture of a moment and how far the hand is raised, 0 = out of sight, 1 = held."""
        turn, into = divmod(max(t_s - START_S, 0.0), TURN_S)
        gesture = self.script[min(int(turn), len(self.script) - 1)]
        if t_s < START_S or turn >= len(self.script):
            return gesture, 0.0
        if into < RISE_S:
            return gesture, _eased(into / RISE_S)
        return gesture, _eased(1.0 - (into - RISE_S - HOLD_S) / LOWER_S)

    def close(self) -> None:
        """End the performance."""
        self._closed = True


def _eased(share: float) -> float:
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)


def _eyes_open(t_s: float) -> float:
    """Return 1, but 0 for a blink of a fifth of a second every 3.7 seconds."""
    return min(abs(t_s % 3.7 - 3.0) / 0.1, 1.0)


@lru_cache(maxsize=len(GESTURES) * (FORMING_STEPS + 1))
def _hand(gesture: str, step: int) -> HandPicture:
    goal = pose(gesture)
    relaxed = pose(NO_GESTURE)
    start = type(relaxed)(relaxed.flexion, relaxed.spread, relaxed.thumb, goal.wrist, goal.facing)
    return render_hand(start.towards(goal, step / FORMING_STEPS), HAND_PX, skin=SKIN, sleeve=SHIRT)


def _draw_arm(image: Image, gesture: str, raised: float, t_s: float) -> None:
    """Draw upper arm, forearm and hand, in place."""
    picture = _hand(gesture, round(_eased(raised * 1.15) * FORMING_STEPS))
    x, y = RAISED.get(gesture, BESIDE)
    x += 1.6 * math.sin(t_s * 4.1)
    y += 1.2 * math.sin(t_s * 5.3) + (1 - raised) * LOWERED_PX
    elbow = (x + picture.elbow_px[0], y + picture.elbow_px[1])
    ends = np.round(np.array((SHOULDER, elbow)) * 16).astype(np.int32)
    cv2.polylines(image, [ends], False, tuple(int(part * 0.95) for part in SHIRT), 76, cv2.LINE_AA, 4)
    paste_hand(image, picture, (x, y))
