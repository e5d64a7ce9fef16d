"""configs/voices.yaml: what it may hold, and that each mistake is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistive.errors import ConfigError
from assistive.types import Style
from assistive.voice import ENGINES
from assistive.voice.catalog import VoiceSpec, load_catalog


def write(folder: Path, text: str) -> Path:
    path = folder / "voices.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_file_has_a_voice_for_everyone_and_only_engines_that_exist() -> None:
    catalog = load_catalog()
    assert {"flite", "espeak"} <= catalog.keys()
    assert {spec.engine for spec in catalog.values()} <= set(ENGINES)
    assert all(spec.name == name for name, spec in catalog.items())


def test_every_key_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "voices:\n  aunt:\n    engine: espeak\n    voice: en-us+f3\n    language: en-US\n    rate: 0.8\n"
        "    pitch: 1.2\n    range: 0\n    volume: 0.5\n    word_gap_ms: 20\n    device: 3\n    file: ~/a.onnx\n",
    )
    spec = load_catalog(path)["aunt"]
    assert spec.styled(Style(rate=2, volume=0.5)) == Style(1.6, 1.2, 0, 0.25)
    assert (spec.device, spec.word_gap_ms, spec.voice) == (3, 20, "en-us+f3")
    assert spec.voice_file() == Path("~/a.onnx").expanduser()
    assert spec.speaks("en-GB") and not spec.speaks("de")


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("voices:\n  a: {engine: espeak, spead: 1}\n", 2, "unknown key 'spead'"),
        ("voices:\n  a:\n    engine: espeak\n    rate: 9\n", 4, "rate: input should be less than or equal to 4"),
        ("voices:\n  a:\n    engine: espeak\n    volume: loud\n", 4, "volume: input should be a valid number"),
        ("voices:\n  a:\n    rate: 1\n", 2, "engine: field required"),
        ("voices:\n  a: {engine: espeak, language: English}\n", 2, "language: "),
        ("voices:\n  a: espeak\n", 2, "voice 'a' is not a list"),
        ("voices: {}\n", 1, "no voices are listed"),
        ("voice:\n  a: {engine: espeak}\n", 1, "unknown key 'voice'"),
        ("voices:\n  a: {engine: espeak\n", 3, "malformed YAML"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, line: int, what: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_catalog(write(tmp_path, text))
    assert f"voices.yaml:{line}: " in caught.value.what
    assert what in caught.value.what
    assert "\n" not in caught.value.what + caught.value.remedy


def test_regions_of_a_language_count_as_one() -> None:
    spec = VoiceSpec(name="a", engine="espeak", language="pt-BR")
    assert spec.speaks("pt") and spec.speaks("pt-PT") and not spec.speaks("es")
