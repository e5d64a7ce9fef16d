from __future__ import annotations

import base64
import os
import struct
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from assistive.errors import SourceError
from assistive.settings import SourceSettings
from assistive.sources.images import ImageSource, read_picture

SETTINGS = SourceSettings(rate_hz=10)
RED_CMYK_JPEG = base64.b64decode(
    "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwANCQoLCggNCwoLDg4NDxMgFRMSEhMnHB4XIC4pMTAuKS0sMzpKPjM2RjcsLUBXQUZMTlJTUjI+WmFaUGBK"
    "UVJP/8AAFAgACAAIBEMRAE0RAFkRAEsRAP/EABQAAQAAAAAAAAAAAAAAAAAAAAf/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oADgRDAE0AWQBLAAA/"
    "AE4YDAnP/9k="
)


def saved(path: Path, image: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), image)
    return path


def shapes(source: ImageSource) -> list[tuple[int, ...]]:
    return [frame.image.shape for frame in source.frames() if frame is not None]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".PNG"])
def test_every_format_comes_as_rgb(tmp_path: Path, suffix: str) -> None:
    image = np.full((20, 30, 3), (10, 20, 220), np.uint8)
    path = tmp_path / f"red{suffix}"
    path.write_bytes(cv2.imencode(suffix.lower(), image)[1].tobytes())
    picture = read_picture(path, SETTINGS.max_pixels)
    assert picture.dtype == np.uint8
    assert np.abs(picture[10, 15].astype(int) - (220, 20, 10)).max() < 12


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (np.full((6, 6), 77, np.uint8), (77, 77, 77)),
        (np.full((6, 6, 4), (30, 20, 10, 255), np.uint8), (10, 20, 30)),
        (np.full((6, 6, 3), (30 * 256, 20 * 256, 10 * 256), np.uint16), (10, 20, 30)),
        (np.full((6, 6), 200 * 256, np.uint16), (200, 200, 200)),
        (np.full((1, 1, 3), (3, 2, 1), np.uint8), (1, 2, 3)),
    ],
    ids=["grey", "alpha", "16 bits", "grey 16 bits", "1x1"],
)
def test_any_depth_comes_in_three_colours_of_eight_bits(
    tmp_path: Path, image: np.ndarray, expected: tuple[int, int, int]
) -> None:
    picture = read_picture(saved(tmp_path / "a.png", image), SETTINGS.max_pixels)
    assert picture.shape == (*image.shape[:2], 3)
    assert tuple(picture[0, 0]) == expected


def test_cmyk(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(RED_CMYK_JPEG)
    assert np.abs(read_picture(tmp_path / "a.jpg", 100)[4, 4].astype(int) - (255, 0, 0)).max() < 8


def test_a_picture_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    data = cv2.imencode(".jpg", np.zeros((10, 30, 3), np.uint8))[1].tobytes()
    turned = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    (tmp_path / "a.jpg").write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(turned) + 2) + turned + data[2:])
    assert read_picture(tmp_path / "a.jpg", 1000).shape == (30, 10, 3)


def test_a_huge_picture_is_reduced_and_a_larger_one_refused(tmp_path: Path) -> None:
    huge = saved(tmp_path / "huge.jpg", np.zeros((6000, 8000), np.uint8))
    assert ImageSource(str(huge), SETTINGS).size == (1920, 1440)
    larger = saved(tmp_path / "larger.jpg", np.zeros((60, 80), np.uint8))
    with pytest.raises(SourceError, match=r"larger\.jpg is too large: 80x60"):
        ImageSource(str(larger), SourceSettings(max_pixels=4000))


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    for number in (10, 9, 1):
        saved(tmp_path / f"frame{number}.png", np.zeros((number, 5, 3), np.uint8))
    (tmp_path / "notes.txt").write_text("not a picture")
    source = ImageSource(str(tmp_path), SETTINGS)
    assert source.size == (5, 1)
    frames = [frame for frame in source.frames() if frame is not None]
    assert [frame.image.shape[0] for frame in frames] == [1, 9, 10]
    assert [frame.t_s for frame in frames] == pytest.approx([0, 0.1, 0.2])
    assert [frame.index for frame in frames] == [0, 1, 2]


def test_what_cannot_be_read_is_left_out_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.png").write_text("no picture")
    (tmp_path / "c.jpg").touch()
    for name in ("b.png", "d.png"):
        saved(tmp_path / name, np.zeros((4, 4, 3), np.uint8))
    source = ImageSource(str(tmp_path), SETTINGS)
    assert shapes(source) == [(4, 4, 3)] * 2
    assert source.skipped == 2
    assert source.status == "2 of 4 pictures left out"
    assert caplog.messages == ["cannot read a.png as a picture", "cannot read c.jpg as a picture"]


def test_a_picture_that_stands_alone_is_read_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = saved(tmp_path / "a.png", np.zeros((40, 40, 3), np.uint8))
    reads = []
    monkeypatch.setattr(np, "fromfile", lambda *_: reads.append(1) or np.frombuffer(path.read_bytes(), np.uint8))
    with pytest.raises(SourceError, match="too large"):
        ImageSource(str(path), SourceSettings(max_pixels=100))
    assert len(reads) == 1 and not caplog.messages


def test_opencv_adds_no_words_of_its_own(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8))
    path.write_bytes(path.read_bytes()[:2000])
    code = f"import assistive.app, cv2; cv2.imread({str(path)!r})"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENCV")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no picture or folder"):
        ImageSource(str(tmp_path / "missing"), SETTINGS)
    with pytest.raises(SourceError, match="no pictures in"):
        ImageSource(str(tmp_path), SETTINGS)
    (tmp_path / "a.png").write_text("no picture")
    for place in (tmp_path, tmp_path / "a.png"):
        with pytest.raises(SourceError, match=r"cannot read a\.png as a picture"):
            ImageSource(str(place), SETTINGS)
    (tmp_path / "b.png").write_text("no picture")
    with pytest.raises(SourceError, match="none of the 2 pictures"):
        ImageSource(str(tmp_path), SETTINGS)


def test_closing_ends_the_loop(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        saved(tmp_path / name, np.zeros((4, 4, 3), np.uint8))
    source = ImageSource(str(tmp_path), SETTINGS)
    frames = source.frames()
    next(frames)
    source.close()
    assert list(frames) == []
