from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from assistive.evaluation.detection import Found
from assistive.training.datasets.hagrid.prepare import Recipe, prepare
from assistive.types import GESTURES, NO_GESTURE, Box, Frame, Hand

make_v2 = runpy.run_path(str(Path(__file__).parents[1] / "training" / "made_hagrid.py"))["make_v2"]


class ColourReader:
    """Reads the gesture off the brightness of the picture."""

    threshold = 0.6
    provider = "none"
    stage_ms: dict[str, float] = {}  # noqa: RUF012 - as the real one

    def read(self, frame: Frame) -> tuple[Hand, ...]:
        name = {0: None, 100: "like", 200: "ok"}[round(int(frame.image.mean()), -2)]
        return (Hand(Box(0.2, 0.2, 0.4, 0.4), 0.9, {name: 0.9, NO_GESTURE: 0.1}),) if name else ()


class FakeDetector:
    """Finds the hand of a made-up picture that is painted grey."""

    classes = (*GESTURES, NO_GESTURE)
    calls = 0

    def find(self, image: np.ndarray) -> tuple[Found, ...]:
        self.calls += 1
        return (Found("like", Box(0.1, 0.25, 0.25, 0.5), 0.9),) if round(int(image.mean()), -2) == 100 else ()


@pytest.fixture
def evaluate(load_script: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = load_script("evaluate")
    monkeypatch.setattr(module, "open_reader", lambda settings: ColourReader())
    monkeypatch.setattr(module, "weights_in_use", lambda settings: {"gesture_detector": "0" * 64})
    return module


def run(module: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["scripts/evaluate.py", *map(str, arguments)])
    with pytest.raises(SystemExit) as caught:
        module.main()
    return int(caught.value.code or 0)


def paint(path: Path, brightness: int) -> None:
    path.parent.mkdir(exist_ok=True)
    assert cv2.imwrite(str(path), np.full((32, 32, 3), brightness, np.uint8))


def test_pictures_of_a_folder(evaluate: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, brightness in (("like", 100), ("ok", 200), ("blank", 0)):
        paint(tmp_path / "set" / f"{name}.png", brightness)
    labels, out = tmp_path / "labels.csv", tmp_path / "result.json"
    labels.write_text("file,gesture,group\nlike.png,like,a\nok.png,call|ok,a\nblank.png,,b\n")
    assert run(evaluate, monkeypatch, "gesture", "--images", tmp_path / "set", "--labels", labels, "--out", out) == 0
    result = json.loads(out.read_text())
    assert (result["images"], result["top1"], result["false_activation_rate"]) == (3, 1.0, 0.0)
    assert (result["threshold"], result["machine"]["provider"]) == (0.6, "none")
    assert result["command"].startswith("python scripts/evaluate.py gesture --images")
    assert set(result) >= {
        "top1", "per_class", "by_group", "no_hand_rate", "false_activation_rate", "hand_recall_iou40", "map50",
        "map50_95", "images", "ms_per_image", "weights", "date", "commit", "counts", "interval_95", "confusion",
    }  # fmt: skip


def test_a_prepared_set(
    evaluate: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("faster_coco_eval")
    detector = FakeDetector()
    monkeypatch.setattr(evaluate, "open_detector", lambda settings: detector)
    prepare(make_v2(tmp_path / "in", each=1), tmp_path / "set", Recipe())
    for sign, brightness in (("like", 100), ("grip", 200), ("hand_heart", 0)):
        paint(next((tmp_path / "set" / "images" / "test" / sign).iterdir()), brightness)
    out = tmp_path / "result.json"
    assert run(evaluate, monkeypatch, "gesture", "--data", tmp_path / "set", "--split", "test", "--out", out) == 0
    result = json.loads(out.read_text())
    assert result["data"]["boxes"] == {"grip": 1, "hand_heart": 1, "like": 1} and result["data"]["split"] == "test"
    assert result["data"]["none_of_ours"] == ["grip", "hand_heart"]
    assert (result["images"], result["top1"], result["ap_by_class"]["like"]["ap50"]) == (3, 1.0, 0.0)
    signs = result["false_alarms"]["by_sign"]
    assert (signs["grip"]["per_1000"], signs["hand_heart"]["per_1000"]) == (1000.0, 0.0)
    assert result["detector"]["ap_by_class"]["like"] == {"ap50": 1.0, "ap50_95": 1.0}
    assert detector.calls == 3
    shown = capsys.readouterr().out
    assert "grip (1), hand_heart (1)" in shown and "detector alone" in shown and "longer side of the hand" in shown


@pytest.mark.parametrize("given", [[], ["--images", "x"], ["--labels", "x"], ["--data", "x", "--images", "y"]])
def test_pictures_that_are_not_named_clearly(
    evaluate: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: list[str]
) -> None:
    assert run(evaluate, monkeypatch, "gesture", *given, "--out", tmp_path / "result.json") == 2


def test_clips_of_ordinary_life(evaluate: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    film(tmp_path / "held.avi", [0] * 5 + [100] * 30 + [0] * 5)
    film(tmp_path / "empty.avi", [0] * 20)
    out = tmp_path / "result.json"
    assert run(evaluate, monkeypatch, "stream", "--video", tmp_path, "--out", out) == 0
    life = json.loads(out.read_text())["false_alarms"]["ordinary_life"]
    assert (life["clips"], life["said"]) == (2, 1)
    assert life["per_hour"] == pytest.approx(3600 / 5.8, rel=0.03)
    assert life["interval_95"][0] < life["per_hour"] < life["interval_95"][1]


def test_another_threshold(evaluate: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    paint(tmp_path / "set" / "like.png", 100)
    labels, out = tmp_path / "labels.csv", tmp_path / "result.json"
    labels.write_text("file,gesture\nlike.png,like\n")
    arguments = ("gesture", "--images", tmp_path / "set", "--labels", labels, "--out", out)
    assert run(evaluate, monkeypatch, *arguments, "--set", "decision.enter_probability=0.95") == 0
    result = json.loads(out.read_text())
    assert (result["top1"], result["threshold"]) == (0.0, 0.95)


@pytest.mark.parametrize(
    ("labels", "what"),
    [("file,gesture\nlike.png,lik\n", "labels.csv:2: unknown gesture"), ("file,gesture\nno.png,like\n", "no no.png")],
)
def test_an_error_has_two_lines(
    evaluate: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    labels: str, what: str,
) -> None:  # fmt: skip
    paint(tmp_path / "set" / "like.png", 100)
    (tmp_path / "labels.csv").write_text(labels)
    arguments = ("gesture", "--images", tmp_path / "set", "--labels", tmp_path / "labels.csv")
    assert run(evaluate, monkeypatch, *arguments, "--out", tmp_path / "result.json") == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and what in lines[0] and lines[1].startswith("try: ")
    assert not (tmp_path / "result.json").exists()


def film(path: Path, brightness: list[int]) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 64))
    for value in brightness:
        writer.write(np.full((64, 64, 3), value, np.uint8))
    writer.release()


def test_clips_of_a_folder(
    evaluate: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film(tmp_path / "held.avi", [0] * 5 + [100] * 30 + [0] * 5)
    film(tmp_path / "empty.avi", [0] * 20)
    labels, out = tmp_path / "labels.csv", tmp_path / "result.json"
    labels.write_text("file,start_s,end_s,label,kind\nheld.avi,0.5,3.4,like,gesture\nempty.avi,0,2,smile,expression\n")
    assert run(evaluate, monkeypatch, "stream", "--video", tmp_path, "--labels", labels, "--out", out) == 0
    result = json.loads(out.read_text())
    assert (result["clips"], result["hits"], result["misses"], result["false_activations"]) == (2, 1, 0, 0)
    assert result["decision"]["hold_s"] == 0.7
    assert 0.7 <= result["latency_s"]["p50"] <= 2.0
    assert "held.avi" in capsys.readouterr().out


@pytest.mark.parametrize("video", ["other.avi", "held.avi", "."])
def test_a_clip_without_labels_or_labels_without_a_clip(
    evaluate: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, video: str
) -> None:
    (tmp_path / "held.avi").write_bytes(b"")
    (tmp_path / "labels.csv").write_text("file,start_s,end_s,gesture\nx.avi,0,1,like\n")
    arguments = ("stream", "--video", tmp_path / video, "--labels", tmp_path / "labels.csv")
    assert run(evaluate, monkeypatch, *arguments, "--out", tmp_path / "result.json") == 2
