"""Convolutional LSTM (Shi et al., NeurIPS 2015): a recurrent layer whose states are maps."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ConvLstm(nn.Module):
    """Remember at every place what was seen there and around it.

    Args:
        c: channels of a picture.
        hidden: channels of the state.
        kernel: of the convolutions over picture and state.
    """

    def __init__(self, c: int, hidden: int, kernel: int = 3) -> None:
        super().__init__()
        self.look = nn.Conv2d(c, 4 * hidden, kernel, padding=kernel // 2)
        self.recall = nn.Conv2d(hidden, 4 * hidden, kernel, padding=kernel // 2, bias=False)
        with torch.no_grad():
            assert self.look.bias is not None
            self.look.bias[hidden : 2 * hidden] = 1.0  # what is in the cell stays there at first

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, t, c, h, w)`` to the state after every step, ``(n, t, hidden, h, w)``."""
        seen = self.look(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        states: list[Tensor] = []
        cell: Tensor | None = None
        for now in seen.unbind(1):
            gates = now + self.recall(states[-1]) if states else now
            let_in, keep, let_out, new = gates.chunk(4, 1)
            added = torch.sigmoid(let_in) * torch.tanh(new)
            cell = added if cell is None else torch.sigmoid(keep) * cell + added
            states.append(torch.sigmoid(let_out) * torch.tanh(cell))
        return torch.stack(states, 1)
