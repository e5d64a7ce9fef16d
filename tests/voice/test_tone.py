"""The tones of configs/voices.yaml: what they may hold, and that they are heard as far as the expression is strong."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistive.errors import ConfigError
from assistive.types import EXPRESSIONS, NO_EXPRESSION, Style
from assistive.voice.catalog import load_catalog
from assistive.voice.tone import LEVELS, ToneSpec, ToneStyles, load_tones

TONES = ToneStyles({"surprise": ToneSpec(rate=1.21, pitch=1.44, range=1.5, volume=1.21, pause_ms=40)})


def write(folder: Path, text: str) -> Path:
    path = folder / "voices.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_tones_differ_from_neutral_and_from_each_other_at_every_strength() -> None:
    tones = load_tones()
    styles = [style for tone in EXPRESSIONS for style in tones.styles(tone)]
    assert len({Style(), *styles}) == 1 + len(EXPRESSIONS) * LEVELS


def test_a_weak_tone_goes_half_of_the_way() -> None:
    assert TONES.style("surprise", 1.0) == Style(1.21, 1.44, 1.5, 1.21, 40)
    weak = TONES.style("surprise", 0.2)
    assert (weak.rate, weak.pitch, weak.volume) == pytest.approx((1.1, 1.2, 1.1))
    assert (weak.pitch_range, weak.pause_ms) == pytest.approx((1.25, 20))


@pytest.mark.parametrize("intensity", [0.0, 0.01, 0.3, 0.5, 0.51, 0.99, 1.0, 7.0])
def test_every_style_that_may_come_is_known_beforehand(intensity: float) -> None:
    assert TONES.style("surprise", intensity) in TONES.styles("surprise")
    assert len(TONES.styles("surprise")) == LEVELS


def test_a_tone_that_is_left_out_sounds_neutral(tmp_path: Path) -> None:
    tones = load_tones(write(tmp_path, "tones:\n  surprise: {pitch: 1.2}\nvoices: {a: {engine: espeak}}\n"))
    assert tones.style("negative", 1.0) == tones.style(NO_EXPRESSION, 1.0) == Style()
    assert tones.styles("negative") == (Style(),)
    assert tones.style("surprise", 1.0) == Style(pitch=1.2)
    assert load_tones(write(tmp_path, "voices: {a: {engine: espeak}}\n")).style("surprise", 1.0) == Style()


def test_a_tone_comes_on_top_of_the_voice(tmp_path: Path) -> None:
    path = write(tmp_path, "tones:\n  negative: {rate: 0.5, pause_ms: 5}\n"
                           "voices:\n  a: {engine: espeak, rate: 0.5}\n")  # fmt: skip
    styled = load_catalog(path)["a"].styled(load_tones(path).style("negative", 1.0))
    assert (styled.rate, styled.pause_ms) == (0.25, 5)


@pytest.mark.parametrize(
    ("text", "line", "what", "remedy"),
    [
        ("tones:\n  joy: {pitch: 1.2}\n", 2, "unknown key 'joy' in tones", "use one of: negative"),
        ("tones:\n  surprise:\n    pich: 1.2\n", 3, "unknown key 'pich'", "did you mean pitch?"),
        ("tones:\n  surprise:\n    rate: 1\n    pitch: 9\n", 4, "pitch: input should be less than", "head of"),
        ("tones:\n  surprise: {rate: fast}\n", 2, "rate: input should be a valid number", "head of"),
        ("tones:\n  surprise: high\n", 2, "tone 'surprise' is not a list", "head of"),
        ("tones: high\n", 1, "tones is not a list", "head of"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, line: int, what: str, remedy: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_tones(write(tmp_path, text))
    assert f"voices.yaml:{line}: " in caught.value.what
    assert what in caught.value.what and remedy in caught.value.remedy
