"""Train one stage of the gesture networks on a prepared pack; a stage that was stopped goes on where it was.

Example:
    python scripts/prepare_gestures.py PACK --out data/gestures
    python scripts/train_gesture_stage.py detector --out runs/detector
    python scripts/train_gesture_stage.py verifier --out runs/verifier

A stage with `clutter` in its mixture also learns from what the networks in models/ take for hands where there are none.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

import cv2
import torch
import yaml

from assistive.gesture import GestureStream
from assistive.settings import Settings
from assistive.synth.crops import CropMaker, CropMixture
from assistive.synth.drawn import draw_cutouts
from assistive.synth.hands import Mixture, SceneMaker
from assistive.training.clutter import find_clutter
from assistive.training.datasets.gesture_pack import Picture
from assistive.training.detector import DetectorRecipe, train_detector
from assistive.training.stock import Stock, read_stock
from assistive.training.verifier import VerifierRecipe, train_verifier


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", help="a key under `stages` in the config")
    parser.add_argument("--config", type=Path, default=Path("configs/train/gesture.yaml"))
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints (resumed if there are any)")
    parser.add_argument("--start", type=Path, help="start from these instead: a checkpoint or an exported verifier")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)  # OpenCV's pool does not survive the fork of the scene workers
    config = yaml.safe_load(args.config.read_text())
    if args.stage not in config["stages"]:
        parser.error(f"no stage {args.stage!r} in {args.config}: {', '.join(config['stages'])}")
    held = config["validation"]
    train, validation = read_stock(Path(config["pack"]), Path(config["faces"]), held["sources"], held["share"])
    stage = config["stages"][args.stage]
    start = args.start or (Path(stage["start"]) if "start" in stage else None)
    stage.pop("start", None)
    if stage.pop("everyone", False):
        train, validation = train.joined(validation), Stock((), (), (), ())
    run = _train_verifier if args.stage.startswith("verifier") else _train_detector
    network = run(train, validation, stage, args.out, start)
    torch.save(network.state_dict(), args.out / "final.pt")


def _train_detector(
    train: Stock, validation: Stock, stage: dict[str, Any], out: Path, start: Path | None
) -> torch.nn.Module:
    mixture = Mixture(**stage.pop("mixture", {}))
    recipe = DetectorRecipe(**stage)
    maker = SceneMaker(train.frames, train.cutouts(recipe.seed), train.backgrounds, mixture)
    return train_detector(maker, list(validation.frames), recipe, out, start)


def _train_verifier(
    train: Stock, validation: Stock, stage: dict[str, Any], out: Path, start: Path | None
) -> torch.nn.Module:
    mixture = CropMixture(**stage.pop("mixture", {}))
    recipe = VerifierRecipe(**stage)
    drawn = draw_cutouts(recipe.drawn, recipe.seed)
    singles = (*train.crops, *train.others)
    clutter: list[Picture] = []
    if mixture.clutter:
        settings = Settings()
        stream = GestureStream(settings.gesture.alone(), settings.runtime)
        clutter = find_clutter(stream, train.backgrounds, recipe.seed)
    maker = CropMaker(singles, train.frames, train.cutouts(recipe.seed), drawn, train.backgrounds, clutter, mixture)
    judged = [*validation.crops, *validation.frames, *validation.others]
    return train_verifier(maker, judged, recipe, out, start)


if __name__ == "__main__":
    main()
