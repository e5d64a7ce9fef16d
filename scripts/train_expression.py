"""Train and measure micro-expression systems on real collections; a run that was stopped goes on where it was.

    python scripts/train_expression.py --data NAME PATH [--data NAME PATH ...] --model off_tanet --protocol loso
        [--epochs N|inner] [--seeds K] [--workers N | --ray ADDRESS] --out runs/NAME

NAME is one of casme2, samm, smic, casme_sq, casme3 (a folder as released, unpacked), motion_bed (drawn; PATH is a
condition: standard, hard ...) or packed (an .npz of flow maps). The result, pooled over all folds and with an interval,
is OUT/result.json; OUT/folds.jsonl has a line a fold. --model all trains every system of the zoo, each into a folder of
its own in OUT. The number of epochs is fixed before, or chosen inside the training part; never on the test part.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistive.errors import EXIT_INTERRUPTED, EXIT_USER_ERROR, AssistiveError
from assistive.evaluation.report import check_writable, machine, provenance, write_json
from assistive.training.datasets.clip_set import ClipSet
from assistive.training.datasets.clip_sources import load_clips
from assistive.training.datasets.collections import COLLECTIONS
from assistive.training.datasets.face_points import MeshPoints
from assistive.training.datasets.flow_maps import FlowRecipe, map_clips
from assistive.training.datasets.packed import MapSet, join, read_packed
from assistive.training.expression import NETWORKS, FitRecipe, NetworkLearner
from assistive.training.fold_log import FoldLog
from assistive.training.pca_svm import PcaSvmLearner
from assistive.training.pools import choose_pool
from assistive.training.protocols import PROTOCOLS, measure
from assistive.training.system_code import code_of
from assistive.training.systems import SystemLearner
from assistive.yamlfile import load_yaml
from assistive.zoo.systems import MODULES, Recipe, find, systems

PACKED = "packed"
INNER = "inner"
PCA_SVM = "pca_svm"
ALL = "all"
MACHINE = "assistive.training.linear_svm:fit"
"""Trains systems that are fitted at once."""
MODELS = (*MODULES, PCA_SVM, ALL)

Learner = NetworkLearner | PcaSvmLearner | SystemLearner

console = Console()


def main(arguments: list[str] | None = None) -> None:
    """Run the command and leave with its exit status."""
    args = _parser().parse_args(arguments)
    try:
        run(args)
    except AssistiveError as error:
        print(error, file=sys.stderr)
        sys.exit(EXIT_USER_ERROR)
    except KeyboardInterrupt:
        print(f"stopped; the same command goes on from what is finished in {args.out}", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)


def run(args: argparse.Namespace) -> None:
    """Read the data, measure, write a result for each model."""
    torch.set_num_threads(1)  # as in every worker: with more, the last bits of the figures would be others
    config = load_yaml(args.config).data
    names = [one.name for one in systems() if one.task == "classes"] if args.model == ALL else [args.model]
    as_maps = args.model == PCA_SVM or any(name == PACKED for name, _ in args.data)
    build = build_map_learner if as_maps else build_system_learner
    learners = {name: build(name, args, config) for name in names}
    folders = {name: args.out / name if args.model == ALL else args.out for name in names}
    for folder in folders.values():
        check_writable(folder / "result.json")
    clips, read = load(args, as_maps, FlowRecipe(**config["flow"], workers=args.workers))
    made = {"data": clips.fingerprint(), "classes": list(clips.classes), "protocol": args.protocol}
    pool, results = choose_pool(args.workers, args.ray), {}
    with Progress(console=console) as progress:
        for name, learner in learners.items():
            known = {**made, "model": name, "recipe": asdict(learner)}
            if isinstance(learner, SystemLearner):
                known["code"] = code_of(find(name))
            log = FoldLog(folders[name] / "folds.jsonl", known)
            figures = measure(clips, args.protocol, learner, range(args.seeds), log, pool, progress, name)
            results[name] = {**provenance(), "machine": machine(), **known, "read": read, **figures}
            write_json(folders[name] / "result.json", results[name])
    show(results)


def build_map_learner(name: str, args: argparse.Namespace, config: Mapping[str, Any]) -> Learner:
    """Return what learns from flow maps alone, which is all that a packed file holds.

    Raises:
        AssistiveError: the system needs more of a clip, a quick size is asked for, the number of epochs is none, or
            the model has no epochs.
    """
    if args.quick:
        what = "flow maps alone have one size: there is nothing to make quick"
        raise AssistiveError(what, "leave --quick out", "training.quick")
    if name == PCA_SVM:
        if args.epochs is not None:
            raise AssistiveError(f"{PCA_SVM} knows no epochs", "leave --epochs out", "training.epochs")
        return PcaSvmLearner(**config["models"][PCA_SVM])
    if name not in NETWORKS:
        what = f"packed files hold flow maps alone, and {name} needs more of a clip"
        raise AssistiveError(what, f"give the collection itself, or one of: {', '.join(NETWORKS)}, {PCA_SVM}",
                             "training.maps")  # fmt: skip
    recipe = asdict(_recipe(name, config))
    most = _epochs(args.epochs) or recipe["epochs"]
    del recipe["epochs"]
    return NetworkLearner(name, most, FitRecipe(**recipe), config["inner_share"] if args.epochs == INNER else None)


def build_system_learner(name: str, args: argparse.Namespace, config: Mapping[str, Any]) -> Learner:
    """Return what learns from whole clips.

    Raises:
        AssistiveError: the number of epochs is none, or cannot be chosen inside.
    """
    system = find(name)
    if system.task != "classes":
        raise AssistiveError(f"{name} ({system.number}) answers no classes", "read what evaluate.py zoo --list says",
                             "training.task")  # fmt: skip
    if args.epochs is not None and system.trained_by == MACHINE and args.model != ALL:
        raise AssistiveError(f"{name} knows no epochs", "leave --epochs out", "training.epochs")
    inner = args.epochs == INNER
    if inner and system.trained_by is not None:
        what = f"{name} is trained in stages: its epochs cannot be chosen inside"
        raise AssistiveError(what, "give --epochs a number, or leave it out", "training.epochs")
    recipe = (system.quick.recipe if args.quick else None) or _recipe(name, config)
    recipe = replace(recipe, epochs=_epochs(args.epochs) or recipe.epochs)
    options = system.quick.options if args.quick else {}
    return SystemLearner(name, recipe, options, inner_share=config["inner_share"] if inner else None)


def _recipe(name: str, config: Mapping[str, Any]) -> Recipe:
    """Return the recipe of the config, where it has one, else the system's own."""
    if name not in config["models"]:
        return find(name).recipe
    try:
        return Recipe(**config["models"][name])
    except TypeError as error:
        known = ", ".join(one.name for one in fields(Recipe))
        raise AssistiveError(f"the recipe of {name} has another key: {error}", f"it knows {known}",
                             "training.recipe") from error  # fmt: skip


