"""Read HaGRID as it lies on people's disks: v1, v2 and v2-1M, full size or 512 px, whole or some classes of it.

    ROOT/.../{train,train_val,test,subsample}/GESTURE/ID.jpg   v1;  ROOT/.../train_val_GESTURE/ID.jpg before sorting
    ROOT/.../GESTURE/ID.jpg                                    v2, v2-1M
    ROOT/.../{train,val,test,ann_train_val,ann_test,ann_subsample}/GESTURE.json

Folders and files are known by the name of the gesture and by the phase somewhere above it, so that it does not matter
how the archives were unpacked. The number of a class differs between the releases and is never looked at.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from assistive.errors import SourceError
from assistive.training.datasets.labelled import PICTURE_SUFFIXES, NamedBox, box_flaw, inside
from assistive.types import GESTURES, NO_GESTURE, Box

TWO_HANDED = ("hand_heart", "hand_heart2", "holy", "take_picture", "thumb_index2", "timeout", "xsign")
"""Gestures of v2-1M that two hands make together; ``united_bbox`` holds both."""

CLASSES = tuple(
    sorted((*GESTURES, *TWO_HANDED, "grabbing", "grip", "little_finger", "middle_finger", "point", "three3",
            "three_gun", "thumb_index"))
)  # fmt: skip
"""The 33 gestures of v2-1M, the 18 of v1 and v2 among them."""

_NAMES = (*CLASSES, NO_GESTURE)
_MISSPELT = {"hands_heart2": "hand_heart2", "hands_heart": "hand_heart", "no_gestures": NO_GESTURE}
_PHASES = {
    "train": "train", "train_val": "train", "trainval": "train", "subsample": "train", "val": "val", "test": "test",
}  # fmt: skip
_DEPTH = 6


@dataclass(frozen=True, slots=True)
class AnnotationFile:
    """One JSON file: the pictures of a gesture in a phase (``train`` where it does not say)."""

    path: Path
    gesture: str
    phase: str


@dataclass(frozen=True, slots=True)
class Tree:
    """What was found below a folder.

    Attributes:
        root: that folder.
        annotations: the JSON files, by gesture, phase and path; ``subsample`` counts as ``train``.
        folders: folders of pictures by gesture.
    """

    root: Path
    annotations: tuple[AnnotationFile, ...]
    folders: Mapping[str, tuple[Path, ...]]


def class_name(text: str) -> str:
    """Return a gesture's name as the data set spells it, from any of the spellings in its own scripts; "" if none.

    >>> class_name("stop inverted"), class_name("hands_heart2"), class_name("cat")
    ('stop_inverted', 'hand_heart2', '')
    """
    name = text.strip().lower().replace(" ", "_").replace("-", "_")
    name = _MISSPELT.get(name, name)
    return name if name in _NAMES else ""


def find_tree(root: Path) -> Tree:
    """Look for annotation files and picture folders below a folder; symbolic links are followed.

    A folder of pictures has the name of a gesture and pictures in it: people also call a disk ``one``.

    Raises:
        SourceError: there is no such folder, or it lacks one or the other.
    """
    if not root.is_dir():
        raise SourceError(f"no folder {root}", "give the folder into which HaGRID was unpacked", "hagrid.root")
    annotations: list[AnnotationFile] = []
    folders: dict[str, list[Path]] = {}
    for place, below, files in os.walk(root, followlinks=True):
        folder, parts = Path(place), Path(place).relative_to(root).parts
        gesture = class_name(parts[-1].removeprefix("train_val_")) if parts else ""
        if gesture and any(map(_is_picture, files)):
            folders.setdefault(gesture, []).append(folder)
        below[:] = sorted(below) if len(parts) < _DEPTH else []
        annotations += [
            AnnotationFile(folder / file, name, _phase(parts))
            for file in files
            if file.endswith(".json") and (name := class_name(file.removesuffix(".json")))
        ]
    if not annotations or not folders:
        missing = "annotation files (GESTURE.json)" if not annotations else "folders of pictures named after a gesture"
        what = f"no {missing} below {root}"
        raise SourceError(what, "unpack the pictures and the annotations of HaGRID into one folder", "hagrid.root")
    # A subsample repeats pictures of the whole: what is read first counts, so it comes last.
    annotations.sort(key=lambda a: (a.gesture, a.phase, "subsample" in a.path.parent.name, a.path))
    return Tree(root, tuple(annotations), {name: tuple(sorted(found)) for name, found in folders.items()})


def list_pictures(folders: Collection[Path]) -> dict[str, Path]:
    """Return the pictures in folders by name without suffix; of two with one name the first."""
    found: dict[str, Path] = {}
    for folder in folders:
        with os.scandir(folder) as entries:
            for name in sorted(entry.name for entry in entries):
                if _is_picture(name):
                    found.setdefault(os.path.splitext(name)[0], folder / name)
    return found


def parse_annotations(data: bytes, path: Path) -> dict[str, dict[str, Any]]:
    """Read the content of an annotation file: one object a picture, by name of the picture without suffix.

    Raises:
        SourceError: it is cut off, or something else.
    """
    try:
        content = json.loads(data)
    except ValueError as error:
        raise SourceError(f"{path} is no JSON: {error}", "unpack the annotations again", "hagrid.json") from error
    if not isinstance(content, dict) or not all(isinstance(value, dict) for value in content.values()):
        what = f"{path} is no annotation file: it must hold one object a picture"
        raise SourceError(what, "unpack the annotations again", "hagrid.json")
    return content


def annotation_flaw(annotation: Mapping[str, Any]) -> str:
    """Say what is wrong with the annotation of a picture; "" if nothing is."""
    boxes, labels, user = annotation.get("bboxes"), annotation.get("labels"), annotation.get("user_id")
    if not isinstance(boxes, list) or not isinstance(labels, list) or len(boxes) != len(labels):
        return "labels_and_boxes_differ"
    united, united_labels = annotation.get("united_bbox") or [], annotation.get("united_label") or []
    if not isinstance(united, list) or not isinstance(united_labels, list) or len(united) != len(united_labels):
        return "labels_and_boxes_differ"
    pairs = [(b, n) for b, n in zip(united, united_labels, strict=True) if b is not None]
    pairs += list(zip(boxes, labels, strict=True))
    if any(not isinstance(name, str) or not class_name(name) for _, name in pairs):
        return "class_unknown"
    if not isinstance(user, str) or not user:
        return "user_unknown"
    return next((flaw for box, _ in pairs if (flaw := box_flaw(box))), "")


def hands_of(annotation: Mapping[str, Any]) -> tuple[NamedBox, ...]:
    """Return each hand by itself; of a gesture of two hands both carry its name."""
    return tuple(_named(box, name) for box, name in zip(annotation["bboxes"], annotation["labels"], strict=True))


def gestures_of(annotation: Mapping[str, Any]) -> tuple[NamedBox, ...]:
    """Return each gesture once: a gesture of two hands is its united box, as the official detectors learn it.

    ``united_bbox`` is null, or a list with null or a box in it, not always as long as ``bboxes``: what stands there
    takes the place of the hands that carry its name.
    """
    united = tuple(
        _named(box, name)
        for box, name in zip(annotation.get("united_bbox") or [], annotation.get("united_label") or [], strict=True)
        if box is not None
    )
    names = {gesture.name for gesture in united}
    return united + tuple(hand for hand in hands_of(annotation) if hand.name not in names)


def landmarks_of(annotation: Mapping[str, Any]) -> list[list[float]] | None:
    """Return the 21 landmarks of the largest hand, x, y in fractions of the picture; None where it has none."""
    marks = annotation.get("landmarks") or annotation.get("hand_landmarks") or []
    boxes = annotation["bboxes"]
    if not boxes or not isinstance(marks, list) or len(marks) != len(boxes):
        return None
    largest = marks[max(range(len(boxes)), key=lambda i: boxes[i][2] * boxes[i][3])]
    sound = isinstance(largest, list) and len(largest) == 21 and all(map(_is_point, largest))
    return largest if sound else None


def _is_picture(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES and not name.startswith(".")


def _is_point(mark: object) -> bool:
    return isinstance(mark, list) and len(mark) >= 2 and all(isinstance(v, int | float) and abs(v) < inf for v in mark)


def _phase(parts: tuple[str, ...]) -> str:
    for part in reversed(parts):
        phase = _PHASES.get(part.lower().removeprefix("ann_"))
        if phase is not None:
            return phase
    return "train"


def _named(box: list[float], name: str) -> NamedBox:
    return NamedBox(class_name(name), inside(Box(*(float(value) for value in box))))
