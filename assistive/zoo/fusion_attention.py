"""The head that joins hand and face: late fusion that may correct itself, by what it knows of how well it sees.

Each stream speaks for itself first (the gesture stream's own calibrated probabilities; one small network over all that
the expression stream says). What is added to that, and how loud each stream's own voice is, comes from tokens of both
streams and of their quality, joined by co-attention and by gates. Everything added starts at zero, so that the head
starts as late fusion. What gesture and tone mean together is weighed by a declared table; learning more than the table
from dependent pairs was tried, and never helped people whom it had not seen.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assistive.fusion.evidence import NAMES
from assistive.fusion.tokens import (
    BRIEF,
    FACE_SAYS,
    FACE_SEEN,
    HAND_SAYS,
    HAND_SEEN,
    LOG_RANGE,
    PRESENT,
    TONE,
    TONES,
    WIDTH,
)  # fmt: skip

WIDEST_GAIN = 1.0
"""A stream's own voice becomes louder or softer by at most e to this power."""


class Streams(nn.Module):
    """What each stream says for itself, calibrated; late fusion is this and nothing else."""

    def __init__(self, hidden: int = 32) -> None:
        super().__init__()
        self.hand_scale = nn.Parameter(torch.ones(()))
        self.hand_bias = nn.Parameter(torch.zeros(len(NAMES)))
        self.face_scales = nn.Parameter(torch.tensor([0.5, 0.5]))
        self.face = nn.Sequential(nn.Linear(_length(FACE_SAYS), hidden), nn.SiLU(), _zero(hidden, len(TONES)))

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Map tokens ``(n, 3, 1, WIDTH)`` to logits of gesture ``(n, 19)`` and tone ``(n, 4)``."""
        gesture = self.hand_scale * LOG_RANGE * tokens[:, 0, 0, HAND_SAYS] + self.hand_bias
        brief, tone = LOG_RANGE * tokens[:, 1, 0, BRIEF], LOG_RANGE * tokens[:, 1, 0, TONE]
        mixed = self.face_scales[0] * brief + self.face_scales[1] * tone
        return gesture, mixed + self.face(tokens[:, 1, 0, FACE_SAYS])


class CoAttention(nn.Module):
    """One block of co-attention, pre-norm: the tokens of each stream ask those of both.

    Args:
        width: of a token.
        heads: attention heads.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.norm_after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.ask = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.mix = nn.Sequential(nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))

    def forward(self, tokens: Tensor, there: Tensor) -> Tensor:
        """Map tokens ``(n, 4, width)``, of which ``there`` ``(n, 4)`` are 1, to tokens."""
        n, count, width = tokens.shape
        x = self.norm(tokens)
        query = self.ask(x).view(n, count, self.heads, -1).transpose(1, 2)
        key, value = self.key_value(x).view(n, count, 2, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        scores = query @ key.transpose(2, 3) * (width // self.heads) ** -0.5
        weights = torch.softmax(scores + (there[:, None, None] - 1) * 1e4, 3)
        tokens = tokens + self.out((weights @ value).transpose(1, 2).reshape(n, count, width))
        mixed: Tensor = tokens + self.mix(self.norm_after(tokens))
        return mixed


class FusionAttention(nn.Module):
    """Gesture, tone and intent from the tokens of one moment.

    Args:
        table: float ``(intents, 19, 4)``: probability of intent, gesture and tone together over that of gesture and
            tone as the streams expect them; what makes an intent of two independent opinions.
        co_attention: False leaves the gates alone to join the streams.
        width: of a token.
        heads: attention heads.
        blocks: of co-attention.
    """

    def __init__(
        self, table: Tensor, co_attention: bool = True, width: int = 32, heads: int = 4, blocks: int = 2
    ) -> None:
        super().__init__()
        self.streams = Streams()
        lengths = (_length(HAND_SAYS), _length(HAND_SEEN), _length(FACE_SAYS), _length(FACE_SEEN))
        self.embed = nn.ModuleList(nn.Linear(length, width) for length in lengths)
        self.blocks = nn.ModuleList(CoAttention(width, heads) for _ in range(blocks if co_attention else 0))
        self.gate_says, self.gate_seen = nn.Linear(width, width), nn.Linear(width, width, bias=False)
        self.gate = nn.Linear(width, 1, bias=False)
        self.add_gesture, self.add_tone = _zero(width, len(NAMES)), _zero(width, len(TONES))
        self.gains = _zero(width, 2)
        self.register_buffer("table", table)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Join the streams.

        Args:
            tokens: float ``(n, 3, 1, WIDTH)``, of ``assistive.fusion.tokens``.

        Returns:
            Logits of gesture ``(n, 19)``, tone ``(n, 4)`` and intent ``(n, k)``, and the weights of hand and face
            ``(n, 2)``, which sum to 1.
        """
        hand = tokens[:, 0, 0, PRESENT]
        says, seen = tokens[:, 1, 0, PRESENT], tokens[:, 2, 0, PRESENT]
        parts = (tokens[:, 0, 0, HAND_SAYS], tokens[:, 0, 0, HAND_SEEN], tokens[:, 1, 0, FACE_SAYS],
                 tokens[:, 2, 0, FACE_SEEN])  # fmt: skip
        x = torch.stack([embed(part) for embed, part in zip(self.embed, parts, strict=True)], 1)
        there = torch.stack([hand, hand, says, seen], 1)
        own = x
        for block in self.blocks:
            x = block(x, there)
        x = x * there[..., None]
        weights = self._weights(own, hand, says)
        z = weights[:, :1] * (x[:, 0] + x[:, 1]) + weights[:, 1:] * (x[:, 2] + x[:, 3])
        gesture, tone = self.streams(tokens)
        gains = torch.exp(WIDEST_GAIN * torch.tanh(self.gains(z)))
        # A stream that is not there has nothing to correct: what the other one shows must not speak for it.
        gesture = torch.where(hand[:, None] > 0, gains[:, :1] * gesture + self.add_gesture(z), gesture)
        tone = torch.where(says[:, None] > 0, gains[:, 1:] * tone + self.add_tone(z), tone)
        return gesture, tone, self._intent(gesture, tone), weights

    def _weights(self, own: Tensor, hand: Tensor, says: Tensor) -> Tensor:
        """Gate the streams: softmax([v tanh(W h + U q)]) over those that are there."""
        says_and_seen = torch.tanh(self.gate_says(own[:, 0::2]) + self.gate_seen(own[:, 1::2]))
        there = torch.stack([hand, says], 1)
        return torch.softmax(self.gate(says_and_seen)[..., 0] + (there - 1) * 1e4, 1)

    def _intent(self, gesture: Tensor, tone: Tensor) -> Tensor:
        """Weigh the table by what both streams say."""
        hand, face = torch.softmax(gesture, 1), torch.softmax(tone, 1)
        return torch.log(((self.table[None] * hand[:, None, :, None]).sum(2) * face[:, None]).sum(2) + 1e-6)


class ConcatMlp(nn.Module):
    """The baseline that knows everything and has no structure: one network over all numbers.

    Args:
        intents: number of intents.
        hidden: width of its two layers.
    """

    def __init__(self, intents: int, hidden: int = 96) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Flatten(), nn.Linear(3 * WIDTH, hidden), nn.SiLU(), nn.Dropout(0.1),
                                   nn.Linear(hidden, hidden), nn.SiLU())  # fmt: skip
        self.sizes = (len(NAMES), len(TONES), intents)
        self.heads = nn.Linear(hidden, sum(self.sizes))

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return logits as :meth:`FusionAttention.forward` does, and equal weights."""
        gesture, tone, intent = self.heads(self.trunk(tokens)).split(self.sizes, 1)
        return gesture, tone, intent, torch.full((len(tokens), 2), 0.5)


class Calibrated(nn.Module):
    """What is exported: probabilities of gesture, tone and intent, and the weights.

    Args:
        head: a trained head.
        temperatures: divide the logits of gesture, tone and intent.
    """

    def __init__(self, head: nn.Module, temperatures: tuple[float, float, float]) -> None:
        super().__init__()
        self.head, self.temperatures = head, temperatures

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Map tokens ``(n, 3, 1, WIDTH)`` to probabilities ``(n, 19)``, ``(n, 4)``, ``(n, k)``, weights ``(n, 2)``."""
        *logits, weights = self.head(tokens)
        gesture, tone, intent = (F.softmax(x / t, 1) for x, t in zip(logits, self.temperatures, strict=True))
        return gesture, tone, intent, weights


def _length(part: slice) -> int:
    return int(part.stop - part.start)


def _zero(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
