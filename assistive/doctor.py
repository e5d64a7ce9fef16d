"""Look at this machine, part by part, and say what to do about each part that does not work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np

from assistive.errors import AssistiveError
from assistive.gesture import GestureStream
from assistive.meter import percentiles
from assistive.runtime import installed_packages
from assistive.settings import Settings
from assistive.sources import find_cameras, open_source
from assistive.types import Frame, Style
from assistive.voice import Voice, clearer_voice, open_player, open_voice
from assistive.voice.soundcard import LATENCY_S
from assistive.weights import list_weights

DARK = 50
"""Mean brightness, 0..255, below which a picture is too dark to tell gestures well."""

FRAMES_TIMED = 60
SLOW_HZ = 15.0
"""Below this rate a hold is judged on too few pictures."""

PHRASE = "I need help, please."


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found.

    Attributes:
        number: counted from 1.
        name: what was checked.
        verdict: ``ok``, ``warn`` (works without, or not well) or ``fail`` (the main job cannot run).
        found: what is there, in words.
        remedy: one thing to do; None when ok.
    """

    number: int
    name: str
    verdict: Literal["ok", "warn", "fail"]
    found: str
    remedy: str | None = None


@dataclass(slots=True)
class _Machine:
    """What earlier checks leave for later ones."""

    settings: Settings
    picture: Frame | None = None
    gesture: GestureStream | None = None
    voice: Voice | None = None
    decision_ms: float | None = None
    sound_ms: float = 0.0


Finding = tuple[str, str | None]


def examine(settings: Settings) -> Iterator[Check]:
    """Carry out all checks, one by one, so that each can be shown as it is known."""
    machine = _Machine(settings)
    for number, (name, needed, check) in enumerate(CHECKS, start=1):
        try:
            found, remedy = check(machine)
            yield Check(number, name, "warn" if remedy else "ok", found, remedy)
        except AssistiveError as error:
            yield Check(number, name, "fail" if needed else "warn", error.what, error.remedy)
    if machine.voice is not None:
        machine.voice.close()


def _camera(machine: _Machine) -> Finding:
    cameras = find_cameras()
    if not cameras:
        return "none found", "plug one in and allow its use; until then the performer plays: --source performer"
    source = open_source(f"camera:{cameras[0].index}", machine.settings.source)
    try:
        # The first pictures of a camera are dark while it sets its exposure.
        pictures = [frame for frame in islice(source.frames(), 30) if frame is not None]
    finally:
        source.close()
    if not pictures:
        return f"{source.name} gives no picture", "close other programs that use it, or unplug it and plug it in again"
    machine.picture = pictures[-1]
    width, height = source.size
    return f"{source.name}, {width}x{height} ({len(cameras)} found)", None


def _light(machine: _Machine) -> Finding:
    if machine.picture is None:
        return "not judged: no camera", None
    brightness = float(machine.picture.image.mean())
    found = f"mean brightness {brightness:.0f} of 255"
    return found, "turn on a lamp in front of you" if brightness < DARK else None


def _models(machine: _Machine) -> Finding:
    entries = list_weights()
    for entry in entries:
        if entry.error is not None:
            raise entry.error
    return f"{len(entries)} sound: {', '.join(entry.name for entry in entries)}", None


def _provider(machine: _Machine) -> Finding:
    machine.gesture = GestureStream(machine.settings.gesture, machine.settings.runtime)
    packages = installed_packages()
    found = f"{machine.gesture.provider} ({machine.gesture.reason}; {_versions(packages)})"
    both = f"pip uninstall -y {' '.join(packages)}, then install the one extra you want: cpu, gpu or openvino"
    return found, both if len(packages) > 1 else None


def _versions(packages: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in packages.items()) or "onnxruntime of unknown origin"


def _face(machine: _Machine) -> Finding:
    if not machine.settings.expression.enabled:
        return "not read: expression.enabled is false", None
    from assistive.expression.face_mesh import VERSION, MediaPipeFinder

    picture = machine.picture or next(iter(open_source("performer", machine.settings.source).frames()))
    assert picture is not None
    finder = MediaPipeFinder()
    start = time.perf_counter()
    faces = finder.search(picture.image)
    seen = finder.follow(picture.image, faces[0]) if faces else None
    spent_ms = (time.perf_counter() - start) * 1000
    finder.close()
    whose = "the performer" if machine.picture is None else "the camera's picture"
    found = f"mediapipe {VERSION}: {'no' if seen is None else 'a'} face in {whose}, {spent_ms:.0f} ms"
    return found, "sit in front of the camera, in good light" if seen is None else None


def _voice(machine: _Machine) -> Finding:
    machine.voice = open_voice(machine.settings.voice)
    start = time.perf_counter()
    speech = machine.voice.synthesise(PHRASE, Style())
    spent_ms = (time.perf_counter() - start) * 1000
    found = f"{machine.voice.name} ({machine.voice.engine}): {speech.seconds:.1f} s of speech in {spent_ms:.0f} ms"
    return found, clearer_voice(machine.voice)


def _sound_card(machine: _Machine) -> Finding:
    player = open_player(machine.settings.voice.model_copy(update={"player": "soundcard"}))
    player.close()
    machine.sound_ms = 1000 * LATENCY_S
    return player.name, None


def _speed(machine: _Machine) -> Finding:
    if machine.gesture is None:
        return "not measured: the networks do not run", "mend the checks above first"
    source = open_source("performer", machine.settings.source)
    spent_ms = []
    for frame in islice(source.frames(), FRAMES_TIMED):
        if frame is not None:
            start = time.perf_counter()
            machine.gesture.read(frame)
            spent_ms.append((time.perf_counter() - start) * 1000)
    source.close()
    machine.decision_ms = (percentiles(spent_ms) or {"p95": 0.0})["p95"]
    rate_hz = 1000 / float(np.mean(spent_ms))
    width, height = source.size
    found = f"{rate_hz:.0f} frames/s on {width}x{height}, frame to decision p95 {machine.decision_ms:.0f} ms"
    return found, "use --profile low_power, or close other programs" if rate_hz < SLOW_HZ else None


def _frame_to_sound(machine: _Machine) -> Finding:
    if machine.decision_ms is None or machine.voice is None:
        return "not known: the checks above failed", "mend them first"
    settings = machine.settings
    total_ms = 1000 / settings.source.rate_hz + machine.decision_ms + machine.sound_ms
    return f"about {total_ms:.0f} ms once the hold of {settings.decision.hold_s:g} s is over", None


CHECKS: tuple[tuple[str, bool, Callable[[_Machine], Finding]], ...] = (
    ("camera", False, _camera),
    ("light", False, _light),
    ("models", True, _models),
    ("execution provider", True, _provider),
    ("face", False, _face),
    ("voice", True, _voice),
    ("sound card", False, _sound_card),
    ("speed", True, _speed),
    ("frame to sound", False, _frame_to_sound),
)
