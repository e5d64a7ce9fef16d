from pathlib import Path

import pytest

pytest.importorskip("torch")
import onnx

from assistive.errors import AssistiveError, DependencyError
from assistive.training.export.formats import check_tools, engine_shapes, write_form
from assistive.weights import Sidecar, find_weights

TRTEXEC = """#!/bin/sh
echo "$@" > "$(dirname "$0")/arguments"
[ -e "$(dirname "$0")/broken" ] && { echo "[E] no device" >&2; exit 1; }
for argument in "$@"; do case "$argument" in --saveEngine=*) echo engine > "${argument#--saveEngine=}";; esac; done
"""


@pytest.fixture
def trtexec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a stand-in on the PATH that writes an engine; returns its folder."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "trtexec").write_text(TRTEXEC)
    (folder / "trtexec").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


@pytest.mark.parametrize("form", ["fp16", "int8"])
def test_a_form_has_a_sidecar_of_its_own(form: str, forms: Path) -> None:
    source = find_weights("gesture_verifier").sidecar
    sidecar = Sidecar.model_validate_json((forms / f"gesture_verifier_{form}.json").read_bytes())
    assert (sidecar.name, sidecar.file) == (f"gesture_verifier_{form}", f"gesture_verifier_{form}.onnx")
    assert (sidecar.classes, sidecar.thresholds, sidecar.licence) == (source.classes, source.thresholds, source.licence)
    assert sidecar.made.command == "a test" and sidecar.made.data == source.made.data
    assert sidecar.figures == {"form": form, "of": "gesture_verifier", "of_sha256": source.sha256}
    assert not list(forms.glob("*.partial"))


def test_float16_inside_float32_outside(forms: Path) -> None:
    graph = onnx.load(forms / "gesture_detector_fp16.onnx").graph
    kinds = {value.type.tensor_type.elem_type for value in (*graph.input, *graph.output)}
    assert kinds == {onnx.TensorProto.FLOAT}
    weights = [one for one in graph.initializer if len(one.dims) == 4]
    assert len(weights) > 50 and {one.data_type for one in weights} == {onnx.TensorProto.FLOAT16}


@pytest.mark.parametrize(
    ("name", "low", "usual", "high"),
    [
        ("gesture_detector", "1x3x32x32", "1x3x256x320", "1x3x320x320"),
        ("gesture_verifier", "1x3x96x96", "4x3x96x96", "32x3x96x96"),
    ],
)
def test_an_engine_is_built_for_all_shapes(
    name: str, low: str, usual: str, high: str, trtexec: Path, tmp_path: Path
) -> None:
    weights = find_weights(name)
    path = write_form(weights, "tensorrt", tmp_path, [], "a test")
    assert path == tmp_path / f"{name}.engine" and path.read_text() == "engine\n"
    told = (trtexec / "arguments").read_text().split()
    assert {f"--onnx={weights.path}", "--fp16"} <= set(told)
    shapes = dict(word.split("=") for word in told if "Shapes=" in word)
    if engine_shapes(weights)[2][0] == 32:  # the batch is open
        usual, high = f"4{usual[1:]}", f"32{high[high.index('x'):]}"
    assert shapes == {"--minShapes": f"image:{low}", "--optShapes": f"image:{usual}", "--maxShapes": f"image:{high}"}


def test_an_engine_that_was_not_built_is_said_so(trtexec: Path, tmp_path: Path) -> None:
    (trtexec / "broken").touch()
    with pytest.raises(AssistiveError, match=r"did not build gesture_verifier\.engine: \[E\] no device"):
        write_form(find_weights("gesture_verifier"), "tensorrt", tmp_path, [], "a test")


def test_a_missing_tool_is_named_before_anything_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DependencyError, match="trtexec"):
        check_tools(["int8", "tensorrt"])
    monkeypatch.setitem(__import__("sys").modules, "openvino", None)
    with pytest.raises(DependencyError, match="OpenVINO") as caught:
        check_tools(["openvino"])
    assert caught.value.remedy == "pip install openvino"
    check_tools(["fp16", "int8"])
