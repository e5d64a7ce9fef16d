from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from assistive.errors import ConfigError
from assistive.home import home
from assistive.language.vocabulary import VocabularyFile, find_vocabulary, list_vocabularies, load_vocabulary
from assistive.types import EXPRESSIONS, GESTURES

SHIPPED = (home() / "configs" / "vocabulary" / "en.yaml").read_text(encoding="utf-8")
ENGLISH = re.sub(r'^  (\w+):\n    say: (".*")\n(    \w+: .*\n)*', r"  \1: \2\n", SHIPPED, flags=re.MULTILINE)
"""The shipped vocabulary with a neutral phrase for each gesture and nothing else."""

TONED = '  like: {say: "Yes.", positive: "Of course!", surprise: "Really!"}'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(ENGLISH, encoding="utf-8")
    return path


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_every_shipped_vocabulary_says_something_different_for_each_gesture() -> None:
    assert {"en", "de"} <= set(list_vocabularies())
    for name in list_vocabularies():
        vocabulary = load_vocabulary(name)
        assert vocabulary.language == name
        assert set(vocabulary.phrases) == set(GESTURES)
        variants = [text for tones in vocabulary.variants.values() for text in tones.values()]
        said = [*vocabulary.phrases.values(), *variants]
        assert len(set(said)) == len(said)
        assert all(len(phrase.split()) <= 8 for phrase in said)
        assert sum(map(bool, vocabulary.variants.values())) >= 10


def test_a_thumb_up_says_yes() -> None:
    assert load_vocabulary("en").phrases["like"] == "Yes."


def test_a_tone_has_its_own_words_or_the_neutral_ones(file: Path) -> None:
    file.write_text(ENGLISH.replace('  like: "Yes."', TONED), encoding="utf-8")
    vocabulary = load_vocabulary(str(file))
    assert [vocabulary.phrase("like", tone) for tone in ("none", *EXPRESSIONS)] == [
        "Yes.", "Yes.", "Of course!", "Really!",
    ]  # fmt: skip
    assert {vocabulary.phrase("fist", tone) for tone in EXPRESSIONS} == {"Hello."}
    assert vocabulary.phrases["like"] == "Yes."


def test_an_emergency_phrase_is_the_same_in_any_tone(file: Path) -> None:
    text = ENGLISH.replace('  like: "Yes."', TONED).replace("emergency: null", "emergency: like")
    file.write_text(text, encoding="utf-8")
    assert {load_vocabulary(str(file)).phrase("like", tone) for tone in EXPRESSIONS} == {"Yes."}


def test_one_line_and_several_mean_the_same(file: Path) -> None:
    file.write_text(ENGLISH.replace('  like: "Yes."', TONED), encoding="utf-8")
    on_one = load_vocabulary(str(file))
    lines = '  like:\n    surprise: "Really!"\n    say: "Yes."\n    positive: "Of course!"'
    file.write_text(ENGLISH.replace('  like: "Yes."', lines), encoding="utf-8")
    assert load_vocabulary(str(file)).digest == on_one.digest
    file.write_text(ENGLISH.replace('  like: "Yes."', TONED.replace("Really!", "Oh!")), encoding="utf-8")
    assert load_vocabulary(str(file)).digest != on_one.digest


def test_words_that_yaml_takes_for_something_else_are_phrases(file: Path) -> None:
    text = ENGLISH.replace('dislike: "No."', "dislike: No").replace('one: "I have a question."', "one: 1")
    file.write_text("\ufeff" + text.replace('three: "I am hungry."', "three: 12:30"), encoding="utf-8")
    phrases = load_vocabulary(str(file)).phrases
    assert (phrases["dislike"], phrases["one"], phrases["three"]) == ("No", "1", "12:30")


def test_roles_are_reserved(file: Path) -> None:
    file.write_text(ENGLISH.replace("pause: null", "pause: fist").replace("emergency: null", "emergency: ~"))
    vocabulary = load_vocabulary(str(file))
    assert vocabulary.gestures_with("pause") == {"fist"}
    assert vocabulary.gestures_with("emergency") == frozenset()
    assert vocabulary.role_of("fist") == "pause"
    assert vocabulary.role_of("like") is None


def test_roles_may_be_left_out(file: Path) -> None:
    file.write_text(ENGLISH[: ENGLISH.index("roles:")])
    assert load_vocabulary(str(file)).roles == {}
    file.write_text(ENGLISH[: ENGLISH.index("roles:")] + "roles:\n")
    assert load_vocabulary(str(file)).roles == {}


LONG = "far too many words to say at once " * 60


