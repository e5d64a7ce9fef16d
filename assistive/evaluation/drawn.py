"""How well movements of drawn people, whom no training saw, are told; cut from onset to offset as collections do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from assistive.evaluation.expression import uar, uf1
from assistive.expression.flow import optical_flow, pack_map
from assistive.expression.motion import Anchor, drop_anchor, measure, without_head
from assistive.synth.faces import FaceClip
from assistive.types import EXPRESSIONS

SMOOTH_S = 0.02
"""The course of a movement is averaged over so long before its apex is looked for."""
STRONG = 0.3
"""Movements above this intensity are told apart from weaker ones in the report."""


class Mesher(Protocol):
    """Finds the face mesh of a picture."""

    def find(self, image: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """Return the mesh, float32 ``(468, 2)``, pixels, or None without a face."""


class Judge(Protocol):
    """Tells the three expressions apart."""

    def judge_maps(self, maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return probabilities ``(n, 3)`` of packed maps ``(n, 28, 28, 3)``."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was made of one clip.

    Attributes:
        label: what it shows.
        guess: what it was taken for.
        intensity: of the movement, 0..1.
        apex_frames: distance of the apex that was found from the true one, frames.
    """

    label: str
    guess: str
    intensity: float
    apex_frames: float


def judge_clip(clip: FaceClip, mesher: Mesher, judge: Judge) -> Verdict | None:
    """Find the apex of a clip between its onset and its offset, and name the movement.

    Args:
        clip: shows one of ``EXPRESSIONS``.
        mesher: finds the face in the onset frame.
        judge: the recogniser.

    Returns:
        The verdict; None where no face is found in the onset frame.
    """
    assert clip.onset_s is not None and clip.apex_s is not None and clip.offset_s is not None
    onset, offset = (round(t_s * clip.rate_hz) for t_s in (clip.onset_s, clip.offset_s))
    offset = min(max(offset, onset + 1), len(clip.frames) - 1)
    mesh = mesher.find(clip.frames[onset])
    if mesh is None:
        return None
    height, width = clip.frames.shape[1:3]
    landmarks = np.zeros((len(mesh), 3), np.float32)
    landmarks[:, :2] = mesh / (width, height)
    anchor = drop_anchor(0, clip.onset_s, clip.frames[onset], landmarks)
    seen = [measure(anchor, i / clip.rate_hz, clip.frames[i], landmarks) for i in range(onset + 1, offset + 1)]
    found = apex([motion.regions for motion, _ in seen], clip.rate_hz)
    row = judge.judge_maps(pack_map(_flow(anchor, seen[found][1]))[None])[0]
    distance = abs(onset + 1 + found - clip.apex_s * clip.rate_hz)
    return Verdict(clip.label, EXPRESSIONS[int(row.argmax())], clip.intensity, float(distance))


def apex(regions: Sequence[NDArray[np.float32]], rate_hz: float) -> int:
    """Return the index of the strongest moment.

    Args:
        regions: movement of each region against the onset, float32 ``(r, 2)``, for each frame after it.
        rate_hz: frames per second.
    """
    strength = np.array([float((np.hypot(*one.T) ** 2).sum()) for one in regions])
    span = max(1, round(SMOOTH_S * rate_hz) | 1)
    smooth = np.convolve(np.pad(strength, span // 2, "edge"), np.ones(span) / span, "valid")
    return int(smooth.argmax())


def report(verdicts: Sequence[Verdict], clips: int) -> dict[str, Any]:
    """Summarise verdicts: UF1 and UAR of all, of strong and of weak movements, and how far off the apex was."""
    apex_frames = np.array([one.apex_frames for one in verdicts])
    strong = [one for one in verdicts if one.intensity > STRONG]
    weak = [one for one in verdicts if one.intensity <= STRONG]
    return {
        "clips": clips,
        "without_face": clips - len(verdicts),
        **_scores(verdicts),
        "strong": _scores(strong),
        "weak": _scores(weak),
        "apex_error_frames": {"mean": round(float(apex_frames.mean()), 2),
                              "p95": round(float(np.percentile(apex_frames, 95)), 2)},
        "apex_within_2_frames": round(float((apex_frames <= 2).mean()), 4),
    }  # fmt: skip


def _scores(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    truth = np.array([EXPRESSIONS.index(one.label) for one in verdicts], np.int64)
    guess = np.array([EXPRESSIONS.index(one.guess) for one in verdicts], np.int64)
    if not len(truth):
        return {"uf1": None, "uar": None, "n": 0}
    return {"uf1": round(uf1(truth, guess), 4), "uar": round(uar(truth, guess), 4), "n": len(truth)}


def _flow(anchor: Anchor, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    return without_head(optical_flow(anchor.neutral, crop), anchor)
