"""The nouns that cross a door between two parts of the system.

Every value is frozen: a thread that receives one may keep it. Images are RGB, boxes are fractions of the frame, time is
seconds of media time taken at capture, so that a latency anywhere downstream is a subtraction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

GESTURES: tuple[str, ...] = (
    "call", "dislike", "fist", "four", "like", "mute", "ok", "one", "palm", "peace", "peace_inverted", "rock", "stop",
    "stop_inverted", "three", "three2", "two_up", "two_up_inverted",
)  # fmt: skip
"""The 18 gestures of HaGRID that the system answers to, in alphabetical order. Names, never indices, cross a door."""

NO_GESTURE = "no_gesture"
"""A hand that shows none of the 18 gestures."""

EXPRESSIONS: tuple[str, ...] = ("negative", "positive", "surprise")
"""The three classes of MEGC2019, in its order. They describe a movement of the face, never what somebody feels."""

NO_EXPRESSION = "none"
"""A face that moves in none of these ways."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture from a source.

    Attributes:
        image: uint8 ``(H, W, 3)``, RGB, never mirrored.
        t_s: media time in seconds: the moment of capture for a camera, the presentation time in a file.
        index: 0 for the first frame of the source; gaps mean frames that the source dropped.
        arrived_s: ``time.perf_counter()`` when the picture reached this process; latencies are measured from here.
    """

    image: NDArray[np.uint8]
    t_s: float
    index: int
    arrived_s: float


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in fractions of the frame, origin top left; may reach a little outside 0..1 at the border."""

    x: float
    y: float
    w: float
    h: float

    @property
    def centre(self) -> tuple[float, float]:
        """Centre ``(x, y)`` in fractions of the frame."""
        return self.x + self.w / 2, self.y + self.h / 2

    @property
    def area(self) -> float:
        """Share of the frame that the box covers, 0..1."""
        return self.w * self.h

    def iou(self, other: Box) -> float:
        """Intersection over union with another box, 0..1."""
        width = min(self.x + self.w, other.x + other.w) - max(self.x, other.x)
        height = min(self.y + self.h, other.y + other.h) - max(self.y, other.y)
        if width <= 0 or height <= 0:
            return 0.0
        return width * height / (self.area + other.area - width * height)


@dataclass(frozen=True, slots=True)
class Hand:
    """One hand in one frame, and what it seems to show.

    Attributes:
        box: where it is.
        score: how sure the detector is that a hand is there, 0..1.
        probabilities: calibrated probability by gesture name, ``no_gesture`` included; sums to 1.
        track: number that stays with one hand from frame to frame; -1 before tracking.
    """

    box: Box
    score: float
    probabilities: Mapping[str, float]
    track: int = -1

    @property
    def gesture(self) -> str:
        """The most probable of the 18 gestures (never ``no_gesture``)."""
        return max(GESTURES, key=lambda name: self.probabilities.get(name, 0.0))

    @property
    def probability(self) -> float:
        """Calibrated probability of :attr:`gesture`, 0..1."""
        return self.probabilities.get(self.gesture, 0.0)


