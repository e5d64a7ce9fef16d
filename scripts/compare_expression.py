"""Compare networks for the expression recogniser on the same drawn maps: same schedule, faces that no training saw.

Example:
    python scripts/compare_expression.py PACK --out docs/results/expression_models.json
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistive.evaluation.expression import uf1
from assistive.evaluation.report import check_writable, machine, provenance, write_json
from assistive.training.datasets.packed import MapSet
from assistive.training.drawn_expression import Committee, probabilities, train
from assistive.training.expression_maps import MapPool, read_pools
from assistive.training.pca_svm import PcaSvmLearner
from assistive.types import EXPRESSIONS

NETWORKS = ("flow_net", "mfe_net", "stst_net", "off_tanet")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path, help="folder of the face pack")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--config", type=Path, default=Path("configs/train/drawn_expression.yaml"))
    parser.add_argument("--work", type=Path, default=Path("runs/expression"), help="folder for maps")
    parser.add_argument("--training", default="plain", help="pool that all are trained on")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    check_writable(args.out)
    torch.set_num_threads(args.threads)
    config = yaml.safe_load(args.config.read_text())
    pools = read_pools(args.pack, config["pools"], args.work, args.threads)
    judged = {name: pool for name, pool in pools.items() if name not in config["training"]}
    table: dict[str, Any] = {"pca_svm": _row([_svm(pools[args.training], judged)])}
    for name in NETWORKS:
        runs = []
        for seed in range(args.seeds):
            network = train([pools[args.training]], args.epochs, seed, name)
            committee = Committee([network])
            found = {key: probabilities(committee, pool.maps)[:, :3].argmax(1) for key, pool in judged.items()}
            runs.append(_scores(found, judged))
        table[name] = _row(runs) | {"parameters": sum(p.numel() for p in network.parameters())}
        print(name, table[name], flush=True)
    how = {"training": args.training, "maps": len(pools[args.training].labels), "epochs": args.epochs}
    write_json(args.out, {**provenance(), "machine": machine(), **how, "uf1": table})


def _svm(training: MapPool, judged: dict[str, MapPool]) -> dict[str, float]:
    known = training.labels < len(EXPRESSIONS)
    n = int(known.sum())
    maps = MapSet(training.maps[known], training.labels[known], tuple(map(str, range(n))), ("drawn",) * n, EXPRESSIONS)
    trained = PcaSvmLearner(components=80, penalty=1.0).fit(maps, 0)
    return _scores({name: trained.predict(pool.maps) for name, pool in judged.items()}, judged)


def _scores(found: dict[str, Any], judged: dict[str, MapPool]) -> dict[str, float]:
    scores = {}
    for name, pool in judged.items():
        known = pool.labels < len(EXPRESSIONS)
        scores[name] = uf1(pool.labels[known], np.asarray(found[name])[known])
    return scores


def _row(runs: list[dict[str, float]]) -> dict[str, Any]:
    """Return mean and spread (largest minus smallest) over the seeds, by condition."""
    return {name: {"mean": round(float(np.mean([run[name] for run in runs])), 4),
                   "spread": round(float(np.ptp([run[name] for run in runs])), 4), "seeds": len(runs)}
            for name in runs[0]}  # fmt: skip


if __name__ == "__main__":
    main()
