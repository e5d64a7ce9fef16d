from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assistive.errors import AssistiveError, WeightsError
from assistive.weights import find_weights, list_weights

Install = Any


def test_weights_are_found_with_what_is_known_of_them(install_network: Install) -> None:
    path = install_network("mean", classes=["hand"])
    weights = find_weights("mean")
    assert (weights.name, weights.path, weights.sidecar.classes) == ("mean", path, ["hand"])


def test_one_flipped_bit_is_noticed(install_network: Install) -> None:
    path = install_network("mean")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="damaged") as caught:
        find_weights("mean")
    assert caught.value.code == "weights.hash"


def test_a_truncated_and_a_missing_file_are_noticed(install_network: Install) -> None:
    path = install_network("mean")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WeightsError, match="damaged"):
        find_weights("mean")
    path.unlink()
    with pytest.raises(WeightsError, match=r"cannot read models/mean\.onnx: No such file"):
        find_weights("mean")


def test_a_misspelt_name_is_answered_with_the_nearest(install_network: Install) -> None:
    install_network("mean")
    with pytest.raises(WeightsError) as caught:
        find_weights("meen")
    assert caught.value.remedy.startswith("did you mean mean?")
    with pytest.raises(WeightsError):
        find_weights("../models/mean")


@pytest.mark.parametrize(
    "change",
    [{"surprise": 1}, {"sha256": "abc"}, {"classes": "hand"}, {"name": "other"}, {"file": "../mean.onnx"},
     {"input": {"height": 0, "width": 8}}],
)  # fmt: skip
def test_a_wrong_sidecar_is_refused(install_network: Install, change: dict[str, Any]) -> None:
    sidecar = install_network("mean").with_suffix(".json")
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | change), encoding="utf-8")
    with pytest.raises(WeightsError) as caught:
        find_weights("mean")
    assert caught.value.code == "weights.sidecar"


def test_a_sidecar_that_is_no_json_is_refused(install_network: Install) -> None:
    install_network("mean").with_suffix(".json").write_text("{", encoding="utf-8")
    with pytest.raises(WeightsError):
        find_weights("mean")


def test_the_list_holds_what_is_sound_and_what_is_not(install_network: Install) -> None:
    install_network("mean")
    install_network("nan").write_bytes(b"")
    sound, damaged = list_weights()
    assert sound.name == "mean" and sound.weights is not None and sound.error is None
    assert damaged.name == "nan" and damaged.weights is None and isinstance(damaged.error, AssistiveError)


def test_all_weights_that_ship_are_sound() -> None:
    assert [entry.error for entry in list_weights() if entry.error] == []
    models = Path(__file__).parents[1] / "models"
    assert {path.stem for path in models.glob("*.onnx")} == {entry.name for entry in list_weights()}
    assert {path.stem for path in models.glob("*.md")} >= {entry.name for entry in list_weights()}