@dataclass(frozen=True, slots=True)
class Face:
    """The face of the active user in one frame.

    Attributes:
        box: where it is.
        landmarks: float32 ``(468, 3)``, MediaPipe's face mesh: x, y in fractions of the frame, z towards the camera
            negative, in fractions of the frame's width.
        track: number that stays with one face while it is followed; a new one after it was lost.
        quality: how far what is read from it can be trusted, 0..1.
        problems: what lowers the quality: ``small``, ``blurred``, ``dark``, ``turned``, ``covered``, ``cut``.
    """

    box: Box
    landmarks: NDArray[np.float32]
    track: int
    quality: float
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expression:
    """Something that a face did, from rest and back to it.

    Attributes:
        onset_s: media time at which the movement began.
        apex_s: media time of its strongest moment.
        offset_s: media time at which it was over.
        label: one of ``EXPRESSIONS``, or ``none`` when the recogniser abstains.
        kind: ``micro`` (at most 0.5 s from onset to offset) or ``macro``.
        probability: calibrated probability of the label, 0..1.
        intensity: strength of the movement, 0..1.
        probabilities: calibrated probability by name, ``none`` included; empty where nobody judged the movement.
    """

    onset_s: float
    apex_s: float
    offset_s: float
    label: str
    kind: Literal["micro", "macro"]
    probability: float
    intensity: float
    probabilities: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the expression stream makes of one frame.

    Attributes:
        t_s: media time of the frame.
        face: the active user's face, or None.
        shapes: strength of each macro shape now, 0..1, by name (``smile``, ``frown``, ``brow_raise``, ``mouth_open``,
            ...), against this user's own neutral face; empty without a face that can be read.
        label: tone of this moment: one of ``EXPRESSIONS``, or ``none``.
        probabilities: calibrated probability by name, ``none`` included; sums to 1.
        intensity: strength of the tone, 0..1.
        event: an expression that ended in this very frame, or None.
        reason: why nothing can be read ("no face", "face turned", ...), or None.
    """

    t_s: float
    face: Face | None
    shapes: Mapping[str, float]
    label: str
    probabilities: Mapping[str, float]
    intensity: float
    event: Expression | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """What the streams together say about one frame.

    Attributes:
        t_s: media time of the frame.
        hand: the hand that leads, or None when there is none to judge.
        present: a person was seen in this frame (for now: any hand).
        reason: why there is no leading hand ("no hand", "hand too small"), or None.
        tone: how it is meant to sound: one of ``EXPRESSIONS``, or ``none``; never what somebody feels.
        tone_probability: calibrated probability of the tone, 0..1.
        tone_intensity: its strength, 0..1, smoothed.
        weights: how much each stream counted, by ``gesture`` and ``expression``; sums to 1.
    """

    t_s: float
    hand: Hand | None
    present: bool
    reason: str | None = None
    tone: str = NO_EXPRESSION
    tone_probability: float = 1.0
    tone_intensity: float = 0.0
    weights: Mapping[str, float] = field(default_factory=lambda: {"gesture": 1.0, "expression": 0.0})


Phase = Literal["watching", "holding", "spoken", "paused"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What the decision machine made of one intent.

    Attributes:
        t_s: media time of the frame.
        phase: ``watching`` (nothing held), ``holding`` (ring fills), ``spoken`` (waits for release), ``paused``.
        gesture: the gesture that is held or was just spoken, or None.
        probability: its smoothed (median) probability, 0..1.
        progress: how full the ring is, 0..1.
        fired: the gesture was confirmed in this very frame: act on it once.
        reason: why nothing was said in this frame, in words for the overlay; None when ``fired``.
    """

    t_s: float
    phase: Phase
    gesture: str | None
    probability: float
    progress: float
    fired: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class Style:
    """How a text is spoken, relative to the voice's own settings.

    Attributes:
        rate: speed factor, 1 = the voice's own, 2 = twice as fast.
        pitch: pitch factor, 1 = the voice's own.
        pitch_range: melody factor, 0 = monotone, 1 = the voice's own.
        volume: loudness factor, 1 = as loud as every voice, at most 2.
        pause_ms: silence added to every pause, milliseconds.
    """

    rate: float = 1.0
    pitch: float = 1.0
    pitch_range: float = 1.0
    volume: float = 1.0
    pause_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Manner:
    """How the next phrase will sound: the tone that counts for it, settled enough to be shown before it is said.

    Attributes:
        tone: one of ``EXPRESSIONS``, or ``none`` for neutral.
        intensity: how strong it was at its strongest, 0..1.
        locked: the user keeps it neutral, whatever the face shows.
    """

    tone: str = NO_EXPRESSION
    intensity: float = 0.0
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something to say.

    Attributes:
        t_s: media time of the decision.
        text: the words.
        gesture: class name of the gesture that asked for it; None for text that was typed.
        confidence: smoothed probability of the gesture, 0..1.
        tone: name of the tone (None = not judged).
        style: prosody.
        urgent: true for the emergency phrase: goes before everything else and is never dropped.
        decided_s: ``time.perf_counter()`` at the decision.
        weights: how much each stream counted, by ``gesture`` and ``expression``; sums to 1.
    """

    t_s: float
    text: str
    gesture: str | None = None
    confidence: float = 1.0
    tone: str | None = None
    style: Style = field(default_factory=Style)
    urgent: bool = False
    decided_s: float = 0.0
    weights: Mapping[str, float] = field(default_factory=lambda: {"gesture": 1.0, "expression": 0.0})


@dataclass(frozen=True, slots=True)
class Speech:
    """Sound that says something.

    Attributes:
        samples: float32 ``(n,)``, mono, -1..1.
        rate_hz: samples per second.
    """

    samples: NDArray[np.float32]
    rate_hz: int

    @property
    def seconds(self) -> float:
        """Length of the sound in seconds."""
        return len(self.samples) / self.rate_hz


@dataclass(frozen=True, slots=True)
class Step:
    """All that the pipeline made of one frame.

    Attributes:
        frame: the picture itself.
        hands: every hand found, tracked, the leading one included.
        intent: what the streams say together.
        decision: what the decision machine made of it.
        utterance: what is to be said because of this frame, or None.
        action: what the gesture did instead (``pause``, ``resume``, ``repeat``, ``stop_speaking``, ``neutral_tone``),
            or None.
        stage_ms: milliseconds spent by stage name ("detect", "verify", "face", "expression", "join", "decide"); the
            streams of hands and face run side by side, "join" is what the first waited for the second.
        reading: what the expression stream makes of it; None when the face is not read.
        manner: how what is held now would be said, or what was just said.
    """

    frame: Frame
    hands: tuple[Hand, ...]
    intent: Intent
    decision: Decision
    utterance: Utterance | None = None
    action: str | None = None
    stage_ms: Mapping[str, float] = field(default_factory=dict)
    reading: Reading | None = None
    manner: Manner = field(default_factory=Manner)
