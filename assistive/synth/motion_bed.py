"""A parametric test-bed of micro-expressions: clips whose every movement is known exactly, made in milliseconds.

A face is a few places, and a movement is smooth bumps at them: negative = brows down and inward (half of them with
pressed lips), positive = corners of the mouth out and up, surprise = brows up (mostly with a dropping jaw); among
blinks, a drifting head and measuring noise. It proves that a network and its training work, and ranks networks. It does
not prove skill with people: ``assistive.synth.faces`` makes clips that look like them.

How strong a movement is, is said in pixels of the size at which a network asks for it, whatever that size is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.errors import ConfigError
from assistive.synth.motion_face import COVERS, Covering, FaceGeometry, skin
from assistive.types import EXPRESSIONS

Float = NDArray[np.float32]
Bump = tuple[float, float, float, float, float]
"""x, y, width in fractions of the crop, push to the right, push down (1 = the clip's intensity)."""

NEGATIVE, POSITIVE, SURPRISE = EXPRESSIONS
SHARES = (0.57, 0.25, 0.18)
"""How often each expression is shown."""

BLINKING, PRESSED_LIPS, JAW_DROP = 0.4, 0.5, 0.6
"""Share of clips with a blink, of negative ones with pressed lips, of surprised ones with a dropping jaw."""
HEAD_PX = 0.25
"""Standard deviation of the head's drift from onset to apex, pixels."""
NOISE_CELLS = 7
"""Cells across the smooth noise of a measured flow field."""
USUAL_NOISE_PX = 0.25
SENSOR_NOISE = 1.5
"""Standard deviation of a camera's noise, grey levels, where that of measured flow is the usual .25 pixels."""


@dataclass(frozen=True, slots=True)
class BedSettings:
    """How clips are drawn.

    Attributes:
        subjects: number of people.
        clips: of each.
        intensity_px: weakest and strongest movement.
        noise_px: standard deviation of the noise of measured flow; pictures are noisy in proportion.
        gain: factor on all that moves, as another collection may have it.
        rate_hz: frames per second.
        seconds: shortest and longest way from onset to offset.
        cover: what hides part of the face; ``any`` draws one of ``COVERS`` for each covered clip.
        covered: share of clips in which it does, 0..1.
        block_share: area of a block as a share of the crop, 0..1.
        seed: of everything.
        dataset: name of the collection that the clips stand for.
    """

    subjects: int = 60
    clips: int = 8
    intensity_px: tuple[float, float] = (0.25, 1.2)
    noise_px: float = USUAL_NOISE_PX
    gain: float = 1.0
    rate_hz: float = 200.0
    seconds: tuple[float, float] = (0.2, 0.5)
    cover: Literal["any", "mask", "glasses", "block"] = "any"
    covered: float = 0.0
    block_share: float = 0.25
    seed: int = 0
    dataset: str = "motion_bed"

    def __post_init__(self) -> None:
        if self.rate_hz * self.seconds[0] < 3:
            what = f"at {self.rate_hz:g} frames/s a clip of {self.seconds[0]:g} s has no apex between its ends"
            raise ConfigError(what, "choose a higher rate or longer clips", "synth.bed")


@dataclass(frozen=True, slots=True)
class MotionClip:
    """A clip from onset (frame 0) to offset (the last frame).

    Attributes:
        label: ``negative``, ``positive`` or ``surprise``.
        subject: who is in it.
        number: of the clip, unique in its bed.
        length: number of frames.
        apex: frame of the strongest moment.
        rate_hz: frames per second.
        intensity_px: strength of the movement at the apex.
        units: action units that moved.
        face: geometry of the subject's face.
        movement: bumps of the expression.
        blink: moment (frame) and strength (pixels) of a blink, or None.
        head_px: drift of the head from onset to apex: right, down.
        noise_px: standard deviation of the noise of measured flow.
        cover: what hides part of the face, or None.
        seed: of the bed.
        skin_seed: of the subject's skin.
    """

    label: str
    subject: str
    number: int
    length: int
    apex: int
    rate_hz: float
    intensity_px: float
    units: frozenset[int]
    face: FaceGeometry
    movement: tuple[Bump, ...]
    blink: tuple[float, float] | None
    head_px: tuple[float, float]
    noise_px: float
    cover: Covering | None
    seed: int
    skin_seed: int

    def course(self, frame: int) -> float:
        """Return how far the movement has come, 0 at onset and offset, 1 at the apex."""
        rest = self.length - 1 - self.apex
        part = frame / self.apex if frame <= self.apex else (self.length - 1 - frame) / rest
        return float(0.5 - 0.5 * np.cos(np.pi * np.clip(part, 0, 1)))

    def field(self, frame: int, side: int) -> Float:
        """Return the true displacement from the neutral face, float32 ``(side, side, 2)``: u right, v down, pixels."""
        movement, blink = _fields(self, side)
        return movement * self.course(frame) + blink * self._closed(frame) + self.head(frame)

    def flow(self, before: int, after: int, side: int) -> Float:
        """Return measured flow between two frames: the truth with smooth noise; a covering moves with the head.

        Returns:
            float32 ``(side, side, 2)``: u right, v down, pixels.
        """
        flow = self.field(after, side) - self.field(before, side)
        rng = np.random.default_rng([self.seed, self.number, before, after])
        noise = rng.normal(0, self.noise_px, (NOISE_CELLS, NOISE_CELLS, 2)).astype(np.float32)
        flow = flow + cv2.resize(noise, (side, side), interpolation=cv2.INTER_LINEAR)
        if self.cover is not None:
            hidden = self.cover.hidden(side)[..., None]
            flow = flow * (1 - hidden) + (self.head(after) - self.head(before)) * hidden
        return np.asarray(flow, np.float32)

    def frames(self, numbers: Sequence[int], side: int, colour: bool = False) -> NDArray[np.uint8]:
        """Draw frames: the subject's skin, bent by the true displacement.

        Args:
            numbers: which frames.
            side: side of the crop, pixels.
            colour: RGB, else grey.

        Returns:
            uint8 ``(T, side, side, 3 or 1)``.
        """
        texture = _texture(self.face, self.skin_seed, side, colour)
        y, x = np.mgrid[:side, :side].astype(np.float32)
        made = []
        for number in numbers:
            field = self.field(number, side)
            bent = cv2.remap(texture, x - field[..., 0], y - field[..., 1], cv2.INTER_CUBIC,
                             borderMode=cv2.BORDER_REPLICATE).reshape(side, side, -1)  # fmt: skip
            if self.cover is not None:
                hidden = self.cover.hidden(side, self.head(number).tolist())[..., None]
                paint = self.cover.colour if colour else (sum(self.cover.colour) / 3,)
                bent = bent * (1 - hidden) + np.array(paint, np.float32) * hidden
            rng = np.random.default_rng([self.seed, self.number, number])
            noise = rng.standard_normal((side, side, 1), np.float32) * np.float32(self.sensor_noise)
            made.append(np.clip(np.rint(bent + noise), 0, 255).astype(np.uint8))
        return np.stack(made)

    def landmarks(self, numbers: Sequence[int], side: int) -> Float:
        """Return the 68 landmarks of frames, float32 ``(T, 68, 2)``, fractions of the crop.

        Args:
            numbers: which frames.
            side: size at which the movement has its strength, pixels.
        """
        rest = self.face.landmarks()
        cell = np.clip((rest * side).astype(int), 0, side - 1)
        moved = [self.field(number, side)[cell[:, 1], cell[:, 0]] / np.float32(side) for number in numbers]
        return np.asarray(rest + np.stack(moved), np.float32)

    @property
    def sensor_noise(self) -> float:
        """Standard deviation of the noise of pictures, grey levels."""
        return SENSOR_NOISE * self.noise_px / USUAL_NOISE_PX

    def hidden(self, side: int) -> Float:
        """Return which share of each pixel is hidden at the onset, float32 ``(side, side)``, 0..1."""
        return np.zeros((side, side), np.float32) if self.cover is None else self.cover.hidden(side)

    def head(self, frame: int) -> Float:
        """Return how far the head has drifted, float32 ``(2,)``: right, down, pixels."""
        return np.array(self.head_px, np.float32) * np.float32(frame / self.apex)

    def _closed(self, frame: int) -> float:
        if self.blink is None:
            return 0.0
        distance = (frame - self.blink[0]) / (0.3 * self.length)
        return self.blink[1] * float(np.exp(-2 * distance**2))


@lru_cache(maxsize=32)
def _fields(clip: MotionClip, side: int) -> tuple[Float, Float]:
    """Return the movement at its apex, and a blink of 1 pixel, float32 ``(side, side, 2)`` each."""
    blink = [(*eye, 0.05, 0.0, 1.0) for eye in (clip.face.eye, clip.face.other(clip.face.eye))]
    return _bumps(clip.movement, side) * np.float32(clip.intensity_px), _bumps(blink, side)


def _bumps(bumps: Sequence[Bump], side: int) -> Float:
    places = (np.arange(side, dtype=np.float32) + 0.5) / side
    x, y, width, right, down = (np.array(part, np.float32)[:, None] for part in zip(*bumps, strict=True))
    across, along = (np.exp(-((places - centre) ** 2) / (2 * width**2)) for centre in (x, y))
    return np.stack([(along * right).T @ across, (along * down).T @ across], 2)


@lru_cache(maxsize=256)
def _texture(face: FaceGeometry, seed: int, side: int, colour: bool) -> Float:
    small = cv2.resize(skin(face, seed), (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(small if colour else cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float32)


def draw_bed(settings: BedSettings) -> list[MotionClip]:
    """Draw all clips of a bed, subject by subject; the same settings give the same clips."""
    clips = []
    for person in range(settings.subjects):
        face = FaceGeometry.draw(np.random.default_rng([settings.seed, person, 1]))
        for take in range(settings.clips):
            number = person * settings.clips + take
            rng = np.random.default_rng([settings.seed, person, 2, take])
            clips.append(_draw_clip(settings, face, f"{person:03d}", number, rng))
    return clips


def _draw_clip(
    settings: BedSettings, face: FaceGeometry, subject: str, number: int, rng: np.random.Generator
) -> MotionClip:
    label = EXPRESSIONS[int(rng.choice(3, p=SHARES))]
    intensity = float(rng.uniform(*settings.intensity_px)) * settings.gain
    units, movement = _movement(label, face, bool(rng.random() < {NEGATIVE: PRESSED_LIPS}.get(label, JAW_DROP)))
    length = max(4, round(float(rng.uniform(*settings.seconds)) * settings.rate_hz))
    apex = int(np.clip(round(float(rng.uniform(0.25, 0.75)) * (length - 1)), 1, length - 2))
    blinks, when, strength = rng.random() < BLINKING, rng.normal(apex, 0.15 * length), rng.uniform(0.2, 0.8)
    head = rng.normal(0, HEAD_PX, 2) * settings.gain
    cover = None
    if rng.random() < settings.covered:
        kind = COVERS[int(rng.integers(len(COVERS)))] if settings.cover == "any" else settings.cover
        cover = Covering.draw(kind, face, rng, settings.block_share)
    return MotionClip(
        label, subject, number, length, apex, settings.rate_hz, intensity, units, face, movement,
        (float(when), float(strength) * settings.gain) if blinks else None, (float(head[0]), float(head[1])),
        settings.noise_px, cover, settings.seed, settings.seed * 10_000 + int(subject),
    )  # fmt: skip


def _movement(label: str, face: FaceGeometry, more: bool) -> tuple[frozenset[int], tuple[Bump, ...]]:
    """Return which action units an expression moves, and how; ``more`` adds its lower half."""
    sides = ((1.0, face.brow, face.mouth), (-1.0, face.other(face.brow), face.other(face.mouth)))
    bumps: list[Bump] = []
    for inward, brow, corner in sides:
        push: Mapping[str, Bump] = {
            NEGATIVE: (brow[0] + 0.05 * inward, brow[1], 0.09, 0.6 * inward, 1.0),
            POSITIVE: (*corner, 0.09, -0.8 * inward, -0.8),
            SURPRISE: (*brow, 0.10, 0.0, -1.0),
        }
        bumps.append(push[label])
    units = {NEGATIVE: {4}, POSITIVE: {12}, SURPRISE: {1, 2}}[label]
    if more and label == NEGATIVE:
        lips = face.mouth[1]
        bumps += [(face.middle, lips - 0.04, 0.07, 0.0, 0.5), (face.middle, lips + 0.05, 0.07, 0.0, -0.5)]
        units = units | {24}
    if more and label == SURPRISE:
        bumps.append((face.middle, (face.mouth[1] + face.chin[1]) / 2 + 0.05, 0.12, 0.0, 1.0))
        units = units | {26}
    return frozenset(units), tuple(bumps)
