from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from assistive.errors import DependencyError
from assistive.evaluation import peers
from assistive.evaluation.peers import WARM_UP, compare, count_cost, interleave


def test_every_network_has_its_turn_in_every_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "REPEATS", 2)
    turns: list[str] = []

    def run(name: str, seconds: float) -> None:
        turns.append(name)
        time.sleep(seconds)

    times = interleave({"a": lambda: run("a", 0.001), "b": lambda: run("b", 0.004)}, rounds=3)
    assert "".join(turns) == "a" * WARM_UP + "b" * WARM_UP + "aabb" * 3
    for wall, cpu in times.values():
        assert len(wall) == len(cpu) == 3
    assert min(times["b"][0]) >= 4 and min(times["a"][0]) >= 1
    assert max(times["b"][1]) < min(times["b"][0])  # sleeping takes no time on the CPU


def test_without_torch_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(DependencyError) as caught:
        compare(64, 1, 3)
    assert "train" in caught.value.remedy


def test_the_cost_of_a_convolution_is_known() -> None:
    torch = pytest.importorskip("torch")
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, 2, 1), torch.nn.Conv2d(8, 8, 3, 1, 1, groups=8, bias=False))
    cost = count_cost(network.eval())
    assert cost.parameters == 3 * 8 * 9 + 8 + 8 * 9
    assert cost.gflops == pytest.approx(2 * 320 * 320 * (8 * 3 * 9 + 8 * 9) / 1e9)


@pytest.mark.filterwarnings("ignore")  # torch's exporter warns of its own future
def test_our_detector_costs_less_than_half_of_yolov5s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("torch", "onnx", "onnxruntime"):
        pytest.importorskip(name)
    monkeypatch.setitem(sys.modules, "ultralytics.nn.tasks", None)
    monkeypatch.setattr(peers, "OURS", ("yolov5s", "yolov5s_lite"))
    monkeypatch.setattr(peers, "REPEATS", 2)
    result = compare(64, rounds=2, classes=19)
    assert set(result["networks"]) == {"yolov5s", "yolov5s_lite"}
    assert "ultralytics" in result["absent"]
    assert result["ratios_to_yolov5s"]["yolov5s"] == {"parameters": 1, "gflops": 1, "wall": 1, "cpu": 1}
    ours = result["ratios_to_yolov5s"]["yolov5s_lite"]
    assert ours["parameters"] < 0.5 and ours["gflops"] < 0.5 and ours["cpu"] > 0
    assert 15 < result["networks"]["yolov5s"]["gflops_640"] < 17  # published: 7.2 M and 16.5 with 80 classes
    assert 6.9e6 < result["networks"]["yolov5s"]["parameters"] < 7.3e6
