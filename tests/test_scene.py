"""Hand and face through the whole running system: what the shipped networks make of the performer is what is said."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import pytest

from assistive import cli
from assistive.language.vocabulary import load_vocabulary

WORDS = load_vocabulary("en")


def play(folder: Path, script: str, *options: str) -> list[dict[str, object]]:
    """Run a script and return its utterances."""
    events, sound = folder / "events.jsonl", folder / "speech.wav"
    status = cli.execute([
        "run", "--source", f"performer:{script}", "--headless", "--voice", "espeak", "--player", f"wav:{sound}",
        "--events", str(events), *options,
    ])  # fmt: skip
    assert status == 0
    with wave.open(str(sound)) as file:
        assert file.getnframes() > 0.5 * file.getframerate()
    lines = [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line["event"] == "utterance"]


def test_the_face_chooses_the_words(tmp_path: Path) -> None:
    said = play(tmp_path, "ok,@surprise/macro+stop,@negative/macro+dislike", "--log-expressions")
    assert [(line["gesture"], line["tone"]) for line in said] == [
        ("ok", None), ("stop", "surprise"), ("dislike", "negative"),
    ]  # fmt: skip
    assert [line["text"] for line in said] == [
        WORDS.phrases["ok"], WORDS.variants["stop"]["surprise"], WORDS.variants["dislike"]["negative"],
    ]  # fmt: skip


@pytest.mark.parametrize("option", ["--tone=neutral", "--no-expression"])
def test_a_tone_that_is_switched_off_changes_nothing(tmp_path: Path, option: str) -> None:
    (said,) = play(tmp_path, "@surprise/macro+stop", option, "--log-expressions")
    assert (said["text"], said["tone"]) == (WORDS.phrases["stop"], None)
