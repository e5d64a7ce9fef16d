"""Export the trained gesture networks to models/, fit what joins them, and choose the shipped threshold.

Example:
    python scripts/export.py --detector runs/detector/final.pt --verifier runs/verifier/final.pt
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import yaml

from assistive.training.datasets.gesture_pack import PARTS, fingerprint
from assistive.training.export import export_detector, export_verifier
from assistive.training.stock import read_stock


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=Path("configs/train/gesture.yaml"))
    parser.add_argument("--detector", type=Path, help="left out: the detector in models/ stays as it is")
    parser.add_argument("--verifier", type=Path, required=True)
    parser.add_argument("--everyone", type=Path, nargs="*", default=[],
                        help="verifiers of the stages that saw the validation people: their mean ships")
    parser.add_argument("--allowed", type=float, default=0.05, help="share of silent validation frames that may fire")
    args = parser.parse_args()
    config = yaml.safe_load(args.config.read_text())
    held, pack, models = config["validation"], Path(config["pack"]), Path("models")
    _, people = read_stock(pack, Path(config["faces"]), held["sources"], held["share"])
    data = {part: fingerprint(pack, part) for part in PARTS}
    made = {"command": "python scripts/make_gesture_models.py PACK FACES", "data": data, "seeds": [0]}
    variant = config["stages"]["detector"]["model"]
    found = export_detector(args.detector, variant, models, people, made) if args.detector else None
    told = export_verifier(args.verifier, models, people, made, args.allowed, args.everyone)
    print(json.dumps({"detector": found, **told}, indent=2))


if __name__ == "__main__":
    main()
