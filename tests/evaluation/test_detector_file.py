from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from assistive.errors import SourceError
from assistive.evaluation.detector_file import describe, judge

pytest.importorskip("onnx")

made = runpy.run_path(str(Path(__file__).with_name("detector_files.py")))
SIDE = made["SIDE"]

FIST = [32, 32, 32, 32, 0.9, 0.9, 0.05, 0.05]
LIKE = [32, 32, 32, 32, 0.9, 0.05, 0.9, 0.05]
ELSEWHERE = [8, 8, 10, 10, 0.95, 0.9, 0.05, 0.05]


@pytest.mark.parametrize(
    ("rows", "map50", "hand_ap50"),
    [
        ([FIST], 1.0, 1.0),
        ([FIST, FIST], 1.0, 1.0),  # the same hand twice is suppressed
        ([LIKE], 1.0, 1.0),  # a fist as well, only less sure: nothing else was claimed to be one
        ([ELSEWHERE], 0.0, 0.0),
        ([ELSEWHERE, FIST], 0.5, 0.5),  # a surer one that is no hand comes first in every picture
    ],
    ids=["right", "twice", "unsure", "elsewhere", "false alarm first"],
)
def test_known_boxes_give_known_figures(
    tmp_path: Path, rows: list[list[float]], map50: float, hand_ap50: float
) -> None:
    data = made["write_pictures"](tmp_path / "data")
    path = made["write_constant"](tmp_path / "net.onnx", rows)
    found = judge(path, data, SIDE)
    assert found["map50"] == pytest.approx(map50, abs=0.01) and found["hand_ap50"] == pytest.approx(hand_ap50, abs=0.01)
    assert set(found) == {"map50", "map75", "map50_95", "hand_ap50", "hand_ap50_95"}


def test_boxes_are_brought_back_to_pictures_of_another_size(tmp_path: Path) -> None:
    """At 128 px the same picture fills an input of twice the side, so the box lies where the input says."""
    data = made["write_pictures"](tmp_path / "data")
    path = made["write_constant"](tmp_path / "net.onnx", [[64, 64, 64, 64, *FIST[4:]]])
    assert judge(path, data, 2 * SIDE)["map50_95"] == pytest.approx(1, abs=0.01)
    assert judge(path, data, SIDE)["map50_95"] == 0


def test_the_interval_holds_the_figure_and_comes_out_the_same_again(tmp_path: Path) -> None:
    data = made["write_pictures"](tmp_path / "data")
    (data / "labels" / "val" / "1.txt").write_text("0 0.2 0.2 0.2 0.2\n")  # missed in one picture of three
    path = made["write_constant"](tmp_path / "net.onnx", [FIST])
    found = judge(path, data, SIDE, resamples=20)
    low, high = found["map50_interval_95"]
    assert low < found["map50"] < high and found == judge(path, data, SIDE, resamples=20)


def test_pictures_are_described_and_missing_ones_refused(tmp_path: Path) -> None:
    data = made["write_pictures"](tmp_path / "data")
    assert describe(data) == {"pictures": 3, "boxes": {"fist": 3}}
    for label in (data / "labels" / "val").iterdir():
        label.write_text("")
    with pytest.raises(SourceError):
        judge(made["write_constant"](tmp_path / "net.onnx", [FIST]), data, SIDE)
