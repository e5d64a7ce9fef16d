"""The window's side of a run: takes steps from the vision thread, shows the newest one in the main thread."""

from __future__ import annotations

import time

from assistive.handover import Newest
from assistive.language.composer import hint
from assistive.language.vocabulary import VocabularyFile
from assistive.meter import Meter
from assistive.pipeline import BESIDE
from assistive.types import Step
from assistive.ui.overlay import Overlay, OverlayInfo
from assistive.ui.window import Action, Window
from assistive.voice.speaker import SpeechEvent

MESSAGE_S = 5.0
"""How long a message that belongs to no frame stays in the picture."""

WAIT_S = 0.02


class Viewer:
    """Shows a run; a sink of the pipeline and a listener of the speaker.

    Args:
        window: where to show it.
        vocabulary: for the phrase that waits while a gesture is held.
        meter: for the rate.
        mirror: show the picture mirrored.
        caption_s: how long a caption stays at least.
        provider: where the networks run, for the header.
        voice: who speaks, for the header.
    """

    def __init__(
        self, window: Window, vocabulary: VocabularyFile, meter: Meter, mirror: bool, caption_s: float, provider: str,
        voice: str,
    ) -> None:  # fmt: skip
        self._window = window
        self._vocabulary = vocabulary
        self._meter = meter
        self._mirror = mirror
        self._caption_s = caption_s
        self._parts = (provider, voice)
        self._overlay = Overlay()
        self._newest: Newest[Step] = Newest()
        self._step: Step | None = None
        self._message = ("", 0.0)
        self._caption = ("", 0.0)

    def take(self, step: Step) -> None:
        """Leave a step for the window; never waits."""
        self._newest.put(step)

    def tell(self, reason: str) -> None:
        """Show a message for a while."""
        self._message = (reason, time.perf_counter() + MESSAGE_S)

    def hear(self, event: SpeechEvent) -> None:
        """Show what is being said, for as long as it sounds."""
        if event.kind == "started":
            stay_s = max(self._caption_s, (event.audio_ms or 0.0) / 1000)
            self._caption = (event.utterance.text, time.perf_counter() + stay_s)
        elif event.kind == "stopped":
            self._caption = ("", 0.0)

    def show(self, status: str | None) -> Action | None:
        """Show the newest step and return what a key asked for; in the main thread only.

        Args:
            status: what is wrong with the source for the moment, or None.
        """
        self._step = self._newest.get(WAIT_S) or self._step
        action = self._window.show(self._overlay.draw(self._step, self._info(status)))
        if action == "mirror":
            self._mirror = not self._mirror
        return action

    def close(self) -> None:
        """Close the window."""
        self._window.close()

    def _info(self, status: str | None) -> OverlayInfo:
        decision = self._step.decision if self._step else None
        gesture = decision.gesture if decision else None
        return OverlayInfo(
            phrase=hint(self._vocabulary.current, gesture, self._step.manner) if self._step and gesture else None,
            caption=_while_fresh(self._caption),
            fps=self._meter.rate_hz(),
            decision_ms=_until_decided(self._step) if self._step else 0.0,
            status=status or _while_fresh(self._message),
            provider=self._parts[0],
            voice=self._parts[1],
            mirror=self._mirror,
            paused=decision is not None and decision.phase == "paused",
        )


def _until_decided(step: Step) -> float:
    return sum(ms for stage, ms in step.stage_ms.items() if stage not in BESIDE)


def _while_fresh(message: tuple[str, float]) -> str | None:
    text, until_s = message
    return text if text and time.perf_counter() < until_s else None
