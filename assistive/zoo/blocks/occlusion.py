"""Three ways to hide part of a face while a network is trained: a mask, glasses, a block.

The public generator (2111808003/micro-expression-occlusion) fits ten pictures of masks and ten of glasses to each
sequence by its landmarks, and hides a block of a given share of the face's box that keeps its distance from the nose.
Its pictures are not ours: the shapes are drawn here. Of a flow map one moment is enough, since whatever hides a face
moves with it.

Every function takes the 68 landmarks ``(n, 68, 2)`` in fractions of the crop and the side of the map in pixels, draws
from torch's own source of chance, and returns what is hidden, ``(n, 1, side, side)``, 0 or 1.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

BLOCK_SHARE = (0.1, 0.45)
"""Area of a block as a share of the face's box, from and to."""
MASK_TOP = (0.25, 0.75)
"""Where a mask begins, from the bridge of the nose (0) to its tip (1)."""
LENS, RIM = (0.7, 1.1), 0.2
"""Half the width of a lens in widths of an eye, from and to; and how much of it is rim."""
SUNGLASSES = 0.5
"""Share of glasses that one cannot see through."""


def hide(landmarks: Tensor, side: int, share: float) -> Tensor:
    """Hide part of some faces, each with one of the three, drawn at random; the others are left as they are.

    Args:
        landmarks: ``(n, 68, 2)``.
        side: pixels.
        share: of the clips, 0..1.
    """
    kind = torch.randint(len(KINDS), (len(landmarks), 1, 1, 1), device=landmarks.device)
    hidden = sum((kind == i) * draw(landmarks, side) for i, draw in enumerate(KINDS.values()))
    return hidden * (torch.rand(kind.shape, device=landmarks.device) < share)


def block(landmarks: Tensor, side: int, share: tuple[float, float] = BLOCK_SHARE) -> Tensor:
    """Hide a rectangle with the proportions of the face's box; its middle lies anywhere in that box."""
    low, high = landmarks.amin(1), landmarks.amax(1)
    half = (high - low) * _between(share, landmarks).sqrt() / 2
    centre = low + (high - low) * torch.rand_like(low)
    x, y = _away(centre, side)
    return ((x.abs() <= half[:, :1, None]) & (y.abs() <= half[:, 1:, None]))[:, None].float()


def mask(landmarks: Tensor, side: int) -> Tensor:
    """Hide mouth, cheeks and chin, from somewhere on the nose down."""
    bridge, tip, chin = (landmarks[:, i] for i in (27, 30, 8))
    top = torch.lerp(bridge, tip, _between(MASK_TOP, landmarks))
    wide = (landmarks[:, 14] - landmarks[:, 2])[:, :1] / 2
    tall = 1.05 * (chin - top)[:, 1:]
    x, y = _away(torch.stack([(landmarks[:, 2] + landmarks[:, 14])[:, 0] / 2, top[:, 1]], 1), side)
    inside = (x / wide[..., None]).abs() ** 3 + (y / tall[..., None]).abs() ** 3 <= 1
    return (inside & (y >= 0))[:, None].float()


def glasses(landmarks: Tensor, side: int) -> Tensor:
    """Hide the rims of glasses, or whole lenses, and the bridge between them."""
    eyes = [landmarks[:, first : first + 6] for first in (36, 42)]
    wide = (eyes[0].amax(1) - eyes[0].amin(1))[:, :1] * _between(LENS, landmarks)
    dark = torch.rand_like(wide) < SUNGLASSES
    hidden = torch.zeros(len(landmarks), side, side, dtype=torch.bool, device=landmarks.device)
    for eye in eyes:
        x, y = _away(eye.mean(1), side)
        radius = ((x / wide[..., None]) ** 2 + (y / (0.75 * wide)[..., None]) ** 2).sqrt()
        hidden |= (radius <= 1) & ((radius >= 1 - RIM) | dark[..., None])
    gap = (eyes[1].mean(1) - eyes[0].mean(1))[:, :1] / 2 - wide
    x, y = _away((eyes[0].mean(1) + eyes[1].mean(1)) / 2, side)
    hidden |= (x.abs() <= gap[..., None]) & (y.abs() <= 0.15 * wide[..., None])
    return hidden[:, None].float()


KINDS: dict[str, Callable[[Tensor, int], Tensor]] = {"mask": mask, "glasses": glasses, "block": block}


def _between(bounds: tuple[float, float], like: Tensor) -> Tensor:
    """Draw one number for each clip, ``(n, 1)``."""
    low, high = bounds
    return low + (high - low) * torch.rand(len(like), 1, device=like.device)


def _away(centre: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Return how far the pixels lie from ``centre`` ``(n, 2)``: x ``(n, 1, side)``, y ``(n, side, 1)``, fractions."""
    places = (torch.arange(side, device=centre.device) + 0.5) / side
    return places - centre[:, :1, None], places[:, None] - centre[:, 1:, None]
