"""The expression stream: a frame goes in, what the active user's face shows comes out.

Two things are read side by side. What everybody can see (a smile, a frown) is measured from the mesh and gives the tone
of the moment. What is brief is spotted from optical flow, and named by a small network once it is over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from time import perf_counter

import numpy as np

from assistive.expression import brows, face, macro, tone
from assistive.expression.face_mesh import FaceFinder, Landmarks, MediaPipeFinder, box_of, check_installed
from assistive.expression.head import pose
from assistive.expression.parts import Judge, Parts
from assistive.expression.quality import judge
from assistive.expression.recogniser import CLASSES, Recogniser
from assistive.expression.spotter import Clip, Spotter
from assistive.settings import ExpressionSettings, RuntimeSettings, SpottingSettings
from assistive.types import Box, Expression, Face, Frame, Hand, Reading

NO_FACE = "no face"
STARTING = "getting ready to read the face"
NEW_FACE = "learning the face at rest"


class ExpressionStream:
    """Reads the active user's face, frame by frame.

    MediaPipe and the recogniser are loaded in a thread of their own, because that takes longer than anything else at
    the start. The first :meth:`read` waits for them, or says that it cannot read yet where nobody can wait: hands
    before a camera are answered at once.

    Args:
        settings: of reading.
        spotting: of spotting.
        runtime: which device the recogniser runs on.
        finder: makes what finds faces.
        recogniser: makes what names brief movements.
        wait: the first frame waits until all is loaded, so that a file gives the same readings every time.

    Attributes:
        stage_ms: milliseconds of the last frame by stage: ``face`` (finding and following it), ``expression`` (what it
            shows).

    Raises:
        DependencyError: MediaPipe is not installed.
    """

    def __init__(
        self, settings: ExpressionSettings, spotting: SpottingSettings, runtime: RuntimeSettings,
        finder: Callable[[], FaceFinder] = MediaPipeFinder,
        recogniser: Callable[[str, RuntimeSettings], Judge] = Recogniser,
        wait: bool = True,
    ) -> None:  # fmt: skip
        if finder is MediaPipeFinder:
            check_installed()
        self._settings = settings
        self._parts = Parts(finder, partial(recogniser, settings.recogniser, runtime))
        self._wait = wait
        self._spotter = Spotter(spotting)
        self._user = face.UserState()
        self._macro = macro.MacroState()
        self._brows: brows.BrowState | None = None
        self._tone = tone.ToneState()
        self.stage_ms: Mapping[str, float] = {"face": 0.0, "expression": 0.0}

    def read(self, frame: Frame, hands: tuple[Hand, ...]) -> Reading:
        """Return what the face of the active user shows in a frame.

        Args:
            frame: the picture.
            hands: hands near its time; a face that one of them covers is not read.

        Raises:
            AssistiveError: a part could not be loaded.
        """
        if not self._wait and not self._parts.ready:
            return _empty(frame.t_s, None, STARTING)
        finder = self._parts.finder
        begin = perf_counter()
        found = self._find(frame, finder)
        middle = perf_counter()
        reading = self._nothing(frame, None, NO_FACE) if found is None else self._look(frame, found, hands)
        self.stage_ms = {"face": (middle - begin) * 1e3, "expression": (perf_counter() - middle) * 1e3}
        return reading

    def close(self) -> None:
        """Give everything back; nothing can be read any more."""
        self._parts.close()

    def _find(self, frame: Frame, finder: FaceFinder) -> Landmarks | None:
        """Follow the user's face, and look at the whole picture where need be."""
        before = self._user.track
        landmarks: Landmarks | None = None
        if self._user.box is not None:
            landmarks = finder.follow(frame.image, self._user.box)
            self._user = face.followed(self._user, _box(landmarks))
        if face.must_search(self._user, frame.t_s, self._settings):
            faces = finder.search(frame.image)
            self._user, chosen = face.searched(self._user, frame.t_s, faces, self._settings)
            if chosen is not None:
                landmarks = finder.follow(frame.image, chosen)
                self._user = face.followed(self._user, _box(landmarks))
        if self._user.track != before:
            self._macro, self._brows, self._tone = macro.MacroState(), None, tone.ToneState()
        return None if self._user.track is None else landmarks

    def _look(self, frame: Frame, landmarks: Landmarks, hands: tuple[Hand, ...]) -> Reading:
        height, width = frame.image.shape[:2]
        pixels = landmarks.astype(np.float64) * (width, height, width)
        head = pose(pixels)
        quality = judge(frame.image, pixels, head, [hand.box for hand in hands], self._settings)
        assert self._user.track is not None and self._user.box is not None
        seen = Face(self._user.box, landmarks, self._user.track, quality.value, quality.problems)
        if quality.value < self._settings.min_quality:
            return self._nothing(frame, seen, quality.reason or NO_FACE)
        clip = self._spotter.step(frame.t_s, frame.image, seen)
        event = None if clip is None else self._name(clip)
        frown = 0.0
        if self._spotter.motion is None:  # it began anew: how far the brows were from rest is no longer known
            self._brows = None
        else:
            self._brows, frown = brows.step(self._brows, self._spotter.motion, self._spotter.settings)
        self._macro, shapes = macro.step(self._macro, frame.t_s, macro.measure(head.points), self._settings)
        if shapes is None:
            return replace(_empty(frame.t_s, seen, NEW_FACE), event=event)
        shapes["frown"] = max(shapes["frown"], frown)
        self._tone, now = tone.step(self._tone, frame.t_s, shapes, self._settings)
        return Reading(frame.t_s, seen, shapes, now.label, now.probabilities, now.intensity, event)

    def _nothing(self, frame: Frame, seen: Face | None, reason: str) -> Reading:
        """Read nothing, and forget what was under way: what happens out of sight has no beginning and no end."""
        self._spotter.reset()
        self._brows = None
        self._tone = tone.ToneState()
        return _empty(frame.t_s, seen, reason)

    def _name(self, clip: Clip) -> Expression | None:
        """Say what a movement was that is over; None when it was no expression after all."""
        spotted, judged = clip.spotted, self._parts.judge.judge(clip.flow)
        if judged.refused:
            return None
        probabilities = dict(zip(CLASSES, judged.probabilities.tolist(), strict=True))
        return Expression(
            spotted.onset_s, spotted.apex_s, spotted.offset_s, judged.label, spotted.kind, judged.probability,
            spotted.intensity, probabilities,
        )  # fmt: skip


def _empty(t_s: float, seen: Face | None, reason: str) -> Reading:
    nothing = tone.NO_TONE
    return Reading(t_s, seen, {}, nothing.label, nothing.probabilities, nothing.intensity, reason=reason)


def _box(landmarks: Landmarks | None) -> Box | None:
    return None if landmarks is None else box_of(landmarks)
