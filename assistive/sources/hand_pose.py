"""A small skeleton of the hand: joint angles for every gesture, and where the bones lie.

Hand space: the right hand, palm towards the viewer, fingers up; x to the viewer's right (the thumb's side), y up, z
towards the viewer; lengths in hand lengths (wrist to the tip of the middle finger); angles in degrees.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistive.types import GESTURES, NO_GESTURE

Array = NDArray[np.float64]
Angles = tuple[float, ...]

KNUCKLES = np.array([(0.150, 0.475, 0.0), (0.047, 0.495, 0.01), (-0.056, 0.470, 0.005), (-0.150, 0.415, -0.01)])
BONES = np.array([(0.235, 0.140, 0.095), (0.255, 0.160, 0.100), (0.240, 0.150, 0.100), (0.185, 0.105, 0.085)])
RADII = np.array([(0.060, 0.054, 0.048, 0.041), (0.060, 0.055, 0.049, 0.042), (0.057, 0.052, 0.046, 0.039),
                  (0.051, 0.045, 0.040, 0.035)])  # fmt: skip
THUMB_BASE = np.array((0.105, 0.085, 0.025))
THUMB_BONES = (0.225, 0.165, 0.115)
THUMB_RADII = (0.085, 0.066, 0.058, 0.045)

STRAIGHT = (4.0, 5.0, 4.0)
BACKWARD = (-6.0, 3.0, 2.0)
CURLED = (78.0, 106.0, 62.0)
TUCKED = ((16.0, 52.0), (-30.0, 26.0), (-70.0, 0.0))
ACROSS = ((24.0, 40.0), (-42.0, 14.0), (-62.0, -8.0))
ASIDE = ((36.0, 12.0), (16.0, 10.0), (2.0, 6.0))
OUT = ((46.0, 8.0), (44.0, 2.0), (42.0, -4.0))


@dataclass(frozen=True, slots=True)
class HandPose:
    """Joint angles of a right hand and the way it faces, degrees.

    Attributes:
        flexion: bend of knuckle, middle and end joint for index, middle, ring and little finger, towards the palm.
        spread: sideways angle of the same four fingers, positive towards the thumb.
        thumb: direction of the thumb's three bones as (azimuth from y towards x, elevation towards the palm's front).
        wrist: the forearm's bend against the hand: (sideways, positive to the viewer's right; towards the viewer).
        facing: roll (counter-clockwise), pitch (fingers towards the viewer), yaw (thumb's side away from
            the viewer); applied as yaw, pitch, roll.
    """

    flexion: tuple[Angles, Angles, Angles, Angles]
    spread: Angles
    thumb: tuple[Angles, Angles, Angles]
    wrist: Angles = (0.0, 0.0)
    facing: Angles = (0.0, 0.0, 0.0)

    def towards(self, other: HandPose, share: float) -> HandPose:
        """Return the pose on the way to another one, ``share`` 0 = this, 1 = the other."""
        if share <= 0.0:
            return self
        pairs = zip(astuple(self), astuple(other), strict=True)
        return HandPose(*(_between(ours, theirs, min(share, 1.0)) for ours, theirs in pairs))


def _between(ours: Any, theirs: Any, share: float) -> Any:
    """Return the value between two nested tuples of numbers."""
    if isinstance(ours, tuple):
        return tuple(_between(one, other, share) for one, other in zip(ours, theirs, strict=True))
    return ours + (theirs - ours) * share


def _fingers(up: str, spread: Angles, thumb: tuple[Angles, Angles, Angles], facing: Angles = (0, 0, 0),
             straight: Angles = STRAIGHT, curled: Angles = CURLED, wrist: Angles = (0, 0)) -> HandPose:  # fmt: skip
    """Return a pose whose fingers named in ``up`` ("imrl") are straight and whose others are curled."""
    flexion = tuple(straight if name in up else curled for name in "imrl")
    return HandPose((flexion[0], flexion[1], flexion[2], flexion[3]), spread, thumb, wrist, facing)


_BACK = (0.0, 0.0, 180.0)
_TOGETHER = (-1.5, -0.5, 1.5, 4.0)
_POSES: dict[str, HandPose] = {
    "call": _fingers("l", (2, 0, -2, -24), ((56, 8), (60, 0), (62, -6)), (38, 0, 0), (2, 4, 4), wrist=(-28, 0)),
    "dislike": _fingers("", (2, 0, -1, -2), ((60, 18), (86, 4), (96, -4)), (-90, 25, 0), wrist=(26, 0)),
    "fist": _fingers("", (3, 1, -1, -3), TUCKED),
    "four": _fingers("imrl", (9, 2, -6, -17), ACROSS),
    "like": _fingers("", (2, 0, -1, -2), ((60, 18), (86, 4), (100, -8)), (-90, 50, 180), wrist=(-42, 0)),
    "mute": _fingers("i", (0, 0, -1, -3), TUCKED, (0, 0, 24)),
    "ok": HandPose(((57, 62, 33), (12, 14, 8), (2, 10, 6), (-8, 8, 4)), (8, 0, -10, -22),
                   ((23, 36), (17, 49), (6, 55)), facing=(0, 0, 38)),
    "one": _fingers("i", (2, 1, -1, -3), TUCKED),
    "palm": _fingers("imrl", (13, 3, -9, -24), OUT, straight=BACKWARD),
    "peace": _fingers("im", (13, -8, -1, -3), TUCKED),
    "peace_inverted": _fingers("im", (13, -8, -1, -3), TUCKED, _BACK),
    "rock": _fingers("il", (6, 1, -1, -12), TUCKED),
    "stop": _fingers("imrl", _TOGETHER, ASIDE),
    "stop_inverted": _fingers("imrl", _TOGETHER, ASIDE, _BACK),
    "three": _fingers("imr", (11, 1, -9, -4), TUCKED),
    "three2": _fingers("im", (11, -7, -1, -3), OUT),
    "two_up": _fingers("im", (-3, 3.5, -1, -3), TUCKED),
    "two_up_inverted": _fingers("im", (-3, 3.5, -1, -3), TUCKED, _BACK),
    NO_GESTURE: HandPose(((18, 28, 14), (26, 32, 16), (32, 34, 18), (36, 34, 18)), (2, 0, -2, -5),
                         ((34, 26), (18, 30), (6, 30)), facing=(180, 0, 145)),
    "claw": HandPose(((30, 62, 40), (30, 64, 42), (30, 64, 42), (30, 60, 40)), (10, 3, -6, -16),
                     ((48, 34), (30, 46), (8, 44))),
    "crossed": _fingers("im", (-7, 9, -1, -3), TUCKED),
    "i_love_you": _fingers("il", (8, 1, -1, -14), OUT),
    "little": _fingers("l", (2, 1, -1, -8), TUCKED),
    "pinch": HandPose(((60, 52, 26), (66, 60, 30), (70, 66, 34), (72, 68, 36)), (2, 0, -1, -2),
                      ((48, 40), (20, 48), (0, 46)), facing=(0, 0, 40)),
    "gun": _fingers("i", (2, 1, -1, -3), ((50, 6), (56, 0), (60, -4)), (80, 0, 30)),
}  # fmt: skip

NOT_GESTURES: tuple[str, ...] = tuple(name for name in _POSES if name not in GESTURES)
"""Poses that are none of the 18 gestures: ``no_gesture`` (a relaxed hand) and other signs."""


def pose(gesture: str) -> HandPose:
    """Return the pose for one of the 18 gestures, ``no_gesture`` (relaxed), or another name in ``NOT_GESTURES``.

    Raises:
        KeyError: there is no such pose.
    """
    return _POSES[gesture]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Tapered capsules that make up a hand.

    Attributes:
        starts: ``(n, 3)`` one end of each capsule, hand lengths.
        ends: ``(n, 3)`` the other end.
        radii: ``(n, 2)`` radius at either end.
        fronts: ``(n, 3)`` unit vector from each capsule's axis towards the palm's side.
        soft: ``(n,)`` true where the capsule melts into its neighbours (the palm).
        arm: ``(n,)`` true for the forearm.
        tips: rows of the five end bones, thumb first.
        middles: rows of the bones before them.
    """

    starts: Array
    ends: Array
    radii: Array
    fronts: Array
    soft: NDArray[np.bool_]
    arm: NDArray[np.bool_]
    tips: tuple[int, ...]
    middles: tuple[int, ...]

    def turned(self, matrix: Array) -> Skeleton:
        """Return the skeleton with every point and direction multiplied by a ``(3, 3)`` matrix."""
        return replace(self, starts=self.starts @ matrix.T, ends=self.ends @ matrix.T, fronts=self.fronts @ matrix.T)


    def without_arm(self) -> Skeleton:
        """Return the skeleton without the forearm (whose rows are the first)."""
        first = int(self.arm.sum())
        return Skeleton(self.starts[first:], self.ends[first:], self.radii[first:], self.fronts[first:],
                        self.soft[first:], self.arm[first:], tuple(row - first for row in self.tips),
                        tuple(row - first for row in self.middles))  # fmt: skip


