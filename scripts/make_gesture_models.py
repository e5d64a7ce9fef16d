"""Make both gesture networks from a gesture pack: prepare, train every stage, export. Hours on a laptop; resumable.

Example:
    python scripts/make_gesture_models.py PACK FACES
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

FIRST = ("detector", "detector_polish", "verifier", "verifier_polish", "verifier_far")
LAST = ("verifier_clutter", "verifier_clutter_everyone", "verifier_clutter_again")
"""Stages that learn from the errors of the first ones, as exported."""
WORK = Path("data")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path, help="folder of the gesture pack")
    parser.add_argument("faces", type=Path, help="folder of face pictures without hands, *.jpg")
    args = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    if not (WORK / "faces").exists():
        (WORK / "faces").symlink_to(args.faces.resolve(), target_is_directory=True)
    _call("prepare_gestures.py", str(args.pack), "--out", str(WORK / "gestures"))
    _train(FIRST)
    _call("export.py", "networks", "--detector", "runs/detector_polish/final.pt",
          "--verifier", "runs/verifier_far/final.pt")  # fmt: skip
    _train(LAST)
    _call("export.py", "networks", "--verifier", "runs/verifier_clutter/final.pt")
    _call("train_second_opinion.py")  # whose rule is fitted on people that no network of these has seen
    _call("export.py", "networks", "--verifier", "runs/verifier_clutter/final.pt",
          "--everyone", "runs/verifier_clutter_everyone/final.pt", "runs/verifier_clutter_again/final.pt")  # fmt: skip


def _train(stages: Sequence[str]) -> None:
    for stage in stages:
        if not Path(f"runs/{stage}/final.pt").is_file():
            _call("train_gesture_stage.py", stage, "--out", f"runs/{stage}")


def _call(script: str, *arguments: str) -> None:
    subprocess.run([sys.executable, str(Path(__file__).parent / script), *arguments], check=True)


if __name__ == "__main__":
    main()
