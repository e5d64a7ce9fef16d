"""Text becomes sound: engines, voices, players, and the speaker that joins them.

    text ──► Engine.render ──► polish (trim, loudness, limiter) ──► Player ──► sound card | WAV file | nothing

An engine is one synthesiser with one voice loaded (espeak-ng, Flite, Piper, Coqui). A voice is an engine with its entry
in ``configs/voices.yaml``, and with the same loudness whatever the engine.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assistive.errors import AssistiveError, ConfigError, DependencyError, VoiceError
from assistive.registry import Registry
from assistive.settings import VoiceSettings
from assistive.types import Speech, Style
from assistive.voice.catalog import VoiceSpec, load_catalog
from assistive.voice.protocols import Engine, Player, Voice
from assistive.voice.style import polish
from assistive.yamlfile import nearest

__all__ = [
    "Engine",
    "EvenVoice",
    "Player",
    "Voice",
    "VoiceInfo",
    "clearer_voice",
    "list_voices",
    "open_player",
    "open_voice",
]

_log = logging.getLogger(__name__)

CLEAREST_FIRST = ("piper", "coqui", "flite", "espeak")
"""Order in which ``auto`` tries the engines: voice files that the user named, then by measured word error rate
(``scripts/rank_voices.py``)."""

LOUDEST = 2.0
"""Greatest loudness factor: 6 dB above the loudness of all voices, before the limiter turns speech into noise."""

_FILE_ENGINES = {".onnx": "piper", ".pth": "coqui"}
_CLEARER = "for a clearer voice, name a Piper voice file in configs/voices.yaml"
_CLEARER_ENGLISH = (
    "for a clearer voice: sudo apt-get install libflite1, or name a Piper voice file in configs/voices.yaml"
)


ENGINES: Registry[Engine] = Registry(
    "voice",
    {
        "espeak": "assistive.voice.espeak:EspeakEngine",
        "flite": "assistive.voice.flite:FliteEngine",
        "piper": "assistive.voice.piper:PiperEngine",
        "coqui": "assistive.voice.coqui:CoquiEngine",
    },
)

PLAYERS: Registry[Player] = Registry(
    "player",
    {
        "soundcard": "assistive.voice.soundcard:SoundCard",
        "wav": "assistive.voice.player:WavPlayer",
        "none": "assistive.voice.player:NoPlayer",
    },
)


@dataclass(frozen=True, slots=True)
class VoiceInfo:
    """One line of ``run.py list voices``; ``why_not`` says what is missing, None when the voice can be used."""

    name: str
    engine: str
    language: str
    why_not: str | None


class EvenVoice:
    """The voice of one entry in voices.yaml, at the same loudness as any other."""

    def __init__(self, spec: VoiceSpec, engine: Engine, why: str) -> None:
        self.name = spec.name
        self.engine = spec.engine
        self.language = spec.language
        self.device = spec.device
        self.why = why
        self._spec = spec
        self._engine = engine

    def synthesise(self, text: str, style: Style) -> Speech:
        """Return the sound of a text; see :class:`Voice`."""
        words = clean(text)
        if not words:
            raise VoiceError("there is nothing to say", "give a text with at least one word", "voice.empty")
        style = self._spec.styled(style)
        raw = self._engine.render(words, style)
        if not np.isfinite(raw.samples).all():
            raise VoiceError(f"{self.engine} made a broken sound of {words[:40]!r}", "choose another --voice")
        speech = polish(raw, min(style.volume, LOUDEST))
        if not len(speech.samples):
            raise VoiceError(f"{words[:40]!r} makes no sound", "give a text with at least one word", "voice.empty")
        return speech

    def close(self) -> None:
        """Free the engine."""
        self._engine.close()


def clean(text: str) -> str:
    r"""Return a text without control characters and with single spaces.

    >>> clean("  Please\twait.\0 ")
    'Please wait.'
    """
    return " ".join("".join(" " if unicodedata.category(c)[0] == "C" else c for c in text).split())


def open_voice(settings: VoiceSettings, language: str = "en") -> Voice:
    """Open the voice that the settings name, or the clearest one on this machine.

    Args:
        settings: ``voice`` is a name in configs/voices.yaml, a voice file (``.onnx``, ``.pth``), or ``auto``.
        language: language of the vocabulary.

    Raises:
        ConfigError: voices.yaml is wrong or has no such voice.
        DependencyError: the engine is not installed.
        VoiceError: the engine cannot load the voice, or none speaks the language.
    """
    catalog = load_catalog()
    voice = _clearest(catalog.values(), language) if settings.voice == "auto" else _named(catalog, settings, language)
    _log.info("voice %s: %s", voice.name, voice.why)
    return voice


def _named(catalog: dict[str, VoiceSpec], settings: VoiceSettings, language: str) -> Voice:
    spec = catalog.get(settings.voice) or _from_file(settings.voice, language)
    if spec is None:
        remedy = nearest(settings.voice, ["auto", *catalog])
        raise ConfigError(f"no voice is named {settings.voice!r}", remedy, "voice.unknown")
    engine = ENGINES.get(spec.engine)(spec)
    engine.open()
    if not spec.speaks(language):
        _log.warning("voice %s is made for %s, the vocabulary is in %s", spec.name, spec.language, language)
    return EvenVoice(spec, engine, "chosen by name")


def _from_file(name: str, language: str) -> VoiceSpec | None:
    """Return a voice for a voice file named directly, ``en_US-lessac-medium.onnx``, or None for any other name."""
    path = Path(name)
    if path.suffix not in _FILE_ENGINES:
        return None
    code = re.match(r"[a-z]{2,3}(?=_)", path.name)
    return VoiceSpec(
        name=path.stem, engine=_FILE_ENGINES[path.suffix], file=name, language=code.group() if code else language
    )


def _clearest(specs: Iterable[VoiceSpec], language: str) -> Voice:
    """Open the first that works, clearest engines first; espeak-ng for a language that no entry speaks."""
    order = {engine: place for place, engine in enumerate(CLEAREST_FIRST)}
    able = sorted((spec for spec in specs if spec.speaks(language)), key=lambda s: order.get(s.engine, len(order)))
    codes = dict.fromkeys((language.lower(), language.lower().partition("-")[0]))
    able += [VoiceSpec(name=f"espeak-{code}", engine="espeak", language=code) for code in codes]
    missing: list[str] = []
    for spec in able:
        try:
            engine = ENGINES.get(spec.engine)(spec)
            engine.open()
        except AssistiveError as error:
            missing.append(f"{spec.name}: {error.what}")
            continue
        why = f"the clearest voice for {language!r} on this machine"
        return EvenVoice(spec, engine, f"{why} ({'; '.join(missing)})" if missing else why)
    raise DependencyError(
        f"no voice for language {language!r} works here: {missing[-1]}", "python run.py list voices", "voice.none"
    )


def list_voices() -> list[VoiceInfo]:
    """Return all voices of configs/voices.yaml and whether each can be used here."""
    return [VoiceInfo(s.name, s.engine, s.language, _why_not(s)) for s in load_catalog().values()]


def _why_not(spec: VoiceSpec) -> str | None:
    try:
        ENGINES.get(spec.engine)(spec)
    except AssistiveError as error:
        return f"{error.what}; {error.remedy}"
    return None


def clearer_voice(voice: Voice) -> str | None:
    """Return how to get a clearer voice than this one, or None when it is already a clear one."""
    if voice.engine != "espeak":
        return None
    return _CLEARER_ENGLISH if voice.language.startswith("en") else _CLEARER


def open_player(settings: VoiceSettings, device: str | int | None = None) -> Player:
    """Open the player that the settings name; ``auto`` is the sound card if there is one, else ``assistive.wav``.

    Args:
        settings: ``player`` is ``soundcard``, ``wav:FILE``, ``none`` or ``auto``.
        device: sound device by name or number (:attr:`Voice.device`); none = the system's own.

    Raises:
        ConfigError: no such player.
        DependencyError: PortAudio is not installed.
        VoiceError: no sound card, or the file cannot be written.
    """
    kind, _, argument = settings.player.partition(":")
    player = _auto_player(device) if kind == "auto" else PLAYERS.get(kind)(argument, device)
    _log.info("player %s: %s", player.name, player.why)
    return player


def _auto_player(device: str | int | None) -> Player:
    try:
        return PLAYERS.get("soundcard")("", device)
    except AssistiveError as error:
        player = PLAYERS.get("wav")("assistive.wav", device)
        player.why = f"{error.what}, so speech goes to a file ({error.remedy})"
        _log.warning("%s; speech goes to %s (%s)", error.what, player.name, error.remedy)
        return player
