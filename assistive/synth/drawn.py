"""Drawn hands in all poses, lights and skins: for gestures with few pictures, and endless signs that are not ours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from assistive.sources.drawn_hand import render_hand
from assistive.sources.hand_pose import NOT_GESTURES, HandPose, pose
from assistive.synth.cutouts import Cutout
from assistive.types import GESTURES, NO_GESTURE, Box

SKINS = ((246, 213, 190), (226, 184, 150), (203, 150, 115), (166, 116, 82), (121, 80, 56), (82, 54, 40))
OTHER_FINGERS = ("m", "r", "mr", "rl", "ir", "ml", "mrl", "iml", "l")
"""Sets of raised fingers (index, middle, ring, little) that are no gesture of HaGRID, with the thumb tucked in."""


def draw_cutouts(count: int, seed: int, other_share: float = 0.35) -> list[Cutout]:
    """Draw hands (about 10 ms each).

    Args:
        count: how many.
        seed: seed of poses, lights and colours.
        other_share: share of hands that show none of the 18 gestures.
    """
    rng = np.random.default_rng(seed)
    drawn = []
    for i in range(count):
        other = rng.random() < other_share
        name = NO_GESTURE if other else GESTURES[i % len(GESTURES)]
        drawn.append(_draw(_other_pose(rng) if other else pose(name), name, rng))
    return drawn


def _draw(shape: HandPose, name: str, rng: np.random.Generator) -> Cutout:
    skin = np.asarray(SKINS[int(rng.integers(len(SKINS)))]) * rng.uniform(0.88, 1.1) + rng.normal(0, 6, 3)
    red, green, blue = (int(c) for c in np.clip(skin, 20, 255))
    sleeve = tuple(int(c) for c in rng.integers(10, 245, 3)) if rng.random() < 0.5 else None
    # Half of the hands face the camera as in HaGRID; the others point anywhere that leaves the gesture readable.
    tilt = 1.0 if rng.random() < 0.5 else 2.2
    picture = render_hand(
        _shaken(shape, rng), float(rng.uniform(70, 170)), roll=float(rng.normal(0, 10)),
        pitch=float(rng.normal(0, 14 * tilt)), yaw=float(rng.normal(0, 16 * tilt)), left=bool(rng.random() < 0.5),
        skin=(red, green, blue), forearm=bool(rng.random() < 0.9), sleeve=sleeve,  # type: ignore[arg-type]
        light=(float(rng.normal(-0.2, 0.6)), float(rng.normal(0.5, 0.4)), float(rng.uniform(0.35, 0.9))),
    )  # fmt: skip
    height, width = picture.alpha.shape
    x, y, w, h = picture.hand_px
    left, top = x - picture.origin_px[0], y - picture.origin_px[1]
    return Cutout(picture.rgb, picture.alpha, Box(left / width, top / height, w / width, h / height), (name,), None)


def _shaken(shape: HandPose, rng: np.random.Generator) -> HandPose:
    a, b, c, d = (tuple(float(angle + rng.normal(0, 5)) for angle in finger) for finger in shape.flexion)
    spread = tuple(float(a + rng.normal(0, 1.5)) for a in shape.spread)
    e, f, g = (tuple(float(angle + rng.normal(0, 5)) for angle in bone) for bone in shape.thumb)
    wrist = (float(shape.wrist[0] + rng.normal(0, 12)), float(shape.wrist[1] + rng.normal(0, 10)))
    return replace(shape, flexion=(a, b, c, d), spread=spread, thumb=(e, f, g), wrist=wrist)


def _other_pose(rng: np.random.Generator) -> HandPose:
    """A sign that is none of ours: a known one, an odd set of raised fingers, or half-bent fingers facing anywhere."""
    how = rng.random()
    if how < 0.4:
        return pose(NOT_GESTURES[int(rng.integers(len(NOT_GESTURES)))])
    if how < 0.7:
        up = OTHER_FINGERS[int(rng.integers(len(OTHER_FINGERS)))]
        straight, curled = pose("palm").flexion, pose("fist").flexion
        a, b, c, d = (straight[i] if name in up else curled[i] for i, name in enumerate("imrl"))
        return replace(pose("four"), flexion=(a, b, c, d))
    bend = [tuple(float(rng.uniform(20, 65)) for _ in range(3)) for _ in range(4)]
    facing = (float(rng.uniform(-180, 180)), float(rng.normal(0, 40)), float(rng.uniform(-180, 180)))
    return replace(pose(NO_GESTURE), flexion=(bend[0], bend[1], bend[2], bend[3]), facing=facing)
