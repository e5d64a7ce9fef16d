from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistive.expression import macro, tone
from assistive.expression.macro import MEASURES, SHAPES, MacroState, Measures
from assistive.settings import ExpressionSettings
from assistive.types import EXPRESSIONS, NO_EXPRESSION

SETTINGS = ExpressionSettings()
CALM = np.array([0.75, -0.33, 0.02, 0.38, 0.30, 0.41, 0.60, 0.33])
MOVES: Mapping[str, Mapping[str, float]] = {
    "smile": {"mouth_width": 0.2, "corner_height": 0.14, "nose_length": -0.055},
    "frown": {"brow_height": -0.04, "brow_inner": -0.045, "brow_gap": -0.03},
    "brow_raise": {"brow_height": 0.08, "brow_inner": 0.07, "brow_gap": 0.03},
    "mouth_open": {"lip_gap": 0.35},
    "pucker": {"mouth_width": -0.1},
    "mouth_corners_down": {"corner_height": -0.08},
    "nose_wrinkle": {"nose_length": -0.08},
    "eyes_closed": {"eye_opening": -0.23},
}


def face(**strength: float) -> Measures:
    """Measures of a face that makes some shapes with a strength each."""
    measures = CALM.copy()
    for shape, amount in strength.items():
        for name, change in MOVES[shape].items():
            measures[MEASURES.index(name)] += amount * change
    return measures


class Player:
    """Plays measures over time and keeps what was made of them."""

    def __init__(self, rate_hz: float = 30.0) -> None:
        self.rate_hz, self.t_s, self.state, self.tone_state = rate_hz, 0.0, MacroState(), tone.ToneState()
        self.shapes: dict[str, float] | None = None
        self.labels: list[tuple[float, str]] = []

    def play(self, seconds: float, measures: Callable[[float], Measures] | Measures) -> dict[str, float]:
        start_s = self.t_s
        for _ in range(round(seconds * self.rate_hz)):
            now = measures(self.t_s - start_s) if callable(measures) else measures
            self.state, self.shapes = macro.step(self.state, self.t_s, now, SETTINGS)
            if self.shapes is not None:
                self.tone_state, found = tone.step(self.tone_state, self.t_s, self.shapes, SETTINGS)
                self.labels.append((self.t_s, found.label))
            self.t_s += 1 / self.rate_hz
        return self.shapes or {}

    def runs(self) -> list[str]:
        """The tones one after another, without their lengths."""
        names = [label for _, label in self.labels]
        return [name for i, name in enumerate(names) if i == 0 or names[i - 1] != name]


def test_nothing_is_said_while_a_face_is_learned() -> None:
    player = Player()
    assert player.play(0.9, CALM) == {}
    assert set(player.play(0.5, CALM)) == set(SHAPES)
    assert max(player.play(1, CALM).values()) == 0


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rate_hz", [15.0, 30.0, 60.0])
def test_every_shape_is_told_at_every_rate(shape: str, rate_hz: float) -> None:
    player = Player(rate_hz)
    player.play(1.5, CALM)
    shapes = player.play(0.6, face(**{shape: 1.0}))
    assert shapes[shape] > 0.85
    alone = {"mouth_corners_down", "pucker"}
    others = {name: value for name, value in shapes.items() if name != shape and {name, shape} != alone}
    assert max(others.values()) < 0.3, others


def test_smoothing_takes_the_same_time_at_every_rate() -> None:
    reached = []
    for rate_hz in (12.0, 24.0, 48.0):
        player = Player(rate_hz)
        player.play(1.5, CALM)
        reached.append(player.play(0.25, face(smile=0.8))["smile"])
    assert max(reached) - min(reached) < 0.05


TONES = [("positive", {"smile": 0.8}), ("negative", {"frown": 0.9}), ("negative", {"nose_wrinkle": 0.9}),
         ("surprise", {"brow_raise": 0.9, "mouth_open": 0.6}), ("none", {"mouth_open": 1.0}),
         ("none", {"eyes_closed": 1.0}), ("none", {"pucker": 1.0})]  # fmt: skip