class _Builder:
    """Collects capsules."""

    def __init__(self) -> None:
        self.rows: list[tuple[Array, Array, float, float, Array, bool, bool]] = []

    def add(self, start: Array, end: Array, radii: Angles, front: Array | None = None, soft: bool = True,
            arm: bool = False) -> int:  # fmt: skip
        front = np.array((0.0, 0.0, 1.0)) if front is None else front
        self.rows.append((start, end, radii[0], radii[1], front, soft, arm))
        return len(self.rows) - 1

    def build(self, tips: tuple[int, ...], middles: tuple[int, ...]) -> Skeleton:
        starts, ends, first, second, fronts, soft, arm = (np.array(column) for column in zip(*self.rows, strict=True))
        return Skeleton(starts, ends, np.stack([first, second], 1), fronts, soft, arm, tips, middles)


def skeleton(pose: HandPose) -> Skeleton:
    """Return the capsules of a pose in hand space (not yet turned to the way it faces)."""
    parts = _Builder()
    _forearm(parts, pose.wrist)
    thumb = _thumb(parts, pose.thumb)
    _palm(parts, thumb)
    tips, middles = [thumb[0]], [thumb[0] - 1]
    roots = []
    for finger in range(4):
        spread = np.radians(pose.spread[finger])
        ahead = np.array((np.sin(spread), np.cos(spread), 0.0))
        joint, bend = KNUCKLES[finger], 0.0
        for bone in range(3):
            bend += np.radians(pose.flexion[finger][bone])
            along = ahead * np.cos(bend) + np.array((0, 0, np.sin(bend)))
            front = np.array((0, 0, np.cos(bend))) - ahead * np.sin(bend)
            end = joint + along * BONES[finger, bone]
            row = parts.add(joint, end, tuple(RADII[finger, bone : bone + 2]), front, soft=False)
            if bone == 0:
                roots.append(joint + along * 0.065)
            joint = end
        tips.append(row)
        middles.append(row - 1)
    for left, right in pairwise(roots):
        parts.add(left, right, (0.047, 0.047))
    return parts.build(tuple(tips), tuple(middles))


