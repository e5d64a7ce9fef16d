"""scripts/export.py as it is called."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from assistive.errors import EXIT_USER_ERROR
from assistive.home import home
from assistive.training.export import measure
from assistive.training.export import people as reading
from assistive.training.export.people import People
from assistive.weights import find_weights

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "export.py"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.chdir(SCRIPT.parent.parent)
    spec = importlib.util.spec_from_file_location("export_script", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_other_forms_and_the_report(
    script: ModuleType, people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "read_people", lambda config, count: people)
    monkeypatch.setattr(measure, "ROUNDS", 2)
    out, path = tmp_path / "out", tmp_path / "report.json"
    script.main(["formats", "--to", "fp16", "int8", "--out", str(out), "--report", str(path)])
    report = json.loads(path.read_text())
    assert report["calibrated_on"] == len(people.seen) and report["data"] == {"performer": "drawn"}
    for name, rows in report["networks"].items():
        assert list(rows) == ["fp32", "fp16", "int8"] and rows["fp32"]["faster"] == 1
        assert rows["int8"]["file"] == f"{name}_int8.onnx" and rows["int8"]["cpu_ms"] > 0
        assert report["weights"][name] == find_weights(name).sidecar.sha256
    pairs = ["fp32", "fp16 detector", "fp16 verifier", "fp16", "int8 detector", "int8 verifier", "int8"]
    assert list(report["together"]) == pairs
    assert all(row["right"] == 6 and row["fire"] == 0 for row in report["together"].values())
    with measure.joined_home(home() / "models", out):
        made = find_weights("gesture_verifier_int8").sidecar
    assert "scripts/export.py" in made.made.command or "pytest" in made.made.command


def test_one_network_without_pictures(script: ModuleType, tmp_path: Path) -> None:
    script.main(["formats", "expression_recogniser", "--to", "fp16", "--out", str(tmp_path)])
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "expression_recogniser_fp16.json", "expression_recogniser_fp16.onnx",
    ]  # fmt: skip


def test_the_repository_of_a_server(script: ModuleType, tmp_path: Path) -> None:
    script.main(["triton", "--out", str(tmp_path / "r"), "--hands", "2", "--instances", "7"])
    config = (tmp_path / "r" / "gestures" / "config.pbtxt").read_text()
    assert "count: 7" in config and 'key: "max_hands" value: { string_value: "2" }' in config


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["formats", "gesture_detector", "--to", "fp16", "--report", "r.json"], "compares both gesture networks"),
        (["formats", "fusion_head", "--to", "int8"], "is a fusion-head"),
        (["formats", "fusion_head", "--to", "fp16"], "without convolutions"),
        (["formats", "--to", "int8", "--calibrate", "nowhere"], "no gesture pack at nowhere"),
        (["formats", "--to", "int8", "--config", "nothing.yaml"], "cannot read nothing.yaml"),
        (["triton", "--out", "r", "--detector", "gesture_detectr"], "no weights named 'gesture_detectr'"),
    ],
)
def test_what_a_user_can_mend_takes_two_lines(
    script: ModuleType, arguments: list[str], what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--out", str(tmp_path / "out")] if arguments[0] == "formats" else []
    arguments = [str(tmp_path / word) if word in ("r.json", "r") else word for word in arguments]
    with pytest.raises(SystemExit) as caught:
        script.main([*arguments, *where])
    assert caught.value.code == EXIT_USER_ERROR
    error = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("read and look")]
    assert len(error) == 2 and what in error[0] and error[1].startswith("try: ")
