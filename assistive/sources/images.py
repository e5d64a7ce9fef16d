"""Pictures: one file, or a folder of them in the order of their names."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.errors import SourceError
from assistive.settings import SourceSettings
from assistive.types import Frame

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
LONGEST_PX = 1920
"""A longer picture is reduced to this: no gesture needs more, and every later step is quicker."""

log = logging.getLogger(__name__)


def is_picture_name(path: Path) -> bool:
    """Tell whether a file's name is that of a picture."""
    return path.suffix.lower() in SUFFIXES


def read_picture(path: Path, max_pixels: int) -> NDArray[np.uint8]:
    """Read a picture of any depth, upright as its EXIF data says, in three colours and at a workable size.

    Args:
        path: the file.
        max_pixels: a picture with more is refused.

    Returns:
        uint8 ``(h, w, 3)``, RGB, longest side at most ``LONGEST_PX``; what was transparent keeps its colour.

    Raises:
        SourceError: it cannot be read, or is too large.
    """
    try:
        data = np.fromfile(path, np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if len(data) else None
    except (OSError, cv2.error) as error:
        log.debug("%s: %s", path, error)
        image = None
    if image is None:
        raise SourceError(f"cannot read {path.name} as a picture", "see whether a viewer shows it", "source.picture")
    height, width = image.shape[:2]
    if width * height > max_pixels:
        what = f"{path.name} is too large: {width}x{height}"
        raise SourceError(what, "make it smaller, or raise source.max_pixels", "source.size")
    scale = LONGEST_PX / max(width, height)
    if scale < 1:
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(image, np.uint8)


class ImageSource:
    """Pictures as frames, ``rate_hz`` of them a second of media time; what cannot be read is counted and left out.

    Args:
        path: a picture, or a folder of them.
        settings: ``rate_hz`` and ``max_pixels``.

    Raises:
        SourceError: there is nothing to read.
    """

    live = False
    dropped = 0

    def __init__(self, path: str, settings: SourceSettings) -> None:
        place = Path(path)
        self.name = place.name or str(place)
        self.status: str | None = None
        self.skipped = 0
        self._settings = settings
        self._closed = False
        if not place.exists():
            raise SourceError(f"there is no picture or folder {path}", "check the path", "source.missing")
        files = sorted(filter(is_picture_name, place.iterdir()), key=_natural) if place.is_dir() else [place]
        if not files:
            raise SourceError(f"no pictures in {path}", f"it reads {' '.join(sorted(SUFFIXES))}", "source.picture")
        self._pictures = self._read_all(files)
        self._first = next(self._pictures, None)
        if self._first is None:
            raise SourceError(f"none of the {len(files)} pictures in {path} can be read", "see whether a viewer shows "
                              "them", "source.picture")  # fmt: skip
        self.size = (self._first.shape[1], self._first.shape[0])

    def frames(self) -> Iterator[Frame | None]:
        """Yield every picture that can be read, in order."""
        image, self._first = self._first, None
        index = 0
        while image is not None and not self._closed:
            yield Frame(image, index / self._settings.rate_hz, index, time.perf_counter())
            index += 1
            image = next(self._pictures, None)
        if self.status and not self._closed:
            yield None

    def close(self) -> None:
        """End before the next picture."""
        self._closed = True

    def _read_all(self, files: list[Path]) -> Iterator[NDArray[np.uint8]]:
        for path in files:
            try:
                yield read_picture(path, self._settings.max_pixels)
            except SourceError as error:
                if len(files) == 1:
                    raise
                self.skipped += 1
                self.status = f"{self.skipped} of {len(files)} pictures left out"
                log.warning("%s", error.what)


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """Return a key that puts ``frame9`` before ``frame10``."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
