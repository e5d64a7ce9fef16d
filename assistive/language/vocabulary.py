"""What the gestures mean: a YAML file that a carer edits, checked key by key and read again when it changes."""

from __future__ import annotations

import hashlib
import logging
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from assistive.errors import ConfigError
from assistive.home import home
from assistive.types import EXPRESSIONS, GESTURES, NO_EXPRESSION
from assistive.yamlfile import Keys, YamlFile, load_yaml, nearest, unknown_key

log = logging.getLogger(__name__)

ROLES = ("pause", "emergency", "repeat", "stop_speaking", "neutral_tone")
"""What a gesture may do besides being said: ``emergency`` is said at once, the others act and say nothing."""

NEUTRAL = "say"
"""Key of the neutral phrase of a gesture that has others beside it; their keys are the tones."""

MAX_CHARACTERS = 200
MAX_WORDS = 40

_NO_ROLE = ("", "null", "~", "none")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_UNSPEAKABLE = ("Cc", "Cs", "Co", "Zl", "Zp")  # Unicode's controls, surrogates, private use, line separators


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A phrase for every gesture.

    Attributes:
        language: language code of the phrases, "en" or "pt-BR".
        phrases: what each of the 18 gestures says in a neutral tone.
        variants: what a gesture says instead in another tone, by gesture and tone; for any other tone it says its
            neutral phrase.
        roles: gesture by role, for the roles that are in use.
        digest: SHA-256 of all of this, hexadecimal.
    """

    language: str
    phrases: Mapping[str, str]
    variants: Mapping[str, Mapping[str, str]]
    roles: Mapping[str, str]
    digest: str

    def phrase(self, gesture: str, tone: str = NO_EXPRESSION) -> str:
        """Return what a gesture says in a tone; an emergency phrase is the same in any."""
        if self.role_of(gesture) == "emergency":
            return self.phrases[gesture]
        return self.variants.get(gesture, {}).get(tone, self.phrases[gesture])

    def gestures_with(self, role: str) -> frozenset[str]:
        """Return the gestures that have a role: one or none."""
        return frozenset(gesture for name, gesture in self.roles.items() if name == role)

    def role_of(self, gesture: str) -> str | None:
        """Return the role that a gesture has, or None."""
        return next((role for role, name in self.roles.items() if name == gesture), None)


def list_vocabularies() -> list[str]:
    """List the names of the vocabularies in ``configs/vocabulary/``."""
    return sorted(path.stem for path in (home() / "configs" / "vocabulary").glob("*.yaml"))


def find_vocabulary(name_or_path: str) -> Path:
    """Return the file of a vocabulary.

    Args:
        name_or_path: a name in ``configs/vocabulary/`` ("en"), or a file.

    Raises:
        ConfigError: it is neither.
    """
    path = Path(name_or_path).expanduser()
    if path.suffix or path.parent != Path() or path.is_file():
        return path
    names = list_vocabularies()
    if name_or_path not in names:
        remedy = f"{nearest(name_or_path, names)}, or name a file"
        raise ConfigError(f"no vocabulary is named {name_or_path!r}", remedy, "vocabulary.unknown")
    return home() / "configs" / "vocabulary" / f"{name_or_path}.yaml"


def load_vocabulary(name_or_path: str) -> Vocabulary:
    """Read and check a vocabulary.

    Args:
        name_or_path: a name in ``configs/vocabulary/`` ("en"), or a file.

    Raises:
        ConfigError: what is wrong, in which line, and what to do about it.
    """
    file = load_yaml(find_vocabulary(name_or_path), text_only=True)
    for key in file.data:
        if key not in ("language", "phrases", "roles"):
            raise unknown_key(file, (key,), ("language", "phrases", "roles"))
    language, (phrases, variants), roles = _language(file), _phrases(file), _roles(file)
    said = sorted((gesture, phrases[gesture], sorted(variants.get(gesture, {}).items())) for gesture in phrases)
    text = repr((language, said, sorted(roles.items())))
    return Vocabulary(language, phrases, variants, roles, hashlib.sha256(text.encode()).hexdigest())


def _language(file: YamlFile) -> str:
    language = file.data.get("language")
    if not isinstance(language, str) or not _LANGUAGE.fullmatch(language):
        raise file.error(("language",), "the language of the phrases is missing", "write `language: en`, de, es ...")
    return language


def _section(file: YamlFile, name: str) -> dict[str, object]:
    section = file.data.get(name) or {}
    if not isinstance(section, dict):
        raise file.error((name,), f"{name} is not a list of lines", f"write `{name}:` and its lines indented below it")
    return section


def _phrases(file: YamlFile) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Return the neutral phrases, and their variants by gesture and tone."""
    section = _section(file, "phrases")
    for gesture in section:
        if gesture not in GESTURES:
            raise unknown_key(file, ("phrases", gesture), GESTURES)
    phrases: dict[str, str] = {}
    variants: dict[str, dict[str, str]] = {}
    for gesture in GESTURES:
        if gesture not in section:
            remedy = f'add a line `{gesture}: "..."` below phrases'
            raise file.error(("phrases",), f"the gesture {gesture} has no phrase", remedy)
        key, entry = ("phrases", gesture), section[gesture]
        if not isinstance(entry, dict):
            phrases[gesture] = _phrase(file, key, entry, f"the phrase of {gesture}")
            continue
        tones = _tones(file, key, entry)
        phrases[gesture] = tones.pop(NEUTRAL)
        variants[gesture] = tones
    return phrases, variants


