"""Write the architecture study for people: tables, a picture and what they say, all of it out of its JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assistive.errors import DependencyError

FP32 = "onnxruntime fp32"
ENGINE_COLUMNS = {
    FP32: "ONNX Runtime fp32", "onnxruntime int8": "int8", "openvino fp32": "OpenVINO fp32", "openvino int8": "int8",
}  # fmt: skip
NAMES = {"yolov5s_lite": "**yolov5s_lite** (ships)"}

METHOD = """\
All rows are trained by the same trainer, on the same pictures, with the same augmentation, schedule, seed and input
size; the last epoch counts, nothing is picked by the validation people. yolov5s and yolov5n are our own, written from
the published description, with its head of three anchors a cell and an objectness; yolov8n, yolo11n and yolo26n are
those of ultralytics with their own heads and losses. No weights from elsewhere are used.

Each network is exported to one form: all candidates with decoded boxes, a hand score and class scores, before
non-maximum suppression. That file is timed and judged. For ours it holds the sigmoids and the arithmetic of the boxes;
for those of ultralytics the decoding of their distances, and of yolo26 the end that needs suppression, since all are
suppressed alike (the other end, and the batch norms, are left out of the file).

**Cost.** Parameters as built, before batch norms are folded. FLOPs are 2 x multiply-adds of the convolutions at 640 px.
Milliseconds are for one square picture at {size} px on one thread, the median of {rounds} interleaved rounds: every
network in every runtime has its turn in each round. They are time on the processor, which other jobs on the machine
disturb less than the clock on the wall. OpenVINO has its input fixed to that size and computes float in float32.

**Accuracy.** COCO's average precision over all {classes} classes (`no_gesture` included), by faster-coco-eval, of at
most 100 boxes a picture from score 0.001 on, after the runtime's own letterbox and suppression (one hand, one box: IoU
0.5 whatever the class). *Hand AP* is the same with all classes as one. In brackets the 95 % interval over
pictures, by bootstrap: how much another such set of pictures would change it. int8 is calibrated on training
pictures."""

LIMITS = """\
- One run with one seed for each row, and few validation people: see the intervals.
- The schedule is short. Networks with dense convolutions gain early, depthwise ones late: with more the order may
  change.
- mAP is a mean over classes; those with few boxes above move it most.
- Milliseconds are those of one machine. Where a processor has other units for int8 or other caches, the order may
  differ.