@pytest.mark.parametrize(("label", "shapes"), TONES)
def test_shapes_become_a_tone_that_ends_with_them(label: str, shapes: dict[str, float]) -> None:
    player = Player()
    player.play(2, CALM)
    player.play(1.5, face(**shapes))
    player.play(1.5, CALM)
    assert player.runs() == (["none", label, "none"] if label != "none" else ["none"])


@pytest.mark.parametrize("strength", [0.7, 1.0])
def test_who_smiles_from_the_first_frame_on_is_seen_to_smile(strength: float) -> None:
    player = Player()
    shapes = player.play(2, face(smile=strength))
    assert shapes["smile"] > 0.15
    player.play(0.5, face(smile=strength))
    player.play(3, CALM)
    assert "negative" not in player.runs(), "letting go of a smile is no frown"
    assert player.play(2, CALM)["mouth_corners_down"] < 0.25
    player.play(1, face(smile=1.0))
    assert player.labels[-1][1] == "positive"


def test_rest_follows_a_calm_face_and_not_a_long_smile() -> None:
    player = Player()
    player.play(1.5, CALM)
    assert player.play(10, face(smile=1.0))["smile"] > 0.75, "a smile of ten seconds is still one"
    player = Player()
    player.play(1.5, CALM)
    settled = CALM + np.array([0.0, 0.0, 0.0, 0.02, 0.02, 0.01, 0.0, 0.0])
    assert player.play(0.5, settled)["brow_raise"] > 0.2
    assert player.play(30, settled)["brow_raise"] < 0.05


def test_a_strength_that_wavers_around_the_threshold_does_not_flicker() -> None:
    player, rng = Player(), np.random.default_rng(5)
    player.play(1.5, CALM)
    player.play(10, lambda t_s: face(smile=0.4 + 0.1 * rng.standard_normal()))
    assert len(player.runs()) <= 6


def test_one_wild_frame_is_no_tone() -> None:
    player = Player()
    player.play(2, CALM)
    for _ in range(5):
        player.play(1 / 30, face(smile=2.0))
        player.play(0.5, CALM)
    assert player.runs() == ["none"]


def test_time_that_runs_backwards_begins_anew() -> None:
    player = Player()
    player.play(3, face(smile=0.5))
    player.t_s = 0.0
    assert player.play(0.5, CALM) == {}


measured = st.lists(st.floats(-1, 1), min_size=len(MEASURES), max_size=len(MEASURES)).map(np.array)


@given(st.lists(measured, min_size=1, max_size=40), st.sampled_from([10.0, 30.0, 60.0]))
def test_whatever_is_measured_all_numbers_stay_in_range(story: list[Measures], rate_hz: float) -> None:
    player = Player(rate_hz)
    player.play(1.5, CALM)
    for measures in story:
        shapes = player.play(0.1, measures)
        assert set(shapes) == set(SHAPES) and all(0 <= value <= 1 for value in shapes.values())
        assert len(player.state.first) <= 256
        _, found = tone.step(player.tone_state, player.t_s, shapes, SETTINGS)
        assert set(found.probabilities) == {*EXPRESSIONS, NO_EXPRESSION}
        assert sum(found.probabilities.values()) == pytest.approx(1)
        assert 0 <= found.intensity <= 1 and (found.label != NO_EXPRESSION or found.intensity == 0)


@given(st.floats(0, 1), st.floats(0, 1))
def test_more_of_a_smile_is_never_less_positive(one: float, other: float) -> None:
    weak, strong = sorted((one, other))
    found = [macro.shapes(face(smile=amount) - CALM, CALM)["smile"] for amount in (weak, strong)]
    assert found[0] <= found[1] + 1e-9