def _forearm(parts: _Builder, wrist: Angles) -> None:
    sideways, towards = np.radians(wrist[0]), np.radians(wrist[1])
    down = np.array((np.sin(sideways), -np.cos(sideways) * np.cos(towards), np.sin(towards)))
    across = np.array((np.cos(sideways), np.sin(sideways), 0.0))
    for side in (-1, 0, 1):
        start = across * 0.062 * side + np.array((0.0, 0.02, 0.0))
        parts.add(start, start + down * 1.4 + across * 0.05 * side, (0.084, 0.13), arm=True)


def _thumb(parts: _Builder, directions: tuple[Angles, Angles, Angles]) -> tuple[int, Array]:
    joint, row = THUMB_BASE, -1
    for bone, (azimuth, elevation) in enumerate(np.radians(directions)):
        along = np.array((np.sin(azimuth) * np.cos(elevation), np.cos(azimuth) * np.cos(elevation), np.sin(elevation)))
        front = np.array((-np.cos(azimuth), np.sin(azimuth), 0.6))
        front -= along * (front @ along)
        end = joint + along * THUMB_BONES[bone]
        row = parts.add(joint, end, THUMB_RADII[bone : bone + 2], front / np.linalg.norm(front), soft=bone == 0)
        if bone == 0:
            knuckle = end
        joint = end
    return row, knuckle


def _palm(parts: _Builder, thumb: tuple[int, Array]) -> None:
    for knuckle in KNUCKLES:
        parts.add(np.array((knuckle[0] * 0.5, 0.03, 0.0)), knuckle, (0.082, 0.067))
    parts.add(np.array((-0.115, 0.10, 0.02)), np.array((-0.160, 0.32, 0.015)), (0.078, 0.058))
    for share in (0.4, 0.7):
        side = THUMB_BASE + (thumb[1] - THUMB_BASE) * 0.85
        end = side + (KNUCKLES[0] * np.array((1, 0.78, 1)) - side) * share
        parts.add(THUMB_BASE, end, (0.070, 0.040))