def _tones(file: YamlFile, key: Keys, entry: Mapping[str, object]) -> dict[str, str]:
    """Return the phrases of a gesture that has several, by tone, the neutral one as ``NEUTRAL``."""
    gesture = key[-1]
    for tone in entry:
        if tone not in (NEUTRAL, *EXPRESSIONS):
            raise unknown_key(file, (*key, tone), (NEUTRAL, *EXPRESSIONS))
    if NEUTRAL not in entry:
        remedy = f'write `{gesture}: {{{NEUTRAL}: "...", surprise: "..."}}`'
        raise file.error(key, f"the gesture {gesture} has no neutral phrase", remedy)
    named = {tone: "" if tone == NEUTRAL else f"{tone} " for tone in entry}
    return {tone: _phrase(file, (*key, tone), entry[tone], f"the {named[tone]}phrase of {gesture}") for tone in entry}


def _phrase(file: YamlFile, key: Keys, value: object, what: str) -> str:
    """Return a phrase that can be said, or raise what is wrong with it."""
    if not isinstance(value, str):
        raise file.error(key, f"{what} is not one text", f'write `{key[-1]}: "..."` on one line')
    phrase = value.strip()
    if any(unicodedata.category(character) in _UNSPEAKABLE for character in phrase):
        raise file.error(key, f"{what} has a line break or control character in it", "delete it")
    if not any(character.isalnum() for character in phrase):
        raise file.error(key, f"{what} is empty", "write what the gesture is to say")
    words = len(phrase.split())
    if words > MAX_WORDS or len(phrase) > MAX_CHARACTERS:
        too_long = f"{what} is too long: {words} words, {len(phrase)} characters"
        raise file.error(key, too_long, f"shorten it to at most {MAX_WORDS} words and {MAX_CHARACTERS} characters")
    return phrase


def _roles(file: YamlFile) -> dict[str, str]:
    roles: dict[str, str] = {}
    for role, gesture in _section(file, "roles").items():
        key = ("roles", role)
        if role not in ROLES:
            raise unknown_key(file, key, ROLES)
        if not isinstance(gesture, str):
            raise file.error(key, f"the role {role} takes one gesture", f"write `{role}: fist`, or null for none")
        if gesture in _NO_ROLE:
            continue
        if gesture not in GESTURES:
            raise file.error(key, f"unknown gesture {gesture!r}", nearest(gesture, GESTURES))
        if gesture in roles.values():
            raise file.error(key, f"the gesture {gesture} has two roles", "give each role its own gesture, or null")
        roles[role] = gesture
    return roles


class VocabularyFile:
    """A vocabulary that follows its file.

    Args:
        name_or_path: as for :func:`load_vocabulary`.

    Attributes:
        path: the file.
        current: the newest version without a mistake.

    Raises:
        ConfigError: the file is wrong from the start.
    """

    def __init__(self, name_or_path: str) -> None:
        self.path = find_vocabulary(name_or_path)
        self._stamp = self._look()
        self.current = load_vocabulary(str(self.path))
        self._wrong = False

    def poll(self) -> str | None:
        """Read the file again if it has changed; cheap enough for every frame, and never raises.

        Returns:
            What to show: that the phrases are new, or what is wrong with the file while the old phrases stay in use.
            None while nothing has changed.
        """
        stamp = self._look()
        if stamp == self._stamp:
            return None
        self._stamp = stamp
        try:
            vocabulary = load_vocabulary(str(self.path))
        except ConfigError as error:
            self._wrong = True
            log.warning("%s (%s); the old phrases stay in use", error.what, error.remedy)
            return f"{error.what}; the old phrases stay in use"
        if vocabulary.digest == self.current.digest and not self._wrong:
            return None
        self.current, self._wrong = vocabulary, False
        log.info("read %s again", self.path)
        return f"new phrases from {self.path.name}"

    def _look(self) -> tuple[int, int] | None:
        """Return time and size of the file, None when it is gone."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size
