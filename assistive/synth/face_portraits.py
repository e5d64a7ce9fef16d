"""Portraits of people who do not exist, their face mesh, and how they are divided between training and validation.

The folder of the face pack holds ``neutral_faces.csv`` and ``neutral_faces.tar``; only portraits marked ``neutral`` are
used. They are divided by the generator that made them (``group``), because one generator's faces look alike.
"""

from __future__ import annotations

import csv
import hashlib
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.errors import DependencyError, SourceError

Part = Literal["train", "validation", "all"]

CSV, TAR = "neutral_faces.csv", "neutral_faces.tar"
VALIDATION_GROUPS = ("sd3", "sg2")
"""Generators whose faces training never sees."""

MESH_POINTS = 468

MESH_OF_68 = (
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,  # jaw
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301,  # brows
    168, 197, 5, 4, 75, 97, 2, 326, 305,  # nose
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,  # eyes
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,  # outer lips
    78, 82, 13, 312, 308, 317, 14, 87,  # inner lips
)  # fmt: skip
"""Point of the face mesh nearest to each of the usual 68 (iBUG order)."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """A still face.

    Attributes:
        name: file name; identity of the face.
        group: generator that made it.
        image: uint8 ``(H, W, 3)``, RGB.
        mesh: float32 ``(468, 2)``, points of MediaPipe's face mesh, pixels.
    """

    name: str
    group: str
    image: NDArray[np.uint8]
    mesh: NDArray[np.float32]


def portraits(pack: Path, part: Part = "all", cache: Path | None = None) -> list[Portrait]:
    """Read the neutral portraits of a face pack.

    Args:
        pack: folder of the face pack.
        part: ``train`` or ``validation`` (other generators, hence other faces), or ``all``.
        cache: file for the found meshes (``.npz``); made when missing, made anew when the portraits changed. Without
            one the meshes are looked for each time, about 5 ms a portrait.

    Returns:
        Portraits in the order of the CSV file; one in which no face mesh is found is left out.

    Raises:
        SourceError: a file is missing or holds no neutral portrait.
        DependencyError: meshes must be looked for and mediapipe is not installed.
    """
    for name in (CSV, TAR):
        if not (pack / name).is_file():
            raise SourceError(f"{pack} holds no {name}", "name the folder of the face pack", "source.faces")
    with (pack / CSV).open(newline="", encoding="utf-8") as file:
        groups = {row["file"]: row["group"] for row in csv.DictReader(file) if row["neutral"] == "1"}
    if not groups:
        raise SourceError(f"{pack / CSV} names no neutral portrait", "name the folder of the face pack", "source.faces")
    images = dict(_images(pack / TAR, groups))
    meshes = _cached_meshes(images, cache)
    return [
        Portrait(name, group, images[name], meshes[name])
        for name, group in groups.items()
        if name in meshes and (part == "all" or (group in VALIDATION_GROUPS) == (part == "validation"))
    ]


def landmarks68(mesh: NDArray[np.float32]) -> NDArray[np.float32]:
    """Pick the usual 68 landmarks from face meshes ``(..., 468, 2)``."""
    return mesh[..., MESH_OF_68, :]


class MeshFinder:
    """Finds the face mesh of a picture with MediaPipe FaceMesh (Apache-2.0).

    Raises:
        DependencyError: mediapipe is not installed.
    """

    def __init__(self) -> None:
        try:
            from mediapipe.python.solutions.face_mesh import FaceMesh
        except ImportError as error:
            raise DependencyError("mediapipe is not installed", 'pip install -e ".[train]"') from error
        self._mesh: Any = FaceMesh(static_image_mode=True, max_num_faces=1, min_detection_confidence=0.3)

    def find(self, image: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """Return the mesh of the face in an RGB picture, float32 ``(468, 2)`` in pixels, or None."""
        found = self._mesh.process(np.ascontiguousarray(image)).multi_face_landmarks
        if not found:
            return None
        height, width = image.shape[:2]
        return np.array([[p.x * width, p.y * height] for p in found[0].landmark[:MESH_POINTS]], np.float32)


def _images(tar: Path, wanted: dict[str, str]) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    with tarfile.open(tar) as archive:
        for member in archive:
            name = Path(member.name).name
            file = archive.extractfile(member) if name in wanted else None
            if file is None:
                continue
            picture = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_COLOR)
            if picture is None:
                raise SourceError(f"{tar} holds a damaged picture, {name}", "copy the face pack anew", "source.faces")
            yield name, np.ascontiguousarray(picture[:, :, ::-1])


def _cached_meshes(images: dict[str, NDArray[np.uint8]], cache: Path | None) -> dict[str, NDArray[np.float32]]:
    mark = hashlib.sha256(b"".join(image.tobytes() for image in images.values())).hexdigest()
    if cache is not None and cache.is_file():
        with np.load(cache) as known:
            if str(known["mark"]) == mark:
                return dict(zip(map(str, known["names"]), known["meshes"], strict=True))
    finder = MeshFinder()
    found = {name: finder.find(image) for name, image in images.items()}
    meshes = {name: mesh for name, mesh in found.items() if mesh is not None}
    if cache is not None:
        cache.parent.mkdir(parents=True, exist_ok=True)
        partial = cache.with_suffix(f".partial{os.getpid()}.npz")
        np.savez(partial, mark=mark, names=list(meshes), meshes=np.array(list(meshes.values())))
        os.replace(partial, cache)
    return meshes
