"""Scenes of one person: a face with a known expression and a hand with a known gesture, in one and the same frames.

Hand and face come from different people, because nobody has recorded both; but they share a frame, so that a hand can
hide a mouth, and light, blur and noise act on both. A scene is two frames, the face at rest and at the apex of its
expression. Everything about it follows from its plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.synth.cutouts import Cutout
from assistive.synth.face_action import FacePose, draw_beside, draw_head, draw_movement, draw_stray, together
from assistive.synth.face_camera import FaceCamera, skin_grain
from assistive.synth.face_cover import Cover
from assistive.synth.face_fit import FaceFitter, FittedFace
from assistive.synth.face_model import FaceModel
from assistive.synth.face_portraits import Portrait
from assistive.synth.face_warp import Bend, Window, bend, draw

Image = NDArray[np.uint8]
Float = NDArray[np.float32]

SIZE = (480, 360)
FACE_TROUBLES = ("mask", "glasses", "hand", "dark", "profile", "out_of_frame")
"""What can make a face hard to read; ``hand`` is the gesturing hand itself, before the face."""
HAND_TROUBLES = ("blurred", "small", "cut", "absent")
FACE_PX = (90.0, 150.0)
"""Width of a face in the frame, pixels: 0.6 to 1 m before a usual camera."""
HAND_SHARE = (0.75, 1.15)
"""Longer side of a hand over the width of the face."""
_ROOM_PX = 12
"""Room for a hand to tremble in."""
_AT_FACE = {"mute": (0.0, 0.42), "call": (0.55, 0.35)}
"""Where a hand is held that belongs to the face, from the middle of the eyes, widths of the face."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a scene shows.

    Attributes:
        seed: of everything that is left to chance.
        face: number of the portrait.
        hand: number of the cut-out hand.
        tone: expression that the face shows, or ``none``.
        intensity: its strength, 0.05..1; above 0.6 it is a macro-expression; 0 for ``none``.
        held: the face still shows it when it is asked for, as a macro-expression; otherwise it is over by then.
        face_trouble: one of ``FACE_TROUBLES``, or "".
        hand_trouble: one of ``HAND_TROUBLES``, or "".
    """

    seed: int
    face: int
    hand: int
    tone: str
    intensity: float
    held: bool
    face_trouble: str = ""
    hand_trouble: str = ""


class SceneComposer:
    """Draws scenes from plans (about 60 ms each).

    Args:
        model: the face model.
        faces: portraits.
        hands: cut-out hands.
        rooms: pictures without people, for the background.
    """

    def __init__(
        self, model: FaceModel, faces: Sequence[Portrait], hands: Sequence[Cutout], rooms: Sequence[Image]
    ) -> None:
        self._model, self._faces, self._hands, self._rooms = model, faces, hands, rooms
        self._fitter = FaceFitter(model)
        self._fitted: dict[int, FittedFace] = {}

    def compose(self, plan: Plan) -> tuple[Image, Image]:
        """Draw a scene.

        Returns:
            The frame before the expression and the frame at its apex, each uint8 ``(360, 480, 3)``, RGB.
        """
        rng = np.random.default_rng(plan.seed)
        room = _fill(self._rooms[int(rng.integers(len(self._rooms)))], rng)
        width_px = float(rng.uniform(*FACE_PX))
        middle = _middle(width_px, plan.face_trouble == "out_of_frame", rng)
        rest, apex = self._face(plan, width_px, rng)
        layer = None
        if plan.hand_trouble != "absent":
            layer = _HandLayer.draw(self._hands[plan.hand], plan, middle, width_px, rng)
        camera = replace(FaceCamera.draw(rng, 0.3), flicker=0.003)
        frames = []
        for drawn in (rest, apex):
            frame = room.copy()
            _set_in(frame, drawn, middle)
            if layer is not None:
                layer.paste(frame, rng)
            frames.append(camera.take(frame, rng))
        return frames[0], frames[1]

    def _face(self, plan: Plan, width_px: float, rng: np.random.Generator) -> tuple[Image, Image]:
        """Draw the portrait at rest and at the apex, with what hides or darkens it."""
        face = self._fit(plan.face)
        movement = draw_movement(self._model, plan.tone, rng, plan.intensity or None)
        units = together(movement.units, draw_beside(rng, 0.6), draw_stray(rng, min(movement.intensity, 0.5)))
        still = FacePose()
        if plan.face_trouble == "profile":
            still = FacePose(yaw=float(rng.uniform(24, 38) * rng.choice((-1, 1))), pitch=float(rng.normal(0, 6)))
        moved = draw_head(rng, float(rng.exponential(0.006)))
        moved = replace(moved, units=units, yaw=moved.yaw + still.yaw, pitch=moved.pitch + still.pitch)
        poses = bend(self._model, face, still), bend(self._model, face, moved, _light(rng))
        window = _window(face, width_px)
        grain = skin_grain(rng, 512, float(rng.exponential(1.5)))
        pictures = [draw(face, pose, window, grain) for pose in poses]
        if plan.face_trouble in ("mask", "glasses"):
            cover = Cover.draw(rng, "mask" if plan.face_trouble == "mask" else "glasses")
            for picture, pose in zip(pictures, poses, strict=True):
                cover.apply(picture, _worn(face, pose, window))
        if plan.face_trouble == "dark":
            gain, noise = float(rng.uniform(0.08, 0.22)), float(rng.uniform(2, 5))
            dim = FaceCamera(gain=gain, noise=noise)
            pictures = [dim.take(picture, rng) for picture in pictures]
        return pictures[0], pictures[1]

    def _fit(self, index: int) -> FittedFace:
        if index not in self._fitted:
            self._fitted[index] = self._fitter.fit(self._faces[index])
        return self._fitted[index]


@dataclass(frozen=True, slots=True, eq=False)
class _HandLayer:
    """A hand laid out at the size and place at which it is shown; it trembles from frame to frame.

    Attributes:
        image: float32 ``(360, 480, 3)``.
        alpha: float32 ``(360, 480)``, 0..1.
        tremor_px: how far it moves between two frames, pixels.
    """

    image: Float
    alpha: Float
    tremor_px: float

    @classmethod
    def draw(
        cls, cutout: Cutout, plan: Plan, face: tuple[float, float], face_px: float, rng: np.random.Generator
    ) -> _HandLayer:
        height, width = cutout.image.shape[:2]
        longer = max(cutout.box.w * width, cutout.box.h * height)
        share = float(rng.uniform(*HAND_SHARE))
        if plan.hand_trouble == "small":
            share *= float(rng.uniform(0.2, 0.38))
        scale = share * face_px / longer
        size = cutout.box.w * width * scale, cutout.box.h * height * scale
        middle = _place(cutout, plan, face, face_px, size, rng)
        box = cutout.box.centre[0] * width, cutout.box.centre[1] * height
        matrix = cv2.getRotationMatrix2D(box, float(rng.normal(0, 8)), scale)
        matrix[:, 2] += np.asarray(middle) - box
        source = cutout.image
        if scale < 0.6:
            source = np.asarray(cv2.GaussianBlur(source, (0, 0), 0.4 / scale), np.uint8)
        image = cv2.warpAffine(source, matrix, SIZE, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        alpha = cv2.warpAffine(cutout.alpha, matrix, SIZE, flags=cv2.INTER_LINEAR)
        layer = np.dstack([image.astype(np.float32), alpha])
        if plan.hand_trouble == "blurred":
            layer = _smeared(layer, float(rng.uniform(0.12, 0.3)) * max(size), rng)
        at_face = plan.face_trouble == "hand"
        return cls(layer[..., :3], layer[..., 3], float(rng.exponential(2.5 if at_face else 1.2)))

    def paste(self, frame: Image, rng: np.random.Generator) -> None:
        x_px, y_px = rng.normal(0, self.tremor_px, 2)
        shift = np.array([[1, 0, x_px], [0, 1, y_px]])
        x, y, w, h = cv2.boundingRect((self.alpha > 0.004).astype(np.uint8))
        x0, y0 = max(x - _ROOM_PX, 0), max(y - _ROOM_PX, 0)
        area = slice(y0, y + h + _ROOM_PX), slice(x0, x + w + _ROOM_PX)
        size = self.alpha[area].shape[::-1]
        image = cv2.warpAffine(self.image[area], shift, size, borderMode=cv2.BORDER_REPLICATE)
        alpha = cv2.warpAffine(self.alpha[area], shift, size)[..., None]
        frame[area] = (image * alpha + frame[area] * (1 - alpha)).astype(np.uint8)


def _middle(face_px: float, outside: bool, rng: np.random.Generator) -> tuple[float, float]:
    """Choose where the middle of the eyes lies, pixels of the frame; there is room for a hand beside the face."""
    if outside:
        return float(rng.uniform(0.38, 0.62) * SIZE[0]), -1.4 * face_px
    return float(rng.uniform(0.36, 0.64) * SIZE[0]), float(rng.uniform(0.75 * face_px, 0.42 * SIZE[1]))


def _place(
    cutout: Cutout, plan: Plan, face: tuple[float, float], face_px: float, size: tuple[float, float],
    rng: np.random.Generator,
) -> tuple[float, float]:  # fmt: skip
    """Choose the middle of the hand, pixels of the frame."""
    side = float(rng.choice((-1, 1)))
    if plan.face_trouble == "hand":
        x, y = _AT_FACE.get(cutout.names[0], (float(rng.uniform(0, 0.5)), float(rng.uniform(0, 0.6))))
        away = face_px * np.array([side * x, y]) + rng.normal(0, 0.06 * face_px, 2)
        return face[0] + float(away[0]), face[1] + float(away[1])
    if plan.hand_trouble == "cut":
        hidden = float(rng.uniform(0.3, 0.55))
        if rng.random() < 0.5:
            return _beside(face[0], face_px, size[0], side, rng), SIZE[1] + size[1] * (hidden - 0.5)
        at = size[0] * (0.5 - hidden)
        return (at if side < 0 else SIZE[0] - at), float(rng.uniform(0.4, 0.8) * SIZE[1])
    low, high = size[1] / 2 + 4, SIZE[1] - size[1] / 2 - 4
    return _beside(face[0], face_px, size[0], side, rng), float(rng.uniform(max(low, 0.25 * SIZE[1]), high))


def _beside(face_x: float, face_px: float, width: float, side: float, rng: np.random.Generator) -> float:
    nearest = face_x + side * (0.62 * face_px + width / 2)
    farthest = (SIZE[0] - width / 2 - 4) if side > 0 else width / 2 + 4
    return float(nearest + (farthest - nearest) * rng.uniform(0, 0.8))


def _smeared(layer: Float, length_px: float, rng: np.random.Generator) -> Float:
    """Blur a layer along one direction, as a hand that moves while the shutter is open."""
    side = max(3, round(length_px) | 1)
    kernel = np.zeros((side, side), np.float32)
    reach = np.array([np.cos(angle := rng.uniform(0, np.pi)), np.sin(angle)]) * (side - 1) / 2
    start, end = ((side - 1) / 2 - reach).round().astype(int), ((side - 1) / 2 + reach).round().astype(int)
    cv2.line(kernel, start.tolist(), end.tolist(), 1.0, 1)
    return np.asarray(cv2.filter2D(layer, -1, kernel / kernel.sum()), np.float32)


def _set_in(frame: Image, picture: Image, middle: tuple[float, float]) -> None:
    """Set a portrait into a frame, the middle of its window at ``middle``, its edges soft."""
    height, width = picture.shape[:2]
    left, top = round(middle[0] - width / 2), round(middle[1] - height * 0.45)
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + width, SIZE[0]), min(top + height, SIZE[1])
    if x0 >= x1 or y0 >= y1:
        return
    soft = max(4, width // 12)
    edge = np.minimum(np.arange(width), np.arange(width)[::-1])[None] / soft
    edge = np.minimum(edge, np.minimum(np.arange(height) + soft, np.arange(height)[::-1])[:, None] / soft).clip(0, 1)
    rows, columns = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
    share = edge[rows, columns, None].astype(np.float32)
    area = frame[y0:y1, x0:x1]
    frame[y0:y1, x0:x1] = (picture[rows, columns] * share + area * (1 - share)).astype(np.uint8)


def _window(face: FittedFace, width_px: float) -> Window:
    """Return the part of a portrait that is set into the frame: all of it."""
    height, width = face.portrait.image.shape[:2]
    scale = width_px / face.width_px
    return Window(0.0, 0.0, scale, (round(width * scale), round(height * scale)))


def _worn(face: FittedFace, pose: Bend, window: Window) -> Float:
    rest = face.portrait.mesh
    return window.place(rest + pose.head_at(rest))


def _light(rng: np.random.Generator) -> tuple[float, float]:
    return float(rng.normal(0, 0.4)), float(rng.normal(-0.4, 0.3))


def _fill(room: Image, rng: np.random.Generator) -> Image:
    """Cut a piece as large as the frame out of a room, out of focus."""
    height, width = room.shape[:2]
    scale = max(SIZE[0] / width, SIZE[1] / height) * float(rng.uniform(1, 1.3))
    large = cv2.resize(room, (round(width * scale) + 1, round(height * scale) + 1), interpolation=cv2.INTER_LINEAR)
    x = int(rng.integers(large.shape[1] - SIZE[0] + 1))
    y = int(rng.integers(large.shape[0] - SIZE[1] + 1))
    return np.asarray(cv2.GaussianBlur(large[y : y + SIZE[1], x : x + SIZE[0]], (0, 0), 1.5), np.uint8)
