"""Decide which pictures of HaGRID are used, in which split, before one of them is opened."""

from __future__ import annotations

import hashlib
import sys
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assistive.errors import SourceError
from assistive.training.datasets.hagrid.tree import (
    AnnotationFile,
    Tree,
    annotation_flaw,
    list_pictures,
    parse_annotations,
)
from assistive.training.datasets.labelled import SPLITS, ordered
from assistive.types import NO_GESTURE

VALIDATION_SHARE = 0.2
"""Share of the people in v1's training part that validate; the release leaves the choice to the user."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture that is used; paths as text below the root of the tree, for there may be a million."""

    key: str
    gesture: str
    split: str
    user: str
    picture: str
    annotations: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with one picture: the kind, and where."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    Attributes:
        version: ``v1``, ``v2`` or ``v2-1M``, by what the annotations hold.
        classes: names of the classes, in the order of their numbers in the output.
        entries: ordered by split, gesture and key.
        problems: what was left out, in the order in which it was found.
        not_unpacked: gestures with annotations but without a folder of pictures.
        fingerprint: SHA-256 of the annotation files, the entries and the classes; the same wherever the root lies.
    """

    version: str
    classes: tuple[str, ...]
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    not_unpacked: tuple[str, ...]
    fingerprint: str


def make_plan(tree: Tree, classes: Collection[str] | None, per_class: int | None, others: int) -> Plan:
    """Read all annotations and choose.

    Args:
        tree: what was found on the disk.
        classes: names of the classes; None = all that have annotations, and ``no_gesture``.
        per_class: at most so many pictures a class over all splits; None = all. They come from as many people as
            possible, and the same ones are chosen whatever else lies on the disk.
        others: so many pictures of each class that is not among ``classes``; their hands show ``no_gesture``.

    Raises:
        SourceError: an annotation file cannot be read, or no picture is left.
    """
    files: dict[str, list[AnnotationFile]] = defaultdict(list)
    for file in tree.annotations:
        files[file.gesture].append(file)
    chosen = ordered(classes if classes is not None else {*files, NO_GESTURE})
    reading = _Reading(tree)
    for gesture, found in sorted(files.items()):
        reading.read(gesture, found, gesture in chosen or others > 0)
    entries = reading.split_by_user()
    picked = [
        entry
        for gesture, group in _by_gesture(entries).items()
        for entry in pick(group, per_class if gesture in chosen else others)
    ]
    if not picked:
        what = f"no usable picture of {', '.join(chosen)}"
        raise SourceError(what, "look at --classes, and whether the archives of pictures are unpacked", "hagrid.empty")
    picked.sort(key=lambda entry: (SPLITS.index(entry.split), entry.gesture, entry.key))
    for entry in picked:
        reading.digest.update("\0".join((entry.key, entry.gesture, entry.split, entry.picture)).encode() + b"\1")
    reading.digest.update("\0".join(chosen).encode())
    return Plan(reading.version, chosen, tuple(picked), tuple(reading.problems), tuple(reading.not_unpacked),
                reading.digest.hexdigest())  # fmt: skip


def pick(entries: Collection[Entry], count: int | None) -> list[Entry]:
    """Choose ``count`` entries, one of each person before a second of any; by hash, so that it never changes."""
    if count is None or count >= len(entries):
        return list(entries)
    people: dict[str, list[Entry]] = defaultdict(list)
    for entry in sorted(entries, key=lambda entry: _hash(entry.key)):
        people[entry.user].append(entry)
    turns = [(turn, _hash(entry.key), entry) for own in people.values() for turn, entry in enumerate(own)]
    return [entry for _, _, entry in sorted(turns, key=lambda item: item[:2])[:count]]


class _Reading:
    """What accumulates while the annotation files are read one after the other."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.entries: list[Entry] = []
        self.problems: list[Problem] = []
        self.not_unpacked: list[str] = []
        self.digest = hashlib.sha256()
        self.version = "v2" if any(file.phase == "val" for file in tree.annotations) else "v1"
        self._gesture_of: dict[str, str] = {}

    def read(self, gesture: str, files: list[AnnotationFile], wanted: bool) -> None:
        """Read the files of one gesture."""
        if not wanted:
            return
        if gesture not in self.tree.folders:
            self.not_unpacked.append(gesture)
            return
        pictures = list_pictures(self.tree.folders[gesture])
        root = self.tree.root
        seen: dict[str, Mapping[str, Any]] = {}
        for file in files:
            data, place = file.path.read_bytes(), _below(root, file.path)
            self.digest.update(hashlib.sha256(data).digest())
            for key, annotation in sorted(parse_annotations(data, file.path).items()):
                if "united_bbox" in annotation or "hand_landmarks" in annotation:
                    self.version = "v2-1M"
                if seen.setdefault(key, annotation) is not annotation and _same(seen[key], annotation):
                    continue  # the subsample repeats pictures of the whole
                kind = self._flaw(key, gesture, annotation, pictures, seen)
                if kind:
                    self.problems.append(Problem(kind, f"{gesture}/{key}"))
                    continue
                self._gesture_of[key] = gesture
                user = sys.intern(annotation["user_id"])  # one person is in many pictures
                self.entries.append(Entry(key, gesture, file.phase, user, _below(root, pictures[key]), place))
        unlabelled = sorted(set(pictures) - set(seen))
        self.problems += [Problem("picture_without_label", f"{gesture}/{key}") for key in unlabelled]

    def split_by_user(self) -> list[Entry]:
        """Take everybody out of the splits that learn from them but the most protected one, and choose who validates.

        A person in test stays in test, one in validation leaves training: what is measured is never seen before.
        """
        phases: dict[str, set[str]] = defaultdict(set)
        for entry in self.entries:
            phases[entry.user].add(entry.split)
        official = any(file.phase == "val" for file in self.tree.annotations)
        kept = []
        for entry in self.entries:
            home = max(phases[entry.user], key=SPLITS.index)
            if entry.split != home:
                self.problems.append(Problem("user_in_two_splits", f"{entry.gesture}/{entry.key} (user {entry.user})"))
            elif home == "train" and not official and _hash(entry.user) < VALIDATION_SHARE * 2**64:
                kept.append(replace(entry, split="val"))
            else:
                kept.append(entry)
        return kept

    def _flaw(
        self, key: str, gesture: str, annotation: Mapping[str, Any], pictures: Mapping[str, object],
        seen: Mapping[str, Mapping[str, Any]],
    ) -> str:  # fmt: skip
        if seen[key] is not annotation or key in self._gesture_of:
            return "labelled_twice"
        if key not in pictures:
            return "label_without_picture"
        return annotation_flaw(annotation)


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one.get(name) == other.get(name) for name in ("bboxes", "labels", "user_id"))


def _by_gesture(entries: Collection[Entry]) -> dict[str, list[Entry]]:
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry.gesture].append(entry)
    return groups


def _below(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
