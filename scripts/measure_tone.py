"""Measure what a tone makes of a voice: pitch, melody, speed, loudness, and whether the words are still understood.

    pip install pocketsphinx==5.1.1
    python scripts/measure_tone.py --out docs/results/tone.json

Every sentence is spoken in every tone of configs/voices.yaml, at its strongest, written to a WAV file as a run writes
it, and measured on what is read back. The speech recogniser and what it is good for: scripts/rank_voices.py. The tones
were chosen on the 40 sentences of that script; the 40 here were spoken for the first time when they had been chosen.
(An earlier choice, with a slower and lower negative, had failed for espeak-ng on 40 others.)
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import wave
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import asdict, fields
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rank_voices import Listener, Score, word_errors, words_of

from assistive.errors import AssistiveError
from assistive.evaluation.prosody import Prosody, measure
from assistive.evaluation.report import write_json
from assistive.settings import VoiceSettings
from assistive.types import EXPRESSIONS, NO_EXPRESSION, Speech, Style
from assistive.voice import Voice, open_voice
from assistive.voice.player import WavPlayer
from assistive.voice.tone import load_tones

VOICES = ("flite", "espeak")

HELD_OUT = (
    "Please hand me the newspaper.",
    "My grandson plays the piano very well.",
    "There is too much salt in the soup.",
    "Can we go to the market tomorrow?",
    "I need a new pair of gloves.",
    "The lift is out of order again.",
    "Would you read me a story tonight?",
    "It was kind of you to come.",
    "Please help me put on my coat.",
    "The radio is in the other room.",
    "I had a strange dream last night.",
    "How long does the journey take?",
    "We ran out of milk this morning.",
    "Please wash the cups by hand.",
    "The meeting starts at two o'clock.",
    "I would like to sit by the window.",
    "Did you remember to feed the cat?",
    "My neck is stiff after the night.",
    "She sent me a card from the sea.",
    "Turn left at the end of the road.",
    "Is there any cake left for me?",
    "I forgot the number of the house.",
    "The nights are getting longer now.",
    "Please put the blue one back.",
    "Our teacher was pleased with the work.",
    "He will not be home before eight.",
    "That joke always makes me laugh.",
    "Bring your camera when you visit.",
    "I cannot reach the top shelf.",
    "The shop closes early on Saturday.",
    "Wait for the green light, then walk.",
    "Who is going to pay the bill?",
    "I want to listen to the birds.",
    "Please fold the sheets for me.",
    "The bread is still warm.",
    "You are standing on my foot.",
    "Can you see the moon from here?",
    "We have been friends since school.",
    "I lost the key to the cupboard.",
    "Thank you, that is all for today.",
)
"""Sentences that no choice was made on."""

Row = dict[str, Any]


def spoken(voice: Voice, text: str, style: Style, folder: Path) -> Speech:
    """Return what a run would have written to a WAV file for this text."""
    path = folder / "speech.wav"
    with closing(WavPlayer(str(path))) as player:
        player.play(voice.synthesise(text, style), lambda first_sample_s: None)
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768
        return Speech(np.trim_zeros(samples), file.getframerate())


def measure_tone(name: str, tone: str) -> Row:
    """Speak all sentences with a voice in a tone; return the means of their prosody, and how they were understood."""
    style, listener = load_tones().style(tone, 1.0), Listener()
    prosody: list[Prosody] = []
    words = errors = exact = 0
    with tempfile.TemporaryDirectory() as folder, closing(open_voice(VoiceSettings(voice=name))) as voice:
        for sentence in HELD_OUT:
            speech = spoken(voice, sentence, style, Path(folder))
            said = words_of(sentence)
            wrong = word_errors(said, listener.hear(speech.samples, speech.rate_hz))
            prosody.append(measure(speech, len(said)))
            words, errors, exact = words + len(said), errors + wrong, exact + (not wrong)
    score = Score(words, errors, exact, len(HELD_OUT))
    means = {field.name: round(fmean(getattr(one, field.name) for one in prosody), 2) for field in fields(Prosody)}
    row = {"style": asdict(style), "prosody": means, **asdict(score), "word_error_percent": score.word_error_percent}
    figures = "  ".join(f"{key} {value:7.2f}" for key, value in means.items())
    print(f"{name:8} {tone:8} {figures}  word errors {score.word_error_percent:.1f} %", flush=True)
    return row


def measure_all(workers: int) -> dict[str, dict[str, Row]]:
    """Measure every voice in every tone, in processes of their own; each says how much worse it is than neutral."""
    tones = (NO_EXPRESSION, *EXPRESSIONS)
    jobs = [(name, tone) for name in VOICES for tone in tones]
    with ProcessPoolExecutor(workers) as pool:
        found = dict(zip(jobs, pool.map(measure_tone, *zip(*jobs, strict=True)), strict=True))
    for (name, _), row in found.items():
        neutral = found[name, NO_EXPRESSION]
        row["worse_by_points"] = round(100 * (row["errors"] - neutral["errors"]) / row["words"], 1)
    return {name: {tone: found[name, tone] for tone in tones} for name in VOICES}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="JSON file for the results")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes side by side")
    options = parser.parse_args(arguments)
    try:
        Listener()  # what is missing here is said once, before the processes start
        for name in VOICES:
            open_voice(VoiceSettings(voice=name)).close()
        voices = measure_all(options.workers)
    except AssistiveError as error:
        print(error, file=sys.stderr)
        return 2
    result = {
        "command": f"python scripts/measure_tone.py --out {options.out}",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": platform.platform(),
        "versions": {name: version(name) for name in ("pocketsphinx", "espeakng-loader", "numpy")},
        "sentences": HELD_OUT,
        "voices": voices,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(options.out, result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
