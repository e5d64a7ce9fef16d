"""What there is to choose from: rows of plain values, for ``run.py list`` as a table or as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from assistive.config import list_profiles
from assistive.language.vocabulary import load_vocabulary
from assistive.sources import find_cameras
from assistive.types import GESTURES
from assistive.voice import list_voices
from assistive.weights import list_weights

Rows = list[dict[str, Any]]

LOOKS = {
    "call": "thumb and little finger out, like a telephone",
    "dislike": "thumb down",
    "fist": "closed fist",
    "four": "four fingers up, thumb folded in",
    "like": "thumb up",
    "mute": "forefinger on the lips",
    "ok": "thumb and forefinger make a ring",
    "one": "forefinger up",
    "palm": "open hand, fingers spread",
    "peace": "forefinger and middle finger up, apart",
    "peace_inverted": "as peace, back of the hand to the camera",
    "rock": "forefinger and little finger up",
    "stop": "flat hand, fingers together",
    "stop_inverted": "as stop, back of the hand to the camera",
    "three": "forefinger, middle and ring finger up",
    "three2": "thumb, forefinger and middle finger out",
    "two_up": "forefinger and middle finger up, together",
    "two_up_inverted": "as two_up, back of the hand to the camera",
}
"""What each gesture looks like."""


def cameras() -> Rows:
    """List the cameras that answer."""
    return [asdict(camera) for camera in find_cameras()]


def voices() -> Rows:
    """List the voices of configs/voices.yaml and what each lacks here."""
    return [asdict(voice) for voice in list_voices()]


def gestures(vocabulary: str) -> Rows:
    """List the gestures: what each looks like, and what it says or does in a vocabulary."""
    known = load_vocabulary(vocabulary)
    return [
        {"gesture": name, "looks": LOOKS[name], "phrase": known.phrases[name], "role": known.role_of(name)}
        for name in GESTURES
    ]


def models() -> Rows:
    """List the networks in models/, whether their files are sound, and their terms."""
    rows = []
    for entry in list_weights():
        card = entry.weights.sidecar if entry.weights else None
        rows.append({
            "name": entry.name,
            "kind": card.kind if card else None,
            "licence": card.licence if card else None,
            "sha256": card.sha256 if card else None,
            "error": entry.error.what if entry.error else None,
        })
    return rows


def profiles() -> Rows:
    """List the profiles."""
    return [{"name": name} for name in list_profiles()]
