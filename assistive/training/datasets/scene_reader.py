"""Read a scene of two frames with the streams' own code: the hand that leads, and what the face did between them.

The streams need a second or more of pictures to know a face at rest. A scene says which frame is rest, so that the same
measures are taken at once: the mesh, its quality, the movement with the head's taken away, and the shapes against rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistive.expression import brows, macro, tone
from assistive.expression.face_mesh import FaceFinder, Landmarks, box_of
from assistive.expression.flow import MAP_SIDE, optical_flow, pack_map
from assistive.expression.head import pose
from assistive.expression.motion import TELLING, drop_anchor, measure, without_head
from assistive.expression.quality import judge
from assistive.fusion.lead import LeadState, lead
from assistive.fusion.tokens import tokens
from assistive.gesture import GestureStream
from assistive.gesture.tracker import TrackerState, track
from assistive.settings import Settings
from assistive.types import NO_EXPRESSION, Expression, Face, Frame, Hand, Reading

Image = NDArray[np.uint8]

APEX_S = 0.2
"""Media time of the second frame, seconds after the first."""


@dataclass(frozen=True, slots=True, eq=False)
class SeenScene:
    """A scene as the streams see it.

    Attributes:
        tokens: float32 ``(3, 1, WIDTH)``; nobody has said yet what the movement was.
        moved: uint8 ``(28, 28, 3)``, packed map of the movement.
        gated: the face's quality is below what the expression stream reads.
    """

    tokens: NDArray[np.float32]
    moved: NDArray[np.uint8]
    gated: bool


class SceneReader:
    """Reads scenes.

    Args:
        gesture: the gesture stream.
        finder: finds faces and their mesh.
        settings: of both streams.
    """

    def __init__(self, gesture: GestureStream, finder: FaceFinder, settings: Settings) -> None:
        self._gesture, self._finder, self._settings = gesture, finder, settings

    def read(self, rest: Image, apex: Image, held: bool) -> SeenScene:
        """Read a scene.

        Args:
            rest: uint8 ``(H, W, 3)``, RGB: the face before its expression.
            apex: the same at its strongest.
            held: what the face shows lasts until it is asked for; otherwise it is at rest again by then, and what is
                left of a brief expression is the movement that was spotted.
        """
        hand = self._lead(apex)
        nothing = np.zeros((MAP_SIDE, MAP_SIDE, 3), np.uint8)
        found = self._finder.search(rest)
        first = self._finder.follow(rest, found[0]) if found else None
        # The second look is steadier, and how far the two differ is what shapes of a face at rest are like.
        before = None if first is None else self._finder.follow(rest, box_of(first))
        after = None if before is None else self._finder.follow(apex, box_of(before))
        if first is None or before is None or after is None:
            return SeenScene(tokens(apex, hand, None, None), nothing, False)
        face = self._face(apex, after, hand)
        moved, brief, frown = self._movement(rest, apex, before, after)
        gated = face.quality < self._settings.expression.min_quality
        now = self._pixels(apex, after if held else first)
        reading = self._shapes(face, self._pixels(rest, before), now, frown if held else 0.0)
        return SeenScene(tokens(apex, hand, reading, brief), moved, gated)

    def _lead(self, image: Image) -> Hand | None:
        read = self._gesture.read(Frame(image, 0.0, 0, 0.0))
        _, hands = track(TrackerState(), 0.0, read, self._settings.gesture)
        return lead(LeadState(), 0.0, hands, self._settings.gesture)[1].hand

    def _face(self, image: Image, landmarks: Landmarks, hand: Hand | None) -> Face:
        pixels = self._pixels(image, landmarks)
        boxes = [] if hand is None else [hand.box]
        quality = judge(image, pixels, pose(pixels), boxes, self._settings.expression)
        return Face(box_of(landmarks), landmarks, 0, quality.value, quality.problems)

    def _pixels(self, image: Image, landmarks: Landmarks) -> NDArray[np.float64]:
        height, width = image.shape[:2]
        return np.asarray(landmarks.astype(np.float64) * (width, height, width))

    def _movement(
        self, rest: Image, apex: Image, before: Landmarks, after: Landmarks
    ) -> tuple[NDArray[np.uint8], Expression | None, float]:
        """Return the movement's map, the movement itself if the spotter would not take it for noise, and the frown."""
        spotting = self._settings.spotting
        anchor = drop_anchor(0, 0.0, rest, before)
        motion, crop = measure(anchor, APEX_S, apex, after)
        moved = pack_map(without_head(optical_flow(anchor.neutral, crop), anchor))
        frown = brows.strength(brows.approach(motion), motion, spotting)
        most = float(np.hypot(*motion.regions[:TELLING].T).max())
        least = max(spotting.enter_motion, spotting.trace_factor * motion.noise,
                    spotting.head_share * float(np.linalg.norm(motion.head)))  # fmt: skip
        if most <= least:
            return moved, None, frown
        intensity = min(most / spotting.full_motion, 1.0)
        return moved, Expression(0.0, APEX_S, 2 * APEX_S, NO_EXPRESSION, "micro", 1.0, intensity), frown

    def _shapes(self, face: Face, rest: NDArray[np.float64], apex: NDArray[np.float64], frown: float) -> Reading:
        settings = self._settings.expression
        neutral, now = (macro.measure(pose(pixels).points) for pixels in (rest, apex))
        shapes = macro.shapes(now - neutral, neutral)
        shapes["frown"] = max(shapes["frown"], frown)
        state, _ = tone.step(tone.ToneState(), 0.0, shapes, settings)
        # A tone begins once it has been probable for a moment; the face holds still meanwhile.
        _, said = tone.step(state, settings.settle_s, shapes, settings)
        return Reading(APEX_S, face, shapes, said.label, said.probabilities, said.intensity)
