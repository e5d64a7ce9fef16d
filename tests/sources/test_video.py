from __future__ import annotations

import logging
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from assistive.errors import SourceError
from assistive.settings import SourceSettings
from assistive.sources import video as video_module
from assistive.sources.video import VideoSource
from assistive.types import Frame

SETTINGS = SourceSettings()
MATRIX_AT = 4 + 40
"""Where the matrix of an mp4 track header lies after its name."""


def make_video(path: Path, frames: int = 72, rate_hz: float = 24, code: str = "mp4v") -> str:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), rate_hz, (160, 120))
    noise = np.random.default_rng(0).integers(0, 60, (120, 160, 3), np.uint8)
    for index in range(frames):
        writer.write(np.roll(noise, index, 1) + np.array((0, 0, 180), np.uint8))  # red, as OpenCV writes BGR
    writer.release()
    return str(path)


def read(path: str, settings: SourceSettings = SETTINGS) -> tuple[VideoSource, list[Frame]]:
    source = VideoSource(path, settings)
    return source, [frame for frame in source.frames() if frame is not None]


def test_every_frame_comes_in_order_at_its_time(tmp_path: Path) -> None:
    source, frames = read(make_video(tmp_path / "clip.mp4"))
    assert [frame.index for frame in frames] == list(range(72))
    assert [frame.t_s for frame in frames] == pytest.approx([index / 24 for index in range(72)], abs=1e-3)
    assert frames[5].image.shape == (120, 160, 3) and frames[5].image.dtype == np.uint8
    assert frames[5].image[..., 0].mean() > 150 > frames[5].image[..., 2].mean(), "RGB"
    assert (source.name, source.size, source.status, source.live) == ("clip.mp4", (160, 120), None, False)


def test_a_truncated_file_ends_after_its_last_frame_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "cut.avi"
    data = Path(make_video(tmp_path / "whole.avi", code="MJPG")).read_bytes()
    path.write_bytes(data[: len(data) // 2])
    source = VideoSource(str(path), SETTINGS)
    with caplog.at_level(logging.WARNING):
        frames = list(source.frames())
    assert frames[-1] is None, "one more turn, so that the status is seen"
    count = len(frames) - 1
    assert 20 < count < 50 and None not in frames[:-1]
    assert source.status == f"cut.avi ended early: {count} of 72 frames"
    assert caplog.messages == [source.status]


def test_a_file_that_asks_to_be_turned_is_turned(tmp_path: Path) -> None:
    path = tmp_path / "turned.mp4"
    data = bytearray(Path(make_video(path, 3)).read_bytes())
    at = data.find(b"tkhd") + MATRIX_AT
    data[at : at + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    source, frames = read(str(path))
    assert source.size == (120, 160)
    assert frames[0].image.shape == (160, 120, 3)


class FakeVideo:
    """A video whose times are what the test says."""

    def __init__(self, times_ms: list[float], count: float) -> None:
        self.times_ms = times_ms
        self.at = -1
        self.count = count

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def grab(self) -> bool:
        self.at += 1
        return self.at < len(self.times_ms)

    def retrieve(self) -> tuple[bool, NDArray[np.uint8]]:
        return True, np.zeros((4, 4, 3), np.uint8)

    def get(self, prop: int) -> float:
        values = {cv2.CAP_PROP_FPS: 10.0, cv2.CAP_PROP_FRAME_COUNT: self.count}
        return values.get(prop, self.times_ms[min(self.at, len(self.times_ms) - 1)])

    def release(self) -> None:
        pass


@pytest.mark.parametrize(
    ("times_ms", "expected_s"),
    [
        ([0, 40, 45, 300], [0, 0.04, 0.045, 0.3]),
        ([0, 0, 0], [0, 0.1, 0.2]),
        ([500, 400, 900], [0.5, 0.6, 0.9]),
        ([float("nan"), 100], [0, 0.1]),
    ],
)
def test_odd_times(
    times_ms: list[float], expected_s: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "odd.mp4"
    path.touch()
    monkeypatch.setattr(video_module, "open_video", lambda _: FakeVideo(times_ms, len(times_ms)))
    assert [frame.t_s for frame in read(str(path))[1]] == pytest.approx(expected_s)


def test_a_count_that_is_only_an_estimate_is_no_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "estimate.mkv"
    path.touch()
    for count in (41.0, -2.0e15, 0.0):
        monkeypatch.setattr(video_module, "open_video", lambda _, n=count: FakeVideo([25.0 * i for i in range(40)], n))
        assert read(str(path))[0].status is None


def test_bad_files_are_clear_errors(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.mp4").write_text("this is no video\n" * 50)
    (tmp_path / "empty.mp4").touch()
    cv2.imwrite(str(tmp_path / "picture.png"), np.zeros((5, 5, 3), np.uint8))
    (tmp_path / "picture.png").rename(tmp_path / "picture.mp4")
    make_video(tmp_path / "none.mp4", frames=0)
    whole = Path(make_video(tmp_path / "whole.mp4")).read_bytes()
    (tmp_path / "no_index.mp4").write_bytes(whole[: len(whole) // 2])
    for name, what in (
        ("missing.mp4", "there is no video"),
        ("text.mp4", "cannot read text.mp4 as a video"),
        ("empty.mp4", "cannot read empty.mp4 as a video"),
        ("none.mp4", "cannot read none.mp4 as a video"),
        ("no_index.mp4", "cannot read no_index.mp4 as a video"),
        ("picture.mp4", "picture.mp4 is a picture, not a video"),
    ):
        with pytest.raises(SourceError, match=what) as caught:
            VideoSource(str(tmp_path / name), SETTINGS)
        assert str(caught.value).count("\n") == 1
    assert capfd.readouterr().err == "", "decoders keep quiet"


def test_pictures_that_are_too_large_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="too large: 160x120"):
        VideoSource(make_video(tmp_path / "clip.mp4", 2), SourceSettings(max_pixels=1000))


def test_closing_ends_the_loop(tmp_path: Path) -> None:
    source = VideoSource(make_video(tmp_path / "clip.mp4"), SETTINGS)
    frames = source.frames()
    next(frames)
    source.close()
    source.close()
    assert list(frames) == []
    assert source.status is None
