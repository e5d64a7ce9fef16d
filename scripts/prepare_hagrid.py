"""Turn HaGRID (v1, v2, v2-1M; whole or in part) into data for training; a run that was stopped goes on where it was.

    python scripts/prepare_hagrid.py ROOT --out DATA [--format yolo|coco|pack] [--classes like stop ... no_gesture]
        [--per-class N] [--others N] [--max-side 512] [--link] [--refuse] [--workers N | --ray ADDRESS]

ROOT is the folder below which pictures and annotations were unpacked. What is wrong in them is counted and named in
DATA/report.json, and left out.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistive.errors import EXIT_INTERRUPTED, EXIT_USER_ERROR, AssistiveError, ConfigError
from assistive.training.datasets.hagrid.prepare import Recipe, prepare
from assistive.training.datasets.hagrid.tree import CLASSES, class_name
from assistive.types import NO_GESTURE

console = Console()


def main(arguments: list[str] | None = None) -> None:
    """Run the command and leave with its exit status."""
    args = _parser().parse_args(arguments)
    try:
        show(run(args), args.out)
    except AssistiveError as error:
        print(error, file=sys.stderr)
        sys.exit(EXIT_USER_ERROR)
    except KeyboardInterrupt:
        print(f"stopped; the same command goes on from what is in {args.out}", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Prepare with a progress bar and return the report.

    Raises:
        AssistiveError: an argument, the data or the disk does not do.
    """
    classes = known(args.classes)
    recipe = Recipe(args.format, classes, args.per_class, args.others, args.max_side, args.link, args.refuse)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("reading annotations", total=None)
        return prepare(
            args.root, args.out, recipe, args.workers, args.ray,
            lambda done, total: bar.update(task, completed=done, total=total, description="pictures"),
        )  # fmt: skip


def known(names: list[str] | None) -> tuple[str, ...] | None:
    """Return the classes that are meant, in any of HaGRID's spellings.

    Raises:
        ConfigError: HaGRID has no such class.
    """
    for name in names or ():
        if not class_name(name):
            remedy = f"one of: {', '.join((*CLASSES, NO_GESTURE))}"
            raise ConfigError(f"HaGRID has no class {name!r}", remedy, "prepare.classes")
    return None if names is None else tuple(sorted({class_name(name) for name in names}))


def show(report: dict[str, Any], out: Path) -> None:
    """Print what is in the output and what is not."""
    table = Table("split", "pictures", "people", "boxes", title=report["source"], title_justify="left")
    for split, found in report["splits"].items():
        table.add_row(split, *(f"{n:,}" for n in (found["pictures"], found["people"], sum(found["boxes"].values()))))
    console.print(table)
    for kind, names in report["problems"].items():
        console.print(f"left out: {len(names):,} {kind} ({names[0]}{', ...' if len(names) > 1 else ''})")
    if empty := [split for split in ("train", "val") if not report["splits"][split]["pictures"]]:
        console.print(f"no pictures in {', '.join(empty)}: a trainer will refuse; take more pictures, of more people")
    if report["orientation_tags_removed"]:
        console.print(f"orientation taken out of {report['orientation_tags_removed']:,} pictures")
    if report["not_unpacked"]:
        console.print(f"no pictures unpacked: {', '.join(report['not_unpacked'])}")
    console.print(f"report: {out / 'report.json'}", soft_wrap=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="folder below which HaGRID was unpacked")
    parser.add_argument("--out", type=Path, required=True, help="folder of the output")
    parser.add_argument("--format", choices=("yolo", "coco", "pack"), default="yolo")
    parser.add_argument("--classes", nargs="+", metavar="NAME", help="only these; default: all, and no_gesture")
    parser.add_argument("--per-class", type=_count, metavar="N", help="at most N pictures a class, of many people")
    parser.add_argument("--others", type=_count, default=0, metavar="N",
                        help="also N pictures of each other class, their hands as no_gesture")  # fmt: skip
    parser.add_argument("--max-side", type=_count, metavar="PX", help="make larger pictures smaller")
    parser.add_argument("--link", action="store_true", help="symbolic links in place of copies")
    parser.add_argument("--refuse", action="store_true", help="fail if anything is wrong, in place of leaving it out")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--workers", type=_count, default=os.cpu_count(), metavar="N", help="processes; default: cores")
    place.add_argument("--ray", metavar="ADDRESS", help="a Ray cluster: auto, local, HOST:PORT or ray://HOST:PORT")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("1 or more")
    return number


if __name__ == "__main__":
    main()
