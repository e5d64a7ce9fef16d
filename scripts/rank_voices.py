"""Rank voices by how well a speech recogniser understands them, and search espeak-ng's settings.

    pip install pocketsphinx==5.1.1
    python scripts/rank_voices.py --out docs/results/voices.json

The recogniser (pocketsphinx with the English model in its wheel) is good for ranking only: it is far worse than people
and prefers recorded voices. Settings are searched on 20 everyday sentences, and the winner is reported on 20 others.
"""

from __future__ import annotations

import argparse
import platform
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistive.errors import AssistiveError, DependencyError
from assistive.evaluation.report import write_json
from assistive.types import Style
from assistive.voice import ENGINES, EvenVoice
from assistive.voice.catalog import VoiceSpec

SEARCH = (
    "Please wait for me at the front door.",
    "I would like a glass of water.",
    "Can you open the window a little?",
    "My back hurts and I need to lie down.",
    "Thank you very much for your help.",
    "Where did you put my glasses?",
    "I want to go home now.",
    "Please call my sister this evening.",
    "It is too cold in this room.",
    "The soup was very good today.",
    "I do not want to talk about it.",
    "Could you turn off the light?",
    "We should leave before it gets dark.",
    "I am tired and I want to sleep.",
    "Give me a moment to think.",
    "She will be here in ten minutes.",
    "Stop, that hurts my arm.",
    "What time does the bus come?",
    "I agree with you about that.",
    "Please speak slowly and look at me.",
)
"""Sentences on which settings are searched."""

HELD_OUT = (
    "Can somebody help me stand up?",
    "I left my phone on the kitchen table.",
    "No, I have not eaten anything yet.",
    "Please be quiet for a minute.",
    "The doctor said I can walk again.",
    "I need my medicine after dinner.",
    "Who is coming to visit us tomorrow?",
    "That is not what I meant.",
    "Would you please close the door?",
    "I feel much better this morning.",
    "Turn the music down a little.",
    "My friend lives across the street.",
    "I have been waiting for a long time.",
    "Let me show you a picture.",
    "How much does this one cost?",
    "I would rather stay here with you.",
    "Somebody is at the door.",
    "Read me the letter once more.",
    "The chair is too low for me.",
    "I love you, and good night.",
)
"""Sentences that the search never hears."""

FLOOR = VoiceSpec(name="floor", engine="espeak", voice="en-us", rate=0.86)
"""What was best before any search: en-us at 150 words per minute."""

VARIANTS = ("", "f1", "f2", "m1", "m3", "klatt2", "adam", "Alex", "caleb", "edward")
"""Variants of espeak-ng's wheel: of each kind one or two, without the characters, robots and whispers."""
OTHERS = ("rms", "slt")
"""Voices of Flite, for comparison."""


@dataclass(frozen=True)
class Score:
    """How a voice was understood.

    Attributes:
        words: words said.
        errors: least number of words to replace, insert or delete.
        exact: sentences understood word for word.
        sentences: sentences said.
    """

    words: int
    errors: int
    exact: int
    sentences: int

    @property
    def word_error_percent(self) -> float:
        """Word error rate in percent."""
        return round(100 * self.errors / self.words, 1)


class Listener:
    """The speech recogniser, in a quiet room.

    The room is white noise 40 dB below the speech, the same in every run: no microphone hears digital silence, and
    without noise the recogniser fails on every voice that is silent between its words.

    Raises:
        DependencyError: pocketsphinx is not installed.
    """

    RATE_HZ = 16000
    ROOM_DBFS = -60

    def __init__(self) -> None:
        try:
            from pocketsphinx import Decoder
        except ImportError as error:
            raise DependencyError("pocketsphinx is not installed", "pip install pocketsphinx==5.1.1") from error
        self._decoder = Decoder(samprate=self.RATE_HZ, loglevel="FATAL")

    def hear(self, samples: NDArray[np.float32], rate_hz: int) -> list[str]:
        """Return the words that the recogniser hears."""
        sound = resample(np.pad(samples, int(0.3 * rate_hz)), rate_hz, self.RATE_HZ)
        noise = np.random.default_rng(0).standard_normal(len(sound)).astype(np.float32)
        sound = (sound + 10 ** (self.ROOM_DBFS / 20) * noise).clip(-1, 1)
        self._decoder.start_utt()
        self._decoder.process_raw((sound * 32767).astype(np.int16).tobytes(), full_utt=True)
        self._decoder.end_utt()
        heard = self._decoder.hyp()
        return words_of(heard.hypstr if heard else "")


