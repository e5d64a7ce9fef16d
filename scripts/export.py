"""Put trained networks into models/, and write those of models/ in other forms and for a server.

    python scripts/export.py networks --detector runs/detector/final.pt --verifier runs/verifier/final.pt
    python scripts/export.py detector runs/lite/final.pt --data data/hagrid              (see docs/training.md)
    python scripts/export.py formats --to fp16 int8 --report docs/results/export.json
    python scripts/export.py formats gesture_detector --to tensorrt --out engines
    python scripts/export.py triton --out model_repository                               (see docs/triton.md)

``networks`` fits what joins the two and chooses the threshold; ``detector`` does so on the val part of --data.
``formats`` writes fp16 and int8 with sidecars, so that the runtime takes them:
python run.py --set gesture.detector=gesture_detector_int8
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistive.errors import EXIT_USER_ERROR, AssistiveError, ConfigError

DETECTOR, VERIFIER = "gesture_detector", "gesture_verifier"
CONFIG = Path("configs/train/gesture.yaml")


def main(arguments: list[str] | None = None) -> None:
    """Run the command and leave with its exit status."""
    args = _parser().parse_args(arguments)
    try:
        args.run(args)
    except AssistiveError as error:
        print(error, file=sys.stderr)
        sys.exit(EXIT_USER_ERROR)


def networks(args: argparse.Namespace) -> None:
    """Export the checkpoints of scripts/train_gesture_stage.py, fit the blend and choose the threshold."""
    from assistive.training.datasets.gesture_pack import PARTS, fingerprint
    from assistive.training.export import export_detector, export_verifier
    from assistive.training.stock import read_stock

    config = _config(args.config)
    held, pack, models = config["validation"], Path(config["pack"]), Path("models")
    _, people = read_stock(pack, Path(config["faces"]), held["sources"], held["share"])
    data = {part: fingerprint(pack, part) for part in PARTS}
    made = {"command": "python scripts/make_gesture_models.py PACK FACES", "data": data, "seeds": [0]}
    variant = config["stages"]["detector"]["model"]
    found = export_detector(args.detector, variant, models, people, made) if args.detector else None
    told = export_verifier(args.verifier, models, people, made, args.allowed, args.everyone)
    print(json.dumps({"detector": found, **told}, indent=2))


def detector(args: argparse.Namespace) -> None:
    """Export a detector of scripts/train_gesture.py in place of the one in models/."""
    from assistive.home import home
    from assistive.settings import Settings
    from assistive.training.yolo.ship import fingerprint, fit_verifier, ship_detector

    models = home() / "models"
    data = {args.data.name: fingerprint(args.data)} if args.data else {}
    made = {"command": shlex.join(["python", *sys.argv]), "data": data, "seeds": []}
    found: dict[str, Any] = {"detector": ship_detector(args.weights, models, made, args.licence)}
    if args.data:
        found["together"] = fit_verifier(args.data, models, args.allowed, Settings().source.max_pixels)
    print(json.dumps(found, indent=2))
    if not args.data:
        print("blend and threshold stay as fitted to the detector before; --data DATA fits them anew", file=sys.stderr)


def formats(args: argparse.Namespace) -> None:
    """Write networks of models/ in other forms; compare them if a report is asked for."""
    from assistive.evaluation.report import check_writable
    from assistive.settings import GestureSettings, RuntimeSettings
    from assistive.training.export.formats import check_tools, write_form
    from assistive.training.export.people import look, read_people
    from assistive.weights import find_weights

    if args.report:
        check_writable(args.report)
        if args.names != [DETECTOR, VERIFIER]:
            raise ConfigError("a report compares both gesture networks", "leave NAME out", "export.report")
    check_tools(args.to)
    weights = {name: find_weights(name) for name in args.names}
    config = _config(args.config)
    if args.calibrate:
        config["pack"] = str(args.calibrate)
    people, given = None, {}
    if args.report or "int8" in args.to:
        settings = GestureSettings(**_roles(weights))
        print("read and look at the training pictures", file=sys.stderr)
        people = read_people(config, args.pictures)
        given = look(people.seen, settings, RuntimeSettings(device="cpu"))
    args.out.mkdir(parents=True, exist_ok=True)
    command = shlex.join(["python", *sys.argv])
    files: dict[str, dict[str, Path]] = {name: {} for name in weights}
    for name, form in ((name, form) for name in weights for form in args.to):
        files[name][form] = write_form(weights[name], form, args.out, given.get(name, []), command)
        print(files[name][form])
    if args.report:
        assert people is not None
        _report(args, weights, files, given, people)


def _report(
    args: argparse.Namespace, weights: Mapping[str, Any], files: Mapping[str, Mapping[str, Path]],
    given: Mapping[str, Sequence[Any]], people: Any,
) -> None:  # fmt: skip
    from assistive.evaluation.report import machine, provenance, write_json
    from assistive.home import home
    from assistive.training.export.measure import compare_files, joined_home, judge_streams

    pairs = {"fp32": (DETECTOR, VERIFIER)}
    for form in (form for form in args.to if form in ("fp16", "int8")):
        other = f"{DETECTOR}_{form}", f"{VERIFIER}_{form}"
        pairs |= {f"{form} detector": (other[0], VERIFIER), f"{form} verifier": (DETECTOR, other[1]), form: other}
    print("compare", file=sys.stderr)
    with joined_home(home() / "models", args.out):
        here = {name: {form: path for form, path in forms.items() if form != "tensorrt"}
                for name, forms in files.items()}  # fmt: skip
        rows = {name: compare_files(weights[name], here[name], given[name]) for name in weights}
        together = judge_streams(pairs, people)
    write_json(args.report, {
        **provenance(), "machine": machine(), "data": dict(people.data), "calibrated_on": len(people.seen),
        "weights": {name: weights[name].sidecar.sha256 for name in weights},
        "networks": rows, "together": together,
    })  # fmt: skip
    print(json.dumps({"networks": rows, "together": together}, indent=2))


def triton(args: argparse.Namespace) -> None:
    """Write the model repository of a Triton server."""
    from assistive.training.export.triton import write_repository
    from assistive.weights import find_weights

    write_repository(args.out, find_weights(args.detector), find_weights(args.verifier), args.hands, args.instances)
    print(args.out)


def _roles(weights: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings under which the runtime runs these networks; the shipped one takes the other part."""
    kinds = {"gesture-detector": "detector", "gesture-verifier": "verifier"}
    for name, one in weights.items():
        if one.sidecar.kind not in kinds:
            what = f"{name} is a {one.sidecar.kind}: only gesture networks are calibrated and compared"
            raise ConfigError(what, f"--to fp16, or {DETECTOR} {VERIFIER}", "export.kind")
    roles = {kinds[one.sidecar.kind]: name for name, one in weights.items()}
    if len(roles) < len(weights):
        raise ConfigError("two networks of one kind cannot run together", "one command for each", "export.kind")
    return roles


