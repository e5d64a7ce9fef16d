"""Which voice and which player are taken, and why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistive import voice as voices
from assistive.errors import AssistiveError, ConfigError, DependencyError, VoiceError
from assistive.settings import VoiceSettings
from assistive.types import Speech, Style
from assistive.voice import clean, clearer_voice, list_voices, open_player, open_voice
from assistive.voice.catalog import VoiceSpec
from assistive.voice.player import NoPlayer, WavPlayer


class FakeEngine:
    """An engine that the test installs or breaks."""

    missing: set[str] = set()  # noqa: RUF012 - cleared by the fixture
    broken: set[str] = set()  # noqa: RUF012
    sound = np.full(1600, 0.1, np.float32)

    def __init__(self, spec: VoiceSpec) -> None:
        if spec.engine in self.missing:
            raise DependencyError(f"{spec.engine} is not installed", f"install {spec.engine}")
        self.spec = spec

    def open(self) -> None:
        if self.spec.engine in self.broken:
            raise VoiceError(f"{self.spec.engine} is broken", "mend it")

    def render(self, text: str, style: Style) -> Speech:
        return Speech(self.sound, 16000)

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> dict[str, VoiceSpec]:
    """Four voices, listed with the least clear first, and one for German."""
    catalog = {
        name: VoiceSpec(name=name, engine=name.partition("-")[0], language=language)
        for name, language in (("espeak", "en"), ("flite", "en"), ("flite-slt", "en"), ("coqui", "en"), ("piper", "en"),
                               ("piper-german", "de"))
    }  # fmt: skip
    monkeypatch.setattr(voices, "load_catalog", lambda: catalog)
    monkeypatch.setattr(voices.ENGINES, "get", lambda name: FakeEngine)
    FakeEngine.missing, FakeEngine.broken = set(), set()
    return catalog


@pytest.mark.parametrize(
    ("missing", "broken", "chosen"),
    [
        (set(), set(), "piper"),
        ({"piper"}, set(), "coqui"),
        ({"piper", "coqui"}, set(), "flite"),
        ({"coqui"}, {"piper"}, "flite"),
        ({"piper", "coqui", "flite"}, set(), "espeak"),
    ],
)
def test_auto_takes_the_clearest_voice_that_works_and_says_why(
    missing: set[str], broken: set[str], chosen: str
) -> None:
    FakeEngine.missing, FakeEngine.broken = missing, broken
    voice = open_voice(VoiceSettings())
    assert (voice.name, voice.engine) == (chosen, chosen)
    assert voice.why.startswith("the clearest voice for 'en' on this machine")
    assert all(f"{engine} is not installed" in voice.why for engine in missing)
    assert all(f"{engine} is broken" in voice.why for engine in broken)


@pytest.mark.parametrize(("language", "chosen"), [("de", "piper-german"), ("es", "espeak-es"), ("en-GB", "piper")])
def test_auto_follows_the_language_of_the_vocabulary(language: str, chosen: str) -> None:
    assert open_voice(VoiceSettings(), language).name == chosen


def test_when_nothing_works_the_error_says_so() -> None:
    FakeEngine.missing = {"piper", "coqui", "flite", "espeak"}
    with pytest.raises(DependencyError, match="no voice for language 'en' works here: espeak-en: espeak is not"):
        open_voice(VoiceSettings())


def test_a_chosen_voice_is_taken_or_its_own_error_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    assert open_voice(VoiceSettings(voice="espeak")).why == "chosen by name"
    assert not caplog.records
    open_voice(VoiceSettings(voice="espeak"), "de")
    assert "made for en, the vocabulary is in de" in caplog.text
    FakeEngine.missing = {"flite"}
    with pytest.raises(DependencyError, match="flite is not installed"):
        open_voice(VoiceSettings(voice="flite"))


def test_an_unknown_voice_gets_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="no voice is named 'flight'") as caught:
        open_voice(VoiceSettings(voice="flight"))
    assert caught.value.remedy == "did you mean flite?"


@pytest.mark.parametrize(
    ("name", "engine", "language"),
    [
        ("voices/de_DE-thorsten-low.onnx", "piper", "de"),
        ("mine.onnx", "piper", "en"),
        ("vits/model.pth", "coqui", "en"),
    ],
)
def test_a_voice_file_may_be_named_directly(name: str, engine: str, language: str) -> None:
    voice = open_voice(VoiceSettings(voice=name))
    assert (voice.engine, voice.language, voice.name) == (engine, language, Path(name).stem)


def test_the_list_tells_what_can_be_used_and_what_is_missing() -> None:
    FakeEngine.missing = {"flite"}
    listed = {info.name: info.why_not for info in list_voices()}
    assert listed["espeak"] is None
    assert listed["flite"] == "flite is not installed; install flite"


def test_only_a_formant_voice_is_told_of_clearer_ones() -> None:
    assert clearer_voice(open_voice(VoiceSettings(voice="flite"))) is None
    assert "libflite1" in str(clearer_voice(open_voice(VoiceSettings(voice="espeak"))))
    assert "Piper" in str(clearer_voice(open_voice(VoiceSettings(voice="auto"), "es")))


@pytest.mark.parametrize("text", ["", "  \n\t", "\0\x07"])
def test_an_empty_text_is_refused(text: str) -> None:
    with pytest.raises(VoiceError, match="there is nothing to say"):
        open_voice(VoiceSettings()).synthesise(text, Style())


@pytest.mark.parametrize(
    ("sound", "what"),
    [(np.zeros(1600, np.float32), "makes no sound"), (np.full(9, np.nan, np.float32), "broken sound")],
)
def test_silence_and_nonsense_from_an_engine_are_refused(
    sound: np.ndarray, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeEngine, "sound", sound)
    with pytest.raises(VoiceError, match=what):
        open_voice(VoiceSettings()).synthesise("...", Style())


def test_the_same_text_gives_the_same_samples() -> None:
    voice = open_voice(VoiceSettings())
    first, second = (voice.synthesise("Yes.", Style()).samples for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_control_characters_never_reach_an_engine() -> None:
    assert clean("a\0b\tc\n d\u200be") == "a b c d e"


def test_players_are_found_by_name(tmp_path: Path) -> None:
    assert isinstance(open_player(VoiceSettings(player="none")), NoPlayer)
    player = open_player(VoiceSettings(player=f"wav:{tmp_path / 'a:b.wav'}"))
    assert isinstance(player, WavPlayer) and player.name.endswith("a:b.wav")
    player.close()
    with pytest.raises(ConfigError, match="no player is named 'wave'") as caught:
        open_player(VoiceSettings(player="wave:x"))
    assert caught.value.remedy == "did you mean wav?"


def test_without_a_sound_card_auto_writes_a_file_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_card(argument: str, device: str | int | None) -> None:
        raise VoiceError("no sound card", "connect one")

    real = voices.PLAYERS.get
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(voices.PLAYERS, "get", lambda name: no_card if name == "soundcard" else real(name))
    player = open_player(VoiceSettings())
    player.close()
    assert player.name == "assistive.wav" and (tmp_path / "assistive.wav").exists()
    assert player.why == "no sound card, so speech goes to a file (connect one)"
    assert "speech goes to assistive.wav" in caplog.text
    with pytest.raises(AssistiveError, match="no sound card"):
        open_player(VoiceSettings(player="soundcard"))
