"""MOL: expression, flow and landmarks learned together from eight frames, no key frame named (TPAMI 2025, Shao et al.).

A linear stack and two F5C blocks (one for a frame, one for the next) give what three heads share. Flow and landmarks
are there to teach: they are asked for, and paid for, while training alone. Written from the layers of the public code.
Where the paper and its code differ (the graph, of channels or of places; a feed-forward part that nothing calls), the
paper counts unless ``as_released``. Ours, since not public or too large: a light flow decoder of four levels and
0.13 M parameters in place of FlowNetC's 39.7 M, which reads a frame, the change to the next, and what has moved along
the gradient in place of a correlation beside the shared features, and answers on every second pixel; ReLU inside the
heads; two phases of a clip, one drawn anew each time while training, the logits of both averaged after it; mirroring in
place of random crops. And the recognition sees each frame less the mean of its clip: of the frames as they are, 144
clips teach it nothing in twelve epochs (UF1 .28 on unseen people; .92 so). The head for landmarks then sees movement
alone, and where a face is but by its movement.

Accepted when stack, FCC, CCC and recognition have the counted parameters, FCC without positions answers a turned map
with the turned answer exactly, the recognition alone says the same to the last bit, and the flow of unseen clips (of
four times the usual movement, measured without noise) is less than half as wrong as no flow.
"""

from __future__ import annotations

from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assistive.zoo.blocks.f5c import ChannelGraph, FullConvolution
from assistive.zoo.systems import Batch, Need, Quick, Recipe, System, SystemNetwork

SHARED = 128
FLOW_WEIGHT, LANDMARK_WEIGHT = 10.0, 0.1
WINDOW = 5
"""Pixels across which a movement is looked for."""
PUPILS = (slice(36, 42), slice(42, 48))
"""Landmarks of both eyes."""


