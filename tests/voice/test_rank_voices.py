"""The arithmetic of scripts/rank_voices.py; its recogniser is no dependency of the tests."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "rank_voices.py"


@pytest.fixture(scope="module")
def rank_voices() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rank_voices", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["rank_voices"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("please wait", "please wait", 0),
        ("please wait", "", 2),
        ("please wait", "please weight now", 2),
        ("i want to go home", "want to go to home", 2),
    ],
)
def test_word_errors_are_the_fewest_changes(rank_voices: ModuleType, said: str, heard: str, errors: int) -> None:
    assert rank_voices.word_errors(said.split(), heard.split()) == errors


def test_the_two_sets_have_20_different_sentences_each(rank_voices: ModuleType) -> None:
    assert len(set(rank_voices.SEARCH)) == len(set(rank_voices.HELD_OUT)) == 20
    assert not set(rank_voices.SEARCH) & set(rank_voices.HELD_OUT)


def test_resampling_keeps_a_tone(rank_voices: ModuleType) -> None:
    t = np.arange(22050) / 22050
    tone = np.sin(2 * np.pi * 440 * t).astype(np.float32)
    resampled = rank_voices.resample(tone, 22050, 16000)
    np.testing.assert_allclose(resampled, np.sin(2 * np.pi * 440 * np.arange(16000) / 16000), atol=1e-3)


def test_without_the_recogniser_the_script_says_what_to_install(
    rank_voices: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    assert rank_voices.main(["--out", str(tmp_path / "voices.json")]) == 2
    assert "try: pip install pocketsphinx" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
