from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from assistive.synth.motion_bed import BedSettings  # noqa: E402
from assistive.training.datasets.inputs import REGIONS  # noqa: E402
from assistive.training.datasets.magnification import LEVELS, gain, magnify, pyramid  # noqa: E402
from assistive.training.datasets.motion_bed import make_bed  # noqa: E402
from assistive.zoo.mer_amre import MerAmre, boxes, changes  # noqa: E402
from assistive.zoo.systems import Need  # noqa: E402

SIDE = 112
MOVED_PX = 0.3


def magnified(pictures: list[NDArray[np.uint8]], rate_hz: float) -> list[NDArray[np.uint8]]:
    state, made = None, []
    for picture in pictures:
        state, larger = magnify(state, picture, rate_hz)
        made.append(larger)
    return made


def amplitude(pictures: list[NDArray[np.uint8]], wave_px: float) -> float:
    """Half of the way that a grating goes to and fro, pixels, by its phase."""
    window = np.hanning(SIDE) * np.exp(-2j * np.pi * np.arange(SIDE) / wave_px)
    phase = np.unwrap([np.angle((picture.mean(2) * window).sum()) for picture in pictures])
    return float(np.ptp(phase) * wave_px / (4 * np.pi))


def grating(shift_px: float, wave_px: float, channels: int) -> NDArray[np.uint8]:
    wave = np.sin(2 * np.pi * (np.arange(SIDE) - shift_px) / wave_px)
    return np.rint(128 + 50 * np.broadcast_to(wave[None, :, None], (SIDE, SIDE, channels))).astype(np.uint8)


@pytest.mark.parametrize(("wave_px", "channels"), [(28, 1), (28, 3), (56, 1)])
@pytest.mark.parametrize(("rate_hz", "hz"), [(30.0, 0.5), (30.0, 2.0), (100.0, 1.0)])
def test_a_small_movement_grows_5_to_15_times(wave_px: float, channels: int, rate_hz: float, hz: float) -> None:
    times = np.arange(round((1.0 + 1 / hz) * rate_hz)) / rate_hz
    seen = [grating(MOVED_PX * np.sin(2 * np.pi * hz * t), wave_px, channels) for t in times]
    settled = round(1.0 * rate_hz)
    before, after = (amplitude(part[settled:], wave_px) for part in (seen, magnified(seen, rate_hz)))
    assert before == pytest.approx(MOVED_PX, rel=0.1)
    assert 5 <= after / before <= 15


@pytest.mark.parametrize("channels", [1, 3])
def test_a_still_picture_stays_as_it_is(channels: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, channels), np.uint8)
    for larger in magnified([picture] * 40, 200.0):
        assert np.abs(larger.astype(int) - picture).max() <= 1


def test_what_is_too_fast_or_too_slow_is_hardly_magnified() -> None:
    rate, grown = 200.0, {}
    for hz in (0.02, 1.0, 30.0):
        times = np.arange(round((1 + min(1 / hz, 5)) * rate)) / rate
        seen = [grating(MOVED_PX * np.sin(2 * np.pi * hz * t), 32, 1) for t in times]
        grown[hz] = amplitude(magnified(seen, rate)[200:], 32) / amplitude(seen[200:], 32)
    assert grown[0.02] < 0.4 * grown[1.0] and grown[30.0] < 0.4 * grown[1.0]


def test_noise_is_the_price() -> None:
    """A sensor's noise of 1.5 grey levels is doubled, most of it by what the first picture had of it."""
    rng = np.random.default_rng(0)
    noisy = [np.rint(128 + rng.normal(0, 1.5, (64, 64, 1))).clip(0, 255).astype(np.uint8) for _ in range(60)]
    before, after = (np.stack(part[20:]).astype(float).std() for part in (noisy, magnified(noisy, 200.0)))
    assert 1.5 < after / before < 2.5


def test_colour_is_magnified_less_than_brightness() -> None:
    def added(change: tuple[int, int, int]) -> float:
        plain = np.full((64, 64, 3), 128, np.uint8)
        changed = (plain + np.array(change)).astype(np.uint8)
        return float(np.abs(magnified([plain] + [changed] * 4, 30.0)[-1].astype(int) - changed).max() / np.ptp(change))

    bright, coloured = added((8, 8, 0)), added((8, 0, -21))  # of the second, the brightness stays
    assert 0 < coloured < 0.2 * bright


def test_levels_add_up_to_the_picture_and_coarse_ones_gain_more() -> None:
    picture = np.random.default_rng(0).uniform(0, 255, (70, 50, 1)).astype(np.float32)
    *fine, whole = pyramid(picture)
    for level in reversed(fine):
        whole = level + cv2.pyrUp(whole, dstsize=(level.shape[1], level.shape[0])).reshape(level.shape)
    np.testing.assert_allclose(whole, picture, atol=1e-3)
    gains = [gain(level) for level in range(LEVELS)]
    assert gains == sorted(gains) and gains[-1] == 15 and gains[0] < 2


def test_the_input_is_the_clip_magnified_up_to_each_moment() -> None:
    clips = make_bed(BedSettings(subjects=2, clips=2, intensity_px=(1.0, 1.2))).inputs
    plain, larger = (clips.read(Need(key, 48, 8)).astype(int) for key in ("frames", "magnified"))
    assert larger.shape == plain.shape == (4, 8, 1, 48, 48)
    np.testing.assert_array_equal(larger[:, 0], plain[:, 0])
    change = [np.abs(x[:, 3:6] - x[:, :1]).mean() for x in (plain, larger)]
    assert change[1] > 2 * change[0]


def test_the_mouth_is_the_hull_of_its_halves_and_changes_begin_at_0() -> None:
    assert list(REGIONS)[:2] == ["right_eye", "left_eye"] and list(REGIONS)[3:5] == ["right_mouth", "left_mouth"]
    regions = torch.arange(28.0).view(1, 7, 4)
    found = boxes(regions)
    torch.testing.assert_close(found[0, :2], regions[0, :2])
    torch.testing.assert_close(found[0, 2], torch.cat([regions[0, 3, :2], regions[0, 4, 2:]]))
    seen = changes(torch.rand(2, 4, 1, 8, 8))
    assert seen.shape == (2, 4, 2, 8, 8) and not seen[:, 0, 1].any() and seen[:, 1, 1].any()


def test_what_happens_outside_the_eyes_and_the_mouth_reaches_the_face_alone() -> None:
    torch.manual_seed(0)
    network = MerAmre(3, steps=2, side=32, region_side=16).eval()
    regions = torch.zeros(1, 7, 4)
    regions[0, :2] = torch.tensor([[0.1, 0.1, 0.4, 0.3], [0.6, 0.1, 0.9, 0.3]])
    regions[0, 3:5] = torch.tensor([[0.3, 0.7, 0.5, 0.9], [0.5, 0.7, 0.7, 0.9]])
    batch = {"magnified": torch.rand(1, 2, 1, 32, 32), "regions": regions}
    before = network(batch)["moments"]
    batch["magnified"][:, 1, :, 13:19] += 0.5  # the nose
    after = network(batch)["moments"]
    torch.testing.assert_close(before[..., 128:], after[..., 128:])
    assert (before[:, 1, :128] != after[:, 1, :128]).any()
