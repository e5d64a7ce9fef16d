"""What systems see of a clip, by key: each input is made from a clip in one place, drawn or filmed.

A new key is a function here and an entry in ``MAKERS``. Arrays of one clip, before they are put in batches:

    frames         uint8 -> 0..1 (T, C, S, S)   pictures evenly spaced from onset to offset, grey or RGB
    magnified      uint8 -> 0..1 (T, C, S, S)   the same with slow movements made larger
    onset, apex    uint8 -> 0..1 (C, S, S)      one picture
    flow           float (3, S, S)              onset to apex: u, v (pixels at side S, median taken away), strain
    flow_map       float (3, S, S)              the same as the running system packs it: median 0, root mean square 1
    flow_sequence  float (T, 3, S, S)           onset to each of T moments, the first of them after the onset
    puzzle         float (3, S, S)              flow of the strip of brows and eyes above that of the strip of the mouth
    landmarks      float (T, 68, 2)             fractions of the crop, at the same moments as ``frames``
    regions        float (7, 4)                 left, top, right, bottom in fractions, in the order of ``REGIONS``
    cover          float (1, S, S)              share of each pixel that is hidden, 0..1
    phases         uint8 -> 0..1 (P, T, C, S, S)    frames length / T apart, from each of P starts
    phase_flow     float (P, T-1, 2, S/2, S/2)  between neighbours of those: u, v as they are, pixels at side S
    phase_landmarks float (P, T-1, 68, 2)       of those but the first
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.errors import ConfigError
from assistive.expression.flow import SIDE, network_input, pack_map, strain
from assistive.training.datasets.magnification import magnify
from assistive.yamlfile import nearest
from assistive.zoo.systems import Need

Float = NDArray[np.float32]
Array = NDArray[Any]
"""uint8, float16 or float32."""

REGIONS: Mapping[str, tuple[int, ...]] = {
    "right_eye": (*range(17, 22), *range(36, 42)),
    "left_eye": (*range(22, 27), *range(42, 48)),
    "nose": tuple(range(27, 36)),
    "right_mouth": (48, 49, 50, 51, 57, 58, 59),
    "left_mouth": (51, 52, 53, 54, 55, 56, 57),
    "chin": (5, 6, 7, 8, 9, 10, 11, 57),
    "face": tuple(range(68)),
}
"""Landmarks that a region must hold, by its name; right is the person's own."""

EYE_STRIP, MOUTH_STRIP = (*range(17, 28), *range(36, 48)), tuple(range(48, 68))
"""Landmarks that the strips of a puzzle must hold."""

MARGIN = 0.1
"""Room around the landmarks of a region, as a share of its larger side."""


class Clip(Protocol):
    """A clip from onset (frame 0) to offset (the last frame), cut out as the running system cuts faces out."""

    @property
    def length(self) -> int:
        """Number of frames."""

    @property
    def apex(self) -> int:
        """Frame of the strongest moment."""

    @property
    def rate_hz(self) -> float:
        """Frames per second."""

    def frames(self, numbers: Sequence[int], side: int, colour: bool = False) -> NDArray[np.uint8]:
        """Return frames, uint8 ``(T, side, side, 3 or 1)``."""

    def flow(self, before: int, after: int, side: int) -> Float:
        """Return the flow between two frames, float32 ``(side, side, 2)``: u right, v down, pixels."""

    def landmarks(self, numbers: Sequence[int], side: int) -> Float:
        """Return the 68 landmarks of frames, float32 ``(T, 68, 2)``, fractions of the crop."""

    def hidden(self, side: int) -> Float:
        """Return which share of each pixel is known to be hidden, float32 ``(side, side)``, 0..1."""


PHASES = 2
"""Starts at which a clip is sampled where no frame of it counts more than another."""

Maker = Callable[[Clip, Need], Array]


def moments(length: int, steps: int) -> list[int]:
    """Return frames evenly spaced from the first to the last; short clips show some of them twice."""
    return [round(one) for one in np.linspace(0, length - 1, steps)] if steps > 1 else [0]


