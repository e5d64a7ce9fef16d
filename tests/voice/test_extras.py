"""Piper and Coqui, with packages that have just the calls that their documentation names."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from assistive.errors import DependencyError, VoiceError
from assistive.types import Style
from assistive.voice import coqui, piper
from assistive.voice.catalog import VoiceSpec
from assistive.voice.coqui import CoquiEngine
from assistive.voice.piper import PiperEngine

SOUND = np.full(2205, 0.25, np.float32)


@dataclass
class SynthesisConfig:
    length_scale: float | None = None


class PiperVoice:
    """``piper.PiperVoice`` of piper-tts 1.3."""

    config = SimpleNamespace(length_scale=1.2, sample_rate=22050)
    asked: list[tuple[str, float | None]] = []  # noqa: RUF012 - cleared by the fixture

    @staticmethod
    def load(model_path: str) -> PiperVoice:
        if Path(model_path).read_bytes() == b"broken":
            raise RuntimeError("Protobuf parsing failed")
        return PiperVoice()

    def synthesize(self, text: str, syn_config: SynthesisConfig) -> Iterator[SimpleNamespace]:
        self.asked.append((text, syn_config.length_scale))
        for _ in text.split("|"):
            if text:
                yield SimpleNamespace(audio_float_array=SOUND, sample_rate=22050)


@pytest.fixture
def voice_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    module = ModuleType("piper")
    module.PiperVoice, module.SynthesisConfig = PiperVoice, SynthesisConfig  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "piper", module)
    monkeypatch.setattr(piper, "find_spec", lambda name: object())
    PiperVoice.asked.clear()
    path = tmp_path / "en_US-lessac-medium.onnx"
    path.write_bytes(b"voice")
    path.with_name(path.name + ".json").write_text("{}")
    return path


def spec(engine: str, file: Path | None, **more: Any) -> VoiceSpec:
    return VoiceSpec(name="test", engine=engine, file=str(file) if file else None, **more)


def test_piper_joins_its_sentences_and_scales_its_own_speed(voice_file: Path) -> None:
    engine = PiperEngine(spec("piper", voice_file))
    engine.open()
    speech = engine.render("One.|Two.", Style(rate=1.5))
    np.testing.assert_array_equal(speech.samples, np.concatenate([SOUND, SOUND]))
    assert speech.rate_hz == 22050
    assert PiperVoice.asked == [("One.|Two.", pytest.approx(0.8))]
    assert len(engine.render("", Style()).samples) == 0
    engine.close()


def test_piper_without_a_file_or_its_json_says_which(voice_file: Path) -> None:
    with pytest.raises(VoiceError, match="no Piper voice file is named"):
        PiperEngine(spec("piper", None))
    json = voice_file.with_name(voice_file.name + ".json")
    json.unlink()
    with pytest.raises(VoiceError) as caught:
        PiperEngine(spec("piper", voice_file))
    assert str(json) in caught.value.what


def test_a_broken_piper_file_is_an_error_of_one_line(voice_file: Path) -> None:
    voice_file.write_bytes(b"broken")
    engine = PiperEngine(spec("piper", voice_file))
    with pytest.raises(VoiceError, match=r"Piper cannot load .*Protobuf parsing failed"):
        engine.open()


class TTS:
    """``TTS.api.TTS`` of coqui-tts 0.27."""

    synthesizer = SimpleNamespace(output_sample_rate=24000)
    is_multi_speaker = False
    is_multi_lingual = False
    asked: dict[str, Any] = {}  # noqa: RUF012 - cleared by the fixture

    def __init__(self, *, model_path: str, config_path: str, progress_bar: bool) -> None:
        if Path(model_path).read_bytes() == b"broken":
            raise EOFError("Ran out of input")
        assert Path(config_path).name == "config.json" and not progress_bar

    def tts(self, text: str, speaker: str | None, language: str | None) -> list[float]:
        self.asked.update(text=text, speaker=speaker, language=language)
        return [0.25] * 2400


@pytest.fixture
def checkpoint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    module = ModuleType("TTS.api")
    module.TTS = TTS  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "TTS", ModuleType("TTS"))
    monkeypatch.setitem(sys.modules, "TTS.api", module)
    monkeypatch.setattr(coqui, "find_spec", lambda name: object())
    TTS.asked.clear()
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.pth").write_bytes(b"model")
    return tmp_path / "model.pth"


@pytest.mark.parametrize(("several", "speaker", "language"), [(False, None, None), (True, "ann", "en")])
def test_coqui_names_speaker_and_language_only_where_the_model_has_several(
    several: bool, speaker: str | None, language: str | None, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TTS, "is_multi_speaker", several)
    monkeypatch.setattr(TTS, "is_multi_lingual", several)
    engine = CoquiEngine(spec("coqui", checkpoint, voice="ann"))
    engine.open()
    speech = engine.render("Yes.", Style(rate=2))
    assert speech.rate_hz == 24000 and speech.seconds == pytest.approx(0.05, rel=0.02)
    assert TTS.asked == {"text": "Yes.", "speaker": speaker, "language": language}
    engine.close()


def test_coqui_without_checkpoint_or_config_and_a_broken_one_are_errors(checkpoint: Path) -> None:
    with pytest.raises(VoiceError, match="no Coqui checkpoint is named"):
        CoquiEngine(spec("coqui", None))
    checkpoint.write_bytes(b"broken")
    with pytest.raises(VoiceError, match=r"Coqui cannot load .*Ran out of input"):
        CoquiEngine(spec("coqui", checkpoint)).open()
    checkpoint.with_name("config.json").unlink()
    with pytest.raises(VoiceError, match=r"config\.json"):
        CoquiEngine(spec("coqui", checkpoint))


@pytest.mark.parametrize(("engine", "module", "extra"), [(PiperEngine, piper, "piper"), (CoquiEngine, coqui, "coqui")])
def test_a_missing_package_names_its_extra(
    engine: Any, module: ModuleType, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(DependencyError) as caught:
        engine(spec(extra, Path("voice.onnx")))
    assert f"assistive[{extra}]" in caught.value.remedy
