from __future__ import annotations

from pathlib import Path

import pytest

from assistive.errors import ConfigError
from assistive.home import home
from assistive.zoo.variants import load_variants, variants

GOOD = "tiny: {widths: [8, 16, 32, 64, 64], neck: [16, 32, 32]}\n"


def test_the_file_is_read_in_its_order_with_its_defaults() -> None:
    known = variants()
    assert list(known)[:3] == ["yolov5s", "yolov5n", "yolov5s_lite"]
    assert known["yolov5s"].depths == (1, 2, 3, 1) and known["yolov5s"].neck_unit is None
    assert known == load_variants(home() / "configs" / "train" / "detectors.yaml")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (GOOD + "other:\n  widths: [8, 16, 32, 64]\n  neck: [16, 32, 32]\n", 3, "widths"),
        (GOOD + "other:\n  widths: [8, 16, 32, 64, 60]\n  neck: [16, 32, 32]\n", 3, "multiple of 8"),
        (GOOD + "other:\n  neck: [16, 32, 32]\n", 2, "widths"),
        (GOOD + "other:\n  widths: [8, 16, 32, 64, 64]\n  neck: [16, 32, 32]\n  down: slow\n", 5, "strided"),
        (GOOD + "other: 7\n", 2, "other"),
    ],
    ids=["four widths", "a width of 60", "no widths", "an unknown down", "a number"],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_variants(path)
    assert f"mine.yaml:{line}:" in caught.value.what and words in caught.value.what


def test_an_unknown_key_is_named_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD.replace("neck:", "activatoin: relu, neck:"))
    with pytest.raises(ConfigError) as caught:
        load_variants(path)
    assert "activatoin" in caught.value.what and caught.value.remedy == "did you mean activation?"
