from __future__ import annotations

import json

import pytest

torch = pytest.importorskip("torch")

from assistive.evaluation.zoo import count_macs, count_parameters, describe_all, table  # noqa: E402
from assistive.fusion.tokens import WIDTH  # noqa: E402
from assistive.home import home  # noqa: E402
from assistive.zoo.main_paper import INTENTS, PARTS  # noqa: E402
from assistive.zoo.systems import MODULES, systems  # noqa: E402
from assistive.zoo.yolov5s_lite import build  # noqa: E402


def test_both_networks_stand_in_the_list_behind_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistive.evaluation.zoo.systems", lambda: systems()[2:3])
    listed = describe_all()
    assert [one["name"] for one in listed[1:]] == ["yolov5s_lite", "fusion_attention"]
    assert [(one["number"], one["task"]) for one in listed[1:]] == [("S14", "running")] * 2
    assert listed[1]["parameters"] == 2_209_800
    assert listed[1]["inputs"] == {"picture": {"side_px": 320, "steps": 0, "colour": True}}
    assert listed[0].keys() == listed[1].keys() == listed[2].keys()
    assert table(listed).row_count == len(json.loads(json.dumps(listed)))
    assert not {one.name for one in PARTS} & set(MODULES)


def test_the_detector_costs_what_the_study_says() -> None:
    detector = build("yolov5s_lite", 19).eval()
    assert round(2 * count_macs(detector, torch.zeros(1, 3, 640, 640)) / 1e9, 2) == 5.46


def test_the_fusion_that_is_listed_is_the_one_that_ships() -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(str(home() / "models" / "fusion_head.onnx"))
    network = PARTS[1].build()
    assert count_parameters(network) > 0
    gesture, tone, intent, weights = network.eval()(torch.zeros(2, *PARTS[1].shape[1:]))
    names = [one.name for one in model.graph.output]
    widths = [one.type.tensor_type.shape.dim[1].dim_value for one in model.graph.output]
    found = {"gesture": gesture, "tone": tone, "intent": intent, "weights": weights}
    assert {name: value.shape[1] for name, value in found.items()} == dict(zip(names, widths, strict=True))
    assert intent.shape[1] == INTENTS
    assert PARTS[1].shape[3] == WIDTH == model.graph.input[0].type.tensor_type.shape.dim[3].dim_value
