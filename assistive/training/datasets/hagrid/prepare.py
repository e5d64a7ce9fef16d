"""Turn HaGRID as it lies on a disk into data for training, over all cores or over many machines.

    OUT/images, OUT/labels, OUT/data.yaml       yolo: what `ultralytics` and other YOLO trainers read
    OUT/images, OUT/annotations                 coco
    OUT/SPLIT/frames, OUT/SPLIT/frames.csv      pack: what our own scene maker reads
    OUT/source/SPLIT.jsonl                      a picture a line, all that HaGRID says of it: landmarks, meta, user
    OUT/report.json                             what is in it, and everything that was wrong, by name
    OUT/.prepare                                what is done already

The same data and recipe give the same files, byte for byte, however often the work was stopped and wherever it ran.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from assistive.errors import AssistiveError, ConfigError, SourceError
from assistive.training.datasets.coco_format import index_path, write_coco
from assistive.training.datasets.hagrid.plan import Plan, make_plan
from assistive.training.datasets.hagrid.shards import (
    STATE,
    Format,
    Outcome,
    Shard,
    make_shard,
    read_shard,
)
from assistive.training.datasets.hagrid.tree import find_tree
from assistive.training.datasets.labelled import SPLITS, LabelledPicture, write_whole
from assistive.training.datasets.pack_format import write_frames
from assistive.training.datasets.yolo_format import write_index
from assistive.training.pools import choose_pool
from assistive.types import GESTURES, NO_GESTURE

SHARD_PICTURES = 256
Progress = Callable[[int, int], None]
"""Called with the number of pictures done, and of all."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is wanted.

    Attributes:
        form: layout of the output.
        classes: names; None = all that are there, and ``no_gesture`` (a pack: the 18 that the system answers to).
        per_class: at most so many pictures a class over all splits; None = all.
        others: pictures of each class that is not chosen; their hands show ``no_gesture``.
        max_side_px: larger pictures are made smaller; None = as they are.
        link: symbolic links in place of copies.
        refuse: any problem is an error, once all are known; else what has one is left out.
    """

    form: Format = "yolo"
    classes: tuple[str, ...] | None = None
    per_class: int | None = None
    others: int = 0
    max_side_px: int | None = None
    link: bool = False
    refuse: bool = False

    def __post_init__(self) -> None:
        if self.link and self.max_side_px is not None:
            raise ConfigError("a link cannot be made smaller", "give --link or --max-side", "prepare.recipe")
        if self.others and self.classes is not None and NO_GESTURE not in self.classes:
            raise ConfigError("hands of other classes show no_gesture, which is not among --classes",
                              "add no_gesture to --classes", "prepare.recipe")  # fmt: skip
        if self.others and self.classes is None and self.form != "pack":
            raise ConfigError("all classes are chosen: there are no other hands", "name some with --classes",
                              "prepare.recipe")  # fmt: skip
        known = {*GESTURES, NO_GESTURE}
        if self.form == "pack" and (strange := sorted({*(self.classes or ())} - known)):
            raise ConfigError(f"a pack knows no gesture {strange[0]}", "use --format yolo or coco", "prepare.recipe")


def prepare(
    root: Path, out: Path, recipe: Recipe, workers: int = 1, ray: str | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Prepare a data set; what an earlier run did with the same recipe is kept.

    Args:
        root: folder below which HaGRID was unpacked.
        out: folder of the output.
        recipe: what is wanted.
        workers: processes; 1 = this one.
        ray: address of a Ray cluster ("auto", "local", "ray://..."), in place of ``workers``.
        progress: called as the work goes on.

    Returns:
        The report, as it is written to ``OUT/report.json``.

    Raises:
        SourceError: the data cannot be used, or has problems that are not to be skipped.
        ConfigError: the output holds something else.
        AssistiveError: the disk is full, or refuses.
        DependencyError: Ray is asked for and not installed.
    """
    root, out = root.resolve(), out.resolve()
    if out.is_relative_to(root):
        raise ConfigError(f"{out} lies inside {root}", "name another folder: --out DATA", "prepare.out")
    classes = recipe.classes or ((*GESTURES, NO_GESTURE) if recipe.form == "pack" else None)
    plan = make_plan(find_tree(root), classes, recipe.per_class, recipe.others)
    shards = [
        Shard(number, root, out, recipe.form, plan.classes, recipe.max_side_px, recipe.link,
              plan.entries[start : start + SHARD_PICTURES])
        for number, start in enumerate(range(0, len(plan.entries), SHARD_PICTURES))
    ]  # fmt: skip
    try:
        _claim(out, plan, recipe)
        done = 0
        for outcome in _outcomes(shards, workers, ray):
            if outcome.disk_error:
                raise _disk_refuses(outcome.disk_error)
            done += outcome.pictures
            if progress is not None:
                progress(done, len(plan.entries))
        return _finish(out, plan, recipe, shards)
    except OSError as error:
        raise _disk_refuses(f"{error.strerror or error}: {error.filename or out}") from error


