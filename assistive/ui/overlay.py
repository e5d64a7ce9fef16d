"""What a person sees: the picture, what the machine makes of it, and what it says."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from assistive.types import NO_EXPRESSION, Box, Hand, Intent, Manner, Reading, Step
from assistive.ui.ink import (
    CAP_HEIGHT,
    Colour,
    Image,
    balance,
    centred,
    corners,
    panel,
    ring,
    shortened,
    sign,
    text_width,
    tick,
    wrapped,
    write,
)

CANVAS = (640, 480)
SMALLEST_PX = 240
LARGEST_PX = 1920
"""A picture whose sides are not between these two is fitted into ``CANVAS``."""

# All text has a contrast of at least 7:1, even where a white picture shines through its panel.
WHITE: Colour = (255, 255, 255)
PALE: Colour = (232, 236, 240)
GREY: Colour = (206, 211, 216)
DIM: Colour = (92, 98, 106)
INK: Colour = (16, 19, 24)
LEAD: Colour = (72, 221, 204)
SAID: Colour = (134, 226, 122)
AMBER: Colour = (255, 196, 61)
RED: Colour = (142, 22, 28)

OPACITY = 0.86
SMALL, MEDIUM, LARGE = 13, 19, 34
"""Sizes of text in a picture 480 pixels high."""
CAPTION_LINES = 3
HINTS = "p pause   s stop   r repeat   t tone   m mirror   q quit"


@dataclass(frozen=True, slots=True)
class OverlayInfo:
    """What the overlay shows beside the step itself.

    Attributes:
        phrase: what will be said when the ring is full, or None.
        caption: what is being said, or None.
        fps: frames per second.
        decision_ms: time from frame to decision, milliseconds.
        status: what is wrong with the source or another part, or None.
        provider: where the networks run.
        voice: who speaks.
        mirror: show the picture mirrored (text stays readable, boxes follow).
        paused: nothing is said until it is resumed.
    """

    phrase: str | None = None
    caption: str | None = None
    fps: float = 0.0
    decision_ms: float = 0.0
    status: str | None = None
    provider: str = ""
    voice: str = ""
    mirror: bool = False
    paused: bool = False


class Overlay:
    """Draws on a copy of the picture.

    Args:
        text_scale: size of all text and rings, 1 = as designed.
    """

    def __init__(self, text_scale: float = 1.0) -> None:
        self._text_scale = text_scale
        self._lead: Box | None = None

    def draw(self, step: Step | None, info: OverlayInfo) -> Image:
        """Return the picture to show.

        Args:
            step: what was made of the newest frame; None before there is one.
            info: everything else.

        Returns:
            uint8 ``(h, w, 3)``, RGB: the size of the frame, or 640x480 where that is too small or too large.
        """
        image, place = _canvas(step, info.mirror)
        sheet = _Sheet(image, place, image.shape[0] / CANVAS[1] * self._text_scale)
        if step is not None:
            if step.reading is not None:
                sheet.face(step.reading, step.manner, info.mirror)
                sheet.weights(step.intent)
            self._hands(sheet, step, info)
        self._margins(sheet, step, info)
        return image

    def _hands(self, sheet: _Sheet, step: Step, info: OverlayInfo) -> None:
        lead = step.intent.hand
        for hand in step.hands:
            if lead is None or hand.track != lead.track:
                sheet.other(hand, info.mirror)
        if lead is not None:
            self._lead = lead.box
            sheet.lead(lead, info.mirror)
        if step.decision.phase in ("holding", "spoken") and self._lead is not None:
            sheet.hold(self._lead, step, info)

    def _margins(self, sheet: _Sheet, step: Step | None, info: OverlayInfo) -> None:
        sheet.header(info)
        bottom = sheet.caption(info.caption) if info.caption else sheet.image.shape[0]
        reason = step.decision.reason if step is not None else "waiting for the first picture"
        sheet.footer(reason, bottom, hints=not info.caption)
        banners = [(info.status, RED, WHITE)] if info.status else []
        if info.paused:
            banners.append(("PAUSED: nothing is said", AMBER, INK))
        for row, (text, back, front) in enumerate(banners):
            sheet.banner(str(text), row, back, front)


def _canvas(step: Step | None, mirror: bool) -> tuple[Image, tuple[int, int, int, int]]:
    """Return a copy of the picture, fitted if need be, and where in it the picture lies ``(x, y, w, h)``."""
    if step is None:
        return np.full((CANVAS[1], CANVAS[0], 3), INK, np.uint8), (0, 0, *CANVAS)
    source = step.frame.image
    height, width = source.shape[:2]
    if min(width, height) >= SMALLEST_PX and max(width, height) <= LARGEST_PX:
        return np.asarray(cv2.flip(source, 1) if mirror else source.copy(), np.uint8), (0, 0, width, height)
    scale = min(CANVAS[0] / width, CANVAS[1] / height)
    w, h = max(round(width * scale), 1), max(round(height * scale), 1)
    x, y = (CANVAS[0] - w) // 2, (CANVAS[1] - h) // 2
    image = np.full((CANVAS[1], CANVAS[0], 3), INK, np.uint8)
    small = cv2.resize(source, (w, h), interpolation=cv2.INTER_AREA)
    image[y : y + h, x : x + w] = cv2.flip(small, 1) if mirror else small
    return image, (x, y, w, h)


class _Sheet:
    """One picture in the making: everything is drawn in place, in units that grow with it."""

    def __init__(self, image: Image, place: tuple[int, int, int, int], unit: float) -> None:
        self.image = image
        self._place = place
        self._unit = unit
        self._height, self._width = image.shape[:2]

    def _px(self, length: float) -> int:
        return max(round(length * self._unit), 1)

    def _box(self, box: Box, mirror: bool) -> tuple[int, int, int, int]:
        x, y, w, h = self._place
        left = 1 - box.x - box.w if mirror else box.x
        return round(x + left * w), round(y + box.y * h), round(box.w * w), round(box.h * h)

    def face(self, reading: Reading, manner: Manner, mirror: bool) -> None:
        """Mark the face faintly; below it the tone that counts, as a shape and a word, or why nothing can be read."""
        size, pad = self._px(SMALL), self._px(5)
        height = size + pad
        if reading.face is None:
            x, y, w, h = pad, self._px(SMALL + 12) - height // 4, 0, 0
        else:
            x, y, w, h = self._box(reading.face.box, mirror)
            cv2.rectangle(self.image, (x, y), (x + w, y + h), DIM, 1, cv2.LINE_AA)
        toned = manner.locked or manner.tone != NO_EXPRESSION
        text = "tone: neutral, locked" if manner.locked else f"tone: {manner.tone}" if toned else reading.reason
        if text is None:
            return
        room = height if toned else 0
        width = room + text_width(text, size) + 2 * pad
        left = min(max(x + (w - width) // 2, pad), max(self._width - width - pad, 0))
        top = min(y + h + pad, self._height - 3 * height)
        panel(self.image, left, top, width, height, INK, OPACITY, height // 2)
        if toned:
            sign(self.image, left + height // 2 + pad // 2, top + height // 2, height // 3, manner.tone, PALE)
        baseline = top + (height + round(size * CAP_HEIGHT)) // 2
        write(self.image, text, left + room + pad, baseline, size, PALE if toned else GREY)

    def weights(self, intent: Intent) -> None:
        """Show below the header at the right how much hand and face counted."""
        size, pad = self._px(SMALL), self._px(6)
        height, bar = size + pad, self._px(64)
        words = ("hand", "face")
        width = sum(text_width(word, size) for word in words) + bar + 4 * pad
        left, top = self._width - width - pad, self._px(SMALL + 18)
        panel(self.image, left, top, width, height, INK, OPACITY, height // 2)
        baseline = top + (height + round(size * CAP_HEIGHT)) // 2
        write(self.image, words[0], left + pad, baseline, size, LEAD)
        x = left + 2 * pad + text_width(words[0], size)
        balance(self.image, x, top + height // 4, bar, height // 2, intent.weights["gesture"], LEAD, PALE)
        write(self.image, words[1], x + bar + pad, baseline, size, PALE)

    def other(self, hand: Hand, mirror: bool) -> None:
        """Mark a hand that does not lead."""
        x, y, w, h = self._box(hand.box, mirror)
        cv2.rectangle(self.image, (x, y), (x + w, y + h), GREY, self._px(1.5), cv2.LINE_AA)

    def lead(self, hand: Hand, mirror: bool) -> None:
        """Mark the leading hand, with its gesture."""
        x, y, w, h = self._box(hand.box, mirror)
        corners(self.image, x, y, w, h, LEAD, self._px(3))
        size, pad = self._px(SMALL + 1), self._px(6)
        name, number = hand.gesture.replace("_", " "), f"{hand.probability:.0%}"
        name_width = text_width(name, size, 600)
        width = name_width + text_width(number, size) + 3 * pad
        height = size + pad
        left = min(max(x - 1, 0), max(self._width - width, 0))
        top = y - height - self._px(4) if y - height > self._px(30) else y + self._px(4)
        panel(self.image, left, top, width, height, INK, OPACITY, self._px(5))
        baseline = top + (height + round(size * CAP_HEIGHT)) // 2
        write(self.image, name, left + pad, baseline, size, LEAD, 600)
        write(self.image, number, left + 2 * pad + name_width, baseline, size, PALE)

    def hold(self, box: Box, step: Step, info: OverlayInfo) -> None:
        """Draw the ring, and beside it the phrase that waits for it to fill, with the sign of its tone."""
        decision, tone = step.decision, step.manner.tone
        radius, pad = self._px(20), self._px(8)
        x, y, w, h = self._box(box, info.mirror)
        size = self._px(MEDIUM)
        phrase = shortened(info.phrase or "", size, self._width * 2 // 5, 600)
        height = 2 * (radius + pad)
        signed = size + pad if phrase and tone != NO_EXPRESSION else 0
        width = height + (signed + text_width(phrase, size, 600) + 2 * pad if phrase else 0)
        left = min(max(x + w // 2 - height // 2, pad), self._width - width - pad)
        top = min(max(y + h + pad, pad), self._height - height - self._px(34))
        panel(self.image, left, top, width, height, INK, OPACITY, height // 2)
        cx = cy = height // 2
        said = decision.phase == "spoken"
        ring(self.image, left + cx, top + cy, radius, 1.0 if said else decision.progress, SAID if said else LEAD, DIM)
        if said:
            tick(self.image, left + cx, top + cy, radius // 2, SAID)
        if phrase:
            baseline = top + cy + round(size * CAP_HEIGHT / 2)
            write(self.image, phrase, left + height + signed + pad // 2, baseline, size, WHITE, 600)
        if signed:
            sign(self.image, left + height + (size + pad) // 2, top + cy, size // 2, tone, WHITE)

    def header(self, info: OverlayInfo) -> None:
        """Write rates at the left and the parts in use at the right."""
        size, pad = self._px(SMALL), self._px(8)
        height = size + 2 * pad - self._px(4)
        panel(self.image, 0, 0, self._width, height, INK, OPACITY, 0)
        baseline = (height + round(size * CAP_HEIGHT)) // 2
        rates = f"{info.fps:.0f} frames/s   {info.decision_ms:.0f} ms to decide"
        write(self.image, rates, pad, baseline, size, PALE)
        room = self._width - text_width(rates, size) - 4 * pad
        parts = shortened("   ".join(filter(None, (info.provider, info.voice))), size, room)
        write(self.image, parts, self._width - pad - text_width(parts, size), baseline, size, GREY)

    def footer(self, reason: str | None, bottom: int, hints: bool) -> None:
        """Write why nothing is said at the left, and the keys at the right."""
        size, pad = self._px(SMALL), self._px(7)
        height = size + pad
        top = bottom - height - pad
        baseline = top + (height + round(size * CAP_HEIGHT)) // 2
        used = 0
        if reason:
            text = shortened(reason, size + 1, self._width - 4 * pad)
            used = text_width(text, size + 1) + 2 * pad
            panel(self.image, pad, top, used, height, INK, OPACITY, height // 2)
            write(self.image, text, 2 * pad, baseline, size + 1, PALE)
        width = text_width(HINTS, size) + 2 * pad
        if hints and used + width + 4 * pad <= self._width:
            left = self._width - width - pad
            panel(self.image, left, top, width, height, INK, OPACITY, height // 2)
            write(self.image, HINTS, left + pad, baseline, size, GREY)

    def caption(self, text: str) -> int:
        """Write large what is being said, along the bottom; return the upper edge of the bar."""
        pad = self._px(14)
        for size in (self._px(LARGE), self._px(LARGE * 0.8), self._px(LARGE * 0.62)):
            lines = wrapped(text, size, self._width - 4 * pad, 600)
            if len(lines) <= CAPTION_LINES:
                break
        if len(lines) > CAPTION_LINES:
            cut = shortened(lines[CAPTION_LINES - 1] + "…", size, self._width - 4 * pad, 600)
            lines = (*lines[: CAPTION_LINES - 1], cut)
        step = round(size * 1.24)
        top = int(self._height - step * len(lines) - pad)
        panel(self.image, 0, top, self._width, self._height - top, INK, OPACITY, 0)
        self.image[top : top + self._px(3)] = SAID
        for row, line in enumerate(lines):
            centred(self.image, line, self._width // 2, top + pad // 2 + step * row + step // 2, size, WHITE, 600)
        return top

    def banner(self, text: str, row: int, back: Colour, front: Colour) -> None:
        """Lay a bar with a message across the upper part of the picture."""
        size, pad = self._px(MEDIUM), self._px(8)
        height = size + 2 * pad
        top = self._px(36) + row * (height + self._px(4))
        panel(self.image, 0, top, self._width, height, back, 1.0, 0)
        text = shortened(text, size, self._width - 4 * pad, 600)
        centred(self.image, text, self._width // 2, top + height // 2, size, front, 600)
