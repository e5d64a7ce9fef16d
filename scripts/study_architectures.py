"""Train every detector the same way, and measure what each costs and reaches, in one run.

    python scripts/make_scenes.py --out data/scenes
    python scripts/study_architectures.py data/scenes --out docs/results/architecture.json
        --markdown docs/architecture_study.md --epochs 30

What is trained already is left as it is, and what was stopped goes on. `--models` names what to train (all, if it is
left out; nothing, if no name follows); the others are measured without weights, in cost only. int8 ranges are taken
from training pictures. Where openvino is not installed, its columns say so.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistive.errors import EXIT_INTERRUPTED, EXIT_USER_ERROR, AssistiveError, ConfigError
from assistive.evaluation.report import check_writable, machine, provenance, write_json
from assistive.runtime import installed_packages
from assistive.training.datasets.labelled import write_whole

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("torch", "ultralytics", "onnxruntime", "openvino", "faster-coco-eval")


def main(arguments: list[str] | None = None) -> None:
    """Run the command and leave with its exit status."""
    args = _parser().parse_args(arguments)
    try:
        study(args)
    except AssistiveError as error:
        print(error, file=sys.stderr)
        sys.exit(EXIT_USER_ERROR)
    except KeyboardInterrupt:
        print("stopped; the same command goes on", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)


def study(args: argparse.Namespace) -> None:
    """Train, measure and write.

    Raises:
        AssistiveError: an argument, the data or an installed package does not do.
    """
    from assistive.evaluation.architecture import Study, measure, names
    from assistive.evaluation.architecture_report import draw, render
    from assistive.training.export.quantise import quantise

    check_writable(args.out)
    check_writable(args.markdown)
    chosen = names() if args.models is None else tuple(args.models)
    unknown = sorted(set(chosen) - set(names()))
    if unknown:
        raise ConfigError(f"no detector {unknown[0]!r}", f"one of: {', '.join(names())}", "study.model")
    for name in chosen:
        _train(name, args)
    result = measure(Study(args.data, args.runs, chosen, args.imgsz, args.rounds, quantise), _say)
    result = {**provenance(), "machine": machine(), "packages": installed_packages(PACKAGES), **result}
    picture = args.markdown.with_suffix(".svg")
    if chosen:
        draw(result, picture)
    write_json(args.out, result)
    write_whole(args.markdown, render(result, picture.name).encode())


def _train(name: str, args: argparse.Namespace) -> None:
    """Train a network in a process of its own, unless it is trained.

    Raises:
        ConfigError: it could not be.
    """
    if (args.runs / name / "final.pt").is_file():
        return
    _say(f"train {name}")
    options = {"--epochs": args.epochs, "--batch": args.batch, "--threads": args.threads}
    command = [
        sys.executable, str(ROOT / "scripts" / "train_gesture.py"), "--data", str(args.data), "--model", name,
        "--out", str(args.runs / name), "--imgsz", str(args.imgsz), "--device", args.device, "--seed", str(args.seed),
        "--resume", *(word for option, value in options.items() if value for word in (option, str(value))),
    ]  # fmt: skip
    if subprocess.run(command, check=False).returncode:
        raise ConfigError(f"{name} could not be trained", "mend what its training said above", "study.train")


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA", help="folder with data.yaml")
    parser.add_argument("--out", type=Path, required=True, metavar="JSON", help="where the figures go")
    parser.add_argument("--markdown", type=Path, required=True, metavar="MD", help="where the document goes")
    parser.add_argument("--models", nargs="*", metavar="NAME", help="what to train and judge; default: all")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "study", help="folder of the trained networks")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each network when it is timed")
    parser.add_argument("--imgsz", type=int, default=320, metavar="PX", help="side of the input")
    parser.add_argument("--epochs", type=int, help="of each training; default: configs/train/detector.yaml")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--device", default="auto", help="cpu, 0 or auto, for training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="processor threads for training")
    return parser


if __name__ == "__main__":
    main()
