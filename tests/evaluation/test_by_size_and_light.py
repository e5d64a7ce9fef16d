from __future__ import annotations

import numpy as np
import pytest

from assistive.evaluation.by_size_and_light import Conditions, SeenHand, SeenPicture, by_conditions, conditions
from assistive.evaluation.by_size_and_light import luminance as luminance_of
from assistive.types import Box

HAND = Box(0.4, 0.4, 0.2, 0.2)


def scene(hand: int, around: int) -> np.ndarray:
    image = np.full((100, 200, 3), around, np.uint8)
    image[40:60, 80:120] = hand
    return image


@pytest.mark.parametrize(
    ("hand", "around", "light"),
    [(30, 30, "dark"), (70, 60, "dim"), (128, 128, "normal"), (220, 200, "bright"), (128, 255, "backlit"),
     (30, 60, "backlit"), (160, 220, "normal")],
)  # fmt: skip
def test_light_is_that_of_the_hand_and_of_what_is_around_it(hand: int, around: int, light: str) -> None:
    seen = conditions(luminance_of(scene(hand, around)), HAND)
    assert (seen.luminance, seen.around) == pytest.approx((hand / 255, around / 255), abs=1e-3)
    assert seen.light_bin == light
    assert seen.size == pytest.approx(0.2)  # 40 of 200 pixels


@pytest.mark.parametrize(("size", "name"), [(0.0799, "tiny"), (0.08, "small"), (0.2, "medium"), (0.35, "large")])
def test_bins_stay_below_their_bounds(size: float, name: str) -> None:
    assert Conditions(size, 0.5, 0.5).size_bin == name


@pytest.mark.parametrize("box", [Box(0, 0, 1, 1), Box(0.999, 0.999, 0.001, 0.001), Box(-0.1, -0.1, 0.2, 0.2)])
def test_a_box_at_the_border_or_as_large_as_the_picture_is_measured(box: Box) -> None:
    seen = conditions(luminance_of(scene(100, 100)), box)
    assert (seen.luminance, seen.around) == pytest.approx((100 / 255, 100 / 255), abs=1e-3)


def test_colours_count_as_bright_as_they_look() -> None:
    green, blue = (np.full((2, 2, 3), colour, np.uint8) for colour in ((0, 255, 0), (0, 0, 255)))
    assert luminance_of(green).mean() == pytest.approx(0.587, abs=0.01)
    assert luminance_of(blue).mean() == pytest.approx(0.114, abs=0.01)


def test_every_bin_counts_its_own() -> None:
    near, far = Conditions(0.5, 0.5, 0.5), Conditions(0.05, 0.1, 0.9)
    hands = [SeenHand(near, True, True), SeenHand(near, False, None), SeenHand(far, True, False)]
    pictures = [SeenPicture(0.5, True, None), SeenPicture(0.1, None, True), SeenPicture(0.1, None, False)]
    result = by_conditions(hands, pictures)
    large = result["by_size"]["large"]
    assert (large["pictures"], large["right"], large["hands"], large["found"]) == (1, 1, 2, 1)
    assert large["hand_recall_interval_95"] == (0.0945, 0.9055) and large["means"] == "35 % and more"
    assert result["by_size"]["tiny"]["top1"] == 0.0 and result["by_size"]["small"]["top1"] is None
    assert result["by_light"]["backlit"]["hands"] == 1 and result["by_light"]["dark"]["hands"] == 0
    dark = result["by_picture_light"]["dark"]
    assert (dark["pictures"], dark["blanks"], dark["false_activation_rate"]) == (0, 2, 0.5)
    assert sum(row["hands"] for row in result["by_light"].values()) == len(hands)
