"""Compare detectors that were trained the same way, alone and followed by the shipped verifier.

Alone, a detector's best box is judged by hand score times its own class score (one stage). With the verifier, blend and
threshold are fitted anew for each detector. Thresholds are always chosen on the validation people; the labelled
pictures are only read.

Example:
    python scripts/compare_detectors.py --verifier runs/verifier_polish/final.pt --images check.tar --labels check.csv
        --out docs/results/detectors.json yolov5n=runs/compare_yolov5n/final.pt yolov5s_lite=runs/compare/final.pt
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from assistive.evaluation.gesture import read_frame, report
from assistive.evaluation.labels import read_pictures
from assistive.evaluation.pictures import find_pictures
from assistive.evaluation.report import provenance, write_json
from assistive.gesture import GestureStream
from assistive.pipeline import HandReader
from assistive.settings import Settings
from assistive.sources.images import read_picture
from assistive.training.export import choose_threshold, export_detector, export_verifier
from assistive.training.stock import CLASSES, Stock, read_stock
from assistive.types import Frame, Hand

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = 0.05


class OneStage:
    """A detector that names the gesture itself.

    Args:
        stream: gives the candidates.
        threshold: probability from which a gesture counts.
    """

    def __init__(self, stream: GestureStream, threshold: float = 0.5) -> None:
        self._stream, self.threshold = stream, threshold
        self.stage_ms: Mapping[str, float] = {}

    def read(self, frame: Frame) -> tuple[Hand, ...]:
        """Return the hands, the most probable gesture first."""
        hands = []
        for found in self._stream.detect(frame):
            scores = (found.classes * found.score).tolist()
            hands.append(Hand(found.box, found.score, dict(zip(CLASSES, scores, strict=True))))
        return tuple(sorted(hands, key=lambda hand: -hand.probability))


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("detectors", nargs="+", metavar="VARIANT=WEIGHTS")
    parser.add_argument("--verifier", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--config", type=Path, default=Path("configs/train/gesture.yaml"))
    args = parser.parse_args()
    config = yaml.safe_load(args.config.read_text())
    held = config["validation"]
    _, people = read_stock(Path(config["pack"]), Path(config["faces"]), held["sources"], held["share"])
    rows = {}
    for entry in args.detectors:
        variant, _, weights = entry.partition("=")
        rows[entry] = _measure(variant, Path(weights), args, people)
    write_json(args.out, {**provenance(), "rows": rows})


def _measure(variant: str, weights: Path, args: argparse.Namespace, people: Stock) -> dict[str, Any]:
    made = {"command": "compare", "data": {}, "seeds": [0]}
    settings = Settings()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "models").mkdir()
        (Path(folder) / "configs").symlink_to(ROOT / "configs", target_is_directory=True)
        os.environ["ASSISTIVE_HOME"] = folder
        models = Path(folder) / "models"
        row: dict[str, Any] = {"validation": export_detector(weights, variant, models, people, made)}
        export_verifier(args.verifier, models, people, made, ALLOWED)
        stream = GestureStream(settings.gesture.alone(), settings.runtime)
        alone = OneStage(stream)
        # A one-stage score is no calibrated probability: its threshold may lie anywhere.
        alone.threshold = choose_threshold(alone, people.frames, ALLOWED, lowest=0.02)["enter_probability"]
        row["one_stage"] = _check(alone, args)
        row["with_verifier"] = _check(stream, args)
    return row


def _check(reader: HandReader, args: argparse.Namespace) -> dict[str, Any]:
    labelled = {picture.file: picture for picture in read_pictures(args.labels)}
    readings = []
    with find_pictures(args.images, labelled) as found:
        for name, path in found.items():
            frame = Frame(read_picture(path, Settings().source.max_pixels), 0.0, 0, 0.0)
            readings.append(read_frame(reader, labelled[name], frame, reader.threshold))
    result = report(readings)
    kept = ("top1", "false_activation_rate", "hand_recall_iou40", "map50", "counts", "interval_95")
    return {"threshold": reader.threshold, **{key: result[key] for key in kept}}


if __name__ == "__main__":
    main()
