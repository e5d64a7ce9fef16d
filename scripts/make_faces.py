"""Make clips of faces with one micro-expression each, labelled in full.

Example:
    python scripts/make_faces.py PACK --out data/faces --clips 200 --rate 100 --seed 1
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
from rich.progress import track

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistive.errors import EXIT_USER_ERROR, AssistiveError, ConfigError
from assistive.synth.face_model import FaceModel
from assistive.synth.face_portraits import MeshFinder, Portrait, portraits
from assistive.synth.face_skin import drawn_portraits
from assistive.synth.faces import ClipMaker, SceneSettings

_maker: ClipMaker | None = None


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path, help="folder of the face pack")
    parser.add_argument("--out", type=Path, required=True, help="folder for the clips and index.json")
    parser.add_argument("--clips", type=int, default=100, help="how many (default 100)")
    parser.add_argument("--rate", type=float, default=30.0, metavar="HZ", help="frames per second, 15 to 200")
    parser.add_argument("--seed", type=int, default=0, help="the same seed makes the same clips (default 0)")
    parser.add_argument("--part", choices=("train", "validation", "all"), default="train", help="portraits to use")
    parser.add_argument("--drawn", type=int, default=0, metavar="N", help="drawn faces beside the portraits")
    parser.add_argument("--covered", type=float, default=0.1, help="share of faces with a mask, glasses or a hand")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="default: one a processor")
    args = parser.parse_args()
    try:
        make(args)
    except AssistiveError as error:
        print(error, file=sys.stderr)
        sys.exit(EXIT_USER_ERROR)


def make(args: argparse.Namespace) -> None:
    """Make every clip, then the index.

    Raises:
        AssistiveError: an argument is out of bounds, the pack lacks a file, or clips are there already.
    """
    if args.clips < 1 or args.processes < 1 or args.seed < 0 or args.drawn < 0 or not 0 <= args.covered <= 1:
        what = "--clips and --processes start at 1, --seed and --drawn at 0, --covered is a share"
        raise ConfigError(what, "python scripts/make_faces.py --help", "synth.arguments")
    scene = SceneSettings(rate_hz=args.rate, covered=args.covered)
    if any(args.out.glob("clip_*.npz")) or (args.out / "index.json").exists():
        raise ConfigError(f"{args.out} holds clips already", "name another folder, or empty this one", "synth.out")
    model = FaceModel.load(args.pack)
    faces = portraits(args.pack, args.part, args.out / "meshes.npz")
    if args.drawn:
        faces += drawn_portraits(model, args.drawn, args.seed, MeshFinder())
    args.out.mkdir(parents=True, exist_ok=True)
    jobs = [(args.out, args.seed, number) for number in range(args.clips)]
    # Not forked: MediaPipe has threads by now.
    with ProcessPoolExecutor(args.processes, get_context("spawn"), _start, (model, faces, scene)) as pool:
        index = list(track(pool.map(_one, jobs), description="clips", total=len(jobs)))
    about = {"seed": args.seed, "rate_hz": args.rate, "part": args.part, "drawn": args.drawn, "covered": args.covered}
    partial = args.out / "index.partial"
    partial.write_text(json.dumps({**about, "clips": index}, indent=1), encoding="utf-8")
    os.replace(partial, args.out / "index.json")
    print(f"{len(index)} clips: see {args.out / 'index.json'}")


def _start(model: FaceModel, faces: list[Portrait], scene: SceneSettings) -> None:
    global _maker
    cv2.setNumThreads(1)
    _maker = ClipMaker(model, faces, scene)


def _one(job: tuple[Path, int, int]) -> dict[str, Any]:
    assert _maker is not None
    out, seed, number = job
    clip = _maker.make(seed, number)
    name = f"clip_{number:05d}.npz"
    clip.save(out / name)
    return {"file": name, **clip.describe()}


if __name__ == "__main__":
    main()
