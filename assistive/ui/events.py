"""What happened, as JSON lines for other programs (``--events FILE``): start, what was said or seen, summary last."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assistive.types import Expression, Utterance
from assistive.ui.jsonlines import JsonLines

STATUS_REST_S = 1.0
"""Reasons that pass with the frames are written this far apart at least, so that a flickering hand makes no flood."""


class EventLog:
    """The events of one run.

    Args:
        path: the file, ``-`` for the standard output, None to write nothing.
        expressions: write expressions and tones too; without it neither ever gets into the file.

    Raises:
        AssistiveError: the file cannot be written.
    """

    def __init__(self, path: Path | str | None, expressions: bool = False) -> None:
        self._lines = None if path is None else JsonLines(path, "events")
        self._expressions = expressions
        self._said = ""
        self._said_s = 0.0

    def start(self, facts: Mapping[str, Any]) -> None:
        """Write the first line.

        Args:
            facts: what runs: version, source, provider, voice ...

        Raises:
            AssistiveError: the disk is full.
        """
        self._write("start", facts)

    def utterance(self, utterance: Utterance, audio_ms: float | None) -> None:
        """Write that something was said.

        Args:
            utterance: what.
            audio_ms: length of its sound, milliseconds; None when no sound could be made.
        """
        self._write(
            "utterance",
            {
                "t_s": utterance.t_s,
                "text": utterance.text,
                "gesture": utterance.gesture,
                "tone": utterance.tone if self._expressions else None,
                "confidence": utterance.confidence,
                "weights": dict(utterance.weights),
                "audio_ms": audio_ms,
            },
        )

    def expression(self, expression: Expression) -> None:
        """Write that the face did something, if that was asked for.

        Args:
            expression: a movement of the face that is over.
        """
        if not self._expressions:
            return
        self._write(
            "expression",
            {
                "onset_s": expression.onset_s,
                "apex_s": expression.apex_s,
                "offset_s": expression.offset_s,
                "label": expression.label,
                "kind": expression.kind,
                "confidence": expression.probability,
            },
        )

    def status(self, t_s: float, reason: str) -> None:
        """Write a message that belongs to no frame: a lost camera, a vocabulary that was read again.

        Args:
            t_s: media time, seconds.
            reason: in plain words.
        """
        self._said, self._said_s = reason, t_s
        self._write("status", {"t_s": t_s, "reason": reason})

    def abstained(self, t_s: float, reason: str | None) -> None:
        """Write why nothing was said in a frame: when the reason changes, and once a second at most.

        Args:
            t_s: media time of the frame, seconds.
            reason: of the decision; what follows a colon ("not sure: like 41%") is no change. None: something was said.
        """
        if reason is None or reason.partition(":")[0] == self._said.partition(":")[0]:
            return
        if not self._said or not 0 <= t_s - self._said_s < STATUS_REST_S:
            self.status(t_s, reason)

    def summary(self, figures: Mapping[str, Any]) -> None:
        """Write the last line and close.

        Args:
            figures: frames, fps, dropped, frame_to_decision_ms, decision_to_audio_ms, peak_rss_mb.
        """
        self._write("summary", figures)
        self.close()

    def close(self) -> None:
        """Close the file; whatever comes later is not written."""
        if self._lines is not None:
            self._lines.close()

    def _write(self, event: str, fields: Mapping[str, Any]) -> None:
        if self._lines is not None:
            self._lines.write({"event": event, **fields})
