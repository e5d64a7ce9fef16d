from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from assistive.errors import SourceError
from assistive.settings import SourceSettings
from assistive.sources.camera import CameraSource
from assistive.types import Frame

QUICK = SourceSettings(max_age_s=0.08, frozen_s=0.15, reconnect_s=0.01, reconnect_max_s=0.04)


class FakeCamera:
    """A camera that gives a new picture every 5 ms, while nobody unplugs or freezes it."""

    def __init__(self) -> None:
        self.plugged = threading.Event()
        self.plugged.set()
        self.frozen = threading.Event()
        self.hung = threading.Event()
        self.opened: list[float] = []
        self.released = 0
        self.count = 0

    def __call__(self, index: int, settings: SourceSettings) -> FakeCamera | None:
        self.opened.append(time.perf_counter())
        return self if self.plugged.is_set() else None

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def grab(self) -> bool:
        time.sleep(0.005)
        while self.hung.is_set():
            time.sleep(0.005)
        if not self.frozen.is_set():
            self.count += 1
        return self.plugged.is_set()

    def retrieve(self) -> tuple[bool, NDArray[np.uint8] | None]:
        image = np.zeros((8, 10, 3), np.uint8)
        image[:] = (self.count % 256, 20, 200)
        return True, image

    def get(self, prop: int) -> float:
        return 0.0

    def release(self) -> None:
        self.released += 1


@pytest.fixture
def fake() -> FakeCamera:
    return FakeCamera()


@pytest.fixture
def camera(fake: FakeCamera) -> Iterator[CameraSource]:
    source = CameraSource("0", QUICK, fake)
    yield source
    fake.hung.clear()
    source.close()


def until(frames: Iterator[Frame | None], done: Callable[[Frame | None], bool], limit_s: float = 3.0) -> Frame | None:
    end_s = time.perf_counter() + limit_s
    for frame in frames:
        if done(frame):
            return frame
        assert time.perf_counter() < end_s, "it did not come"
    raise AssertionError("the source ended")


def test_frames_are_rgb_with_the_time_of_capture(camera: CameraSource) -> None:
    frames = camera.frames()
    first, second = (until(frames, lambda frame: frame is not None) for _ in range(2))
    assert first is not None and second is not None
    assert first.image[0, 0, 0] == 200 and first.image[0, 0, 1] == 20
    assert first.image.shape == (8, 10, 3) and camera.size == (10, 8)
    assert 0 <= first.t_s < second.t_s < 1
    assert second.t_s - first.t_s == pytest.approx(second.arrived_s - first.arrived_s)
    assert time.perf_counter() - second.arrived_s < 0.5
    assert (camera.live, camera.name, camera.status) == (True, "camera 0", None)


def test_a_slow_reader_gets_the_newest_and_the_rest_is_counted(camera: CameraSource) -> None:
    frames = camera.frames()
    first = until(frames, lambda frame: frame is not None)
    time.sleep(0.2)
    second = until(frames, lambda frame: frame is not None)
    assert first is not None and second is not None
    assert second.index - first.index > 10
    assert camera.dropped >= second.index - first.index - 3
    assert time.perf_counter() - second.arrived_s < 0.1


def test_an_unplugged_camera_is_lost_and_comes_back(camera: CameraSource, fake: FakeCamera) -> None:
    frames = camera.frames()
    before = until(frames, lambda frame: frame is not None)
    fake.plugged.clear()
    until(frames, lambda frame: camera.status is not None)
    assert camera.status == "camera 0 lost, trying again"
    time.sleep(0.25)
    tries = np.diff(fake.opened[1:])
    assert len(tries) >= 3
    assert tries[0] < 0.04, "the first waits are short"
    assert tries[-1] > 0.03, "the waits grow"
    fake.plugged.set()
    after = until(frames, lambda frame: frame is not None)
    assert before is not None and after is not None
    assert camera.status is None
    assert after.t_s - before.t_s > 0.25, "media time went on meanwhile"
    assert after.index > before.index


def test_a_camera_that_repeats_one_picture_is_opened_again(camera: CameraSource, fake: FakeCamera) -> None:
    frames = camera.frames()
    until(frames, lambda frame: frame is not None)
    fake.frozen.set()
    until(frames, lambda frame: camera.status == "camera 0 hangs, trying again")
    assert fake.released >= 1
    fake.frozen.clear()
    until(frames, lambda frame: frame is not None)
    assert camera.status is None


def test_a_device_that_blocks_counts_as_lost_and_does_not_delay_the_end(camera: CameraSource, fake: FakeCamera) -> None:
    frames = camera.frames()
    until(frames, lambda frame: frame is not None)
    fake.hung.set()
    until(frames, lambda frame: camera.status is not None)
    start_s = time.perf_counter()
    camera.close()
    assert time.perf_counter() - start_s < 1.3
    assert next(frames, None) is None


def test_closing_releases_the_device_and_ends_the_loop(camera: CameraSource, fake: FakeCamera) -> None:
    frames = camera.frames()
    next(frames)
    camera.close()
    camera.close()
    assert fake.released == 1
    assert list(frames) == []
    assert not any(thread.name == "source" for thread in threading.enumerate())


def test_a_camera_without_a_picture_is_an_error(fake: FakeCamera) -> None:
    fake.grab = lambda: False  # type: ignore[method-assign]
    with pytest.raises(SourceError, match="camera 0 gives no picture"):
        CameraSource("", QUICK, fake)
    assert fake.released == 1


def test_a_camera_that_is_not_there_is_an_error(fake: FakeCamera) -> None:
    fake.plugged.clear()
    with pytest.raises(SourceError, match="cannot open camera 7"):
        CameraSource("7", QUICK, fake)
