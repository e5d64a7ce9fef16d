"""How a face moved between two moments: aligned crop, optical flow, optical strain, and the map that a network reads.

The same code serves the camera and the training. A map is the packed form that published collections use: 28 x 28
pixels, channels strain, v, u (as OpenCV reads a colour picture), each scaled by itself to 0..255, so that how strong a
movement was is lost and only its shape is left.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.errors import DependencyError

SIDE = 112
"""Side of the aligned crop, pixels."""

MAP_SIDE = 28
"""Side of a map, pixels."""

RIGHT_EYE, LEFT_EYE = (33, 133), (362, 263)
"""Outer and inner corner of each eye in the face mesh; "right" is the person's own."""
JAW = (234, 454)
"""Where the face mesh is widest, in front of the ears."""
BROWS = (105, 334)
"""Highest point of each brow in the face mesh."""
CHIN = 152

SIDE_MARGIN, TOP_MARGIN, BOTTOM_MARGIN = -0.04, 0.10, 0.12
"""Room beside the widest points (a share of the face's width), above the brows and below the chin (shares of the
distance from brow to chin)."""

Grey = NDArray[np.uint8]
Flow = NDArray[np.float32]


def crop_matrix(points: NDArray[np.floating[Any]], side: int = SIDE) -> NDArray[np.float64]:
    """Return the map from the picture into the aligned tight crop.

    The eye line is turned level; then the face from ear to ear and from the brows to the chin fills the square as in
    the packed collections: eyes near x .23 and .75, y .23, mouth corners at y .66, chin at y .90.

    Args:
        points: ``(468 or more, 2)``, landmarks of the face mesh in pixels of the picture.
        side: side of the crop, pixels.

    Returns:
        float64 ``(2, 3)``, for ``cv2.warpAffine``. Use one for a whole clip: to align every frame anew looks like
        motion.
    """
    points = np.asarray(points[:, :2], np.float64)
    right, left = points[list(RIGHT_EYE)].mean(0), points[list(LEFT_EYE)].mean(0)
    across = (left - right) / max(float(np.hypot(*(left - right))), 1e-6)
    down = np.array([-across[1], across[0]])
    turned = points @ np.stack([across, down], 1)
    x0, x1 = turned[list(JAW), 0]
    brow, chin = float(turned[list(BROWS), 1].mean()), float(turned[CHIN, 1])
    x0, x1 = x0 - SIDE_MARGIN * (x1 - x0), x1 + SIDE_MARGIN * (x1 - x0)
    y0, y1 = brow - TOP_MARGIN * (chin - brow), chin + BOTTOM_MARGIN * (chin - brow)
    scale = side / np.array([max(x1 - x0, 1e-6), max(y1 - y0, 1e-6)])
    turn = np.stack([across, down]) * scale[:, None]
    return np.concatenate([turn, -(np.array([x0, y0]) * scale)[:, None]], 1)


def aligned(image: NDArray[np.uint8], matrix: NDArray[np.float64], side: int = SIDE) -> Grey:
    """Cut the aligned crop out of a picture.

    Args:
        image: uint8 ``(H, W, 3)`` RGB, or ``(H, W)`` grey.
        matrix: of :func:`crop_matrix`.
        side: side of the crop, pixels.

    Returns:
        uint8 ``(side, side)``, grey.
    """
    crop = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(crop if crop.ndim == 2 else cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), np.uint8)


def optical_flow(before: Grey, after: Grey, method: Literal["dis", "tvl1"] = "dis") -> Flow:
    """Return the movement of every pixel from one picture to another.

    Args:
        before: uint8 ``(H, W)``: onset, or the neutral face.
        after: uint8 ``(H, W)``: apex.
        method: ``dis`` (Kroeger et al. 2016, 1 ms at 112 px) or ``tvl1`` (Zach et al. 2007, 145 ms).

    Returns:
        float32 ``(H, W, 2)``: u (positive = to the right) and v (positive = down), pixels.

    Raises:
        DependencyError: TV-L1 is asked for, and another OpenCV lies over the one that has it.
    """
    if method == "dis":
        return np.asarray(_dis().calc(before, after, None), np.float32)
    if not hasattr(cv2.optflow, "DualTVL1OpticalFlow_create"):  # an empty module is left where it lay
        remedy = f"pip install --force-reinstall --no-deps opencv-contrib-python=={version('opencv-contrib-python')}"
        raise DependencyError("this OpenCV has no TV-L1: opencv-python was installed over it", remedy, "dependency.cv2")
    tvl1: Any = cv2.optflow.DualTVL1OpticalFlow_create()
    return np.asarray(tvl1.calc(before, after, None), np.float32)


def _dis() -> Any:
    return cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)  # type: ignore[attr-defined]


def strain(flow: Flow) -> NDArray[np.float32]:
    """Return the magnitude of the optical strain of a flow field.

    sqrt(ux^2 + vy^2 + (uy + vx)^2 / 2), the Frobenius norm of the infinitesimal strain tensor (Shreve et al. 2011).

    Args:
        flow: float32 ``(H, W, 2)``, pixels.

    Returns:
        float32 ``(H, W)``, without unit.
    """
    uy, ux = np.gradient(flow[..., 0])
    vy, vx = np.gradient(flow[..., 1])
    return np.asarray(np.sqrt(ux**2 + vy**2 + 0.5 * (uy + vx) ** 2), np.float32)


def pack_map(flow: Flow, side: int = MAP_SIDE) -> NDArray[np.uint8]:
    """Return a flow field in the packed form.

    Args:
        flow: float32 ``(H, W, 2)`` of a tight crop, pixels.
        side: side of the map, pixels.

    Returns:
        uint8 ``(side, side, 3)``: strain, v, u; each channel scaled by itself to 0..255.
    """
    channels = np.dstack([strain(flow), flow[..., 1], flow[..., 0]])
    small = cv2.resize(channels, (side, side), interpolation=cv2.INTER_AREA)
    low, high = small.min((0, 1)), small.max((0, 1))
    return np.asarray(np.rint((small - low) / np.maximum(high - low, 1e-9) * 255), np.uint8)


def network_input(maps: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return packed maps as the recogniser reads them.

    Zero motion lies near a channel's median (the rest of the face stands still), so the median is subtracted; what is
    left is divided by its root mean square.

    Args:
        maps: uint8 ``(n, 28, 28, 3)``: strain, v, u.

    Returns:
        float32 ``(n, 3, 28, 28)``: u, v, strain.
    """
    x = maps[..., ::-1].transpose(0, 3, 1, 2).astype(np.float32)
    x = x - np.median(x, axis=(2, 3), keepdims=True)
    return np.asarray(x / np.maximum(np.sqrt((x**2).mean((2, 3), keepdims=True)), 1e-6), np.float32)
