"""Draw a hand of any gesture from any side: skeleton, visible surface, skin."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.sources.hand_pose import NOT_GESTURES, Array, HandPose, Skeleton, pose, skeleton
from assistive.sources.hand_skin import Colour, shade
from assistive.sources.hand_surface import Float, Surface

__all__ = ["NOT_GESTURES", "DrawnHand", "HandPicture", "HandPose", "draw_hand", "pose", "render_hand"]

SKIN: Colour = (222, 172, 142)
LIGHT = (-0.45, 0.60, 0.66)
MARGIN_PX = 3


@dataclass(frozen=True, slots=True)
class HandPicture:
    """A hand cut out, ready to be pasted.

    Attributes:
        rgb: uint8 ``(h, w, 3)``.
        alpha: float32 ``(h, w)``, 0..1, forearm included.
        origin_px: where the picture's top left lies relative to the hand's centre ``(x, y)``.
        hand_px: tight box ``(x, y, w, h)`` of the hand without the forearm, relative to the hand's centre.
        elbow_px: where the forearm ends ``(x, y)``, relative to the hand's centre; the centre without a forearm.
    """

    rgb: NDArray[np.uint8]
    alpha: Float
    origin_px: tuple[int, int]
    hand_px: tuple[int, int, int, int]
    elbow_px: tuple[float, float]


@dataclass(frozen=True, slots=True)
class DrawnHand:
    """What was drawn on a canvas.

    Attributes:
        box_px: tight box ``(x, y, w, h)`` of the hand without the forearm, clipped to the canvas.
        alpha: float32 ``(H, W)`` of the whole canvas, 0..1, forearm included.
    """

    box_px: tuple[int, int, int, int]
    alpha: Float


def draw_hand(canvas: NDArray[np.uint8], pose: HandPose, centre_px: tuple[float, float], size_px: float, *,
              roll: float = 0.0, pitch: float = 0.0, yaw: float = 0.0, left: bool = False, skin: Colour = SKIN,
              forearm: bool = True, sleeve: Colour | None = None,
              light: tuple[float, float, float] = LIGHT) -> DrawnHand:  # fmt: skip
    """Draw a hand onto a picture, in place.

    Args:
        canvas: uint8 ``(H, W, 3)``, RGB.
        pose: joint angles; its own facing comes first, the turns below are added.
        centre_px: where the middle of the palm lies ``(x, y)``.
        size_px: length of the stretched hand from wrist to the tip of the middle finger, pixels.
        roll: turn in the picture's plane, degrees counter-clockwise.
        pitch: fingers towards the viewer, degrees.
        yaw: turn about the upright axis, degrees.
        left: a left hand (the mirror image, before the turns).
        skin: colour of the lit back of the hand.
        forearm: draw the forearm too.
        sleeve: colour of a sleeve on the forearm, None = bare.
        light: direction to the light ``(right, up, towards the viewer)``.

    Returns:
        Box and mask of what was drawn.
    """
    picture = render_hand(pose, size_px, roll=roll, pitch=pitch, yaw=yaw, left=left, skin=skin, forearm=forearm,
                          sleeve=sleeve, light=light)  # fmt: skip
    return paste_hand(canvas, picture, centre_px)


def paste_hand(canvas: NDArray[np.uint8], picture: HandPicture, centre_px: tuple[float, float]) -> DrawnHand:
    """Paste a hand onto a canvas, in place; what reaches over the border is cut off."""
    height, width = canvas.shape[:2]
    cx, cy = round(centre_px[0]), round(centre_px[1])
    x, y = cx + picture.origin_px[0], cy + picture.origin_px[1]
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + picture.alpha.shape[1], width), min(y + picture.alpha.shape[0], height)
    alpha = np.zeros((height, width), np.float32)
    if left < right and top < bottom:
        part = np.s_[top - y : bottom - y, left - x : right - x]
        alpha[top:bottom, left:right] = picture.alpha[part]
        under, share = canvas[top:bottom, left:right], picture.alpha[part]
        cv2.blendLinear(np.ascontiguousarray(picture.rgb[part]), np.ascontiguousarray(under), share, 1 - share, under)
    hx, hy, hw, hh = picture.hand_px
    x0, y0 = max(cx + hx, 0), max(cy + hy, 0)
    x1, y1 = min(cx + hx + hw, width), min(cy + hy + hh, height)
    return DrawnHand((x0, y0, max(x1 - x0, 0), max(y1 - y0, 0)), alpha)


def render_hand(pose: HandPose, size_px: float, *, roll: float = 0.0, pitch: float = 0.0, yaw: float = 0.0,
                left: bool = False, skin: Colour = SKIN, forearm: bool = True, sleeve: Colour | None = None,
                light: tuple[float, float, float] = LIGHT) -> HandPicture:  # fmt: skip
    """Draw a hand by itself; arguments as in :func:`draw_hand`."""
    bones = _place(pose, (roll, pitch, yaw), left, forearm)
    oversample = 2.0 if size_px <= 240 else 1.0
    reach = bones.radii.max(1, keepdims=True)
    low = np.minimum(bones.starts, bones.ends)[:, :2] - reach
    high = np.maximum(bones.starts, bones.ends)[:, :2] + reach
    left_px, right_px = int(np.floor(low[:, 0].min() * size_px)) - MARGIN_PX, int(np.ceil(high[:, 0].max() * size_px))
    top_px, bottom_px = int(np.floor(-high[:, 1].max() * size_px)) - MARGIN_PX, int(np.ceil(-low[:, 1].min() * size_px))
    width, height = right_px - left_px + MARGIN_PX, bottom_px - top_px + MARGIN_PX
    origin = (left_px / size_px, -top_px / size_px)
    drawn = Surface(round(width * oversample), round(height * oversample), origin, size_px * oversample)
    drawn.add(bones)
    hand = cv2.boundingRect(((drawn.part >= 0) & ~bones.arm[drawn.part]).astype(np.uint8))
    x, y, w, h = (round(value / oversample) for value in hand)
    surface, alpha = drawn.smaller(width, height)
    rgb = shade(surface, alpha, bones, skin, sleeve, light)
    elbow = bones.ends[bones.arm].mean(0) * size_px if forearm else (0.0, 0.0)
    return HandPicture(rgb, alpha, (left_px, top_px), (left_px + x, top_px + y, w, h),
                       (float(elbow[0]), -float(elbow[1])))  # fmt: skip


def _turn(roll: float, pitch: float, yaw: float) -> Array:
    """Return the matrix that turns by yaw, then pitch, then roll (degrees)."""
    (cr, cp, cy), (sr, sp, sy) = np.cos(np.radians((roll, pitch, yaw))), np.sin(np.radians((roll, pitch, yaw)))
    about_y = np.array(((cy, 0, sy), (0, 1, 0), (-sy, 0, cy)))
    about_x = np.array(((1, 0, 0), (0, cp, -sp), (0, sp, cp)))
    about_z = np.array(((cr, -sr, 0), (sr, cr, 0), (0, 0, 1)))
    return np.asarray(about_z @ about_x @ about_y)


def _place(pose: HandPose, turns: tuple[float, float, float], left: bool, forearm: bool) -> Skeleton:
    """Return the skeleton as seen, with the middle of the palm at the origin."""
    bones = skeleton(pose)
    centre = np.array((0.0, 0.28, 0.0))
    bones = Skeleton(bones.starts - centre, bones.ends - centre, bones.radii, bones.fronts, bones.soft, bones.arm,
                     bones.tips, bones.middles)  # fmt: skip
    matrix = _turn(*pose.facing)
    if left:
        matrix = np.diag((-1.0, 1.0, 1.0)) @ matrix
    bones = bones.turned(_turn(*turns) @ matrix)
    return bones if forearm else bones.without_arm()


