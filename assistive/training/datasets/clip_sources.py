"""Clips by the name given to ``--data``: a collection on disk, or the motion test-bed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from assistive.errors import AssistiveError
from assistive.training.datasets.clip_set import ClipSet, join_clips
from assistive.training.datasets.collections import COLLECTIONS
from assistive.training.datasets.face_points import MeshPoints
from assistive.training.datasets.filmed import OpenFinder, read_clips
from assistive.training.datasets.motion_bed import NAME as MOTION_BED
from assistive.training.datasets.motion_bed import read_bed


def load_clips(
    data: Sequence[tuple[str, str]], classes: str, cache: Path, open_finder: OpenFinder = MeshPoints
) -> tuple[ClipSet, list[str]]:
    """Read all data sets.

    Args:
        data: pairs of a name and a path; for ``motion_bed`` the path is the name of a condition.
        classes: ``three`` or ``five``.
        cache: folder for what is computed of collections.
        open_finder: makes a finder of the face mesh.

    Returns:
        All clips, and what was read, left out and mended, in words.

    Raises:
        AssistiveError: one cannot be read, or has no such classes.
    """
    parts, lines = [], []
    for name, path in data:
        if name == MOTION_BED:
            part = read_bed(path)
            lines.append(f"{MOTION_BED}: {len(part)} clips of {len(set(part.subjects))} drawn subjects, {path}")
        elif name in COLLECTIONS:
            part, collection = read_clips(COLLECTIONS.get(name)(Path(path), classes), cache, open_finder)
            lines += collection.lines()
        else:
            known = ", ".join((MOTION_BED, *COLLECTIONS))
            raise AssistiveError(f"no data set is named {name}", f"one of: {known}", "training.data")
        parts.append(part)
    return join_clips(parts), lines
