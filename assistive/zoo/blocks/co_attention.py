"""Attention between the tokens of two streams, and within one (parallel co-attention, Lu et al., NeurIPS 2016).

Tokens are ``(batch, tokens, channels)``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SelfAttention(nn.Module):
    """Let tokens look at one another, add what they see, and normalise.

    Args:
        c: channels.
        heads: of the attention.
    """

    def __init__(self, c: int, heads: int = 1) -> None:
        super().__init__()
        self.look = nn.MultiheadAttention(c, heads, batch_first=True)
        self.norm = nn.LayerNorm(c)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, t, c)`` to the same shape."""
        out: Tensor = self.norm(x + self.look(x, x, x, need_weights=False)[0])
        return out


class CoAttention(nn.Module):
    """Add to each token of one stream what it finds in the other, by one affinity that both share.

    Args:
        c: channels of both.
    """

    def __init__(self, c: int) -> None:
        super().__init__()
        self.affinity = nn.Parameter(torch.randn(c, c) / c)

    def weights(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Return how much each token looks at each of the other stream; rows sum to 1.

        Args:
            a: ``(n, t, c)``.
            b: ``(n, s, c)``.

        Returns:
            Of ``a`` at ``b`` ``(n, t, s)``, and of ``b`` at ``a`` ``(n, s, t)``.
        """
        match = torch.tanh(a @ self.affinity @ b.transpose(1, 2))
        return match.softmax(2), match.transpose(1, 2).softmax(2)

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Return both streams, each with what it found in the other, in their shapes."""
        of_a, of_b = self.weights(a, b)
        return a + of_a @ b, b + of_b @ a
