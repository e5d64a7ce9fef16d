"""Train and measure a micro-expression recogniser on real collections; a run that was stopped goes on where it was.

    python scripts/train_expression.py --data NAME PATH [--data NAME PATH ...] --model off_tanet --protocol loso
        [--epochs N|inner] [--seeds K] --out runs/NAME

NAME is one of casme2, samm, smic, casme_sq, casme3 (a folder as released, unpacked) or packed (an .npz). The result,
pooled over all folds and with an interval, is OUT/result.json; OUT/folds.jsonl has a line a fold. The number of epochs
is fixed before, or chosen inside the training part; never on the test part.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import yaml
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistive.errors import EXIT_INTERRUPTED, EXIT_USER_ERROR, AssistiveError
from assistive.evaluation.report import check_writable, machine, provenance, write_json
from assistive.training.datasets.collections import COLLECTIONS
from assistive.training.datasets.face_points import MeshPoints
from assistive.training.datasets.flow_maps import FlowRecipe, map_clips
from assistive.training.datasets.packed import MapSet, join, read_packed
from assistive.training.expression import NETWORKS, FitRecipe, NetworkLearner
from assistive.training.pca_svm import PcaSvmLearner
from assistive.training.protocols import PROTOCOLS, FoldLog, measure

PACKED = "packed"
INNER = "inner"
PCA_SVM = "pca_svm"
MODELS = (*NETWORKS, PCA_SVM)

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
        print(f"stopped; the same command goes on from {args.out / 'folds.jsonl'}", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)


def run(args: argparse.Namespace) -> None:
    """Read the data, measure, write the result."""
    torch.set_num_threads(args.threads)
    config = yaml.safe_load(args.config.read_text(encoding="utf-8"))
    learner = build_learner(args.model, args.epochs, config)
    check_writable(args.out / "result.json")
    maps, read = load(args.data, args.classes, FlowRecipe(**config["flow"], workers=args.workers), args.cache)
    made = {"data": maps.fingerprint(), "classes": list(maps.classes), "protocol": args.protocol,
            "model": args.model, "recipe": asdict(learner)}  # fmt: skip
    log = FoldLog(args.out / "folds.jsonl", made)
    result = measure(maps, args.protocol, learner, range(args.seeds), log)
    write_json(args.out / "result.json", {**provenance(), "machine": machine(), **made, "read": read, **result})
    show(result)


def build_learner(model: str, epochs: str | None, config: dict[str, Any]) -> NetworkLearner | PcaSvmLearner:
    """Return the learner that was asked for.

    Raises:
        AssistiveError: the number of epochs is none, or the model has no epochs.
    """
    recipe = dict(config["models"][model])
    if model == PCA_SVM:
        if epochs is not None:
            raise AssistiveError(f"{PCA_SVM} knows no epochs", "leave --epochs out", "training.epochs")
        return PcaSvmLearner(**recipe)
    most = recipe.pop("epochs")
    if epochs is None or epochs == INNER:
        return NetworkLearner(model, most, FitRecipe(**recipe), config["inner_share"] if epochs else None)
    if not epochs.isdecimal() or not int(epochs):
        raise AssistiveError(f"--epochs {epochs} is no number of epochs", f"give 1 or more, or {INNER}",
                             "training.epochs")  # fmt: skip
    return NetworkLearner(model, int(epochs), FitRecipe(**recipe))


def load(data: list[list[str]], classes: str, recipe: FlowRecipe, cache: Path) -> tuple[MapSet, list[str]]:
    """Read all data sets.

    Args:
        data: pairs of a name and a path.
        classes: ``three`` or ``five``.
        recipe: of the flow maps.
        cache: folder of computed flow maps.

    Returns:
        All maps, and what was read, left out and mended, in words.

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
        for line in said:
            console.print(line, highlight=False, soft_wrap=True)
        parts.append(part)
        lines += said
    return join(parts), lines


def show(result: dict[str, Any]) -> None:
    """Print the figures."""
    table = Table("seed", "UF1", "95 % interval", "UAR", "clips", *result["pooled"]["by_dataset"])
    for seed, figures in [*result["by_seed"].items(), ("all", result["pooled"])]:
        low, high = figures["uf1_ci95"]
        each = (f"{one['uf1']:.3f}" for one in figures["by_dataset"].values())
        table.add_row(str(seed), f"{figures['uf1']:.3f}", f"{low:.3f} to {high:.3f}", f"{figures['uar']:.3f}",
                      str(figures["clips"]), *each)  # fmt: skip
    console.print(table, f"mean over the seeds: UF1 {result['uf1']:.3f}, UAR {result['uar']:.3f}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs=2, action="append", required=True, metavar=("NAME", "PATH"))
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--protocol", choices=PROTOCOLS, required=True)
    parser.add_argument("--epochs", metavar="N", help="a number, or inner; left out: as in the config")
    parser.add_argument("--seeds", type=int, choices=range(1, 101), default=1, metavar="K", help="seeds 0 to K-1")
    parser.add_argument("--classes", choices=("three", "five"), default="three", help="of MEGC2019, or the usual five")
    parser.add_argument("--out", type=Path, required=True, help="folder for log and result")
    parser.add_argument("--config", type=Path, default=Path("configs/train/expression.yaml"))
    parser.add_argument("--cache", type=Path, default=Path("data/flow"), help="folder of computed flow maps")
    parser.add_argument("--workers", type=int, default=2, help="threads that compute flow maps")
    parser.add_argument("--threads", type=int, default=1, help="of torch; these networks gain little from more")
    return parser


if __name__ == "__main__":
    main()
