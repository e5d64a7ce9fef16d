"""The drawn performer's face, as MediaPipe sees it: real landmarks without anybody's picture."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from assistive.expression.face_mesh import Landmarks, MediaPipeFinder
from assistive.settings import SourceSettings
from assistive.sources.performer import PerformerSource


@pytest.fixture(scope="session")
def finder() -> Iterator[MediaPipeFinder]:
    found = MediaPipeFinder()
    yield found
    found.close()


@pytest.fixture(scope="session")
def picture() -> NDArray[np.uint8]:
    """The performer at rest, uint8 ``(480, 640, 3)``."""
    return PerformerSource("", SourceSettings()).picture(0.2)


@pytest.fixture(scope="session")
def landmarks(finder: MediaPipeFinder, picture: NDArray[np.uint8]) -> Landmarks:
    (box,) = finder.search(picture)
    found = finder.follow(picture, box)
    assert found is not None
    return found


@pytest.fixture(scope="session")
def pixels(landmarks: Landmarks) -> NDArray[np.float64]:
    """The same in pixels, float64 ``(468, 3)``."""
    return landmarks.astype(np.float64) * (640, 480, 640)
