"""Train the second opinion on hands whose gesture is not clear, and write it beside the other gesture networks.

    python scripts/train_second_opinion.py --models models

Detector and verifier are those in models/ (of ASSISTIVE_HOME, if that is set); they must not have been trained on the
validation people of configs/train/gesture.yaml. Writes hand_landmarks.onnx (MediaPipe's network, turned into ONNX) and
second_opinion.onnx with its rule and threshold, each with its sidecar.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

import torch
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistive.errors import EXIT_USER_ERROR, AssistiveError
from assistive.gesture import GestureStream
from assistive.runtime import open_session
from assistive.settings import Settings
from assistive.synth.harder import KINDS, harder
from assistive.training.datasets.gesture_pack import PARTS, Picture, fingerprint
from assistive.training.export import choose_threshold, write_onnx, write_sidecar
from assistive.training.landmark_network import convert, shipped_network
from assistive.training.second_opinion import ReaderRecipe, fit_rule, read_people, read_views, train_reader
from assistive.training.stock import Stock, read_stock
from assistive.weights import find_weights

log = logging.getLogger("second_opinion")
MEDIAPIPE = "Apache-2.0, The MediaPipe Authors; turned from TFLite into ONNX"
LOWEST, HIGHEST = 0.05, 0.9
SHARE_OF_HARDER = 4


def main() -> None:
    """Run the command and leave with its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=Path("models"), help="where the networks lie and are written")
    parser.add_argument("--config", type=Path, default=Path("configs/train/gesture.yaml"))
    parser.add_argument("--views", type=int, default=ReaderRecipe.views, help="hands seen in training")
    parser.add_argument("--allowed", type=float, default=0.006, help="share of silent pictures that may fire")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        run(args)
    except AssistiveError as error:
        print(error, file=sys.stderr)
        sys.exit(EXIT_USER_ERROR)


def run(args: argparse.Namespace) -> None:
    """Turn the landmark network into ONNX, train on its landmarks, fit the rule, choose the threshold."""
    config = yaml.safe_load(args.config.read_text(encoding="utf-8"))
    held, pack = config["validation"], Path(config["pack"])
    train, people = read_stock(pack, Path(config["faces"]), held["sources"], held["share"])
    recipe = ReaderRecipe(views=args.views)
    made: dict[str, Any] = {"command": "python scripts/train_second_opinion.py", "seeds": [recipe.seed],
                            "data": {part: fingerprint(pack, part) for part in PARTS}}  # fmt: skip
    path = args.models / "hand_landmarks.onnx"
    convert(shipped_network(), path)
    write_sidecar(path, "hand-landmarks", 224, {}, {**made, "data": {}}, {}, (), MEDIAPIPE)
    settings = Settings()
    alone = GestureStream(settings.gesture.alone(), settings.runtime)
    landmarks = open_session(find_weights("hand_landmarks"), settings.runtime)
    samples = read_views(landmarks, alone, train, recipe)
    log.info("%d hands read in training views", len(samples.packed))
    network = train_reader(samples, recipe)
    path = args.models / "second_opinion.onnx"
    parity = write_onnx(network, torch.from_numpy(samples.packed[:2]), path, ["probabilities"])
    seen = read_people(landmarks, alone, _people(people))
    log.info("%d hands of validation people read", len(seen.packed))
    with torch.no_grad():
        other = network(torch.from_numpy(seen.packed)).double().numpy()
    thresholds = {"lowest": LOWEST, "highest": HIGHEST, **fit_rule(seen.own, other, seen.right)}
    size = 1, seen.packed.shape[-1]
    write_sidecar(path, "second-opinion", size, {**thresholds, "enter_probability": 0.5}, made, {"parity": parity})
    joined = GestureStream(settings.gesture.model_copy(update={"second_opinion": path.stem}), settings.runtime)
    judged = [*people.frames, *people.others, *_empty(people)]
    together = choose_threshold(joined, judged, args.allowed)
    thresholds["enter_probability"] = together.pop("enter_probability")
    write_sidecar(path, "second-opinion", size, thresholds, made, {"parity": parity, "together": together})
    log.info("%s %s", thresholds, together)


def _people(people: Stock) -> list[Picture]:
    """Return the validation frames, and every fourth again in each hardship."""
    pictures = [*people.frames, *people.others, *_empty(people)]
    grounds = [image for image in people.backgrounds if min(image.shape[:2]) >= 200]
    chosen = list(pictures)
    for i, kind in enumerate(kind for kind in KINDS if kind != "plain"):
        chosen += harder(kind, pictures[i % SHARE_OF_HARDER :: SHARE_OF_HARDER], grounds)
    return chosen


def _empty(people: Stock) -> list[Picture]:
    return [Picture("", image, (), "", "") for image in people.backgrounds]


if __name__ == "__main__":
    main()