@pytest.mark.parametrize(
    ("old", "new", "at", "what", "remedy"),
    [
        ('  like: "Yes."\n', "", "phrases:", "the gesture like has no phrase", 'add a line `like: "..."`'),
        ("like: ", "lke: ", "lke", "unknown key 'lke' in phrases", "did you mean like?"),
        ("phrases:", "phrase:", "phrase:", "unknown key 'phrase'", "did you mean phrases?"),
        ("  pause:", "  pauze:", "pauze", "unknown key 'pauze' in roles", "did you mean pause?"),
        ("pause: null", "pause: fst", "fst", "unknown gesture 'fst'", "did you mean fist?"),
        ("language: en", "language: English", "language:", "language of the phrases", "`language: en`"),
        ("language: en", "language: ", "language:", "language of the phrases", "`language: en`"),
        ('  like: "Yes."', '  like: "Yes."\n  like: "Sure."', "Sure", "'like' stands here twice", "remove"),
        ('"Yes."', '""', "like:", "the phrase of like is empty", "write what"),
        ('"Yes."', "", "like:", "the phrase of like is empty", "write what"),
        ('"Yes."', '" ... "', "like:", "the phrase of like is empty", "write what"),
        ('"Yes."', f'"{LONG}"', "like:", "too long: 480 words", "at most 40 words"),
        ('"Yes."', f'"{"long" * 60}"', "like:", "too long: 1 words, 240 characters", "200 characters"),
        ('"Yes."', '"Yes\\aYes"', "like:", "control character", "delete it"),
        ('"Yes."', "|\n    Yes.\n    Really.", "like:", "line break", "delete it"),
        ('"Yes."', '["Yes."]', "like:", "not one text", "on one line"),
        ('"Yes."', '{positive: "Sure!"}', "like:", "like has no neutral phrase", "like: {say: "),
        ('"Yes."', "{}", "like:", "like has no neutral phrase", "like: {say: "),
        ('"Yes."', '\n    say: "Yes."\n    postive: "Sure!"', "postive", "in phrases.like", "did you mean positive?"),
        ('"Yes."', '\n    say: "Yes."\n    joy: "Sure!"', "joy", "unknown key 'joy'", "use one of: say, negative"),
        ('"Yes."', '\n    say: "Yes."\n    surprise: ""', "surprise:", "surprise phrase of like is empty", "write"),
        ('"Yes."', '\n    say: ""\n    surprise: "Oh!"', "say:", "the phrase of like is empty", "write what"),
        ('"Yes."', f'\n    say: "Yes."\n    negative: "{LONG}"', "negative:", "negative phrase of like is", "at most"),
        ('"Yes."', '\n    say: "Yes."\n    negative: {say: "No."}', "negative:", "not one text", 'write `negative: "'),
        ("pause: null", "pause: [fist]", "pause", "takes one gesture", "null for none"),
        ("phrases:", 'phrases: "no"\nroles:\n  ', "phrases:", "phrases is not a list", "indented"),
        ('"Yes."', '"Yes.', 'dislike: "', "malformed YAML", "mend"),
        ("  like:", "\tlike:", "\tlike", "malformed YAML", "mend"),
    ],
)
def test_what_is_wrong_is_told_with_line_and_remedy(
    file: Path, old: str, new: str, at: str, what: str, remedy: str
) -> None:
    text = ENGLISH.replace(old, new, 1) if not new.startswith("phrases: ") else 'language: en\nphrases: "no"\n'
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_vocabulary(str(file))
    assert what in caught.value.what
    assert caught.value.what.startswith(f"{file}:{line_of(text, at)}: ")
    assert remedy in caught.value.remedy
    assert "\n" not in caught.value.what + caught.value.remedy


def test_one_gesture_has_one_role(file: Path) -> None:
    file.write_text(ENGLISH.replace("pause: null", "pause: fist").replace("repeat: null", "repeat: fist"))
    with pytest.raises(ConfigError, match="the gesture fist has two roles"):
        load_vocabulary(str(file))


def test_a_vocabulary_that_is_not_there_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        find_vocabulary("enn")
    assert "did you mean en?" in caught.value.remedy
    for missing in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(ConfigError):
            load_vocabulary(str(missing))


def change(path: Path, text: str) -> None:
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(before + 1_000_000_000, before + 1_000_000_000))


def test_an_edited_file_is_read_again_while_running(file: Path) -> None:
    vocabulary = VocabularyFile(str(file))
    assert vocabulary.poll() is None
    change(file, ENGLISH.replace("Yes.", "Sure."))
    assert vocabulary.poll() == "new phrases from mine.yaml"
    assert vocabulary.current.phrases["like"] == "Sure."
    assert vocabulary.poll() is None


def test_a_file_that_was_only_saved_again_is_no_news(file: Path) -> None:
    vocabulary = VocabularyFile(str(file))
    change(file, ENGLISH + "\n# a remark\n")
    assert vocabulary.poll() is None


def test_a_mistake_keeps_the_old_phrases_and_is_told_once(file: Path) -> None:
    vocabulary = VocabularyFile(str(file))
    before = vocabulary.current
    change(file, ENGLISH.replace('"Yes."', '""'))
    message = vocabulary.poll()
    assert message
    assert message.startswith(f"{file}:{line_of(ENGLISH, 'like:')}: the phrase of like is empty; the old phrases stay")
    assert vocabulary.poll() is None
    assert vocabulary.current is before
    change(file, ENGLISH)
    assert vocabulary.poll() == "new phrases from mine.yaml"


def test_a_file_that_vanishes_or_is_no_text_does_not_stop_a_running_system(file: Path) -> None:
    vocabulary = VocabularyFile(str(file))
    file.unlink()
    assert "the old phrases stay" in (vocabulary.poll() or "")
    assert vocabulary.poll() is None
    file.write_bytes(b"\xff\xfe\x00")
    assert "the old phrases stay" in (vocabulary.poll() or "")
    file.unlink()
    file.mkdir()
    assert "the old phrases stay" in (vocabulary.poll() or "")
    assert vocabulary.current.phrases["like"] == "Yes."


def test_a_vocabulary_that_is_wrong_from_the_start_is_an_error(file: Path) -> None:
    file.write_text("phrases: {}\n")
    with pytest.raises(ConfigError):
        VocabularyFile(str(file))
