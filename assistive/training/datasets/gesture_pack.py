"""Read a gesture pack: folders of pictures with a CSV beside each.

    PACK/train/crops.csv + crops/ or crops.tar             file, gesture, source, user_id, x, y, w, h
    PACK/train/frames.csv + frames/ or frames.tar          one row a hand, the same columns
    PACK/train/negatives.csv + negatives/ or negatives.tar file, kind (other_hand | patch | scene), source

``gesture`` blank = a hand that shows none of ours; ``a|b`` = either name is right. Boxes are fractions of the picture.
Beside them may lie ``PART.landmarks.json`` made by ``scripts/prepare_gestures.py``: 21 hand landmarks from a teacher.
"""

from __future__ import annotations

import csv
import hashlib
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from assistive.errors import SourceError
from assistive.types import NO_GESTURE, Box

PARTS = ("train/crops", "train/frames", "train/negatives")
"""The parts that networks are trained on."""

Landmarks = NDArray[np.float32]
"""float32 ``(21, 2)``: x, y as fractions of the picture, in MediaPipe's order (0 = wrist)."""


@dataclass(frozen=True, slots=True)
class LabelledHand:
    """A hand in a picture: its box, and the names that are right for it (``no_gesture`` if none of ours)."""

    box: Box
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a pack.

    Attributes:
        file: name in the pack.
        image: uint8 ``(H, W, 3)``, RGB.
        hands: labelled hands; empty for a picture without one, or whose boxes are not known.
        source: where it came from.
        person: who is in it, as far as known; pictures of one person share it. Split by this.
        names: right names for the whole picture where no box is known, else empty.
        kind: kind of a negative, else "".
        landmarks: teacher's landmarks of the largest hand, or None.
    """

    file: str
    image: NDArray[np.uint8]
    hands: tuple[LabelledHand, ...]
    source: str
    person: str
    names: tuple[str, ...] = ()
    kind: str = ""
    landmarks: Landmarks | None = field(default=None, compare=False)


def read_part(pack: Path, part: str) -> list[Picture]:
    """Read one part ("train/crops", "train/frames", "train/negatives", "check/frames") whole into memory.

    Raises:
        SourceError: the CSV or a picture that it names is missing.
    """
    table = pack / f"{part}.csv"
    if not table.is_file():
        raise SourceError(f"no {table}", "give the folder of a gesture pack with train/ inside", "pack.missing")
    rows: dict[str, list[dict[str, str]]] = {}
    with table.open(newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["file"], []).append(row)
    marks_file = pack / f"{part}.landmarks.json"
    marks = json.loads(marks_file.read_text()) if marks_file.is_file() else {}
    return [_picture(name, data, rows[name], marks.get(name)) for name, data in _files(pack, part, rows)]


def fingerprint(pack: Path, part: str) -> str:
    """Return the SHA-256 of a part's CSV: names the data a model was trained on."""
    return hashlib.sha256((pack / f"{part}.csv").read_bytes()).hexdigest()


def _files(pack: Path, part: str, wanted: dict[str, list[dict[str, str]]]) -> Iterator[tuple[str, bytes]]:
    folder, archive = pack / part, pack / f"{part}.tar"
    if folder.is_dir():
        for name in wanted:
            yield name, (folder / name).read_bytes()
        return
    if not archive.is_file():
        raise SourceError(f"neither {folder}/ nor {archive}", "unpack the pictures beside the CSV", "pack.missing")
    with tarfile.open(archive) as tar:
        for member in tar:
            name = Path(member.name).name
            data = tar.extractfile(member) if name in wanted else None
            if data is not None:
                yield name, data.read()


def _picture(name: str, data: bytes, rows: list[dict[str, str]], marks: list[list[float]] | None) -> Picture:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise SourceError(f"cannot read picture {name}", "take its rows out of the CSV", "pack.picture")
    boxed = [row for row in rows if row.get("x")]
    return Picture(
        file=name,
        image=np.ascontiguousarray(pixels[:, :, ::-1]),
        hands=tuple(
            LabelledHand(Box(*(float(row[key]) for key in "xywh")), _names(row.get("gesture", ""))) for row in boxed
        ),
        source=rows[0]["source"],
        person=rows[0].get("user_id") or rows[0]["source"] + "/" + name,
        names=() if boxed or "gesture" not in rows[0] else _names(rows[0]["gesture"]),
        kind=rows[0].get("kind", ""),
        landmarks=None if marks is None else np.asarray(marks, np.float32),
    )


def _names(gesture: str) -> tuple[str, ...]:
    return tuple(gesture.split("|")) if gesture else (NO_GESTURE,)
