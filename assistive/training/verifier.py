"""Train the crop verifier on endless crops, and calibrate it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from assistive.gesture.crop import crop
from assistive.synth.crops import CropMaker
from assistive.training.datasets.gesture_pack import Picture
from assistive.training.optimise import Average, parameter_groups, resume, save, schedule
from assistive.training.stock import CLASSES
from assistive.training.unfold import unfold
from assistive.types import NO_GESTURE
from assistive.zoo.gesture_verifier import GestureVerifier, build

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VerifierRecipe:
    """How the verifier is trained.

    Attributes:
        crops: how many crops it sees in all.
        batch: crops a step.
        size: side of a crop, pixels.
        rate: peak learning rate of AdamW.
        decay: weight decay.
        warmup: steps of linear warm-up.
        smoothing: label smoothing, 0..1.
        place_gain: weight of the losses for box and landmarks.
        drawn: how many hands are drawn.
        seed: seed of everything.
        workers: processes that make crops.
    """

    crops: int = 400_000
    batch: int = 128
    size: int = 96
    rate: float = 2.5e-3
    decay: float = 0.05
    warmup: int = 200
    smoothing: float = 0.05
    place_gain: float = 6.0
    drawn: int = 3000
    seed: int = 0
    workers: int = 1


class Crops(Dataset[tuple[Tensor, ...]]):
    """Crop ``i`` of an endless, seeded sequence.

    Args:
        maker: makes the crops.
        recipe: size, seed and number of crops.
    """

    def __init__(self, maker: CropMaker, recipe: VerifierRecipe) -> None:
        self.maker, self.recipe = maker, recipe

    def __len__(self) -> int:
        return self.recipe.crops

    def __getitem__(self, i: int) -> tuple[Tensor, ...]:
        """Return crop uint8 ``(3, s, s)``, target ``(k,)``, corners ``(4,)`` and landmarks ``(42,)``; NaN = unknown."""
        made = self.maker.make(self.recipe.size, np.random.default_rng([self.recipe.seed, i]))
        image = torch.from_numpy(np.ascontiguousarray(made.image.transpose(2, 0, 1)))
        corners = torch.full((4,), torch.nan) if made.corners is None else torch.from_numpy(made.corners)
        marks = torch.full((42,), torch.nan) if made.landmarks is None else torch.from_numpy(made.landmarks.reshape(42))
        return image, torch.from_numpy(target(made.names)), corners, marks


def target(names: Sequence[str]) -> NDArray[np.float32]:
    """Return the class probabilities ``(k,)`` of a hand that may rightly be called any of the names."""
    kind = np.zeros(len(CLASSES), np.float32)
    for name in names:
        kind[CLASSES.index(name)] = 1 / len(names)
    return kind


def train_verifier(
    maker: CropMaker, validation: list[Picture], recipe: VerifierRecipe, out: Path, start: Path | None = None
) -> GestureVerifier:
    """Train and return the averaged network; resumes from ``out/last.pt`` where one lies.

    Args:
        maker: makes training crops.
        validation: pictures of other people with labelled hands, for figures in the log; may be empty.
        recipe: how.
        out: folder for the checkpoint.
        start: weights to start from instead of chance: a checkpoint, or an exported network.
    """
    torch.manual_seed(recipe.seed)
    network = build(len(CLASSES), recipe.size)
    if start is not None and start.suffix == ".onnx":
        rng = np.random.default_rng(recipe.seed)
        typical = np.stack([maker.make(recipe.size, rng).image for _ in range(512)]).transpose(0, 3, 1, 2)
        unfold(start, network, torch.from_numpy(typical).float() / 255)
    elif start is not None:
        state = torch.load(start, weights_only=True)
        network.load_state_dict(state.get("average", state))
    network.to(memory_format=torch.channels_last)
    average = Average(network)
    optimiser = torch.optim.AdamW(parameter_groups(network, recipe.decay), lr=recipe.rate, betas=(0.9, 0.99))
    steps = recipe.crops // recipe.batch
    done = resume(out / "last.pt", network, average, optimiser)
    loader = DataLoader(
        Crops(maker, recipe), batch_size=recipe.batch, sampler=range(done * recipe.batch, steps * recipe.batch),
        num_workers=recipe.workers, prefetch_factor=4 if recipe.workers else None,
    )  # fmt: skip
    network.train()
    began, losses = time.monotonic(), []
    for step, batch in enumerate(loader, start=done):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate * schedule(step, steps, recipe.warmup)
        loss = _loss(network, batch, recipe)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        average.update(network)
        losses.append(float(loss.detach()))
        if (step + 1) % 200 == 0 or step + 1 == steps:
            rate = (step + 1 - done) * recipe.batch / (time.monotonic() - began)
            log.info("step %d/%d loss %.4f %.0f crops/s", step + 1, steps, np.mean(losses[-200:]), rate)
            save(out / "last.pt", step + 1, network, average, optimiser)
        if validation and ((step + 1) % 800 == 0 or step + 1 == steps):
            log.info("validation %s", json.dumps(figures(*judge(average.network, validation, recipe.size))))
    return average.network


@torch.no_grad()
def judge(
    network: nn.Module, pictures: Sequence[Picture], size: int
) -> tuple[NDArray[np.float32], list[tuple[str, ...]], list[str]]:
    """Return logits ``(m, k)`` of every labelled hand (mirrored view averaged in), its names, and its source."""
    network.eval()
    crops, names, sources = [], [], []
    for picture in pictures:
        for hand in picture.hands:
            crops.append(crop(picture.image, hand.box, size)[0])
            names.append(hand.names)
            sources.append(picture.source)
    x = torch.from_numpy(np.stack(crops).transpose(0, 3, 1, 2)).float() / 255
    logits = [network(part)[0] + network(part.flip(3))[0] for part in x.split(128)]
    return (torch.cat(logits) / 2).numpy(), names, sources


def figures(
    logits: NDArray[np.float32], names: Sequence[tuple[str, ...]], sources: Sequence[str]
) -> dict[str, float]:
    """Summarise: accuracy by source, and gestures still told when 1 in 20 other hands is let through."""
    odds = np.exp(logits - logits.max(1, keepdims=True))
    odds /= odds.sum(1, keepdims=True)
    best = odds[:, :-1].argmax(1)
    top = odds[:, :-1].max(1)
    other = np.array([n == (NO_GESTURE,) for n in names])
    right = np.array([CLASSES[b] in n for b, n in zip(best, names, strict=True)])
    limit = float(np.quantile(top[other], 0.95)) if other.any() else 0.5
    result = {"right": float(right[~other].mean()), "limit_5": limit,
              "right_at_5": float((right & (top > limit))[~other].mean()),
              "other_above_half": float((top[other] > 0.5).mean()) if other.any() else 0.0}  # fmt: skip
    for source in sorted(set(sources)):
        mine = np.array([s == source for s in sources]) & ~other
        if mine.any():
            result[source[:12]] = float(right[mine].mean())
    return {key: round(value, 4) for key, value in result.items()}


def _loss(network: nn.Module, batch: Sequence[Tensor], recipe: VerifierRecipe) -> Tensor:
    images, kinds, corners, marks = batch
    x = images.float().div_(255).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        logits, _, box, points = network(x)
    classified = F.cross_entropy(logits.float(), kinds, label_smoothing=recipe.smoothing)
    located = _distance(box.float(), corners) + _distance(points.float(), marks)
    return classified + recipe.place_gain * located


def _distance(found: Tensor, wanted: Tensor) -> Tensor:
    """Mean smooth L1 distance over the rows that are known (not NaN)."""
    known = ~wanted.isnan().any(1)
    if not known.any():
        return found.sum() * 0
    return F.smooth_l1_loss(found[known], wanted[known], beta=0.05)
