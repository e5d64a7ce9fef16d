"""How far a face can be trusted, and what is wrong with it.

Each problem is a number over its limit in the settings: 0 to half of the limit costs nothing, the limit itself halves
the quality, one and a half of it leaves none. The worst problem counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.expression.flow import Grey, aligned, crop_matrix
from assistive.expression.head import Head
from assistive.settings import ExpressionSettings
from assistive.types import Box

REASONS: Mapping[str, str] = {
    "small": "face too far away",
    "blurred": "face blurred",
    "dark": "face too dark",
    "turned": "face turned",
    "cut": "face partly out of the picture",
    "covered": "face covered",
}
"""What each problem is called where a person reads it."""
HAND_ON_FACE = "hand on face"

NAMED = 0.75
"""From this share of its limit on a problem is named: then it costs a quarter of the quality."""

WHOLE_FACE = 0.8
"""A box with this share of the face's points holds the face itself."""

_UPPER_LIP, _LOWER_LIP, _CORNERS = 13, 14, (61, 291)
_LIP_REACH_PX = 9
"""How far above and below the line between the lips their contrast is looked for, pixels of the aligned crop."""
_ACROSS = np.linspace(-0.3, 0.3, 13)
"""Where along the mouth, in widths of the mouth from its middle."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How far a face can be trusted.

    Attributes:
        value: 0..1.
        problems: what lowers it, the worst first.
        reason: the worst problem in words, None when there is none.
    """

    value: float
    problems: tuple[str, ...]
    reason: str | None


def judge(
    image: NDArray[np.uint8], pixels: NDArray[np.float64], head: Head, hands: Sequence[Box],
    settings: ExpressionSettings,
) -> Quality:  # fmt: skip
    """Judge a face.

    Args:
        image: uint8 ``(H, W, 3)``, RGB.
        pixels: float64 ``(468, 3)``, landmarks in pixels.
        head: how it is held.
        hands: where hands are.
        settings: the limits.
    """
    height, width = image.shape[:2]
    matrix = crop_matrix(pixels)
    crop = aligned(image, matrix)
    points = pixels[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    hand = _share_in(pixels[:, :2] / (width, height), hands) / settings.max_hand_share
    masked = settings.min_lip_contrast / max(lip_contrast(crop, points), 1e-6)
    loads = {
        "small": settings.min_width_px / max(float(np.ptp(pixels[:, 0])), 1e-6),
        "blurred": settings.min_sharpness / max(sharpness(crop), 1e-6),
        "dark": settings.min_brightness / max(float(crop.mean()), 1e-6),
        "turned": max(abs(head.yaw_deg) / settings.max_yaw_deg, abs(head.pitch_deg) / settings.max_pitch_deg,
                      abs(head.roll_deg) / settings.max_roll_deg),
        "cut": _share_outside(pixels, width, height) / settings.max_cut_share,
        "covered": max(hand, masked, head.misfit / settings.max_misfit),
    }  # fmt: skip
    worst = sorted((name for name in loads if loads[name] > NAMED), key=lambda name: -loads[name])
    reason = REASONS[worst[0]] if worst else None
    if worst[:1] == ["covered"] and hand == loads["covered"]:
        reason = HAND_ON_FACE
    return Quality(float(np.clip(1.5 - max(loads.values()), 0, 1)), tuple(worst), reason)


def sharpness(crop: Grey) -> float:
    """Return how sharp an aligned crop is: the spread of its Laplacian over its own, about 0.4 for a good portrait."""
    edges = cv2.Laplacian(crop.astype(np.float32), cv2.CV_32F)
    return float(edges.std() / (crop.std() + 2))


def lip_contrast(crop: Grey, points: NDArray[np.float64]) -> float:
    """Return how much the line between the lips stands out: a mask, a scarf and a hand have none.

    Args:
        crop: uint8 ``(112, 112)``, aligned.
        points: float64 ``(468, 2)``, landmarks in the crop, pixels.

    Returns:
        Spread of the mean profile across the lips over that of the whole crop, about 0.4 for a bare mouth.
    """
    middle = points[[_UPPER_LIP, _LOWER_LIP]].mean(0)
    width = float(np.linalg.norm(points[_CORNERS[0]] - points[_CORNERS[1]]))
    reach = np.arange(-_LIP_REACH_PX, _LIP_REACH_PX)
    columns, rows = np.meshgrid(middle[0] + _ACROSS * width, middle[1] + reach)
    smooth = cv2.GaussianBlur(crop, (0, 0), 1.2).astype(np.float32)
    where = columns.astype(np.float32), rows.astype(np.float32)
    around = cv2.remap(smooth, *where, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    profile = (around - around.mean(0)).mean(1)
    return float(profile.std() / (smooth.std() + 1))


def _share_in(points: NDArray[np.float64], boxes: Sequence[Box]) -> float:
    """Return the share of points that lie in any of the boxes.

    A box that holds the whole face is left out: that is the face itself, taken for a hand. What a hand hides altogether
    has no mesh.
    """
    hidden = np.zeros(len(points), bool)
    x, y = points[:, 0], points[:, 1]
    for box in boxes:
        inside = (x >= box.x) & (x <= box.x + box.w) & (y >= box.y) & (y <= box.y + box.h)
        if inside.mean() < WHOLE_FACE:
            hidden |= inside
    return float(hidden.mean())


def _share_outside(pixels: NDArray[np.float64], width: int, height: int) -> float:
    x, y = pixels[:, 0], pixels[:, 1]
    return float(((x < 0) | (x >= width) | (y < 0) | (y >= height)).mean())
