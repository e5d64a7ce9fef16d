"""Shade the surface of a hand like skin: light, shadows between the fingers, palm and back, nails and creases."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.sources.hand_pose import Array, Skeleton
from assistive.sources.hand_surface import Float, Surface, blurred

Colour = tuple[int, int, int]

AMBIENT, DIFFUSE, GLOSS = 0.51, 0.62, 26.0
SHADOWS = ((0.018, 0.045, 0.40), (0.06, 0.16, 0.45))
"""Shadows by their reach and depth (hand lengths) and strength (0..1)."""
CUFF = 0.16
"""Where a sleeve begins, hand lengths from the wrist."""
PALM = np.array((255, 205, 185), np.float32)


def shade(surface: Surface, share: Float, bones: Skeleton, skin: Colour, sleeve: Colour | None,
          light: tuple[float, float, float]) -> NDArray[np.uint8]:  # fmt: skip
    """Return the colours of a surface.

    Args:
        surface: what is seen.
        share: float32 ``(h, w)`` how much of each pixel is covered, 0..1.
        bones: the skeleton as seen.
        skin: lit colour of the back of the hand.
        sleeve: colour of the forearm, None = skin.
        light: direction to the light ``(right, up, towards the viewer)``.

    Returns:
        uint8 ``(h, w, 3)``.
    """
    towards = np.asarray(light, np.float32) / np.linalg.norm(light)
    nx, ny = surface.nx, surface.ny
    nz = np.sqrt(np.clip(1 - nx * nx - ny * ny, 0.02, 1))
    lit = np.clip(nx * towards[0] + ny * towards[1] + nz * towards[2], 0, 1)
    strength = (AMBIENT + DIFFUSE * lit) * _occlusion(surface, share) * _creases(surface, bones)
    albedo = _albedo(surface, bones, np.asarray(skin, np.float32), sleeve)
    _nails(albedo, surface, bones)
    # Light that has passed through skin is red, so shadows are warm.
    warm = cv2.merge([np.sqrt(strength) * 0.2 + strength * 0.8, strength, strength * strength * 0.1 + strength * 0.9])
    colour = albedo * warm + (GLOSS * lit**14)[..., None]
    return np.asarray(np.clip(colour, 0, 255), np.uint8)


def _occlusion(surface: Surface, share: Float) -> Float:
    """Return 0..1, dark where the surface lies lower than what is around it."""
    result = np.ones_like(share)
    covered = (share > 0).astype(np.float32)
    height = surface.height * covered
    for reach, depth, strength in SHADOWS:
        sigma = reach * surface.scale
        lower = blurred(height, sigma) / np.maximum(blurred(covered, sigma), 1e-3) - height
        result *= 1 - strength * np.clip(lower / depth, 0, 1)
    return result


def _albedo(surface: Surface, bones: Skeleton, skin: Float, sleeve: Colour | None) -> Float:
    """Return the unlit colour of every pixel: palm lighter and redder than the back, fingertips redder still."""
    front = np.clip(bones.fronts[:, 2], -1, 1).astype(np.float32)[:, None] * 0.5 + 0.5
    colours = skin + (PALM - skin) * 0.22 * front
    colours[list(bones.tips)] *= np.array((1.02, 0.94, 0.93), np.float32)
    image = blurred(colours.astype(np.float32)[surface.part], max(surface.scale * 0.012, 0.6))
    if sleeve is not None and bones.arm.any():
        cover = _sleeve(surface, bones)[..., None]
        image += (np.asarray(sleeve, np.float32) - image) * cover
    return image


def _sleeve(surface: Surface, bones: Skeleton) -> Float:
    """Return 1 where the forearm is seen beyond the cuff, else 0, with a soft edge."""
    start, end = bones.starts[bones.arm].mean(0)[:2], bones.ends[bones.arm].mean(0)[:2]
    length = max(float(np.linalg.norm(end - start)), 1e-3)
    ahead = ((end - start) / length).astype(np.float32)
    along = (surface.x - np.float32(start[0])) * ahead[0] + (surface.y[:, None] - np.float32(start[1])) * ahead[1]
    beyond = np.clip((along - np.float32(CUFF)) * np.float32(surface.scale) + 0.5, 0, 1)
    arm = (bones.arm[surface.part] & (surface.part >= 0)).astype(np.float32)
    return np.asarray(beyond * blurred(arm, 0.6), np.float32)


def _pixels(surface: Surface, points: Array) -> NDArray[np.int32]:
    """Return where points ``(n, 3)`` lie, in sixteenths of a pixel (the form that ``cv2`` draws between pixels)."""
    step = surface.x[0], surface.y[0]
    return np.asarray(np.round((points[:, :2] - step) * (surface.scale * 16, -surface.scale * 16)), np.int32)


def _seen(surface: Surface, point: Array) -> bool:
    """Return whether a point on the skin is the nearest thing at its pixel."""
    column = int((point[0] - surface.x[0]) * surface.scale + 0.5)
    row = int((surface.y[0] - point[1]) * surface.scale + 0.5)
    inside = 0 <= row < surface.height.shape[0] and 0 <= column < surface.height.shape[1]
    return inside and bool(surface.height[row, column] < point[2] + 0.03)


def _nails(albedo: Float, surface: Surface, bones: Skeleton) -> None:
    """Paint the nails of the fingers whose back is seen, in place."""
    for tip in bones.tips:
        back, radius = -bones.fronts[tip], bones.radii[tip, 1]
        along = bones.ends[tip] - bones.starts[tip]
        along /= np.linalg.norm(along)
        middle = bones.ends[tip] + back * radius * 0.9
        if back[2] < 0.2 or not _seen(surface, middle):
            continue
        side = np.cross(along, back) * radius * 0.72
        angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)[:, None]
        ring = middle + np.cos(angles) * side + np.sin(angles) * along * radius * 0.95
        colour = albedo[_at(surface, middle)] * np.array((1.04, 1.02, 1.06)) + 14
        cv2.fillPoly(albedo, [_pixels(surface, ring)], colour.tolist(), cv2.LINE_8, 4)


def _at(surface: Surface, point: Array) -> tuple[int, int]:
    x, y = _pixels(surface, point[None])[0] // 16
    return int(y), int(x)


def _creases(surface: Surface, bones: Skeleton) -> Float:
    """Return 0..1, a little dark along the creases of the fingers and the palm that are seen."""
    ink = np.ones_like(surface.height)
    for row in (*bones.tips, *bones.middles):
        front, radius = bones.fronts[row], bones.radii[row, 0]
        along = bones.ends[row] - bones.starts[row]
        side = np.cross(along / np.linalg.norm(along), front) * radius
        skin = bones.starts[row] + front * radius * 0.9
        if abs(front[2]) > 0.3 and _seen(surface, skin):
            ends = np.stack([skin - side * 0.8, skin + side * 0.8])
            width = max(1, round(surface.scale / 130))
            cv2.polylines(ink, [_pixels(surface, ends)], False, (0.78,), width, cv2.LINE_8, 4)
    return blurred(ink, max(surface.scale * 0.005, 0.6))