def _config(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        what = f"cannot read {path}: {error}".replace("\n", " ")
        raise ConfigError(what, "run in the project's folder, or give --config", "export.config") from error
    return content


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True, metavar="networks | detector | formats | triton")
    one = verbs.add_parser("networks", help=networks.__doc__)
    one.set_defaults(run=networks)
    one.add_argument("--config", type=Path, default=CONFIG)
    one.add_argument("--detector", type=Path, help="left out: the detector in models/ stays as it is")
    one.add_argument("--verifier", type=Path, required=True)
    one.add_argument("--everyone", type=Path, nargs="*", default=[],
                     help="verifiers of the stages that saw the validation people: their mean ships")  # fmt: skip
    one.add_argument("--allowed", type=float, default=0.05, help="share of silent validation frames that may fire")
    one = verbs.add_parser("detector", help=detector.__doc__)
    one.set_defaults(run=detector)
    one.add_argument("weights", type=Path, metavar="FINAL.PT")
    one.add_argument("--data", type=Path, help="its val part, of people not trained on, fits blend and threshold")
    one.add_argument("--allowed", type=float, default=0.05, help="share of silent validation pictures that may fire")
    one.add_argument("--licence", default="as the data it was trained on", help="terms of the weights")
    one = verbs.add_parser("formats", help=formats.__doc__)
    one.set_defaults(run=formats)
    one.add_argument("names", nargs="*", default=[DETECTOR, VERIFIER], metavar="NAME", help="networks in models/")
    one.add_argument("--to", nargs="+", required=True, choices=["fp16", "int8", "openvino", "tensorrt"])
    one.add_argument("--out", type=Path, default=Path("models"), help="folder to write to")
    one.add_argument("--config", type=Path, default=CONFIG, help="names the stock of pictures and how people are split")
    one.add_argument("--calibrate", type=Path, metavar="PACK", help="another gesture pack than the config's")
    one.add_argument("--pictures", type=_count, default=160, help="training pictures that int8 is calibrated on")
    one.add_argument("--report", type=Path, metavar="JSON", help="compare size, speed and what is read; write it there")
    one = verbs.add_parser("triton", help=triton.__doc__)
    one.set_defaults(run=triton)
    one.add_argument("--out", type=Path, required=True, help="folder of the repository")
    one.add_argument("--detector", default=DETECTOR, metavar="NAME", help="network in models/")
    one.add_argument("--verifier", default=VERIFIER, metavar="NAME", help="network in models/")
    one.add_argument("--hands", type=int, choices=range(1, 17), default=4, metavar="1-16",
                     help="hands looked at in one picture")  # fmt: skip
    one.add_argument("--instances", type=_count, default=4, help="pictures read at the same time")
    return parser


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return count


if __name__ == "__main__":
    main()
