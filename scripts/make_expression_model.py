"""Make the expression recogniser from a face pack: draw maps, train every seed, judge, calibrate, export. Resumable.

Example:
    python scripts/make_expression_model.py PACK
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
from pathlib import Path
from typing import Any

import torch
import yaml

from assistive.expression.flow import MAP_SIDE
from assistive.expression.recogniser import CLASSES, KIND
from assistive.synth.face_model import FILES
from assistive.synth.face_portraits import CSV, TAR
from assistive.training.drawn_expression import (
    Committee,
    calibrate,
    choose_threshold,
    figures,
    probabilities,
    train,
)
from assistive.training.export import write_onnx, write_sidecar
from assistive.training.expression import NETWORKS
from assistive.training.expression_maps import MapPool, read_pools

LICENCE = "Apache-2.0; learned from drawn movements (ICT-FaceKit, MIT) of people who do not exist; see the card"
log = logging.getLogger(__name__)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path, help="folder of the face pack")
    parser.add_argument("--config", type=Path, default=Path("configs/train/drawn_expression.yaml"))
    parser.add_argument("--work", type=Path, default=Path("runs/expression"), help="folder for maps and checkpoints")
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(args.threads)
    config = yaml.safe_load(args.config.read_text())
    pools = read_pools(args.pack, config["pools"], args.work, args.threads)
    training = [pools[name] for name in config["training"]]
    members = [_member(training, config["epochs"], seed, args.work / f"seed_{seed}.pt") for seed in config["seeds"]]
    judged = {name: pool for name, pool in pools.items() if name not in config["training"]}
    alone = [Committee([member]) for member in members]
    told: dict[str, Any] = {"seeds": [_judge(one, judged, pools[config["calibration"]]) for one in alone]}
    committee = Committee(members)
    told["together"] = _judge(committee, judged, pools[config["calibration"]])
    found = probabilities(committee, pools[config["calibration"]].maps)
    threshold = choose_threshold(found, pools[config["calibration"]], config["allowed"])
    told["threshold"] = threshold
    path = args.models / "expression_recogniser.onnx"
    told["parity"] = write_onnx(committee, torch.randn(2, 3, MAP_SIDE, MAP_SIDE), path, ["probabilities"])
    made = {"command": "python scripts/make_expression_model.py PACK", "data": _fingerprints(args.pack),
            "seeds": config["seeds"]}  # fmt: skip
    write_sidecar(path, KIND, MAP_SIDE, {"abstain_below": threshold["abstain_below"]}, made, told, CLASSES, LICENCE)
    print(json.dumps(told, indent=2))


def _member(training: list[MapPool], epochs: int, seed: int, file: Path) -> torch.nn.Module:
    if not file.is_file():
        log.info("training seed %d on %d maps", seed, sum(len(pool.labels) for pool in training))
        partial = file.with_suffix(".partial")
        torch.save(train(training, epochs, seed).state_dict(), partial)
        os.replace(partial, file)
    network = NETWORKS.get("flow_net")(len(CLASSES), MAP_SIDE)
    network.load_state_dict(torch.load(file, weights_only=True))
    return network.eval()


def _judge(committee: Committee, judged: dict[str, MapPool], calibration: MapPool) -> dict[str, Any]:
    """Calibrate a committee, then judge it under every condition."""
    committee.temperature = calibrate(committee, calibration)
    told = {name: figures(probabilities(committee, pool.maps), pool) for name, pool in judged.items()}
    return {"temperature": round(committee.temperature, 3), **told}


def _fingerprints(pack: Path) -> dict[str, str]:
    return {name: hashlib.sha256((pack / name).read_bytes()).hexdigest() for name in (*FILES, CSV, TAR)}


if __name__ == "__main__":
    main()
