"""Train the gesture networks on a prepared pack.

Example:
    python scripts/prepare_gestures.py PACK --out data/gestures
    python scripts/train_gesture.py detector --out runs/detector
    python scripts/train_gesture.py verifier --out runs/verifier
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
from pathlib import Path

import cv2
import torch
import yaml

from assistive.synth.crops import CropMaker
from assistive.synth.drawn import draw_cutouts
from assistive.synth.hands import SceneMaker
from assistive.training.detector import DetectorRecipe, train_detector
from assistive.training.stock import read_stock
from assistive.training.verifier import VerifierRecipe, train_verifier


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=["detector", "verifier"])
    parser.add_argument("--config", type=Path, default=Path("configs/train/gesture.yaml"))
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints (resumed if there are any)")
    parser.add_argument("--model", help="another variant of the detector (yolov5n, yolov5s)")
    parser.add_argument("--scenes", type=int, help="another number of scenes")
    parser.add_argument("--crops", type=int, help="another number of crops")
    parser.add_argument("--start", type=Path, help="weights to start from")
    parser.add_argument("--all", action="store_true", help="train on the validation people too (same schedule)")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)  # OpenCV's pool does not survive the fork of the scene workers
    config = yaml.safe_load(args.config.read_text())
    held = config["validation"]
    train, validation = read_stock(Path(config["pack"]), Path(config["faces"]), held["sources"], held["share"])
    network: torch.nn.Module
    if args.network == "detector":
        recipe = DetectorRecipe(**config["detector"])
        changes = {key: value for key in ("model", "scenes") if (value := getattr(args, key)) is not None}
        recipe = dataclasses.replace(recipe, **changes)
        maker = SceneMaker(train.frames, train.cutouts(recipe.seed), train.backgrounds)
        network = train_detector(maker, list(validation.frames), recipe, args.out, args.start)
    else:
        crop_recipe = VerifierRecipe(**config["verifier"])
        crop_recipe = dataclasses.replace(crop_recipe, crops=args.crops or crop_recipe.crops)
        drawn = draw_cutouts(crop_recipe.drawn, crop_recipe.seed)
        singles = (*train.crops, *train.others)
        crops = CropMaker(singles, train.frames, train.cutouts(crop_recipe.seed), drawn, train.backgrounds)
        judged = [*validation.crops, *validation.frames, *validation.others]
        network = train_verifier(crops, judged, crop_recipe, args.out, args.start)
    torch.save(network.state_dict(), args.out / "final.pt")


if __name__ == "__main__":
    main()
