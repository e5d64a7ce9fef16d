"""Read and write detection data in the layout of YOLO.

    DATA/data.yaml                  train, val, test: folders of pictures; names: class by number
    DATA/images/SPLIT/NAME.jpg
    DATA/labels/SPLIT/NAME.txt      a line a box: class number, centre x, centre y, width, height, in fractions

``data.yaml`` names no ``path``: the folder may be moved, and `ultralytics` then takes the one in which the file lies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from assistive.errors import SourceError
from assistive.training.datasets.labelled import (
    PICTURE_SUFFIXES,
    SPLITS,
    LabelledPicture,
    NamedBox,
    box_flaw,
    inside,
    write_whole,
)
from assistive.types import Box

INDEX = "data.yaml"


def label_text(boxes: Sequence[NamedBox], classes: Sequence[str]) -> str:
    """Return the content of the label file of a picture; empty for a background."""
    lines = []
    for named in boxes:
        x, y = named.box.centre
        numbers = " ".join(f"{value:.6f}" for value in (x, y, named.box.w, named.box.h))
        lines.append(f"{classes.index(named.name)} {numbers}\n")
    return "".join(lines)


def label_path(root: Path, split: str, file: str) -> Path:
    """Return where the labels of ``images/SPLIT/FILE`` lie."""
    return root / "labels" / split / PurePosixPath(file).with_suffix(".txt")


def write_index(root: Path, classes: Sequence[str], splits: Sequence[str], partial: Path | None = None) -> None:
    """Write ``data.yaml``.

    Args:
        root: folder of the data.
        classes: names in the order of their numbers.
        splits: those that there are; ``train`` and ``val`` are named in any case, trainers insist on both.
        partial: see :func:`write_whole`.
    """
    content: dict[str, Any] = {split: f"images/{split}" for split in SPLITS if split in {*splits, "train", "val"}}
    for split in content:
        (root / "images" / split).mkdir(parents=True, exist_ok=True)
    content["names"] = dict(enumerate(classes))
    write_whole(root / INDEX, yaml.safe_dump(content, sort_keys=False).encode(), partial)


def read_classes(root: Path) -> tuple[str, ...]:
    """Return the names of the classes by number.

    Raises:
        SourceError: there is no ``data.yaml``, or it does not name every number from 0 on.
    """
    names = _read_index(root)["names"]
    if isinstance(names, dict):
        if sorted(names) != list(range(len(names))):
            what = f"{root / INDEX}: names lacks a number between 0 and {len(names) - 1}"
            raise SourceError(what, "name every class, from 0 on", "yolo.names")
        names = [names[number] for number in range(len(names))]
    return tuple(str(name) for name in names)


def read_yolo(root: Path, split: str) -> Iterator[LabelledPicture]:
    """Yield the pictures of a split with their boxes; a picture without a label file is a background.

    Args:
        root: folder with ``data.yaml``.
        split: a key in it that names a folder, a list of folders, or a text file with a picture a line.

    Raises:
        SourceError: something is missing, or a line is no box of a known class (names file and line).
    """
    return (picture for _, picture in find_yolo(root, split))


def find_yolo(root: Path, split: str) -> Iterator[tuple[Path, LabelledPicture]]:
    """Yield what :func:`read_yolo` does, each with the path of its picture."""
    classes, index = read_classes(root), _read_index(root)
    base = root / str(index.get("path") or "")
    named = index.get(split)
    if not named:
        raise SourceError(f"{root / INDEX} has no split {split!r}", f"one of {', '.join(SPLITS)}", "yolo.split")
    for place in named if isinstance(named, list) else [named]:
        source = base / place
        for folder, picture in _pictures(source):
            file = picture.relative_to(folder).as_posix() if picture.is_relative_to(folder) else picture.name
            yield picture, LabelledPicture(file, split, 0, 0, _read_labels(_labels_beside(picture), classes))


def _read_index(root: Path) -> dict[str, Any]:
    path = root / INDEX
    if not path.is_file():
        raise SourceError(f"no {path}", "give a folder in the layout of YOLO", "yolo.index")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise SourceError(f"{path} is no YAML: {error}".replace("\n", " "), "mend it", "yolo.index") from error
    if not isinstance(content, dict) or not isinstance(content.get("names"), list | dict):
        raise SourceError(f"{path} names no classes", "write `names:` and a name for each number", "yolo.names")
    return content


def _pictures(source: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the folder that a picture's name is relative to, and the picture."""
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            if path.suffix.lower() in PICTURE_SUFFIXES:
                yield source, path
    elif source.is_file():
        for line in source.read_text(encoding="utf-8").splitlines():
            if line.strip():
                yield source.parent, source.parent / line.strip()
    else:
        raise SourceError(f"no pictures at {source}", f"mend the paths in {INDEX}", "yolo.pictures")


def _labels_beside(picture: Path) -> Path:
    parts = list(picture.parts)
    places = [i for i, part in enumerate(parts[:-1]) if part == "images"]
    if places:
        parts[places[-1]] = "labels"
    return Path(*parts).with_suffix(".txt")


def _read_labels(path: Path, classes: Sequence[str]) -> tuple[NamedBox, ...]:
    if not path.is_file():
        return ()
    boxes = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        try:
            kind, (x, y, w, h) = int(words[0]), (float(word) for word in words[1:])
            flaw = box_flaw([x - w / 2, y - h / 2, w, h]) if 0 <= kind < len(classes) else "class_unknown"
        except ValueError:
            flaw = "box_malformed"
        if flaw:
            remedy = "a line is: class number, centre x, centre y, width, height, in 0..1"
            raise SourceError(f"{path}:{number}: {flaw.replace('_', ' ')}: {line[:60]}", remedy, "yolo.label")
        boxes.append(NamedBox(classes[kind], inside(Box(x - w / 2, y - h / 2, w, h))))
    return tuple(boxes)
