"""Where frames come from: a camera, a video, pictures, or a drawn performer."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from assistive.errors import SourceError
from assistive.registry import Registry
from assistive.settings import SourceSettings
from assistive.sources.capture import Camera, find_cameras
from assistive.types import Frame

__all__ = ["SOURCES", "Camera", "Source", "find_cameras", "open_source"]


class Source(Protocol):
    """Something that yields frames.

    Attributes:
        name: as shown to users ("camera 0", "clip.mp4").
        live: true for a camera: only the newest frame counts, the others are dropped; false: every frame in order.
        dropped: frames that nobody took in time.
        status: what is wrong ("camera 0 lost, trying again"), else None.
        size: width and height of the pictures, pixels.
    """

    name: str
    live: bool
    status: str | None
    size: tuple[int, int]

    @property
    def dropped(self) -> int:
        """Frames that nobody took in time."""

    def frames(self) -> Iterator[Frame | None]:
        """Yield frames; None when there is nothing new for a while, so that the caller can show the status."""

    def close(self) -> None:
        """Let go of the device or file, within a second; may be called again, and from another thread."""


SOURCES: Registry[Source] = Registry(
    "source",
    {
        "camera": "assistive.sources.camera:CameraSource",
        "performer": "assistive.sources.performer:PerformerSource",
        "images": "assistive.sources.images:ImageSource",
        "video": "assistive.sources.video:VideoSource",
    },
)
"""Sources by name; each is called with what follows the colon (``camera:0``) and the settings."""


def open_source(spec: str, settings: SourceSettings) -> Source:
    """Open a source.

    Args:
        spec: path of a video, of a picture or of a folder of pictures; ``camera:0``; ``performer``, or
            ``performer:like,peace`` for a script; or ``NAME:REST`` for any other registered source.
        settings: of the sources.

    Raises:
        SourceError: it cannot be opened; the remedy says what to do.
    """
    name, _, rest = spec.partition(":")
    if name in SOURCES:
        return SOURCES.get(name)(rest, settings)
    path = Path(spec).expanduser()
    if not path.exists():
        raise _missing(spec, name)
    from assistive.sources.images import is_picture_name

    kind = "images" if path.is_dir() or is_picture_name(path) else "video"
    return SOURCES.get(kind)(str(path), settings)


def _missing(spec: str, name: str) -> SourceError:
    near = difflib.get_close_matches(name, SOURCES, n=1)
    remedy = f"did you mean {near[0]}?" if near else "check the path; camera:0 and performer are sources too"
    return SourceError(f"there is no file or folder {spec}", remedy, "source.missing")