class Mol(SystemNetwork):
    """Classify eight frames; while training, predict flow and landmarks as well.

    Args:
        classes: number of classes.
        side: side of a frame, pixels; a multiple of 16.
        steps: frames.
        aids: False builds the recognition alone.
        as_released: graph and feed-forward part as in the released code.
    """

    def __init__(
        self, classes: int, side: int = 128, steps: int = 8, aids: bool = True, as_released: bool = False
    ) -> None:
        super().__init__()
        self.needs = tuple(Need(key, side, steps) for key in ("phases", "phase_flow", "phase_landmarks"))
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("peak", torch.ones(()))
        self.register_buffer("change", torch.ones(()))
        self.register_buffer("texture", torch.ones(()))
        self.stack = nn.Sequential(
            nn.Conv2d(1, 8, 4, 2), nn.Conv2d(8, 32, 3, 2), nn.Conv2d(32, 64, 2, 2, 1), nn.Conv2d(64, SHARED, 1)
        )
        across = side // 8
        self.now, self.next = (
            nn.Sequential(FullConvolution(SHARED, as_released=as_released),
                          ChannelGraph(SHARED, across**2, as_released)) for _ in range(2)
        )  # fmt: skip
        self.recognise = _Recognition(classes, across, 2 * (steps - 1))
        self.flow = LightFlow() if aids else None
        self.landmarks = _landmarks(across) if aids else None
        self.train()

    def train(self, mode: bool = True) -> Self:
        """Ask for the truth of flow and landmarks while training alone."""
        self.inputs = self.needs if mode and self.flow is not None else self.needs[:1]
        return super().train(mode)

    def settle(self, batch: Batch) -> None:
        """Take mean and peak of the training frames, and how strong changes between neighbours and gradients are."""
        frames = batch["phases"]
        self.mean.copy_(frames.mean())
        self.peak.copy_((frames - self.mean).abs().max().clamp_min(1e-3))
        frames = (frames - self.mean) / self.peak
        self.change.copy_((frames[:, :, 1:] - frames[:, :, :-1]).pow(2).mean().sqrt().clamp_min(1e-6))
        self.texture.copy_(sum(part.pow(2).mean() for part in torch.gradient(frames, dim=(-1, -2))).clamp_min(1e-6))

    def forward(self, batch: Batch) -> Batch:
        """Return ``logits``; while training also ``flow`` and ``landmarks``, and which ``phase`` ``(n,)`` they are of.

        ``flow`` is ``(n, steps - 1, 2, side / 2, side / 2)`` in pixels, from each frame to the next; ``landmarks``
        ``(n, steps - 1, 68, 2)`` of all frames but the first.
        """
        frames = (batch["phases"] - self.mean) / self.peak
        if not self.training:
            said = [self._logits(*self._see(one)) for one in frames.unbind(1)]
            return {"logits": torch.stack(said).mean(0)}
        phase = torch.randint(frames.shape[1], (len(frames),))
        frames = frames[torch.arange(len(frames)), phase]
        now, after = self._see(frames)
        out = {"logits": self._logits(now, after), "phase": phase}
        if self.flow is not None and self.landmarks is not None:
            out |= {"flow": self._flow(frames, now, after),
                    "landmarks": self.landmarks(after.flatten(0, 1)).view(len(frames), -1, 68, 2)}  # fmt: skip
        return out

    def motion(self, batch: Batch) -> Tensor:
        """Return the flow of the first phase, as in :meth:`forward`."""
        frames = ((batch["phases"] - self.mean) / self.peak)[:, 0]
        return self._flow(frames, *self._see(frames))

    def loss(self, out: Batch, batch: Batch) -> Tensor:
        """Return the balanced cross-entropy with the errors of flow and of landmarks, the latter by pupil distance."""
        cost = super().loss(out, batch)
        if "flow" not in out:
            return cost
        rows, phase = torch.arange(len(out["phase"])), out["phase"].long()
        flow, marks = batch["phase_flow"][rows, phase], batch["phase_landmarks"][rows, phase]
        eyes = [marks[:, :, part].mean(2) for part in PUPILS]
        apart = (eyes[0] - eyes[1]).norm(dim=2).clamp_min(1e-2)
        wrong = (out["landmarks"] - marks).abs().sum(3).mean(2) / apart
        return cost + FLOW_WEIGHT * F.mse_loss(out["flow"], flow) + LANDMARK_WEIGHT * wrong.mean()

    def _see(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Map frames ``(n, steps, 1, s, s)`` to the features of each pair, ``(n, steps - 1, 128, s/8, s/8)`` twice."""
        count = frames.shape[1]
        moving = (frames - frames.mean(1, keepdim=True)) / self.change
        seen = self.stack(moving.flatten(0, 1)).unflatten(0, (-1, count))
        now, after = self.now(seen[:, :-1].flatten(0, 1)), self.next(seen[:, 1:].flatten(0, 1))
        return now.unflatten(0, (-1, count - 1)), after.unflatten(0, (-1, count - 1))

    def _logits(self, now: Tensor, after: Tensor) -> Tensor:
        out: Tensor = self.recognise(torch.stack([now, after], 2).flatten(1, 2).transpose(1, 2))
        return out

    def _flow(self, frames: Tensor, now: Tensor, after: Tensor) -> Tensor:
        assert self.flow is not None
        before, change = frames[:, :-1], frames[:, 1:] - frames[:, :-1]
        along = moved_along(before + change / 2, change, self.texture)
        pairs = torch.cat([before, change / self.change, along], 2).flatten(0, 1)
        flow: Tensor = self.flow(pairs, torch.cat([now, after], 2).flatten(0, 1))
        return flow.unflatten(0, (len(frames), -1))


def moved_along(frame: Tensor, change: Tensor, texture: Tensor) -> Tensor:
    """Return how far the picture has moved along its gradient: gradient by change over gradient by gradient.

    The sums over a window of Lucas and Kanade: they show what moves less than a pixel, as correlations of coarse maps
    do not.

    Args:
        frame: ``(n, t, 1, s, s)``, halfway between both.
        change: from one frame to the next, the same shape.
        texture: the usual square of a gradient.

    Returns:
        ``(n, t, 2, s, s)``: right, down, pixels.
    """
    right, down = torch.gradient(frame, dim=(-1, -2))
    products = torch.cat([right * change, down * change, right.square() + down.square()], 2)
    summed = F.avg_pool2d(products.flatten(0, 1), WINDOW, 1, WINDOW // 2).view_as(products)
    return -summed[:, :, :2] / (summed[:, :, 2:] + 0.1 * texture)


class _Recognition(nn.Module):
    def __init__(self, classes: int, across: int, slices: int) -> None:
        super().__init__()
        self.convolve = nn.Conv3d(SHARED, 32, (5, 2, 2), (1, 2, 2))
        seen = 32 * ((slices - 4) // 2) * (across // 4) ** 2
        self.classify = nn.Sequential(nn.Dropout(0.5), nn.Linear(seen, 256), nn.ReLU(), nn.Linear(256, classes))

    def forward(self, x: Tensor) -> Tensor:
        """Map both frames of all pairs ``(n, 128, slices, s, s)`` to logits."""
        seen = F.max_pool3d(F.relu(self.convolve(x)), 2)
        out: Tensor = self.classify(seen.flatten(1))
        return out


class LightFlow(nn.Module):
    """Predict flow at four levels, each from the one above and from what it sees itself.

    Args:
        widths: channels at 1/2, 1/4, 1/8 and 1/16 of the frame's side; the shared features join at 1/8.
    """

    def __init__(self, widths: tuple[int, int, int, int] = (8, 24, 48, 64)) -> None:
        super().__init__()
        w2, w4, w8, w16 = widths
        self.down = nn.ModuleList([_convolution(4, w2, 7, 2), _convolution(w2, w4, 5, 2), _convolution(w4, w8, 3, 2),
                                   _convolution(w8, w16, 3, 2)])  # fmt: skip
        self.join = _convolution(w8 + 2 * SHARED, w8, 1, 1)
        self.up = nn.ModuleList(
            [_convolution(w16 + w8, w8, 3, 1), _convolution(w8 + w4, w4, 3, 1), _convolution(w4 + w2, w2, 3, 1)]
        )
        self.answer = nn.Conv2d(w2, 2, 3, padding=1)

    def forward(self, pair: Tensor, shared: Tensor) -> Tensor:
        """Predict the flow of pairs.

        Args:
            pair: ``(n, 4, s, s)``: a frame, the change to the next, what :func:`moved_along`.
            shared: features of both frames, ``(n, 256, s / 8, s / 8)``.

        Returns:
            Flow ``(n, 2, s/2, s/2)``: u right, v down, pixels at side s.
        """
        half = self.down[0](pair)
        quarter = self.down[1](half)
        eighth = self.join(torch.cat([self.down[2](quarter), shared], 1))
        y = self.down[3](eighth)
        for up, seen in zip(self.up, (eighth, quarter, half), strict=True):
            y = up(torch.cat([F.interpolate(y, scale_factor=2.0), seen], 1))
        out: Tensor = self.answer(y)
        return out


def _convolution(c1: int, c2: int, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(c1, c2, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(c2), nn.LeakyReLU(0.1)
    )


def _landmarks(across: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(SHARED, 32, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(32 * (across - 2) ** 2, 512), nn.ReLU(), nn.Linear(512, 136),
    )  # fmt: skip


SYSTEM = System(
    name="mol",
    number="S17",
    paper="Shao, Cheng, Li, Zhou, Lu, Xie, Ma: MOL, TPAMI 2025, 10.1109/TPAMI.2025.3581162",
    public="code: layers, losses, optimiser; of FlowNetC's 44.1 M parameters with all heads, 1.1 M recognise",
    chosen="a light flow decoder; the paper's channel graph; two phases; activations of the heads; no random crops",
    reported="unknown",
    build=Mol,
    recipe=Recipe(epochs=5, batch=8, decay=1e-3),
    quick=Quick({"side": 64}, Recipe(epochs=7, batch=16, decay=1e-3)),
    heavy=True,
)