def resample(samples: NDArray[np.float32], rate_hz: int, wanted_hz: int) -> NDArray[np.float32]:
    """Change the sample rate, band-limited, by cutting or padding the spectrum."""
    count = round(len(samples) * wanted_hz / rate_hz)
    spectrum = np.fft.rfft(samples)
    wanted = np.zeros(count // 2 + 1, complex)
    shared = min(len(spectrum), len(wanted))
    wanted[:shared] = spectrum[:shared]
    return (np.fft.irfft(wanted, count) * (count / len(samples))).astype(np.float32)


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, without punctuation."""
    return re.findall(r"[a-z']+", text.lower())


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Return the Levenshtein distance between two lists of words.

    >>> word_errors(["please", "wait"], ["please", "weight", "now"])
    2
    """
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (word != other))
    return row[-1]


class Ranking:
    """Scores of many settings on one set of sentences; each is listened to once."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._known: dict[tuple[VoiceSpec, str], tuple[int, int]] = {}

    def score(self, spec: VoiceSpec, sentences: Iterable[str]) -> Score:
        """Return how well the sentences are understood."""
        engine = ENGINES.get(spec.engine)(spec)
        engine.open()
        voice = EvenVoice(spec, engine, "ranked")
        results = []
        for sentence in sentences:
            key = (spec, sentence)
            if key not in self._known:
                speech = voice.synthesise(sentence, Style())
                said = words_of(sentence)
                self._known[key] = len(said), word_errors(said, self._listener.hear(speech.samples, speech.rate_hz))
            results.append(self._known[key])
        words, errors = (sum(column) for column in zip(*results, strict=True))
        return Score(words, errors, sum(not wrong for _, wrong in results), len(results))

    def best(self, specs: Iterable[VoiceSpec], sentences: Sequence[str], keep: int) -> list[VoiceSpec]:
        """Return the specs with the fewest word errors, best first."""
        scored = [(self.score(spec, sentences).errors, spec) for spec in dict.fromkeys(specs)]
        scored.sort(key=lambda pair: pair[0])
        for errors, spec in scored[:keep]:
            print(f"  {errors:3d} errors  {describe(spec)}", flush=True)
        return [spec for _, spec in scored[:keep]]


def search(ranking: Ranking) -> VoiceSpec:
    """Search espeak-ng's settings from coarse to fine: variants, then speed, then pitch, melody and word gap."""
    print("variants, 6 sentences")
    names = [f"en-us+{variant}" if variant else "en-us" for variant in VARIANTS]
    specs = ranking.best((FLOOR.model_copy(update={"voice": name}) for name in names), SEARCH[:6], 3)
    print("variants, 20 sentences")
    specs = ranking.best([*specs, FLOOR], SEARCH, 3)
    for key, values in (
        ("rate", (0.78,)),
        ("pitch", (1.15,)),
        ("range", (0.5,)),
        ("word_gap_ms", (30,)),
    ):
        print(key)
        specs = ranking.best(_vary(specs, key, values), SEARCH, 2)
    return specs[0]


def _vary(specs: Iterable[VoiceSpec], key: str, values: Iterable[float]) -> list[VoiceSpec]:
    values = tuple(values)
    return [spec.model_copy(update={key: value}) for spec in specs for value in (getattr(spec, key), *values)]


def describe(spec: VoiceSpec) -> str:
    """Return the settings of a voice in one line."""
    return " ".join(f"{key}={value}" for key, value in _settings(spec).items())


def _settings(spec: VoiceSpec) -> dict[str, Any]:
    return spec.model_dump(exclude_defaults=True, exclude={"name"})


def _report(ranking: Ranking, name: str, spec: VoiceSpec) -> dict[str, Any]:
    """Return one row of the results: settings, and scores on both sets."""
    row: dict[str, Any] = {"name": name, "settings": _settings(spec)}
    for title, sentences in (("search", SEARCH), ("held_out", HELD_OUT)):
        score = ranking.score(spec, sentences)
        row[title] = {**asdict(score), "word_error_percent": score.word_error_percent}
    print(f"{name:12} held out {row['held_out']['word_error_percent']:5.1f} %  {describe(spec)}", flush=True)
    return row


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the search and write the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="JSON file for the results")
    options = parser.parse_args(arguments)
    try:
        ranking = Ranking(Listener())
        rows = [_report(ranking, "espeak", search(ranking)), _report(ranking, "espeak before", FLOOR)]
        for name in OTHERS:
            spec = VoiceSpec(name=name, engine="flite", voice=name)
            try:
                rows.append(_report(ranking, f"flite {name}", spec))
            except DependencyError as error:
                print(f"flite {name}: {error.what}")
    except AssistiveError as error:
        print(error, file=sys.stderr)
        return 2
    result = {
        "command": f"python scripts/rank_voices.py --out {options.out}",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": platform.platform(),
        "versions": {name: version(name) for name in ("pocketsphinx", "espeakng-loader", "numpy")},
        "sentences": {"search": SEARCH, "held_out": HELD_OUT},
        "voices": rows,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(options.out, result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
