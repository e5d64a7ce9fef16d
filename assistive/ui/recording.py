"""Record what was seen and decided, without pictures, and decide on it again.

The first line holds the settings that decisions depend on. Then comes a line for each frame: its hands as they were
read, and the decision; and a line for each new vocabulary, whose pause gesture may be another. Numbers are written so
that they are read back exactly: a replay gives the same decisions bit for bit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from assistive import __version__
from assistive.errors import ConfigError
from assistive.fusion.decision import DecisionMachine
from assistive.fusion.lead import LeadState, lead
from assistive.gesture.tracker import TrackerState, track
from assistive.language.vocabulary import Vocabulary, VocabularyFile
from assistive.settings import DecisionSettings, GestureSettings, Settings
from assistive.types import Box, Decision, Hand, Step
from assistive.ui.jsonlines import JsonLines

FORMAT = 1
LONGEST_LINE = 1_000_000
"""Characters; a file with longer lines is none of ours."""


class Recorder:
    """Writes a recording; a sink of the pipeline.

    Args:
        path: the file.
        settings: in force.
        threshold: enter probability that was shipped with the weights.
        vocabulary: in use; a new version is noted.

    Raises:
        AssistiveError: the file cannot be written.
    """

    def __init__(self, path: Path, settings: Settings, threshold: float, vocabulary: VocabularyFile) -> None:
        self._vocabulary = vocabulary
        self._noted = vocabulary.current
        self._lines = JsonLines(path, "the recording")
        self._lines.write(
            {
                "recording": FORMAT,
                "version": __version__,
                "gesture": settings.gesture.model_dump(),
                "decision": settings.decision.model_dump(),
                "threshold": float(threshold),
                **_meaning(self._noted),
            }
        )

    def take(self, step: Step) -> None:
        """Write a frame."""
        if self._vocabulary.current is not self._noted:
            self._noted = self._vocabulary.current
            self._lines.write(_meaning(self._noted))
        hands = [_written(hand) for hand in step.hands]
        self._lines.write({"t_s": step.frame.t_s, "hands": hands, "decision": asdict(step.decision)})

    def tell(self, reason: str) -> None:
        """Take in a message; none is recorded."""

    def close(self) -> None:
        """Close the file; may be called again."""
        self._lines.close()


def replay(path: Path) -> Iterator[tuple[Decision, Decision]]:
    """Decide again on a recording.

    Args:
        path: the file.

    Yields:
        For each frame the decision that was recorded and the one made now; nothing has changed where they are equal.

    Raises:
        ConfigError: the file cannot be read or is no recording; names file and line.
    """
    lines = _lines(path)
    try:
        header = next(lines, {})
        if header.get("recording") != FORMAT:
            raise ConfigError(f"{path}:1: this is no recording of format {FORMAT}", _REMEDY, "replay")
        gesture = GestureSettings.model_validate(header["gesture"])
        settings = DecisionSettings.model_validate(header["decision"])
        machine = DecisionMachine(settings, header["threshold"], frozenset(header["pause_gestures"]))
        tracker, leader, state = TrackerState(), LeadState(), machine.initial()
        for line in lines:
            if "pause_gestures" in line:
                machine = DecisionMachine(settings, header["threshold"], frozenset(line["pause_gestures"]))
                continue
            recorded = Decision(**line["decision"])
            # The pause key belongs to no frame; that it was pressed shows in the phase.
            if not recorded.fired and (recorded.phase == "paused") != state.paused:
                state = machine.resume(state) if state.paused else machine.pause(state)
            tracker, hands = track(tracker, line["t_s"], tuple(map(_read, line["hands"])), gesture)
            leader, intent = lead(leader, line["t_s"], hands, gesture)
            state, decision = machine.step(state, intent)
            yield recorded, decision
    except (AttributeError, KeyError, TypeError, ValueError, ValidationError) as error:
        raise ConfigError(f"{path} is damaged: {str(error).splitlines()[0]}", _REMEDY, "replay") from error


_REMEDY = "name a file that `python run.py record FILE` wrote"


def _meaning(vocabulary: Vocabulary) -> dict[str, Any]:
    return {"vocabulary": vocabulary.digest, "pause_gestures": sorted(vocabulary.gestures_with("pause"))}


def _written(hand: Hand) -> dict[str, Any]:
    box = hand.box
    return {
        "box": [float(box.x), float(box.y), float(box.w), float(box.h)],
        "score": float(hand.score),
        "probabilities": {name: float(value) for name, value in hand.probabilities.items()},
    }


def _read(hand: dict[str, Any]) -> Hand:
    return Hand(Box(*hand["box"]), hand["score"], hand["probabilities"])


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file; a last line that was cut off is left out."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, text in enumerate(iter(lambda: file.readline(LONGEST_LINE), ""), 1):
                if not text.endswith("\n"):
                    return
                line = json.loads(text)
                if not isinstance(line, dict):
                    raise ConfigError(f"{path}:{number}: this is no line of a recording", _REMEDY, "replay")
                yield line
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", _REMEDY, "replay") from error
    except ValueError as error:  # no JSON, or no text at all
        raise ConfigError(f"{path} is no recording", _REMEDY, "replay") from error
