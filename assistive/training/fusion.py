"""Train the fusion head and its baselines on pairs of hands and faces.

The streams' own voices are fitted first and then left alone, so that whatever a head adds is fusion. Gesture and tone
are learned from pairs that were put together at random: a partner must not tell what the other shows. What a gesture
and a tone mean together stands in a table; only the baseline without structure must learn it, from dependent pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from assistive.fusion.evidence import NAMES
from assistive.fusion.tokens import BRIEF, BRIEF_INTENSITY, BRIEF_KNOWN, HAND_SAYS, PRESENT, TONE, TONES, log_row
from assistive.training.datasets.intents import IntentTable
from assistive.training.datasets.pairs import Pairs
from assistive.types import NO_EXPRESSION, NO_GESTURE
from assistive.zoo.fusion_attention import ConcatMlp, FusionAttention, Streams

Kind = Literal["concat", "gate", "attention"]
KINDS: tuple[Kind, ...] = ("concat", "gate", "attention")

DROPPED = 0.15
"""Share of training pairs in which one stream is taken away, for each."""
UNREAD = 0.5
"""Share of those whose face is below the stream's quality in which it is not read, as in the running system."""
SILENT = 0.3
"""Share of those whose face still shows a tone in which nothing brief is known: the movement is not over yet."""
GATE = 0.1
"""Share of the weights in the loss."""
SWAPPED = 0.5
"""Share of batches in which hands and faces that do not touch change partners."""
_NO_HAND = torch.from_numpy(log_row({NO_GESTURE: 1.0}, NAMES))
_NO_TONE = torch.from_numpy(log_row({NO_EXPRESSION: 1.0}, TONES))


@dataclass(frozen=True, slots=True)
class FusionRecipe:
    """How heads are trained.

    Attributes:
        epochs: passes over the pairs; the one with the best likelihood on the development hands is kept.
        intent_epochs: passes of the plain baseline over the dependent pairs, of which there may be many, likewise.
        batch: pairs a step.
        rate: highest learning rate.
        decay: weight decay.
        seeds: number of heads of each kind.
        dev: every so many hands is kept for choosing the epoch and the temperatures.
    """

    epochs: int = 60
    intent_epochs: int = 10
    batch: int = 64
    rate: float = 2e-3
    decay: float = 0.02
    seeds: int = 3
    dev: int = 6


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Pairs as tensors: tokens, true gesture, tone and intent (0 where there is none), and what the face hides."""

    tokens: Tensor
    gesture: Tensor
    tone: Tensor
    intent: Tensor
    gated: Tensor
    apart: Tensor

    @classmethod
    def of(cls, pairs: Pairs, intents: NDArray[np.int64] | None = None) -> Batch:
        """Turn pairs into tensors."""
        apart = np.array(["hand" not in trouble for trouble in pairs.trouble])
        meant = np.zeros(len(pairs), np.int64) if intents is None else intents
        arrays = (pairs.tokens, pairs.gesture, pairs.tone, meant, pairs.gated, apart)
        return cls(*map(torch.from_numpy, arrays))

    def only(self, rows: Tensor) -> Batch:
        """Return some rows."""
        return Batch(*(getattr(self, name)[rows] for name in self.__slots__))


Loss = Callable[[nn.Module, Batch], Tensor]


def split(pairs: Pairs, dev: int) -> tuple[Pairs, Pairs]:
    """Divide training pairs by the hand's picture: for learning, and for choosing epochs and temperatures."""
    kept = pairs.hand % dev == 0
    return pairs.only(~kept), pairs.only(kept)


