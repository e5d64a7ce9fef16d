"""espeak-ng itself: it comes with the package, so the real one is tested."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from assistive.errors import DependencyError, VoiceError
from assistive.language.vocabulary import load_vocabulary
from assistive.settings import VoiceSettings
from assistive.types import Speech, Style
from assistive.voice import espeak, open_voice
from assistive.voice.catalog import VoiceSpec
from assistive.voice.espeak import EspeakEngine
from assistive.voice.style import TARGET_DBFS, active_level

TEXT = "Please wait for me, I want to say something."


def engine(voice: str = "en-us", **settings: float) -> EspeakEngine:
    made = EspeakEngine(VoiceSpec.model_validate({"name": "test", "engine": "espeak", "voice": voice, **settings}))
    made.open()
    return made


def pitch_hz(samples: NDArray[np.float32], rate_hz: int) -> float:
    """Return the median pitch of the voiced frames, by autocorrelation."""
    found = []
    for start in range(0, len(samples) - 1024, 512):
        frame = samples[start : start + 1024].astype(np.float64)
        lags = np.correlate(frame, frame, "full")[1023:]
        low, high = rate_hz // 400, rate_hz // 60
        lag = low + int(lags[low:high].argmax())
        if lags[0] > 1 and lags[lag] > 0.5 * lags[0]:
            found.append(rate_hz / lag)
    return float(np.median(found))


def test_it_speaks_float32_mono_at_its_own_rate() -> None:
    speech = engine().render(TEXT, Style())
    assert speech.rate_hz == 22050
    assert speech.samples.dtype == np.float32 and speech.samples.ndim == 1
    assert 1.5 < speech.seconds < 4
    assert 0.1 < np.abs(speech.samples).max() <= 1


@pytest.mark.parametrize("voice", ["en-gb", "xx", "nobody", "en-us-zz+f3"])
def test_an_unknown_voice_is_refused_although_espeak_would_keep_the_old_one(voice: str) -> None:
    engine("en-us")
    with pytest.raises(VoiceError, match="has no voice") as caught:
        engine(voice)
    assert caught.value.code == "voice.unknown"


def test_the_remedy_names_the_nearest_language() -> None:
    with pytest.raises(VoiceError) as caught:
        engine("en-uss")
    assert caught.value.remedy == "did you mean en-us?"


def test_two_engines_of_one_process_keep_their_voices_apart() -> None:
    english, german = engine("en-us"), engine("de")
    first = english.render("Wasser", Style())
    between = german.render("Wasser", Style())
    again = english.render("Wasser", Style())
    assert first.seconds == pytest.approx(again.seconds, rel=0.01)
    assert between.seconds != pytest.approx(again.seconds, rel=0.01)


def test_rate_pitch_and_melody_follow_the_style() -> None:
    speaker = engine()
    own = speaker.render(TEXT, Style())
    assert speaker.render(TEXT, Style(rate=1.5)).seconds < 0.8 * own.seconds
    high = speaker.render(TEXT, Style(pitch=1.5))
    assert pitch_hz(high.samples, 22050) == pytest.approx(1.5 * pitch_hz(own.samples, 22050), rel=0.15)
    assert engine(word_gap_ms=100).render(TEXT, Style()).seconds > own.seconds + 0.4
    longer = speaker.render(TEXT, Style(pause_ms=200))
    assert 0.15 < longer.seconds - own.seconds < 0.25, "there is one comma in it"


def test_it_may_be_used_from_several_threads_at_once() -> None:
    speaker, speeches = engine(), list[Speech]()
    threads = [threading.Thread(target=lambda: speeches.append(speaker.render(TEXT, Style()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lengths = [speech.seconds for speech in speeches]
    assert len(lengths) == 4 and max(lengths) - min(lengths) < 0.01


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak, "find_spec", lambda name: None)
    with pytest.raises(DependencyError, match="espeak-ng is not installed") as caught:
        engine()
    assert caught.value.remedy == "pip install espeakng-loader"


def test_every_phrase_of_the_vocabulary_is_equally_loud() -> None:
    voice = open_voice(VoiceSettings(voice="espeak"))
    for phrase in load_vocabulary("en").phrases.values():
        speech = voice.synthesise(phrase, Style())
        assert np.isfinite(speech.samples).all()
        level_db = 20 * np.log10(active_level(speech.samples, speech.rate_hz))
        assert level_db == pytest.approx(TARGET_DBFS, abs=1), phrase
        assert 0.15 < speech.seconds < 6, phrase
