"""Train the fusion head and its baselines on pairs of hands and faces; a run that was stopped goes on where it was.

    python scripts/train_fusion.py FACES --out runs/fusion

FACES is the folder of the face pack. The gesture networks and the recogniser are those in models/ (of ASSISTIVE_HOME,
if that is set): they must not have been trained on the validation people of configs/train/gesture.yaml, or the hands
would be read better here than anywhere else. Writes OUT/said.npz, which `scripts/evaluate.py fusion` judges, and
models/fusion_head.onnx with its sidecar.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistive.errors import EXIT_USER_ERROR, AssistiveError
from assistive.evaluation.report import weights_in_use
from assistive.expression.recogniser import Recogniser
from assistive.settings import Settings
from assistive.training.datasets.gesture_pack import fingerprint
from assistive.training.datasets.intents import IntentTable
from assistive.training.datasets.pairs import Pairs, People, make_pairs
from assistive.training.fusion import FusionRecipe
from assistive.training.fusion_run import export_head, train_all
from assistive.weights import find_weights


def main() -> None:
    """Run the command and leave with its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path, help="folder of the face pack")
    parser.add_argument("--out", type=Path, required=True, help="folder for pairs and results")
    parser.add_argument("--config", type=Path, default=Path("configs/train/fusion.yaml"))
    parser.add_argument("--models", type=Path, default=Path("models"), help="where the head is written to")
    parser.add_argument("--workers", type=int, default=2, help="processes that draw pairs")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        run(args)
    except AssistiveError as error:
        print(error, file=sys.stderr)
        sys.exit(EXIT_USER_ERROR)


def run(args: argparse.Namespace) -> None:
    """Draw the pairs, train, and write what was said of the test pairs and the head."""
    config = yaml.safe_load(args.config.read_text(encoding="utf-8"))
    held = config["validation"]
    people = People(Path(config["pack"]), args.faces, tuple(held["sources"]), held["share"], args.out)
    settings = Settings()
    recogniser = Recogniser(settings.expression.recogniser, settings.runtime)
    train, test = (_pairs(people, part, config["pairs"][part], args).judged(recogniser) for part in ("train", "test"))
    torch.set_num_threads(1)
    table = IntentTable.declared(config["intents"])
    logging.info("%d pairs to learn from, %d to judge; Bayes ceiling of the intents %.3f", len(train), len(test),
                 table.ceiling)  # fmt: skip
    recipe = FusionRecipe(**config["training"])
    head, said = train_all(train, test, table, recipe, config["dependent"])
    np.savez_compressed(args.out / "said.npz", **said)
    made = {
        "command": "python scripts/train_fusion.py FACES --out runs/fusion",
        "data": {
            **{f"{part}": fingerprint(people.pack, part) for part in ("train/crops", "train/negatives")},
            **weights_in_use(settings.gesture),
            settings.expression.recogniser: find_weights(settings.expression.recogniser).sidecar.sha256,
        },
        "seeds": list(range(recipe.seeds)),
    }  # fmt: skip
    figures = {"pairs": {"train": len(train), "test": len(test)}, "see": "docs/results/fusion.json"}
    export_head(head, table, args.models / "fusion_head.onnx", made, figures)


def _pairs(people: People, part: Any, plan: dict[str, Any], args: argparse.Namespace) -> Pairs:
    file = args.out / f"{part}.npz"
    return make_pairs(people, part, plan["counts"], plan["most_uses"], plan["seed"], file, args.workers)


if __name__ == "__main__":
    main()