def expected(pairs: Pairs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how often each gesture and each tone occurs, float64 ``(19,)`` and ``(4,)``."""
    counts = np.bincount(pairs.gesture, minlength=len(NAMES)), np.bincount(pairs.tone, minlength=len(TONES))
    return (counts[0] + 1) / (counts[0] + 1).sum(), (counts[1] + 1) / (counts[1] + 1).sum()


def dependent(pairs: Pairs, table: IntentTable, count: int, seed: int) -> Batch:
    """Draw training pairs whose gesture and tone go together as the table says; hands and faces are paired anew."""
    rng = np.random.default_rng(seed)
    flat = table.together.ravel()
    cells = rng.choice(len(flat), count, p=flat / flat.sum())
    intents, gestures, tones = np.unravel_index(cells, table.together.shape)
    apart = np.array(["hand" not in trouble for trouble in pairs.trouble])
    by_gesture = [np.flatnonzero(apart & (pairs.gesture == g)) for g in range(len(NAMES))]
    by_tone = [np.flatnonzero(apart & (pairs.tone == a)) for a in range(len(TONES))]
    known = np.array([bool(len(by_gesture[g]) and len(by_tone[a])) for g, a in zip(gestures, tones, strict=True)])
    intents, gestures, tones = intents[known], gestures[known], tones[known]
    hands = np.array([rng.choice(by_gesture[g]) for g in gestures])
    faces = np.array([rng.choice(by_tone[a]) for a in tones])
    joined = pairs.only(faces)
    tokens = np.concatenate([pairs.tokens[hands][:, :1], joined.tokens[:, 1:]], 1)
    arrays = (tokens, gestures, tones, intents, joined.gated, np.ones(len(hands), bool))
    return Batch(*(torch.from_numpy(np.ascontiguousarray(array)) for array in arrays))


def train_streams(learn: Pairs, dev: Pairs, recipe: FusionRecipe, seed: int) -> Streams:
    """Fit what each stream says for itself, with no knowledge of how well it sees."""
    torch.manual_seed(seed)
    streams = Streams()

    def loss(network: nn.Module, batch: Batch) -> Tensor:
        gesture, tone = network(batch.tokens)
        return F.cross_entropy(gesture, batch.gesture) + F.cross_entropy(tone, batch.tone)

    def vary(batch: Batch, rng: torch.Generator) -> Batch:
        return _as_it_runs(batch, rng)

    fit(streams, streams.parameters(), Batch.of(learn), Batch.of(dev), loss, vary, recipe, seed)
    return streams


def train_head(
    kind: Kind, streams: Streams, pairs: tuple[Pairs, Pairs], meant: tuple[Batch, Batch], table: IntentTable,
    recipe: FusionRecipe, seed: int,
) -> nn.Module:  # fmt: skip
    """Train one head.

    Args:
        kind: which.
        streams: fitted; they stay as they are.
        pairs: for learning, and for choosing the epoch.
        meant: the same two, dependent, with intents; for the plain baseline.
        table: of intents.
        recipe: how.
        seed: of everything.
    """
    torch.manual_seed(seed + 100)
    learn, dev = map(Batch.of, pairs)
    if kind == "concat":
        short = replace(recipe, epochs=recipe.intent_epochs)
        first, second = ConcatMlp(len(table.names)), ConcatMlp(len(table.names))
        fit(first, first.parameters(), learn, dev, _joint_loss, _varied, recipe, seed)
        fit(second, second.parameters(), *meant, _intent_loss, _as_it_runs, short, seed)
        return TwoNetworks(first, second)
    over = torch.from_numpy(table.over(expected(pairs[0]))).float()
    head = FusionAttention(over, co_attention=kind == "attention")
    head.streams.load_state_dict(streams.state_dict())
    own = [value for name, value in head.named_parameters() if not name.startswith("streams")]
    fit(head, own, learn, dev, _joint_loss, _varied, recipe, seed)
    return head


class TwoNetworks(nn.Module):
    """Takes gesture and tone from one network and the intent from another.

    Args:
        first: says gesture and tone.
        second: says the intent.
    """

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return logits and weights as ``FusionAttention.forward`` does."""
        gesture, tone, _, weights = self.first(tokens)
        return gesture, tone, self.second(tokens)[2], weights


def fit(
    network: nn.Module, parameters: Iterator[nn.Parameter] | Sequence[nn.Parameter], learn: Batch, dev: Batch,
    loss: Loss, vary: Callable[[Batch, torch.Generator], Batch], recipe: FusionRecipe, seed: int,
) -> None:  # fmt: skip
    """Train some parameters of a network, and leave it as it was after its best epoch, the start among them."""
    rng = torch.Generator().manual_seed(seed)
    trained = list(parameters)
    optimiser = torch.optim.AdamW(trained, lr=recipe.rate, weight_decay=recipe.decay)
    steps = recipe.epochs * -(-len(learn.tone) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, steps, pct_start=0.1)
    best, kept = _cost(network, dev, loss), deepcopy(network.state_dict())
    for _ in range(recipe.epochs):
        network.train()
        for rows in torch.randperm(len(learn.tone), generator=rng).split(recipe.batch):
            cost = loss(network, vary(learn.only(rows), rng))
            optimiser.zero_grad()
            cost.backward()
            nn.utils.clip_grad_norm_(trained, 1.0)
            optimiser.step()
            schedule.step()
        if (cost_now := _cost(network, dev, loss)) < best:
            best, kept = cost_now, deepcopy(network.state_dict())
    network.load_state_dict(kept)
    network.eval()


@torch.no_grad()
def temperatures(head: nn.Module, dev: Batch, meant: Batch) -> tuple[float, float, float]:
    """Return what to divide the logits of gesture, tone and intent by for the best likelihood (Guo et al. 2017)."""
    gesture, tone, _, _ = head(dev.tokens)
    intent = head(meant.tokens)[2]
    wanted = ((gesture, dev.gesture), (tone, dev.tone), (intent, meant.intent))
    g, a, i = (best_temperature(logits, labels) for logits, labels in wanted)
    return g, a, i


def best_temperature(logits: Tensor, labels: Tensor) -> float:
    """Return what to divide logits by for the best likelihood."""
    tried = np.exp(np.linspace(np.log(0.5), np.log(3), 60)).tolist()
    return min(tried, key=lambda t: float(F.cross_entropy(logits / t, labels)))


def _joint_loss(network: nn.Module, batch: Batch) -> Tensor:
    gesture, tone, _, weights = network(batch.tokens)
    cost = F.cross_entropy(gesture, batch.gesture) + F.cross_entropy(tone, batch.tone)
    return cost + GATE * _gate_loss(network, batch, weights) if isinstance(network, FusionAttention) else cost


def _gate_loss(network: FusionAttention, batch: Batch, weights: Tensor) -> Tensor:
    """Let the weights say which stream can be believed: each in the share in which it finds the truth by itself.

    A penalty on their entropy alone lets one stream take all, which helps the tone no less and tells a user nothing.
    """
    with torch.no_grad():
        gesture, tone = (F.softmax(logits, 1) for logits in network.streams(batch.tokens))
        found = torch.stack([gesture.gather(1, batch.gesture[:, None]), tone.gather(1, batch.tone[:, None])], 1)[..., 0]
        both = (batch.tokens[:, :2, 0, PRESENT] > 0).all(1)
    share = found / (found.sum(1, keepdim=True) + 1e-6)
    missed = -(share * torch.log(weights + 1e-6)).sum(1)
    return (missed * both).sum() / both.sum().clamp_min(1)


def _intent_loss(network: nn.Module, batch: Batch) -> Tensor:
    return F.cross_entropy(network(batch.tokens)[2], batch.intent)


@torch.no_grad()
def _cost(network: nn.Module, batch: Batch, loss: Loss) -> float:
    network.eval()
    return float(loss(network, batch))


def _varied(batch: Batch, rng: torch.Generator) -> Batch:
    """Let hands and faces change partners, take a stream away now and then, and read faces as the system would."""
    tokens = batch.tokens.clone()
    tone, gated, gesture = batch.tone.clone(), batch.gated.clone(), batch.gesture.clone()
    if torch.rand((), generator=rng) < SWAPPED:
        free = batch.apart.nonzero()[:, 0]
        other = free[torch.randperm(len(free), generator=rng)]
        tokens[free, 1:], tone[free], gated[free] = batch.tokens[other, 1:], batch.tone[other], batch.gated[other]
    chance = torch.rand(len(tone), generator=rng)
    without_hand, without_face = chance < DROPPED, chance > 1 - DROPPED
    tokens[without_hand, 0] = 0
    tokens[without_hand, 0, 0, HAND_SAYS] = _NO_HAND
    gesture[without_hand] = NAMES.index(NO_GESTURE)
    tokens[without_face, 1:] = 0
    _silence(tokens, without_face)
    tone[without_face] = TONES.index(NO_EXPRESSION)
    return _as_it_runs(Batch(tokens, gesture, tone, batch.intent, gated, batch.apart), rng)


def _as_it_runs(batch: Batch, rng: torch.Generator) -> Batch:
    """Leave out what the running system would not know: of a poor face everything, now and then a brief movement."""
    tokens = batch.tokens.clone()
    shown = tokens[:, 1, 0, TONE].argmax(1) != TONES.index(NO_EXPRESSION)
    silent = shown & (torch.rand(len(tokens), generator=rng) < SILENT)
    tokens[silent, 1, 0, BRIEF_KNOWN : BRIEF_INTENSITY + 1] = 0
    tokens[silent, 1, 0, BRIEF] = _NO_TONE
    unread = batch.gated & (torch.rand(len(tokens), generator=rng) < UNREAD)
    _silence(tokens, unread)
    return Batch(tokens, batch.gesture, batch.tone, batch.intent, batch.gated, batch.apart)


def _silence(tokens: Tensor, rows: Tensor) -> None:
    """Let the expression stream say nothing, in place."""
    tokens[rows, 1] = 0
    tokens[rows, 1, 0, BRIEF] = _NO_TONE
    tokens[rows, 1, 0, TONE] = _NO_TONE


@torch.no_grad()
def said(head: nn.Module, pairs: Pairs, divide: tuple[float, float, float]) -> dict[str, NDArray[np.float32]]:
    """Return probabilities ``gesture``, ``tone`` and ``intent`` and the ``weights`` of all pairs."""
    *logits, weights = head.eval()(torch.from_numpy(pairs.tokens))
    found = [F.softmax(x / t, 1) for x, t in zip(logits, divide, strict=True)]
    return dict(zip(("gesture", "tone", "intent", "weights"), (x.numpy() for x in (*found, weights)), strict=True))
