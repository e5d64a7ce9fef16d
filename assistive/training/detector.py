"""Train a hand detector of the YOLOv5 family on endless composed scenes."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from assistive.gesture.detector import letterbox, select
from assistive.synth.hands import SceneMaker
from assistive.training.datasets.gesture_pack import Picture
from assistive.training.detection_loss import detection_loss
from assistive.training.optimise import Average, parameter_groups, resume, save, schedule
from assistive.training.stock import CLASSES
from assistive.zoo.yolov5s_lite import Decode, Yolov5, build

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DetectorRecipe:
    """How a detector is trained.

    Attributes:
        model: variant of ``assistive.zoo.yolov5s_lite``.
        scenes: how many scenes it sees in all.
        batch: scenes a step.
        size: side of the scenes and of the final input, pixels.
        small_sizes: sides used at random during the first part, which trains faster.
        small_share: share of the steps at small sizes, 0..1.
        rate: peak learning rate of AdamW.
        decay: weight decay.
        warmup: steps of linear warm-up.
        seed: seed of everything.
        workers: processes that compose scenes.
    """

    model: str = "yolov5s_lite"
    scenes: int = 120_000
    batch: int = 24
    size: int = 320
    small_sizes: tuple[int, ...] = (192, 224, 256)
    small_share: float = 0.7
    rate: float = 1.5e-3
    decay: float = 0.02
    warmup: int = 300
    seed: int = 0
    workers: int = 1


class Scenes(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Scene ``i`` of an endless, seeded sequence.

    Args:
        maker: composes the scenes.
        recipe: size, seed and number of scenes.
    """

    def __init__(self, maker: SceneMaker, recipe: DetectorRecipe) -> None:
        self.maker, self.recipe = maker, recipe

    def __len__(self) -> int:
        return self.recipe.scenes

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return picture uint8 ``(3, s, s)``, boxes ``(m, 4)`` centre form, class probabilities ``(m, k)``."""
        scene = self.maker.make(self.recipe.size, np.random.default_rng([self.recipe.seed, i]))
        boxes = [(*hand.box.centre, hand.box.w, hand.box.h) for hand in scene.hands]
        kinds = np.zeros((len(boxes), len(CLASSES)), np.float32)
        for row, hand in enumerate(scene.hands):
            for name in hand.names:
                kinds[row, CLASSES.index(name)] = 1 / len(hand.names)
        image = torch.from_numpy(np.ascontiguousarray(scene.image.transpose(2, 0, 1)))
        return image, torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4), torch.from_numpy(kinds)


def collate(items: list[tuple[Tensor, Tensor, Tensor]]) -> tuple[Tensor, Tensor, Tensor]:
    """Stack pictures; put the index of its picture before every box."""
    boxes = [torch.cat([torch.full((len(b), 1), float(i)), b], 1) for i, (_, b, _) in enumerate(items)]
    return torch.stack([image for image, _, _ in items]), torch.cat(boxes), torch.cat([kinds for _, _, kinds in items])


def train_detector(
    maker: SceneMaker, validation: list[Picture], recipe: DetectorRecipe, out: Path, start: Path | None = None
) -> Yolov5:
    """Train and return the averaged network; resumes from ``out/last.pt`` where one lies.

    Args:
        maker: composes training scenes.
        validation: frames of other people, for figures in the log.
        recipe: how.
        out: folder for the checkpoint; the best one is never picked, the schedule ends where it ends.
        start: weights to start from instead of chance.
    """
    torch.manual_seed(recipe.seed)
    network = build(recipe.model, len(CLASSES)).to(memory_format=torch.channels_last)
    if start is not None:
        state = torch.load(start, weights_only=True)
        network.load_state_dict(state.get("average", state))
    average = Average(network)
    optimiser = torch.optim.AdamW(parameter_groups(network, recipe.decay), lr=recipe.rate, betas=(0.9, 0.99))
    steps = recipe.scenes // recipe.batch
    done = resume(out / "last.pt", network, average, optimiser)
    loader = _batches(Scenes(maker, recipe), recipe, done)
    chance = np.random.default_rng(recipe.seed + done)
    network.train()
    began, losses = time.monotonic(), []
    for step, (images, boxes, kinds) in enumerate(loader, start=done):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate * schedule(step, steps, recipe.warmup)
        x = images.float().div_(255)
        if step < recipe.small_share * steps:
            side = int(chance.choice(recipe.small_sizes))
            x = F.interpolate(x, size=(side, side), mode="bilinear", align_corners=False, antialias=True)
        with torch.autocast("cpu", torch.bfloat16):
            raw = network(x.contiguous(memory_format=torch.channels_last))
        loss = detection_loss([level.float() for level in raw], boxes, kinds).sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimiser.step()
        average.update(network)
        losses.append(float(loss.detach()))
        if (step + 1) % 250 == 0 or step + 1 == steps:
            rate = (step + 1 - done) * recipe.batch / (time.monotonic() - began)
            log.info("step %d/%d loss %.4f %.1f scenes/s", step + 1, steps, np.mean(losses[-250:]), rate)
            save(out / "last.pt", step + 1, network, average, optimiser)
        if (step + 1) % 1000 == 0 or step + 1 == steps:
            figures = validate(average.network, validation, recipe.size)
            log.info("validation %s", json.dumps(figures))
    return average.network


@torch.no_grad()
def validate(network: nn.Module, pictures: list[Picture], size: int) -> dict[str, float]:
    """Measure a detector on labelled frames with the runtime's own letterbox and suppression.

    Returns:
        ``recall_05`` / ``recall_25``: hands found at IoU .4 with a score of at least .05 / .25; ``ap40``: average
        precision of hands at IoU .4; ``class_accuracy``: share of found gesture hands whose best class is right.
    """
    decode = Decode(network).eval()
    hits: list[tuple[float, bool]] = []
    hands = right = named = 0
    for picture in pictures:
        batch, frame = letterbox(picture.image, size, size)
        output = decode(torch.from_numpy(batch))[0].numpy()
        found = select(output, frame, (picture.image.shape[1], picture.image.shape[0]), 0.01, 0.5, 20)
        open_hands = list(picture.hands)
        hands += len(open_hands)
        for detection in found:
            match = max(open_hands, key=lambda hand: hand.box.iou(detection.box), default=None)
            hit = match is not None and match.box.iou(detection.box) >= 0.4
            hits.append((detection.score, hit))
            if hit and match is not None:
                open_hands.remove(match)
                if match.names[0] != CLASSES[-1]:
                    named += 1
                    right += CLASSES[int(np.argmax(detection.classes[:-1]))] in match.names
    hits.sort(reverse=True)
    good = np.cumsum([hit for _, hit in hits])
    precision = good / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return {
        "recall_05": sum(hit for score, hit in hits if score >= 0.05) / hands,
        "recall_25": sum(hit for score, hit in hits if score >= 0.25) / hands,
        "ap40": float(sum(envelope[i] for i, (_, hit) in enumerate(hits) if hit) / hands),
        "class_accuracy": right / max(named, 1),
    }


def _batches(scenes: Scenes, recipe: DetectorRecipe, done: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    order = range(done * recipe.batch, recipe.scenes // recipe.batch * recipe.batch)
    loader: DataLoader[tuple[Tensor, Tensor, Tensor]] = DataLoader(
        scenes, batch_size=recipe.batch, sampler=order, num_workers=recipe.workers, collate_fn=collate,
        prefetch_factor=4 if recipe.workers else None,
    )  # fmt: skip
    return iter(loader)