def phases(length: int, steps: int) -> list[list[int]]:
    """Return the frames of each phase, ``length / steps`` apart; short clips show some of them twice."""
    apart = max(length // steps, 1)
    starts = [apart * i // PHASES for i in range(PHASES)]
    return [[min(start + apart * i, length - 1) for i in range(steps)] for start in starts]


def make(clip: Clip, need: Need) -> Array:
    """Make one input of a clip: uint8 for pictures, else float16 (which holds flow to a thousandth) or float32.

    Raises:
        ConfigError: there is no such input.
    """
    if need.key not in MAKERS:
        raise ConfigError(f"no input is named {need.key!r}", nearest(need.key, MAKERS), "inputs.unknown")
    return MAKERS[need.key](clip, need)


def channels(flow: Float) -> Float:
    """Return u, v (their median taken away) and strain, float32 ``(3, S, S)``, of flow ``(S, S, 2)``."""
    still = flow - np.median(flow, (0, 1))
    return np.stack([still[..., 0], still[..., 1], strain(flow)])


def boxes(landmarks: Float) -> Float:
    """Return the boxes of ``REGIONS``, float32 ``(7, 4)``: left, top, right, bottom, fractions of the crop."""
    return np.stack([_box(landmarks, points) for points in REGIONS.values()])


def _box(landmarks: Float, points: Sequence[int]) -> Float:
    low, high = landmarks[list(points)].min(0), landmarks[list(points)].max(0)
    room = MARGIN * float((high - low).max())
    return np.clip(np.concatenate([low - room, high + room]), 0, 1).astype(np.float32)


def _pictures(clip: Clip, numbers: Sequence[int], need: Need) -> NDArray[np.uint8]:
    return np.ascontiguousarray(clip.frames(numbers, need.side, need.colour).transpose(0, 3, 1, 2))


def _frames(clip: Clip, need: Need) -> Array:
    return _pictures(clip, moments(clip.length, need.steps), need)


def _magnified(clip: Clip, need: Need) -> Array:
    """Magnify the whole clip, for each picture depends on all before it; then take the moments."""
    state, made = None, []
    for picture in clip.frames(range(clip.length), need.side, need.colour):
        state, larger = magnify(state, picture, clip.rate_hz)
        made.append(larger)
    return np.ascontiguousarray(np.stack(made)[moments(clip.length, need.steps)].transpose(0, 3, 1, 2))


def _onset(clip: Clip, need: Need) -> Array:
    return _pictures(clip, [0], need)[0]


def _apex(clip: Clip, need: Need) -> Array:
    return _pictures(clip, [clip.apex], need)[0]


def _flow(clip: Clip, need: Need) -> Array:
    return channels(clip.flow(0, clip.apex, need.side)).astype(np.float16)


def _flow_map(clip: Clip, need: Need) -> Array:
    flow = clip.flow(0, clip.apex, max(need.side, SIDE))  # strain is of the flow as it is measured, then made smaller
    return network_input(pack_map(flow, need.side)[None])[0].astype(np.float16)


def _flow_sequence(clip: Clip, need: Need) -> Array:
    ends = moments(clip.length, need.steps + 1)[1:]
    return np.stack([channels(clip.flow(0, end, need.side)) for end in ends]).astype(np.float16)


def _puzzle(clip: Clip, need: Need) -> Array:
    """Cut both strips out of the flow and stretch them to half the height each, their movement with them."""
    side, flow = need.side, clip.flow(0, clip.apex, need.side)
    flow = flow - np.median(flow, (0, 1)).astype(np.float32)
    marks = clip.landmarks([0], side)[0]
    strips = []
    for points in (EYE_STRIP, MOUTH_STRIP):
        left, top, right, bottom = _box(marks, points)
        wide, tall = 1 / max(right - left, 1e-3), 0.5 / max(bottom - top, 1e-3)
        matrix = np.array([[wide, 0, -left * side * wide], [0, tall, -top * side * tall]])
        strip = cv2.warpAffine(flow, matrix, (side, side // 2), borderMode=cv2.BORDER_REPLICATE)
        strips.append(np.asarray(strip * np.array((wide, tall)), np.float32))
    both = np.concatenate(strips)
    # The strain is of each strip by itself: where they meet, nothing is torn.
    torn = np.concatenate([strain(strip) for strip in strips])
    return np.stack([both[..., 0], both[..., 1], torn]).astype(np.float16)


def _landmarks(clip: Clip, need: Need) -> Array:
    return clip.landmarks(moments(clip.length, need.steps), need.side)


def _regions(clip: Clip, need: Need) -> Array:
    return boxes(clip.landmarks([0], need.side)[0])


def _cover(clip: Clip, need: Need) -> Array:
    return clip.hidden(need.side)[None].astype(np.float16)


def _phases(clip: Clip, need: Need) -> Array:
    return np.stack([_pictures(clip, numbers, need) for numbers in phases(clip.length, need.steps)])


def _phase_flow(clip: Clip, need: Need) -> Array:
    flows = [[clip.flow(one, two, need.side) for one, two in pairwise(numbers)]
             for numbers in phases(clip.length, need.steps)]  # fmt: skip
    every_second = np.stack(flows)[:, :, 1::2, 1::2]
    return every_second.transpose(0, 1, 4, 2, 3).astype(np.float16)


def _phase_landmarks(clip: Clip, need: Need) -> Array:
    return np.stack([clip.landmarks(numbers[1:], need.side) for numbers in phases(clip.length, need.steps)])


MAKERS: dict[str, Maker] = {
    "frames": _frames, "magnified": _magnified, "onset": _onset, "apex": _apex, "flow": _flow, "flow_map": _flow_map,
    "flow_sequence": _flow_sequence, "puzzle": _puzzle, "landmarks": _landmarks,
    "regions": _regions, "cover": _cover, "phases": _phases,
    "phase_flow": _phase_flow, "phase_landmarks": _phase_landmarks,
}  # fmt: skip
"""How each input is made."""