def _epochs(said: str | None) -> int | None:
    """Return the number of epochs that was given, or None."""
    if said is None or said == INNER:
        return None
    if not said.isdecimal() or not int(said):
        raise AssistiveError(f"--epochs {said} is no number of epochs", f"give 1 or more, or {INNER}",
                             "training.epochs")  # fmt: skip
    return int(said)


def load(args: argparse.Namespace, as_maps: bool, recipe: FlowRecipe) -> tuple[MapSet | ClipSet, list[str]]:
    """Read all data sets, and say what was read.

    Returns:
        All clips, and what was read, left out and mended, in words.

    Raises:
        AssistiveError: one cannot be read, or has no such classes.
    """
    if as_maps:
        return load_maps(args.data, args.classes, recipe, args.cache)
    args.cache.mkdir(parents=True, exist_ok=True)
    clips, lines = load_clips(args.data, args.classes, args.cache, MeshPoints)
    _say(lines)
    return clips, lines


def load_maps(data: list[list[str]], classes: str, recipe: FlowRecipe, cache: Path) -> tuple[MapSet, list[str]]:
    """Read all data sets as flow maps.

    Args:
        data: pairs of a name and a path.
        classes: ``three`` or ``five``.
        recipe: of the flow maps.
        cache: folder of computed flow maps.

    Raises:
        AssistiveError: one cannot be read, or has no such classes.
    """
    parts, lines = [], []
    for name, path in data:
        if name not in (known := (*COLLECTIONS, PACKED)):
            raise AssistiveError(f"no data set is named {name}", f"one of: {', '.join(known)}", "training.data")
        if name == PACKED:
            part = read_packed(Path(path))
            said = [f"{PACKED}: {len(part)} clips of {len(set(part.subjects))} subjects from {path}"]
        else:
            collection = COLLECTIONS.get(name)(Path(path), classes)
            part, collection = map_clips(collection, MeshPoints, recipe, cache)
            said = collection.lines()
        _say(said)
        parts.append(part)
        lines += said
    return join(parts), lines


def _say(lines: list[str]) -> None:
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)


def show(results: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the figures: each seed of one model, or the means of many."""
    datasets = next(iter(results.values()))["pooled"]["by_dataset"]
    table = Table("model", "seed", "UF1", "95 % interval", "UAR", "clips", *datasets)
    for name, result in results.items():
        by_seed = result["by_seed"].items() if len(results) == 1 else ()
        for seed, figures in [*by_seed, ("all", result["pooled"])]:
            low, high = figures["uf1_ci95"]
            each = (f"{one['uf1']:.3f}" for one in figures["by_dataset"].values())
            table.add_row(name, str(seed), f"{figures['uf1']:.3f}", f"{low:.3f} to {high:.3f}",
                          f"{figures['uar']:.3f}", str(figures["clips"]), *each)  # fmt: skip
    console.print(table)
    for name, result in results.items():
        console.print(f"{name}: mean over the seeds: UF1 {result['uf1']:.3f}, UAR {result['uar']:.3f}")


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs=2, action="append", required=True, metavar=("NAME", "PATH"))
    parser.add_argument("--model", choices=MODELS, required=True, metavar="NAME", help=f"one of {', '.join(MODELS)}")
    parser.add_argument("--protocol", choices=PROTOCOLS, required=True)
    parser.add_argument("--epochs", metavar="N", help="a number, or inner; left out: as in the config or the system")
    parser.add_argument("--seeds", type=int, choices=range(1, 101), default=1, metavar="K", help="seeds 0 to K-1")
    parser.add_argument("--classes", choices=("three", "five"), default="three", help="of MEGC2019, or the usual five")
    parser.add_argument("--quick", action="store_true", help="systems at their quick size")
    parser.add_argument("--out", type=Path, required=True, help="folder for log and result")
    parser.add_argument("--config", type=Path, default=Path("configs/train/expression.yaml"))
    parser.add_argument("--cache", type=Path, default=Path("data/flow"), help="folder of what is computed of clips")
    parser.add_argument("--workers", type=_count, default=2, metavar="N",
                        help="folds trained at a time, each by itself")
    parser.add_argument("--ray", metavar="ADDRESS", help="train folds on a Ray cluster instead: auto, local, HOST:PORT")
    return parser


if __name__ == "__main__":
    main()
