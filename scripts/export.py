"""Export the trained gesture networks to models/, fit what joins them, and choose the shipped threshold.

Example:
    python scripts/export.py --detector runs/detector/final.pt --verifier runs/verifier/final.pt
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch
import yaml

from assistive.gesture import GestureStream
from assistive.settings import Settings
from assistive.training.datasets.gesture_pack import fingerprint
from assistive.training.detector import DetectorRecipe, validate
from assistive.training.export import choose_threshold, collect, fit_blend, write_onnx, write_sidecar
from assistive.training.stock import CLASSES, read_stock
from assistive.training.verifier import figures, judge
from assistive.zoo.gesture_verifier import Probabilities
from assistive.zoo.gesture_verifier import build as build_verifier
from assistive.zoo.yolov5s_lite import Decode
from assistive.zoo.yolov5s_lite import build as build_detector

PLAIN_BLEND = {"verifier_weight": 1.0, "detector_weight": 0.0, "hand_weight": 0.0, "hand_bias": 0.0}


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=Path("configs/train/gesture.yaml"))
    parser.add_argument("--detector", type=Path, required=True)
    parser.add_argument("--verifier", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--allowed", type=float, default=0.05, help="share of silent validation frames that may fire")
    args = parser.parse_args()
    config = yaml.safe_load(args.config.read_text())
    held, pack = config["validation"], Path(config["pack"])
    _, people = read_stock(pack, Path(config["faces"]), held["sources"], held["share"])
    parts = ("train/crops", "train/frames", "train/negatives")
    data = {part: fingerprint(pack, part) for part in parts}
    model, size = config["stages"]["detector"]["model"], DetectorRecipe().size

    detector = build_detector(model, len(CLASSES))
    detector.load_state_dict(_weights(args.detector))
    found = validate(detector.eval(), list(people.frames), size)
    path = args.models / "gesture_detector.onnx"
    parity = write_onnx(Decode(detector), torch.rand(1, 3, size, size), path, ["candidates"], free_batch=False)
    write_sidecar(path, "gesture-detector", size, {"hand_score": 0.05, "overlap": 0.5},
                  _made(data), {"validation": found, "parity": parity})  # fmt: skip

    verifier = build_verifier(len(CLASSES))
    verifier.load_state_dict(_weights(args.verifier))
    told = figures(*judge(verifier, [*people.crops, *people.frames, *people.others], 96))
    path = args.models / "gesture_verifier.onnx"
    example = torch.rand(2, 3, 96, 96)
    parity = write_onnx(Probabilities(verifier), example, path, ["probabilities", "embedding", "box"], free_batch=True)
    made, measured = _made(data), {"validation": told, "parity": parity}
    write_sidecar(path, "gesture-verifier", 96, {**PLAIN_BLEND, "enter_probability": 0.5}, made, measured)

    settings = Settings()
    blend = fit_blend(collect(GestureStream(settings.gesture, settings.runtime), people.frames))
    write_sidecar(path, "gesture-verifier", 96, {**blend, "enter_probability": 0.5}, made, measured)
    chosen = choose_threshold(GestureStream(settings.gesture, settings.runtime), people.frames, args.allowed)
    thresholds = {**blend, "enter_probability": chosen.pop("enter_probability")}
    write_sidecar(path, "gesture-verifier", 96, thresholds, made, {**measured, "together": chosen})
    print(json.dumps({"detector": found, "verifier": told, "thresholds": thresholds, "together": chosen}, indent=2))


def _weights(path: Path) -> dict[str, Any]:
    """Read final weights, or the averaged network of a checkpoint."""
    state: dict[str, Any] = torch.load(path, weights_only=True)
    return state.get("average", state)


def _made(data: dict[str, str]) -> dict[str, Any]:
    return {"command": "python scripts/make_gesture_models.py PACK FACES", "data": data, "seeds": [0]}


if __name__ == "__main__":
    main()
