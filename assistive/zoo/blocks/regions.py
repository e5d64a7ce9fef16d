"""Regions of a face, cut out of a map inside the network, so that what hides the map hides the regions too."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def cut(maps: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Cut regions out and stretch each to ``size`` by ``size`` places; the values stay as they are.

    Args:
        maps: ``(n, c, s, s)``.
        boxes: ``(n, r, 4)``: left, top, right, bottom, fractions of the map.
        size: pixels.

    Returns:
        float32 ``(n, r, c, size, size)``.
    """
    n, r = boxes.shape[:2]
    steps = (torch.arange(size, device=maps.device) + 0.5) / size
    left, top, right, bottom = boxes.float().flatten(0, 1).unsqueeze(2).unbind(1)
    x, y = left + (right - left) * steps, top + (bottom - top) * steps
    places = torch.stack([x[:, None, :].expand(-1, size, -1), y[:, :, None].expand(-1, -1, size)], 3) * 2 - 1
    with torch.autocast("cpu", enabled=False):
        # The regions of a clip lie below one another, so that its map is not copied for each of them.
        found = F.grid_sample(maps.float(), places.view(n, r * size, size, 2), padding_mode="border",
                              align_corners=False)  # fmt: skip
    return found.view(n, -1, r, size, size).transpose(1, 2)


class SeenPooling(nn.Module):
    """The mean of a map over the places at which the face can be seen, and how much of the map that is.

    A plain mean makes the movement of a half-hidden region look half as strong; this one leaves it as it is.

    Args:
        c: features of a place.
    """

    def __init__(self, c: int) -> None:
        super().__init__()
        self.look = nn.Conv2d(c, 1, 1)

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Map ``(n, c, h, w)`` to ``(n, c)`` and the share that is seen, ``(n, 1)`` in 0..1, both float32."""
        seen = self.look(maps).float().sigmoid()
        share = seen.mean((2, 3))
        return (maps * seen).mean((2, 3)) / share.clamp_min(0.01), share
