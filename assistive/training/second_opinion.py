"""Train the second opinion: landmarks read in views of hands, a small network on them, and the rule that joins both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from assistive.gesture import GestureStream
from assistive.gesture.landmarks import read_landmarks
from assistive.gesture.second_opinion import pack
from assistive.runtime import Runner
from assistive.synth.degrade import degrade
from assistive.training.datasets.gesture_pack import LabelledHand, Picture
from assistive.training.stock import CLASSES, Stock
from assistive.types import NO_GESTURE, Box, Frame
from assistive.zoo.landmark_reader import LandmarkReader

Image = NDArray[np.uint8]
FARTHEST = 0.15
LONGEST_PX = 154
"""Hands are seen no larger than this: most that need a second opinion are small."""

AROUND = 3.0
SAME_HAND_IOU = 0.4
CANDIDATES = 2


@dataclass(frozen=True, slots=True)
class Samples:
    """Hands whose landmarks were read.

    Attributes:
        packed: float32 ``(n, 3, 1, 45)``; see ``assistive.gesture.second_opinion.pack``.
        right: bool ``(n, k)``: the names that are right.
        own: float64 ``(n, k)``: what detector and verifier say; empty for training.
    """

    packed: NDArray[np.float32]
    right: NDArray[np.bool_]
    own: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ReaderRecipe:
    """How the network is trained.

    Attributes:
        views: hands seen.
        epochs: how often each.
        batch: views a step.
        rate: highest learning rate of AdamW, one cycle.
        decay: weight decay.
        jitter: noise on the features, standard deviations of each.
        smoothing: share of the loss that asks for every class a little.
        seed: seed of everything.
    """

    views: int = 22_000
    epochs: int = 25
    batch: int = 256
    rate: float = 4e-3
    decay: float = 0.02
    jitter: float = 0.03
    smoothing: float = 0.03
    seed: int = 0


def read_views(landmarks: Runner, stream: GestureStream, stock: Stock, recipe: ReaderRecipe) -> Samples:
    """Read landmarks in views of hands, and in what the stream takes for hands where there is none."""
    packed, right = [], []
    for image, box, names in (*_views(stock, recipe), *_clutter(stream, stock, recipe.seed)):
        found = read_landmarks(landmarks, image, box)
        packed.append(pack(found, box, (image.shape[1], image.shape[0])))
        right.append(_right(names))
    return Samples(np.stack(packed), np.stack(right), np.zeros((0, len(CLASSES))))


def read_people(landmarks: Runner, stream: GestureStream, pictures: Sequence[Picture]) -> Samples:
    """Read landmarks of the best candidates of labelled frames, and what the stream says of them."""
    packed, right, own = [], [], []
    for picture in pictures:
        size = picture.image.shape[1], picture.image.shape[0]
        for hand in stream.read(Frame(picture.image, 0.0, 0, 0.0))[:CANDIDATES]:
            match = max(picture.hands, key=lambda known: known.box.iou(hand.box), default=None)
            hit = match is not None and match.box.iou(hand.box) >= SAME_HAND_IOU
            packed.append(pack(read_landmarks(landmarks, picture.image, hand.box), hand.box, size))
            right.append(_right(match.names if match is not None and hit else (NO_GESTURE,)))
            own.append([hand.probabilities[name] for name in CLASSES])
    return Samples(np.stack(packed), np.stack(right), np.array(own))


def train_reader(samples: Samples, recipe: ReaderRecipe) -> LandmarkReader:
    """Train the network on landmarks; half of the views are mirrored."""
    torch.manual_seed(recipe.seed)
    network = LandmarkReader(len(CLASSES))
    x, right = torch.from_numpy(samples.packed), torch.from_numpy(samples.right)
    with torch.no_grad():
        network.calibrate(x)
        even, odd = network.scaled(x)
    steps = len(x) // recipe.batch
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=recipe.epochs * steps)
    for _ in range(recipe.epochs):
        for chosen in torch.randperm(len(x))[: steps * recipe.batch].split(recipe.batch):
            side = torch.where(torch.rand(len(chosen), 1) < 0.5, -1.0, 1.0)
            view = torch.cat([even[chosen], odd[chosen] * side], 1)
            log_p = torch.log_softmax(network.judge(view + recipe.jitter * torch.randn_like(view)), 1)
            # Where either of two names is right, their sum is what should be likely.
            likely = torch.logsumexp(log_p.masked_fill(~right[chosen], -torch.inf), 1)
            optimiser.zero_grad(set_to_none=True)
            (-likely.mean() - recipe.smoothing * log_p.mean()).backward()
            optimiser.step()
            schedule.step()
    return network.eval()


def fit_rule(own: NDArray[np.float64], other: NDArray[np.float64], right: NDArray[np.bool_]) -> dict[str, float]:
    """Fit ``own_weight``, ``other_weight`` and ``bias`` of an ``Opinion`` by the likelihood of the right names.

    Args:
        own: what detector and verifier say, ``(n, k)``.
        other: what the landmarks say, ``(n, k)``.
        right: names that are right, ``(n, k)``.
    """
    mine, theirs = (torch.from_numpy(np.log(np.maximum(p, 1e-9))) for p in (own, other))
    wrong = torch.from_numpy(~right)
    weights = torch.tensor([1.0, 0.3, 0.0], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        log_odds = weights[0] * mine + weights[1] * theirs
        log_p = torch.log_softmax(torch.cat([log_odds[:, :-1], log_odds[:, -1:] + weights[2]], 1), 1)
        likely = torch.logsumexp(log_p.masked_fill(wrong, -torch.inf), 1)
        value: torch.Tensor = -likely.mean() + 0.002 * (weights**2).sum()
        value.backward()
        return value

    optimiser.step(loss)
    names = ("own_weight", "other_weight", "bias")
    return {name: round(float(value), 4) for name, value in zip(names, weights.detach(), strict=True)}


def _views(stock: Stock, recipe: ReaderRecipe) -> Iterator[tuple[Image, Box, tuple[str, ...]]]:
    pictures = (*stock.crops, *stock.frames, *stock.others)
    pairs = [(picture, hand) for picture in pictures for hand in picture.hands]
    keys = [(hand.names[0], picture.source) for picture, hand in pairs]
    by_name, by_key = Counter(name for name, _ in keys), Counter(keys)
    chance = np.array([(by_name[key[0]] * by_key[key]) ** -0.4 for key in keys])
    # A sixth are other hands, however rare they are in the stock.
    other = np.array([hand.names == (NO_GESTURE,) for _, hand in pairs])
    chance = np.where(other, chance / chance[other].sum() / 5, chance / chance[~other].sum())
    edges = np.cumsum(chance / chance.sum())
    for i in range(recipe.views):
        rng = np.random.default_rng([recipe.seed, i])
        picture, hand = pairs[min(int(np.searchsorted(edges, rng.random())), len(pairs) - 1)]
        yield *_view(picture.image, hand, rng), hand.names


def _view(image: Image, hand: LabelledHand, rng: np.random.Generator) -> tuple[Image, Box]:
    """Show a hand turned, in another light, with its box a little off."""
    rows, columns = image.shape[:2]
    w, h = hand.box.w * columns, hand.box.h * rows
    zoom = min(1.0, LONGEST_PX / max(w, h))
    stretch = zoom * np.exp(rng.normal(0, 0.05, 2))
    angle = float(rng.normal(0, 9 if rng.random() < 0.6 else 20))
    centre = np.array([hand.box.centre[0] * columns, hand.box.centre[1] * rows])
    matrix = stretch[:, None] * cv2.getRotationMatrix2D((0.0, 0.0), angle, 1.0)
    side = max(16, int(AROUND * max(w, h) * zoom))
    matrix[:, 2] = side / 2 - matrix[:, :2] @ centre
    border = cv2.BORDER_REPLICATE if rng.random() < 0.7 else cv2.BORDER_CONSTANT
    turned = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_AREA, borderMode=border)
    c, s = abs(np.cos(np.radians(angle))), abs(np.sin(np.radians(angle)))
    seen = np.array([np.hypot(w * c, h * s), np.hypot(w * s, h * c)]) * stretch / side
    place = 0.5 + rng.normal(0, 0.04, 2) * seen
    seen *= np.exp(rng.normal(0, 0.07, 2))
    x, y = place - seen / 2
    box = Box(float(x), float(y), float(seen[0]), float(seen[1]))
    return degrade(np.asarray(turned, np.uint8), rng, coarsest=FARTHEST), box


def _clutter(stream: GestureStream, stock: Stock, seed: int) -> Iterator[tuple[Image, Box, tuple[str, ...]]]:
    for i, background in enumerate(stock.backgrounds[::2]):
        rng = np.random.default_rng([seed, 1, i])
        share = float(rng.uniform(0.5, 1.3))
        view = degrade(np.asarray(cv2.resize(background, None, fx=share, fy=share), np.uint8), rng)
        for found in stream.look(view, stream.detect(Frame(view, 0.0, 0, 0.0)))[0][:CANDIDATES]:
            yield view, found.box, (NO_GESTURE,)


def _right(names: Sequence[str]) -> NDArray[np.bool_]:
    return np.array([name in names for name in CLASSES])