- FLOPs count convolutions only; attention in yolo11n and yolo26n has some besides."""


def render(result: Mapping[str, Any], picture: str) -> str:
    """Return the whole document.

    Args:
        result: the study's JSON.
        picture: name of the picture beside the document.
    """
    rows = result["networks"]
    trained = {name: row for name, row in rows.items() if row["accuracy"]}
    parts = [
        "# Which network finds hands best for its time\n",
        f"Made on {result['date']} by `{result['command']}` out of [architecture.json](results/architecture.json); do "
        "not edit.\n",
        _reading(rows, trained),
        "## What they reach\n",
        _accuracy_table(trained) if trained else "Nothing is trained yet.\n",
        f"![mAP50 against milliseconds]({picture})\n" if trained else "",
        "## What they cost\n",
        _cost_table(rows, result["engines"]),
        _blocks(),
        "## How it was measured\n",
        METHOD.format(**{key: result[key] for key in ("size", "rounds", "classes")}) + "\n",
        _schedule(result),
        "## What this does not say\n",
        LIMITS + "\n",
    ]
    return "\n".join(part for part in parts if part)


def draw(result: Mapping[str, Any], path: Path) -> None:
    """Draw accuracy against milliseconds as SVG, with the front that nothing beats in both.

    Raises:
        DependencyError: matplotlib is not installed.
    """
    try:
        import matplotlib

        matplotlib.use("svg")
        from matplotlib import pyplot
    except ImportError as error:
        raise DependencyError("matplotlib is not installed", "pip install matplotlib", "dependency.plot") from error
    matplotlib.rcParams["svg.hashsalt"] = "architecture"  # the same picture each time
    trained = {name: row for name, row in result["networks"].items() if row["accuracy"]}
    figure, axes = pyplot.subplots(figsize=(8, 5))
    for name, row in trained.items():
        x, y = row["ms"][FP32]["cpu"], 100 * row["accuracy"]["fp32"]["map50"]
        axes.scatter([x], [y], c="tab:blue" if row["family"] == "ours" else "tab:orange", s=45)
        axes.annotate(name, (x, y), xytext=(6, 4), textcoords="offset points", fontsize=8)
    front = sorted((row["ms"][FP32]["cpu"], 100 * row["accuracy"]["fp32"]["map50"])
                   for row in trained.values() if row["pareto"])  # fmt: skip
    axes.plot(*zip(*front, strict=True), color="grey", linewidth=0.8, linestyle="--", zorder=0)
    axes.set(xlabel=f"ms on one thread, {result['size']} px, ONNX Runtime fp32", ylabel="mAP50, validation people, %")
    axes.set_xlim(0, 1.15 * axes.get_xlim()[1])  # room for the last name
    axes.set_title("Ours (blue) and ultralytics (orange); dashed: nothing is both faster and better", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _reading(rows: Mapping[str, Any], trained: Mapping[str, Any]) -> str:
    cheap = [name for name, row in rows.items() if row["share_of_yolov5s"]["parameters"] <= 0.5
             and row["share_of_yolov5s"]["gflops_640"] <= 0.5]  # fmt: skip
    lines = [f"At most half of yolov5s's parameters and FLOPs: {_list(cheap)}."]
    if trained:
        ranked = sorted(trained, key=lambda name: -trained[name]["map50_per_ms"])
        told = [f"{name} ({trained[name]['map50_per_ms']:.1f})" for name in ranked]
        best = max(trained, key=lambda name: trained[name]["accuracy"]["fp32"]["map50"])
        reached = _percent(trained[best]["accuracy"]["fp32"]["map50"])
        front = sorted((n for n in trained if trained[n]["pareto"]), key=lambda n: trained[n]["ms"][FP32]["cpu"])
        lines = [
            f"Most accuracy for a millisecond, in points of mAP50: {_list(told[:4])}.",
            f"Most accurate is {best} (mAP50 {reached} %). Nothing is both faster and better than {_list(front)}.",
            *lines,
        ]
        lost = {n: row["accuracy"]["fp32"]["map50"] - row["accuracy"]["int8"]["map50"]
                for n, row in trained.items() if "int8" in row["accuracy"]}  # fmt: skip
        if lost:
            worst = max(lost, key=lambda name: lost[name])
            lines.append(f"int8 costs at most {100 * lost[worst]:.1f} points of mAP50 ({worst}).")
    return "".join(f"- {line}\n" for line in lines)


def _accuracy_table(trained: Mapping[str, Any]) -> str:
    header = ["network", "ms", "mAP50", "mAP50-95", "hand AP50", "int8: ms", "mAP50", "mAP50-95", "hand AP50",
              "mAP50 / ms", "front"]  # fmt: skip
    body = []
    for name in sorted(trained, key=lambda name: -trained[name]["map50_per_ms"]):
        row = trained[name]
        cells = [_ms(row, FP32), *_figures(row, "fp32"), _ms(row, "onnxruntime int8"), *_figures(row, "int8")]
        body.append([_name(name), *cells, f"{row['map50_per_ms']:.2f}", "yes" if row["pareto"] else ""])
    return _table(header, body)


def _cost_table(rows: Mapping[str, Any], engines: Mapping[str, str | None]) -> str:
    header = ["network", "parameters", "% of s", "GFLOPs", "% of s", *ENGINE_COLUMNS.values(), "% of s", "MB", "int8"]
    body = []
    for name, row in rows.items():
        share = row["share_of_yolov5s"]
        times = [_ms(row, key) if not engines.get(key.split()[0]) else "not installed" for key in ENGINE_COLUMNS]
        megabytes = [str(row["megabytes"].get(precision, "-")) for precision in ("fp32", "int8")]
        body.append([
            _name(name), f"{row['parameters']:,}", f"{100 * share['parameters']:.1f}", f"{row['gflops_640']:.2f}",
            f"{100 * share['gflops_640']:.1f}", *times, f"{100 * share['cpu']:.0f}", *megabytes,
        ])  # fmt: skip
    return _table(header, body)


def _blocks() -> str:
    return ("What each of ours is made of says [`configs/train/detectors.yaml`](../configs/train/detectors.yaml); its "
            "blocks are in [`assistive/zoo/blocks`](../assistive/zoo/blocks).\n")  # fmt: skip


def _schedule(result: Mapping[str, Any]) -> str:
    lines = []
    if result["schedule"]:
        how = result["schedule"]
        hyper = ", ".join(f"{key} {value}" for key, value in how["hyper"].items())
        lines.append(f"**Schedule.** {how['size']} px, seed {how['seed']}, {hyper}.\n")
    told = result["validation"]
    boxes = ", ".join(f"{name} {count}" for name, count in told["boxes"].items())
    people = "pictures of people that no training picture shows"
    lines.append(f"**Validation.** {told['pictures']} {people}; boxes: {boxes}.\n")
    machine = result["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in result["packages"].items())
    lines.append(f"**Machine.** {machine['cpu']}, load {machine['load']}; {versions}.\n")
    return "\n".join(lines)


def _table(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    rule = ["---", *("---:" for _ in header[1:])]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (header, rule, *body))


def _figures(row: Mapping[str, Any], precision: str) -> list[str]:
    reached = row["accuracy"].get(precision)
    if not reached:
        return ["-"] * 3
    cells = [_percent(reached[key]) for key in ("map50", "map50_95", "hand_ap50")]
    if "map50_interval_95" in reached:
        cells[0] += f" ({'-'.join(f'{100 * value:.0f}' for value in reached['map50_interval_95'])})"
    return cells


def _ms(row: Mapping[str, Any], key: str) -> str:
    return f"{row['ms'][key]['cpu']:.1f}" if key in row["ms"] else "-"


def _name(name: str) -> str:
    return NAMES.get(name, name)


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _list(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
