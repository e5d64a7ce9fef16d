"""Compose training scenes from a gesture pack, in the layout of YOLO: frames zoomed, cut-out hands set before rooms.

    python scripts/prepare_gestures.py PACK --out data/gestures
    python scripts/make_scenes.py --out data/scenes --scenes 6000

The training part holds scenes, the validation part the real frames of people that no scene shows. What may be called by
two names gets one of them by chance in a scene and the first in a frame. Scene i does not depend on how many there are.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
import yaml
from rich.progress import track

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistive.synth.hands import SceneMaker
from assistive.training.datasets.gesture_pack import LabelledHand
from assistive.training.datasets.labelled import NamedBox, write_whole
from assistive.training.datasets.yolo_format import label_path, label_text, write_index
from assistive.training.stock import CLASSES, read_stock

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=ROOT / "configs" / "train" / "gesture.yaml")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=6000)
    parser.add_argument("--size", type=int, default=320, help="side of a scene, pixels")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    config = yaml.safe_load(args.config.read_text())
    held = config["validation"]
    train, people = read_stock(Path(config["pack"]), Path(config["faces"]), held["sources"], held["share"])
    maker = SceneMaker(train.frames, train.cutouts(args.seed), train.backgrounds)
    for i in track(range(args.scenes), "scenes"):
        rng = np.random.default_rng([args.seed, i])
        scene = maker.make(args.size, rng)
        _write(args.out, "train", f"{i:06}.jpg", scene.image, scene.hands, rng)
    for frame in track(people.frames, "frames"):
        _write(args.out, "val", Path(frame.file).with_suffix(".jpg").name, frame.image, frame.hands, None)
    write_index(args.out, CLASSES, ("train", "val"))


def _write(
    out: Path, split: str, name: str, image: np.ndarray, hands: tuple[LabelledHand, ...],
    rng: np.random.Generator | None,
) -> None:  # fmt: skip
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    names = [str(rng.choice(hand.names)) if rng else hand.names[0] for hand in hands]
    boxes = [NamedBox(name, hand.box) for name, hand in zip(names, hands, strict=True)]
    write_whole(out / "images" / split / name, data.tobytes())
    write_whole(label_path(out, split, name), label_text(boxes, CLASSES).encode())


if __name__ == "__main__":
    main()
