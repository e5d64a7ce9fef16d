"""Read and write detection data in the format of COCO: one JSON file a split, boxes in pixels.

    DATA/annotations/instances_SPLIT.json
    DATA/images/SPLIT/NAME.jpg

Numbers of pictures and classes are arbitrary in other people's files; they are resolved to names at once. Written
files are streamed, so that a million pictures need no memory, and carry ``user_id`` beside each picture.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from assistive.errors import SourceError
from assistive.training.datasets.labelled import LabelledPicture, NamedBox, box_flaw, inside
from assistive.types import Box


def index_path(root: Path, split: str) -> Path:
    """Return where the boxes of a split are written."""
    return root / "annotations" / f"instances_{split}.json"


def write_coco(path: Path, pictures: Iterable[LabelledPicture], classes: Sequence[str]) -> None:
    """Write a split whole or not at all.

    Args:
        path: the JSON file.
        pictures: of one split, with width and height; gone through twice.
        classes: names; the first gets the number 1, as in COCO itself.

    Raises:
        OSError: the disk is full, or refuses.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    categories = [{"id": number, "name": name} for number, name in enumerate(classes, start=1)]
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write('{"categories": ' + json.dumps(categories) + ',\n"images": [')
            _write_items(file, _images(pictures))
            file.write('],\n"annotations": [')
            _write_items(file, _annotations(pictures, classes))
            file.write("]}\n")
        os.replace(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def read_coco(path: Path, split: str) -> Iterator[LabelledPicture]:
    """Yield the pictures of a COCO file; crowd regions, which are no single thing, are left out.

    Raises:
        SourceError: it cannot be read, or a box belongs to no picture or class, or lies outside its picture.
    """
    content = _load(path)
    names = {category["id"]: str(category["name"]) for category in content["categories"]}
    sizes = {image["id"]: (image["width"], image["height"]) for image in content["images"]}
    boxes: dict[Any, list[NamedBox]] = {image: [] for image in sizes}
    for annotation in content["annotations"]:
        number, image, category = (annotation.get(key) for key in ("id", "image_id", "category_id"))
        if image not in sizes or category not in names:
            missing = f"picture {image}" if image not in sizes else f"class {category}"
            raise SourceError(f"{path}: annotation {number} is of {missing}, which is not there",
                              "take it out of the file", "coco.reference")  # fmt: skip
        if not annotation.get("iscrowd"):
            boxes[image].append(NamedBox(names[category], _fractions(path, annotation, sizes[image])))
    for image in content["images"]:
        yield LabelledPicture(image["file_name"], split, image["width"], image["height"], tuple(boxes[image["id"]]),
                              str(image.get("user_id", "")))  # fmt: skip


def _load(path: Path) -> dict[str, list[dict[str, Any]]]:
    if not path.is_file():
        raise SourceError(f"no {path}", "give a COCO file of boxes (instances_*.json)", "coco.missing")
    needed = {"categories": ("id", "name"), "images": ("id", "file_name", "width", "height"), "annotations": ("bbox",)}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        complete = all(name in item for key, names in needed.items() for item in content[key] for name in names)
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{path} is no COCO file: {type(error).__name__}: {error}",
                          f"it needs {', '.join(needed)}", "coco.content") from error  # fmt: skip
    if not complete:
        raise SourceError(f"{path} is no COCO file: a key is missing", f"it needs {needed}", "coco.content")
    return dict(content)


def _fractions(path: Path, annotation: dict[str, Any], size: tuple[int, int]) -> Box:
    values, (width, height) = annotation["bbox"], size
    flaw = "picture_without_size" if min(size) <= 0 else ""
    if not flaw and isinstance(values, list) and len(values) == 4 and all(isinstance(v, int | float) for v in values):
        values = [values[0] / width, values[1] / height, values[2] / width, values[3] / height]
    flaw = flaw or box_flaw(values)
    if flaw:
        what = f"{path}: annotation {annotation.get('id')}: {flaw.replace('_', ' ')}: {annotation['bbox']}"
        raise SourceError(what, "bbox is x, y, width, height in pixels of its picture", "coco.box")
    return inside(Box(*values))


def _images(pictures: Iterable[LabelledPicture]) -> Iterator[dict[str, Any]]:
    for number, picture in enumerate(pictures, start=1):
        yield {"id": number, "file_name": picture.file, "width": picture.width, "height": picture.height,
               "user_id": picture.user}  # fmt: skip


def _annotations(pictures: Iterable[LabelledPicture], classes: Sequence[str]) -> Iterator[dict[str, Any]]:
    number = 0
    for image, picture in enumerate(pictures, start=1):
        for named in picture.boxes:
            number += 1
            x, w = (round(value * picture.width, 3) for value in (named.box.x, named.box.w))
            y, h = (round(value * picture.height, 3) for value in (named.box.y, named.box.h))
            yield {"id": number, "image_id": image, "category_id": classes.index(named.name) + 1,
                   "bbox": [x, y, w, h], "area": round(w * h, 3), "iscrowd": 0}  # fmt: skip


def _write_items(file: TextIO, items: Iterable[dict[str, Any]]) -> None:
    for number, item in enumerate(items):
        file.write(("\n" if number == 0 else ",\n") + json.dumps(item, ensure_ascii=False))
