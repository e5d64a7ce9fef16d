"""Copy a gesture pack to a work folder and add the teacher's hand landmarks to its crops and frames.

Example:
    python scripts/prepare_gestures.py PACK --out data/gestures
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path

from rich.progress import track

from assistive.training.datasets.gesture_pack import PARTS, read_part
from assistive.training.landmark_teacher import LandmarkTeacher


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path, help="folder of the gesture pack")
    parser.add_argument("--out", type=Path, required=True, help="work folder (git-ignored)")
    args = parser.parse_args()
    (args.out / "train").mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        for suffix in (".csv", ".tar"):
            shutil.copyfile(args.pack / f"{part}{suffix}", args.out / f"{part}{suffix}")
    teacher = LandmarkTeacher()
    for part in ("train/crops", "train/frames"):
        target = args.out / f"{part}.landmarks.json"
        if target.is_file():
            continue
        marks = {}
        for picture in track(read_part(args.out, part), description=part):
            marks[picture.file] = teacher.find(picture.image, (0.35, 0.8, 0.1) if "crops" in part else (0.0, 0.3))
        partial = target.with_suffix(".partial")
        partial.write_text(json.dumps(marks))
        os.replace(partial, target)


if __name__ == "__main__":
    main()
