import numpy as np
import pytest

pytest.importorskip("torch")

from assistive.synth.crops import CropMaker, CropMixture
from assistive.synth.cutouts import Cutout, cut_out
from assistive.synth.drawn import draw_cutouts
from assistive.synth.hands import Mixture, Scene, SceneMaker
from assistive.training.datasets.gesture_pack import LabelledHand, Picture
from assistive.types import NO_GESTURE, Box

GREEN, PALE = (20, 200, 20), (230, 190, 160)


def _green_hand() -> Cutout:
    """A flat green ellipse for a hand: easy to find again in a scene."""
    image = np.full((60, 40, 3), GREEN, np.uint8)
    ys, xs = np.mgrid[0:60, 0:40]
    alpha = ((((xs - 19.5) / 20) ** 2 + ((ys - 29.5) / 30) ** 2) <= 1).astype(np.float32)
    return Cutout(image, alpha, Box(0, 0, 1, 1), ("stop",), None)


def _frame() -> Picture:
    image = np.full((120, 160, 3), 90, np.uint8)
    image[40:80, 60:90] = GREEN
    hand = LabelledHand(Box(60 / 160, 40 / 120, 30 / 160, 40 / 120), ("stop",))
    return Picture("f.jpg", image, (hand,), "s", "p")


def _grey() -> list[np.ndarray]:
    return [np.full((90, 90, 3), 80, np.uint8)]


def _maker(mixture: Mixture) -> SceneMaker:
    return SceneMaker([_frame()], [_green_hand()], _grey(), mixture)


def _green_share(scene: Scene, box: Box) -> float:
    """Share of the green pixels of a scene that lie in a box, 0..1; NaN without any."""
    size = scene.image.shape[0]
    image = scene.image.astype(int)
    green = image[..., 1] > np.maximum(image[..., 0], image[..., 2]) + 25
    x0, y0 = int(box.x * size) - 2, int(box.y * size) - 2
    x1, y1 = int((box.x + box.w) * size) + 3, int((box.y + box.h) * size) + 3
    return float(green[max(y0, 0) : y1, max(x0, 0) : x1].sum() / green.sum()) if green.sum() > 40 else float("nan")


@pytest.mark.parametrize("mixture", [Mixture(1, 0, 0, 0), Mixture(0, 1, 0, 0)], ids=["real", "composed"])
def test_the_label_lies_on_the_hand(mixture: Mixture) -> None:
    maker, rng = _maker(mixture), np.random.default_rng(3)
    shares = []
    for _ in range(60):
        scene = maker.make(128, rng)
        if len(scene.hands) == 1:
            shares.append(_green_share(scene, scene.hands[0].box))
    shares = [share for share in shares if not np.isnan(share)]
    assert len(shares) > 20
    assert np.median(shares) > 0.97


@pytest.mark.parametrize("seed", range(4))
def test_scenes_are_the_same_for_the_same_seed_and_boxes_stay_inside(seed: int) -> None:
    maker = _maker(Mixture(0.3, 0.3, 0.1, 0.5))
    one, two = (maker.make(96, np.random.default_rng(seed)) for _ in range(2))
    assert np.array_equal(one.image, two.image) and one.hands == two.hands
    for hand in one.hands:
        assert hand.box.x >= 0 and hand.box.y >= 0
        assert hand.box.x + hand.box.w <= 1 + 1e-9 and hand.box.y + hand.box.h <= 1 + 1e-9


def test_an_empty_scene_has_no_hand() -> None:
    scene = _maker(Mixture(0, 0, 1, 0)).make(96, np.random.default_rng(0))
    assert scene.hands == () and scene.image.shape == (96, 96, 3)


def test_cut_out_without_landmarks_fades_at_the_border() -> None:
    picture = Picture("c", np.full((50, 30, 3), PALE, np.uint8), (LabelledHand(Box(0, 0, 1, 1), ("ok",)),), "s", "p")
    alpha = cut_out(picture, np.random.default_rng(0)).alpha
    assert alpha.shape == (50, 30)
    assert alpha[25, 15] == 1 and alpha[0, 0] < 0.2


def test_drawn_hands_have_tight_boxes_and_known_names() -> None:
    for hand in draw_cutouts(12, seed=1, other_share=0.4):
        assert hand.box.x >= 0 and hand.box.x + hand.box.w <= 1.02
        assert 0 < hand.alpha.mean() < 1
        assert len(hand.names) == 1


def _crop_maker(mixture: CropMixture) -> CropMaker:
    everything = Box(0, 0, 1, 1)
    other = Picture("o", np.full((40, 40, 3), PALE, np.uint8), (LabelledHand(everything, (NO_GESTURE,)),), "o", "o")
    single = Picture("t", np.full((60, 40, 3), GREEN, np.uint8), (LabelledHand(everything, ("stop",)),), "t", "t")
    return CropMaker([single, other], [_frame()], [_green_hand()], [_green_hand()], _grey(), (), mixture)


def test_corners_of_a_crop_lie_on_the_hand() -> None:
    maker, rng = _crop_maker(CropMixture(0, 1, 0, 0, 0)), np.random.default_rng(0)
    errors = []
    for _ in range(40):
        made = maker.make(96, rng)
        image = made.image.astype(int)
        ys, xs = np.nonzero(image[..., 1] > np.maximum(image[..., 0], image[..., 2]) + 25)
        if len(ys) < 300 or made.corners is None:
            continue
        inside = np.clip(made.corners * 96, 0, 96)
        errors.append(np.abs(inside - (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)).mean())
    assert len(errors) > 15
    assert np.median(errors) < 5


def test_a_box_without_a_hand_has_no_corners() -> None:
    maker = _crop_maker(CropMixture(0, 0, 0, 0, 0))
    made = [maker.make(48, np.random.default_rng(i)) for i in range(10)]
    assert all(crop.names == (NO_GESTURE,) and crop.corners is None for crop in made)
