"""F5C: convolutions that see a whole map, and a graph of channels (MOL, TPAMI 2025; the circular ones after ParC-Net).

Tensors are ``(batch, channels, side, side)``; ``cells`` = side x side.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LONGEST = 32
"""Cells that kernels and positions are made for; a smaller map uses the first of them."""

NEIGHBOURS = 4
"""Nodes that a node listens to, itself the first of them."""


class FullConvolution(nn.Module):
    """FCC: one half of the channels goes down the columns and then along the rows, the other half the other way round.

    Each kernel is as long as the map and runs round its edge, so that every output sees all inputs of its channel.

    Args:
        c: channels, even.
        positions: False leaves out what tells places apart: a map that is turned round its edge is answered with the
            answer turned.
        as_released: builds the feed-forward part of the released code, which nothing calls.
    """

    def __init__(self, c: int, positions: bool = True, as_released: bool = False) -> None:
        super().__init__()
        self.halves = nn.ModuleList(_Half(c // 2, axes, positions) for axes in ((2, 3), (3, 2)))
        if as_released:
            self.unused = nn.Sequential(nn.BatchNorm2d(c), nn.Conv2d(c, 2, 1), nn.GELU(), nn.Conv2d(2, c, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, s, s)`` to the same shape; s at most 32."""
        return torch.cat([half(part) for half, part in zip(self.halves, x.chunk(2, 1), strict=True)], 1)


class _Half(nn.Module):
    def __init__(self, c: int, axes: tuple[int, int], positions: bool) -> None:
        super().__init__()
        self.axes = axes
        self.norm = nn.BatchNorm2d(c)
        self.kernels = nn.ParameterList(torch.empty(c, LONGEST).uniform_(-1, 1) * LONGEST**-0.5 for _ in axes)
        self.biases = nn.ParameterList(torch.zeros(c) for _ in axes)
        self.places = nn.ParameterList(torch.randn(c, LONGEST) * 0.02 for _ in axes) if positions else None

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for i, axis in enumerate(self.axes):
            side = x.shape[axis]
            if self.places is not None:
                y = y + _along(self.places[i][:, :side], axis)[None]
            if i == 0:
                y = self.norm(y)
            round_the_edge = torch.cat([y, y.narrow(axis, 0, side - 1)], axis)
            kernel = _along(self.kernels[i][:, :side], axis)[:, None]
            y = F.conv2d(round_the_edge, kernel, self.biases[i], groups=len(kernel))
        return x + y


class ChannelGraph(nn.Module):
    """CCC: each channel is a node that listens to the channels most like it (cosine), and is changed by the loudest.

    max over neighbours j of ReLU(W1 f_i + W2 (f_j - f_i)), a 1x1 convolution, added to the input. The released code
    looks for neighbours among the places instead, takes f_i away a second time, and has no 1x1 convolution.

    Args:
        c: channels.
        cells: of a map.
        as_released: does as the code does.
    """

    def __init__(self, c: int, cells: int, as_released: bool = False) -> None:
        super().__init__()
        self.own, self.other = nn.Linear(cells, cells), nn.Linear(cells, cells)
        self.join = None if as_released else nn.Conv2d(c, c, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, c, s, s)`` to the same shape."""
        flat = x.flatten(2)
        heard = self._by_places(flat) if self.join is None else self._by_channels(flat)
        heard = heard.view_as(x)
        return x + (heard if self.join is None else self.join(heard))

    def _by_channels(self, flat: Tensor) -> Tensor:
        index = neighbours(flat).flatten(1)
        told = F.linear(flat, self.other.weight)  # W2 (f_j - f_i) = W2 f_j - W2 f_i: once a node, not once a pair
        near = told.gather(1, index[..., None].expand(-1, -1, told.shape[2])).unflatten(1, (-1, NEIGHBOURS))
        return F.relu(self.own(flat) + self.other.bias - told + near.amax(2))

    def _by_places(self, flat: Tensor) -> Tensor:
        index = neighbours(flat.transpose(1, 2))
        own = self.own(flat)
        pairs = [own + self.other(flat.gather(2, index[:, None, :, k].expand_as(flat)) - 2 * flat)
                 for k in range(NEIGHBOURS)]  # fmt: skip
        return F.relu(torch.stack(pairs).amax(0))


@torch.no_grad()
def neighbours(nodes: Tensor) -> Tensor:
    """Return the nodes most like each node, by the cosine, itself first: int64 ``(n, nodes, 4)``.

    Args:
        nodes: ``(n, nodes, features)``.
    """
    with torch.autocast("cpu", enabled=False):  # eight bits cannot tell near from nearest
        unit = F.normalize(nodes.float(), dim=2)
        like = unit @ unit.transpose(1, 2)
    like.diagonal(dim1=1, dim2=2).fill_(torch.inf)
    return like.topk(NEIGHBOURS, 2).indices


def _along(x: Tensor, axis: int) -> Tensor:
    """Lay ``(c, s)`` along the rows' axis (2) or the columns' (3) of a map: ``(c, s, 1)`` or ``(c, 1, s)``."""
    return x.unsqueeze(2 if axis == 2 else 1)
