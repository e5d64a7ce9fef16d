"""Follow one face, picture after picture, and hand over what it did, with how it looked at rest and at the apex."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.expression.flow import SIDE, Flow, Grey, optical_flow
from assistive.expression.motion import Anchor, Motion, drop_anchor, measure, without_head
from assistive.expression.spotting import LONGEST_STEP_S, Spotted, SpottingState, step
from assistive.settings import SpottingSettings
from assistive.types import Face

FAR = 3.0
"""A head that moved so many times ``reach_motion`` gets a new anchor even while its face moves."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A movement that was spotted, with what a recogniser needs.

    Attributes:
        spotted: when it happened, and how strong it was.
        onset: uint8 ``(112, 112)``, aligned crop of the face at rest, just before it moved.
        apex: uint8 ``(112, 112)``, the crop of its strongest moment, cut out by the same transform.
        flow: float32 ``(112, 112, 2)``, from onset to apex, pixels, right and down, movement of the head taken away.
        rate_hz: true frame rate around it, frames/s.
    """

    spotted: Spotted
    onset: Grey
    apex: Grey
    flow: Flow = field(repr=False)
    rate_hz: float


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    t_s: float
    anchor: Anchor
    crop: Grey


class Spotter:
    """Finds brief and longer movements in the face of one person.

    Args:
        settings: of spotting.

    Attributes:
        motion: what moved in the last frame; None before the second one of a face.
        state: of the state machine; says why a movement was refused (``state.refused``).
    """

    def __init__(self, settings: SpottingSettings) -> None:
        self.settings = settings
        self.state = SpottingState()
        self.motion: Motion | None = None
        self._anchor: Anchor | None = None
        self._of: tuple[int, tuple[int, ...]] | None = None
        self._number = 0
        self._last_s = 0.0
        self._kept: deque[_Kept] = deque()

    @property
    def too_slow(self) -> bool:
        """Frames come too seldom to call anything micro."""
        return self.state.too_slow(self.settings)

    def reset(self) -> None:
        """Forget the face; call it whenever there is none, or none that can be read."""
        self.state, self.motion, self._anchor = SpottingState(), None, None
        self._kept.clear()

    def step(self, t_s: float, image: NDArray[np.uint8], face: Face) -> Clip | None:
        """Take in one frame.

        Args:
            t_s: media time of the frame.
            image: uint8 ``(H, W, 3)``, RGB.
            face: the active user's face in it.

        Returns:
            A movement that ended shortly before this frame and was found to be an expression, or None.
        """
        now = (face.track, image.shape)
        if now != self._of or not 0 <= t_s - self._last_s <= LONGEST_STEP_S:
            self.reset()
        self._of, self._last_s = now, t_s
        if self._anchor is None:
            self._drop(t_s, image, face)
            return None
        self.motion, crop = measure(self._anchor, t_s, image, face.landmarks)
        self._keep(_Kept(t_s, self._anchor, crop))
        self.state, spotted = step(self.state, self.motion, self.settings)
        clip = None if spotted is None else self._clip(spotted)
        if self._far(self.motion, self._anchor):
            self._drop(t_s, image, face)
        return clip

    def _drop(self, t_s: float, image: NDArray[np.uint8], face: Face) -> None:
        self._number += 1
        self._anchor = drop_anchor(self._number, t_s, image, face.landmarks)
        if not self._kept:
            self._keep(_Kept(t_s, self._anchor, self._anchor.neutral))

    def _far(self, motion: Motion, anchor: Anchor) -> bool:
        """Return whether the face is to be taken for neutral anew after this frame."""
        moved = float(np.linalg.norm(motion.head))
        if moved > FAR * self.settings.reach_motion:
            return True
        due = moved > self.settings.reach_motion or motion.t_s - anchor.t_s >= self.settings.refresh_s
        return due and self.state.calm

    def _keep(self, kept: _Kept) -> None:
        self._kept.append(kept)
        oldest_s = self.state.samples[0].t_s if self.state.samples else kept.t_s - self.settings.window_s
        while self._kept[0].t_s < oldest_s:
            self._kept.popleft()

    def _clip(self, spotted: Spotted) -> Clip:
        apex = min(self._kept, key=lambda kept: abs(kept.t_s - spotted.apex_s))
        before = [kept for kept in self._kept if kept.t_s <= spotted.onset_s] or [self._kept[0]]
        onset = _seen_from(apex.anchor, before[-1])
        flow = without_head(optical_flow(onset, apex.crop), apex.anchor)
        return Clip(spotted, onset, apex.crop, flow, self.state.rate_hz)


def _seen_from(anchor: Anchor, kept: _Kept) -> Grey:
    """Return a crop as the transform of another anchor would have cut it out."""
    if kept.anchor.number == anchor.number:
        return kept.crop
    whole, own = (np.vstack([one.matrix, (0, 0, 1)]) for one in (anchor, kept.anchor))
    across = (whole @ np.linalg.inv(own))[:2]
    crop = cv2.warpAffine(kept.crop, across, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(crop, np.uint8)
