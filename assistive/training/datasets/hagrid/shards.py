"""Check, copy and label the pictures of one shard: the part of the preparation that runs on every core and machine.

    OUT/.prepare/shards/00012.json    what was done; a shard whose file lies there and whose pictures are whole is done

Every file is written beside its place and moved there, so that a process may be killed at any moment.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from assistive.training.datasets.hagrid.orientation import without_orientation
from assistive.training.datasets.hagrid.plan import Entry, Problem
from assistive.training.datasets.hagrid.tree import class_name, gestures_of, hands_of, parse_annotations
from assistive.training.datasets.labelled import LabelledPicture, NamedBox, write_whole
from assistive.training.datasets.yolo_format import label_path, label_text
from assistive.types import NO_GESTURE, Box

Format = Literal["yolo", "coco", "pack"]
STATE = ".prepare"
JPEG_QUALITY = 92
_JPEG_START, _JPEG_END, _JPEG_TAIL = b"\xff\xd8", b"\xff\xd9", 4096


@dataclass(frozen=True, slots=True)
class Shard:
    """A piece of work that depends on no other.

    Attributes:
        number: its place in the order of all.
        root: folder of the input, the same on every machine.
        out: folder of the output, the same on every machine.
        form: layout of the output.
        classes: names in the order of their numbers.
        max_side_px: larger pictures are made smaller; None = they are copied byte for byte, but for their orientation.
        link: put a symbolic link in place of a copy.
        entries: its pictures.
    """

    number: int
    root: Path
    out: Path
    form: Format
    classes: tuple[str, ...]
    max_side_px: int | None
    link: bool
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a shard ended: number of its pictures, and the error of the disk that stopped it, if one did."""

    pictures: int
    disk_error: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What a shard left: its pictures, what was wrong with others, and how many had an orientation, now taken out."""

    pictures: tuple[LabelledPicture, ...]
    problems: tuple[Problem, ...]
    tagged: int


def make_shard(shard: Shard) -> Outcome:
    """Do a shard unless it is done; a disk that refuses is an outcome, for not every error survives a trip home."""
    cv2.setNumThreads(1)
    try:
        if not _is_done(shard):
            made = [_make(shard, entry) for entry in shard.entries]
            content = {
                "pictures": [item for item in made if isinstance(item, dict)],
                "problems": [[item.kind, item.name] for item in made if isinstance(item, Problem)],
            }
            write_whole(_record_path(shard.out, shard.number), json.dumps(content).encode(), _partial(shard.out))
    except OSError as error:
        return Outcome(0, f"{error.strerror or error}: {error.filename or shard.out}")
    return Outcome(len(shard.entries))


def picture_path(out: Path, form: Format, split: str, file: str) -> Path:
    """Return where a picture of the output lies."""
    return out / split / "frames" / file if form == "pack" else out / "images" / split / file


def read_shard(out: Path, number: int) -> Done:
    """Return what a shard that is done left, in the order of the plan."""
    record = _read_record(out, number)
    pictures = []
    for item in record["pictures"]:
        boxes = tuple(NamedBox(name, Box(*place)) for name, *place in item["boxes"])
        pictures.append(LabelledPicture(item["file"], item["split"], item["width"], item["height"], boxes,
                                        item["annotation"]["user_id"], item["annotation"]))  # fmt: skip
    return Done(tuple(pictures), tuple(Problem(*item) for item in record["problems"]),
                sum(item["tagged"] for item in record["pictures"]))  # fmt: skip


def chosen_boxes(annotation: dict[str, Any], classes: tuple[str, ...], form: Format) -> tuple[NamedBox, ...]:
    """Return the boxes of a picture under the names of the chosen classes.

    A hand that shows another class shows ``no_gesture``, if that is chosen, else it is left out. A gesture of two hands
    is one box if it is chosen; otherwise, and in a pack always, it is two hands.
    """
    united = {class_name(name) for name in annotation.get("united_label") or [] if name}
    whole = form != "pack" and united <= set(classes)
    boxes = gestures_of(annotation) if whole else hands_of(annotation)
    renamed = (NamedBox(named.name if named.name in classes else NO_GESTURE, named.box) for named in boxes)
    return tuple(named for named in renamed if named.name in classes)


def _make(shard: Shard, entry: Entry) -> dict[str, Any] | Problem:
    name, path = f"{entry.gesture}/{entry.key}", shard.root / entry.picture
    stored = path.read_bytes()
    data = without_orientation(stored)
    tagged = data is not stored
    pixels = _decode(data)
    if pixels is None:
        return Problem("picture_broken", name)
    height, width = pixels.shape[:2]
    file = f"{entry.gesture}/{path.name}"
    if shard.max_side_px is not None and max(height, width) > shard.max_side_px:
        scale = shard.max_side_px / max(height, width)
        width, height = (max(1, round(side * scale)) for side in (width, height))
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
        data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
        file = f"{entry.gesture}/{entry.key}.jpg"
    target = picture_path(shard.out, shard.form, entry.split, file)
    if shard.link and not tagged:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.symlink_to(path)
    else:
        write_whole(target, data, _partial(shard.out))
    annotation = _annotations(str(shard.root / entry.annotations))[entry.key]
    boxes = chosen_boxes(annotation, shard.classes, shard.form)
    if shard.form == "yolo":
        text = label_text(boxes, shard.classes).encode()
        write_whole(label_path(shard.out, entry.split, file), text, _partial(shard.out))
    places = [[named.name, named.box.x, named.box.y, named.box.w, named.box.h] for named in boxes]
    return {"file": file, "split": entry.split, "bytes": len(data), "width": width, "height": height, "tagged": tagged,
            "boxes": places, "annotation": annotation}  # fmt: skip


def _decode(data: bytes) -> np.ndarray[Any, Any] | None:
    """Return the pixels as stored, to which the boxes belong; None for a picture that is broken or cut off.

    OpenCV fills the rest of a JPEG that is cut off with grey and says nothing: the mark of its end must be there. It
    cannot occur inside the picture itself.
    """
    if not data or (data.startswith(_JPEG_START) and _JPEG_END not in data[-_JPEG_TAIL:]):
        return None
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None


def _is_done(shard: Shard) -> bool:
    try:
        pictures = _read_record(shard.out, shard.number)["pictures"]
        sound = all(
            picture_path(shard.out, shard.form, item["split"], item["file"]).stat().st_size == item["bytes"]
            for item in pictures
        )
    except (FileNotFoundError, ValueError):
        return False
    return sound and (
        shard.form != "yolo" or all(label_path(shard.out, i["split"], i["file"]).is_file() for i in pictures)
    )


def _record_path(out: Path, number: int) -> Path:
    return out / STATE / "shards" / f"{number:05d}.json"


def _partial(out: Path) -> Path:
    return out / STATE / "partial"


def _read_record(out: Path, number: int) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(_record_path(out, number).read_bytes())
    return content


@lru_cache(maxsize=1)
def _annotations(path: str) -> dict[str, dict[str, Any]]:
    file = Path(path)
    return parse_annotations(file.read_bytes(), file)