def _outcomes(shards: Sequence[Shard], workers: int, ray: str | None) -> Iterator[Outcome]:
    if ray is not None:
        from assistive.training.datasets.hagrid.on_ray import make_shards

        return make_shards(shards, ray)
    return choose_pool(workers).run(make_shard, shards)


def _claim(out: Path, plan: Plan, recipe: Recipe) -> None:
    """Note what is prepared here, or see that it is the same.

    An output is never silently mixed: pictures of another choice would stay among the new ones.
    """
    note = out / STATE / "plan.json"
    wanted = {"plan": plan.fingerprint, **{key: value for key, value in asdict(recipe).items() if key != "refuse"}}
    content = json.dumps(wanted, indent=2).encode() + b"\n"
    if note.is_file():
        if note.read_bytes() != content:
            what = f"{out} was prepared with other options or from other data"
            raise ConfigError(what, "name another --out, or delete the folder first", "prepare.out")
    elif out.exists() and any(path.name != STATE for path in out.iterdir()):
        raise ConfigError(f"{out} holds something else", "name a new or empty folder: --out DATA", "prepare.out")
    write_whole(note, content, out / STATE / "partial")


def _finish(out: Path, plan: Plan, recipe: Recipe, shards: Sequence[Shard]) -> dict[str, Any]:
    report, partial = _report(out, plan, len(shards)), out / STATE / "partial"
    write_whole(out / "report.json", json.dumps(report, indent=2, ensure_ascii=False).encode() + b"\n", partial)
    if recipe.refuse and report["problems"]:
        kinds = ", ".join(f"{len(names)} {kind}" for kind, names in report["problems"].items())
        raise SourceError(f"{report['problem_count']} problems in the data: {kinds}",
                          f"they are named in {out / 'report.json'}; mend them, or leave --refuse out",
                          "prepare.problems")  # fmt: skip
    splits = [split for split in SPLITS if report["splits"][split]["pictures"]]
    for split in splits:
        numbers = tuple(s.number for s in shards if any(entry.split == split for entry in s.entries))
        pictures = _Split(out, numbers, split)
        lines = (json.dumps({"file": picture.file, **picture.annotation}) + "\n" for picture in pictures)
        _write_lines(out / "source" / f"{split}.jsonl", lines)
        if recipe.form == "coco":
            write_coco(index_path(out, split), pictures, plan.classes)
        elif recipe.form == "pack":
            write_frames(out / split, pictures, f"hagrid-{plan.version}")
    if recipe.form == "yolo":
        write_index(out, plan.classes, splits, partial)
    shutil.rmtree(partial, ignore_errors=True)
    return report


@dataclass(frozen=True, slots=True)
class _Split:
    """The prepared pictures of a split, as often as somebody goes through them."""

    out: Path
    shards: tuple[int, ...]
    split: str

    def __iter__(self) -> Iterator[LabelledPicture]:
        for number in self.shards:
            yield from (picture for picture in read_shard(self.out, number).pictures if picture.split == self.split)


def _report(out: Path, plan: Plan, shards: int) -> dict[str, Any]:
    boxes = {split: Counter[str]() for split in SPLITS}
    people: dict[str, set[str]] = {split: set() for split in SPLITS}
    problems, pictures, tagged = list(plan.problems), Counter[str](), 0
    for done in (read_shard(out, number) for number in range(shards)):
        problems += done.problems
        tagged += done.tagged
        for picture in done.pictures:
            pictures[picture.split] += 1
            people[picture.split].add(picture.user)
            boxes[picture.split].update(named.name for named in picture.boxes)
    kinds: dict[str, list[str]] = defaultdict(list)
    for problem in problems:
        kinds[problem.kind].append(problem.name)
    splits = {
        split: {"pictures": pictures[split], "people": len(people[split]),
                "boxes": {name: boxes[split][name] for name in plan.classes}}
        for split in SPLITS
    }  # fmt: skip
    return {
        "source": f"HaGRID {plan.version}",
        "classes": list(plan.classes),
        "splits": splits,
        "not_unpacked": list(plan.not_unpacked),
        "orientation_tags_removed": tagged,
        "problem_count": len(problems),
        "problems": dict(sorted(kinds.items())),
    }


def _write_lines(path: Path, lines: Iterator[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.writelines(lines)
        os.replace(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def _disk_refuses(what: str) -> AssistiveError:
    remedy = "make room or mend the disk, then run the same command again: what is done is kept"
    return AssistiveError(f"cannot prepare any further: {what}", remedy, "prepare.disk")
