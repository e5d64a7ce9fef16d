"""Write the whole frames of a gesture pack, as :mod:`assistive.training.datasets.gesture_pack` reads them.

    DATA/SPLIT/frames.csv               file, gesture, source, user_id, x, y, w, h: one row a hand
    DATA/SPLIT/frames.landmarks.json    21 landmarks of the largest hand by file, where the data set has them
    DATA/SPLIT/frames/NAME.jpg

SPLIT is ``train``, ``val`` or ``test``.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable
from pathlib import Path

from assistive.training.datasets.hagrid.tree import landmarks_of
from assistive.training.datasets.labelled import LabelledPicture
from assistive.types import NO_GESTURE

COLUMNS = ("file", "gesture", "source", "user_id", "x", "y", "w", "h")
PART = "frames"


def write_frames(folder: Path, pictures: Iterable[LabelledPicture], source: str) -> None:
    """Write the CSV and the landmarks of a split, whole or not at all.

    Args:
        folder: folder of the split.
        pictures: gone through twice; one without a hand is left out, for a row of the pack is a hand.
        source: name of the data set.

    Raises:
        OSError: the disk is full, or refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table, marks = folder / f"{PART}.csv", folder / f"{PART}.landmarks.json"
    partials = [path.with_name(f"{path.name}.partial") for path in (table, marks)]
    try:
        with partials[0].open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for picture in pictures:
                for hand in picture.boxes:
                    gesture = "" if hand.name == NO_GESTURE else hand.name
                    place = [f"{value:.6f}" for value in (hand.box.x, hand.box.y, hand.box.w, hand.box.h)]
                    writer.writerow((picture.file, gesture, source, picture.user, *place))
        with partials[1].open("w", encoding="utf-8") as file:
            found = ((p.file, landmarks_of(p.annotation)) for p in pictures if p.boxes)
            json.dump({name: points for name, points in found if points}, file)
        for partial, path in zip(partials, (table, marks), strict=True):
            os.replace(partial, path)
    except OSError:
        for partial in partials:
            partial.unlink(missing_ok=True)
        raise
