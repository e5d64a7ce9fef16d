import numpy as np
import pytest

from assistive.fusion.evidence import NAMES
from assistive.fusion.tokens import (
    BRIEF,
    BRIEF_INTENSITY,
    BRIEF_KNOWN,
    FACE_SEEN,
    FACE_SHAPES,
    HAND_SAYS,
    HAND_SEEN,
    LOG_RANGE,
    PRESENT,
    SHAPES,
    TONE,
    TONES,
    WIDTH,
    brief_row,
    log_row,
    tokens,
)  # fmt: skip
from assistive.types import EXPRESSIONS, NO_EXPRESSION, Box, Expression, Face, Hand, Reading

LIKE = {name: 0.9 if name == "like" else 0.1 / (len(NAMES) - 1) for name in NAMES}


def mesh() -> np.ndarray:
    """A face between 0.4 and 0.6 of the frame, the mouth in its lower part."""
    points = np.random.default_rng(0).uniform(0.4, 0.6, (468, 3)).astype(np.float32)
    points[[61, 291, 0, 17, 13, 14, 40, 270, 91, 321], :2] = (0.5, 0.57)
    points[[70, 63, 105, 66, 107, 336, 296, 334, 293, 300], :2] = (0.5, 0.43)
    return points


def reading(**known: object) -> Reading:
    face = Face(Box(0.4, 0.4, 0.2, 0.2), mesh(), 3, 0.8, ("dark",))
    shapes = {name: i / 10 for i, name in enumerate(SHAPES)}
    tone = {"negative": 0.1, "positive": 0.7, "surprise": 0.1, NO_EXPRESSION: 0.1}
    return Reading(**{"t_s": 0.0, "face": face, "shapes": shapes, "label": "positive", "probabilities": tone,
                      "intensity": 0.6} | known)  # type: ignore[arg-type]  # fmt: skip


IMAGE = np.random.default_rng(1).integers(0, 256, (120, 160, 3)).astype(np.uint8)


def test_an_empty_moment_says_no_gesture_and_no_tone() -> None:
    rows = tokens(IMAGE, None, None, None)
    assert rows.shape == (3, 1, WIDTH) and rows.dtype == np.float32
    assert not rows[:, 0, PRESENT].any()
    assert NAMES[int(rows[0, 0, HAND_SAYS].argmax())] == "no_gesture"
    assert TONES[int(rows[1, 0, BRIEF].argmax())] == TONES[int(rows[1, 0, TONE].argmax())] == NO_EXPRESSION


def test_a_full_moment_is_all_there() -> None:
    brief = Expression(0, 0.1, 0.2, "surprise", "micro", 0.8, 0.4, {"surprise": 0.8, NO_EXPRESSION: 0.2})
    rows = tokens(IMAGE, Hand(Box(0.1, 0.2, 0.3, 0.4), 0.7, LIKE), reading(), brief)
    assert rows[:, 0, PRESENT].tolist() == [1, 1, 1]
    assert np.exp(rows[0, 0, HAND_SAYS] * LOG_RANGE)[NAMES.index("like")] == pytest.approx(0.9, abs=1e-4)
    assert rows[0, 0, HAND_SEEN][:3] == pytest.approx([0.7, 0.3, 0.4])
    assert rows[1, 0, [BRIEF_KNOWN, BRIEF_INTENSITY]] == pytest.approx([1, 0.4])
    assert np.exp(rows[1, 0, BRIEF] * LOG_RANGE)[TONES.index("surprise")] == pytest.approx(0.8, abs=1e-4)
    assert rows[1, 0, FACE_SHAPES] == pytest.approx([i / 10 for i in range(8)])
    assert rows[2, 0, FACE_SEEN][0] == pytest.approx(0.8)
    assert np.isfinite(rows).all() and np.abs(rows[1:]).max() <= 1


def test_a_face_that_cannot_be_read_is_seen_but_says_nothing() -> None:
    rows = tokens(IMAGE, None, reading(shapes={}, label=NO_EXPRESSION, reason="face too dark"), None)
    assert rows[:, 0, PRESENT].tolist() == [0, 0, 1]


@pytest.mark.parametrize(("box", "mouth", "brows"), [
    (Box(0.45, 0.55, 0.1, 0.1), 1, 0), (Box(0.45, 0.4, 0.1, 0.05), 0, 1), (Box(0.8, 0.8, 0.1, 0.1), 0, 0),
])  # fmt: skip
def test_what_the_hand_hides_of_the_face_is_told(box: Box, mouth: float, brows: float) -> None:
    seen = tokens(IMAGE, Hand(box, 0.9, LIKE), reading(), None)[2, 0, FACE_SEEN]
    assert seen[11] == mouth and seen[12] == brows


def test_a_blurred_hand_is_less_sharp() -> None:
    hand = Hand(Box(0.2, 0.2, 0.5, 0.5), 0.9, LIKE)
    flat = np.repeat(np.repeat(IMAGE[::40, ::40], 40, 0), 40, 1)
    assert tokens(flat, hand, None, None)[0, 0, HAND_SEEN][4] < tokens(IMAGE, hand, None, None)[0, 0, HAND_SEEN][4]


def test_a_hand_outside_the_frame_breaks_nothing() -> None:
    rows = tokens(IMAGE, Hand(Box(1.2, 1.2, 0.1, 0.1), 0.9, LIKE), None, None)
    assert rows[0, 0, HAND_SEEN][4:6].tolist() == [0, 0]


def test_a_movement_that_nobody_judged_says_nothing() -> None:
    assert len(set(brief_row({}).tolist())) == 1
    assert log_row(dict.fromkeys(EXPRESSIONS, 0.0), TONES).tolist() == [-1, -1, -1, -1]
