"""Pictures of the performer, and files of the shipped networks in other forms."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from assistive.settings import GestureSettings, RuntimeSettings, Settings
from assistive.sources.performer import PerformerSource
from assistive.weights import find_weights

if TYPE_CHECKING:
    from assistive.training.export.people import People

NETWORKS = ("gesture_detector", "gesture_verifier")
GESTURES = ("like", "palm", "ok", "call", "stop", "peace")


def performed(gesture: str) -> np.ndarray:
    """The performer in the middle of holding a gesture."""
    performer = PerformerSource(gesture, Settings().source)
    return performer.picture(performer.seconds / 2)


@pytest.fixture(scope="session")
def people() -> People:
    """The performer; upright and wide pictures to calibrate on."""
    from assistive.training.export.people import People

    shown = [performed(gesture) for gesture in GESTURES]
    seen = [image[:, 140:500] if i % 2 else image for i, image in enumerate(shown)]
    empty = np.full((480, 640, 3), 128, np.uint8)
    judged = [(image, frozenset({name})) for image, name in zip(shown, GESTURES, strict=True)]
    return People(tuple(seen), (*judged, (empty, frozenset())), {"performer": "drawn"})


@pytest.fixture(scope="session")
def given(people: People) -> dict[str, list[np.ndarray]]:
    from assistive.training.export.people import look

    return look(people.seen, GestureSettings(), RuntimeSettings(device="cpu"))


@pytest.fixture(scope="session")
def forms(given: dict[str, list[np.ndarray]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both networks as fp16 and int8."""
    from assistive.training.export.formats import write_form

    out = tmp_path_factory.mktemp("forms")
    for name in NETWORKS:
        for form in ("fp16", "int8"):
            write_form(find_weights(name), form, out, given[name], "a test")
    return out
