"""Train a hand detector on data in the layout of YOLO, such as scripts/prepare_hagrid.py writes.

    python scripts/prepare_hagrid.py ROOT --out data/hagrid
    python scripts/train_gesture.py --data data/hagrid --out runs/lite
    python scripts/train_gesture.py --data data/hagrid --out runs/lite --resume          (after it was stopped)
    python scripts/train_gesture.py --data data/hagrid --out runs/own --start models/gesture_detector.onnx
    python scripts/train_gesture.py --data data/hagrid --out runs/s --model yolov5s --device 0,1
    python scripts/train_gesture.py --data data/hagrid --out runs/lite --teacher runs/s/final.pt
    torchrun --nnodes 2 --nproc-per-node 8 ... scripts/train_gesture.py --data ...       (see docs/training.md)

OUT then holds final.pt (for scripts/export.py), results.csv and plots. Models: those of configs/train/detectors.yaml,
and yolov8n, yolov8s, yolo11n, yolo11s, yolo26n, yolo26s of ultralytics to compare with.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistive.errors import EXIT_INTERRUPTED, EXIT_USER_ERROR, AssistiveError, ConfigError

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str] | None = None) -> None:
    """Run the command and leave with its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    args = _parser().parse_args(arguments)
    gpus = args.device.split(",")
    if len(gpus) > 1 and "LOCAL_RANK" not in os.environ:
        sys.exit(_spread(arguments, gpus))
    try:
        final = run(args)
        if os.environ.get("RANK", "0") == "0":
            print(f"weights: {final}\nnext: python scripts/export.py networks --detector {final}")
    except AssistiveError as error:
        print(error, file=sys.stderr)
        sys.exit(EXIT_USER_ERROR)
    except KeyboardInterrupt:
        print(f"stopped; --resume goes on from the last whole epoch in {args.out}", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)


def run(args: argparse.Namespace) -> Path:
    """Train and return the path of the weights.

    Raises:
        AssistiveError: an argument, the data or an installed package does not do.
    """
    import torch

    from assistive.training.yolo.network import HandDetection, load_detector
    from assistive.training.yolo.trainer import Run, train

    hyper = _hyper(args.config)
    for name in ("epochs", "batch"):
        if getattr(args, name) is not None:
            hyper[name] = getattr(args, name)
    teacher = None
    if args.teacher:
        told, _, _ = load_detector(args.teacher)
        if not isinstance(told, HandDetection):
            raise ConfigError(f"{args.teacher} is not of our family", "train yolov5s as a teacher", "train.teacher")
        teacher = told.network
    if args.threads:
        torch.set_num_threads(args.threads)
    return train(
        Run(
            model=args.model, data=args.data, out=args.out, size=args.imgsz, device=_device(args.device),
            seed=args.seed, hyper=hyper, start=args.start, extra=tuple(args.extra), resume=args.resume,
            tensorboard=args.tensorboard,
        ),
        teacher,
    )  # fmt: skip


def _device(wanted: str) -> str:
    """Return the device of this process: ``cpu`` or the number of one GPU."""
    import torch

    if wanted == "auto":
        wanted = "0" if torch.cuda.is_available() else "cpu"
    if wanted != "cpu" and not torch.cuda.is_available():
        raise ConfigError(f"no GPU for --device {wanted}", "use --device cpu", "train.device")
    gpus = wanted.split(",")
    return gpus[int(os.environ.get("LOCAL_RANK", "0")) % len(gpus)]


def _spread(arguments: list[str], gpus: list[str]) -> int:
    """Run one process for each GPU of this machine."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={len(gpus)}"]
    return subprocess.run([*command, str(Path(__file__).resolve()), *arguments], check=False).returncode


def _hyper(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        what = f"cannot read {path}: {error}".replace("\n", " ")
        raise ConfigError(what, "give another --config", "train.config") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path} is no list of training arguments", "see configs/train/detector.yaml", "train.config")
    return content


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with data.yaml")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--model", default="yolov5s-lite", metavar="NAME")
    parser.add_argument("--imgsz", type=_side, default=320, metavar="PX", help="side of the input, a multiple of 32")
    parser.add_argument("--device", default="auto", help="cpu, 0, 0,1 or auto: the first GPU if there is one")
    parser.add_argument("--resume", action="store_true", help="go on with the run in OUT, if there is one")
    parser.add_argument("--extra", type=Path, action="append", default=[], metavar="DIR",
                        help="more training pictures, as of scripts/make_scenes.py; may be repeated")  # fmt: skip
    parser.add_argument("--start", type=Path, metavar="FILE", help="final.pt of a run, or models/gesture_detector.onnx")
    parser.add_argument("--teacher", type=Path, metavar="FINAL.PT", help="learn from this larger detector as well")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch", type=int, help="pictures a step, over all processes together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="processor threads; default: as torch likes")
    parser.add_argument("--config", type=Path, default=ROOT / "configs" / "train" / "detector.yaml")
    parser.add_argument("--tensorboard", action="store_true", help="also log for TensorBoard, into OUT")
    return parser


def _side(text: str) -> int:
    side = int(text)
    if side < 32 or side % 32:
        raise argparse.ArgumentTypeError("a multiple of 32")
    return side


if __name__ == "__main__":
    main()
