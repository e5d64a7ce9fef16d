"""Where a head looks, and where its landmarks would lie if it looked straight at the camera.

The mesh has depth, so that a rigid fit (Kabsch 1976, with scale: Umeyama 1991) to a mean face takes the turn of the
head out of every measure. The fit uses points that no muscle of expression moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, degrees, hypot

import numpy as np
from numpy.typing import NDArray

# Mean of 481 generated portraits of calm people after generalised Procrustes analysis, made symmetric. Unit: distance
# between the middles of the eyes; origin between them; x to the right of the picture, y down, z away from the camera.
_MEAN: dict[int, tuple[float, float, float]] = {
    33: (-0.720, -0.016, 0.042), 263: (0.720, -0.016, 0.042),  # outer corners of the eyes
    133: (-0.280, 0.016, -0.042), 362: (0.280, 0.016, -0.042),  # inner corners
    168: (0.0, -0.067, -0.306), 6: (0.0, 0.065, -0.369), 197: (0.0, 0.185, -0.444),  # bridge of the nose
    8: (0.0, -0.188, -0.318), 10: (0.0, -0.844, -0.270), 151: (0.0, -0.587, -0.317),  # forehead
    109: (-0.304, -0.837, -0.245), 338: (0.304, -0.837, -0.245),
    127: (-1.075, 0.015, 0.824), 356: (1.075, 0.015, 0.824),  # temples
    234: (-1.058, 0.235, 0.907), 454: (1.058, 0.235, 0.907),  # before the ears
    116: (-0.980, 0.247, 0.248), 345: (0.980, 0.247, 0.248),  # cheekbones
}  # fmt: skip
_POINTS = list(_MEAN)
_FACE = np.array(list(_MEAN.values()))
_MIDDLE = _FACE.mean(0)
_SPREAD = _FACE - _MIDDLE


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """How a head is held.

    Attributes:
        yaw_deg: turned to the right of the picture, degrees.
        pitch_deg: nodded, the nose down, degrees.
        roll_deg: tilted clockwise in the picture, degrees.
        points: float64 ``(468, 3)``, landmarks as seen from straight ahead, in distances between the eyes; x right,
            y down, z away from the camera, origin between the eyes.
        misfit: root mean square distance between the rigid points and the mean face, distances between the eyes.
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    points: NDArray[np.float64]
    misfit: float


def pose(pixels: NDArray[np.float64]) -> Head:
    """Fit the mean face to a mesh.

    Args:
        pixels: float64 ``(468, 3)``, landmarks in pixels, depth too.

    Returns:
        The head; angles are 0 for a face that looks straight at the camera.
    """
    steady = pixels[_POINTS]
    middle = steady.mean(0)
    spread = steady - middle
    u, s, vt = np.linalg.svd(spread.T @ _SPREAD)
    mirror = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    turn = (u * mirror) @ vt
    scale = float((s * mirror).sum() / max(float((spread**2).sum()), 1e-12))
    points = (pixels - middle) @ turn * scale + _MIDDLE
    ahead, right = -turn[:, 2], turn[:, 0]
    misfit = float(np.sqrt(((points[_POINTS] - _FACE) ** 2).sum(1).mean()))
    return Head(
        degrees(atan2(ahead[0], -ahead[2])), degrees(atan2(ahead[1], hypot(ahead[0], ahead[2]))),
        degrees(atan2(right[1], right[0])), points, misfit,
    )  # fmt: skip
