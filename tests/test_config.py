from __future__ import annotations

import os
from pathlib import Path

import pytest

from assistive.config import BUILT_IN, list_profiles, load_settings
from assistive.errors import ConfigError
from assistive.home import home
from assistive.settings import Settings
from assistive.yamlfile import load_yaml


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ASSISTIVE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def user_file(tmp_path: Path) -> Path:
    return tmp_path / "mine.yaml"


def refusal(file: Path, text: str) -> tuple[str, str]:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_settings(file=file)
    return caught.value.what.replace(f"{file.parent}/", ""), caught.value.remedy


def test_the_file_that_users_edit_agrees_with_the_defaults_in_code() -> None:
    loaded = load_settings()
    assert loaded.settings == Settings()
    assert BUILT_IN not in loaded.origin.values(), "configs/default.yaml leaves a setting out"


def test_later_layers_win_and_each_value_knows_its_origin(user_file: Path) -> None:
    user_file.write_text("decision:\n  cooldown_s: 9\n  release_s: 0.9\n  absence_s: 9\n", encoding="utf-8")
    environment = {"ASSISTIVE_DECISION__RELEASE_S": "1.1", "ASSISTIVE_DECISION__ABSENCE_S": "8", "PATH": "/bin"}
    loaded = load_settings("tremor", user_file, ["decision.absence_s=7"], environment)
    decision, origin = loaded.settings.decision, loaded.origin
    assert (decision.hold_s, decision.cooldown_s, decision.release_s, decision.absence_s) == (1.2, 9, 1.1, 7)
    assert origin["decision.hold_s"].startswith("configs/profiles/tremor.yaml:")
    assert origin["decision.cooldown_s"] == f"{user_file}:2"
    assert origin["decision.release_s"] == "environment ASSISTIVE_DECISION__RELEASE_S"
    assert origin["decision.absence_s"] == "command line decision.absence_s=7"
    assert origin["decision.median_s"].startswith("configs/profiles/tremor.yaml:")
    assert origin["source.width"].startswith("configs/default.yaml:")


def test_single_gestures_can_be_set_in_every_layer(user_file: Path) -> None:
    user_file.write_text("decision: {gestures: {like: {hold_s: 0.4}}}", encoding="utf-8")
    loaded = load_settings(file=user_file, assignments=["decision.gestures.stop.cooldown_s=0"])
    gestures = loaded.settings.decision.gestures
    assert (gestures["like"].hold_s, gestures["stop"].cooldown_s, gestures["stop"].hold_s) == (0.4, 0, None)


def test_text_stays_text_on_the_command_line() -> None:
    settings = load_settings(assignments=["language.vocabulary=no", "voice.voice=5", "ui.mirror=true"]).settings
    assert (settings.language.vocabulary, settings.voice.voice, settings.ui.mirror) == ("no", "5", True)


def test_a_section_without_keys_is_empty(user_file: Path) -> None:
    user_file.write_text("# nothing set yet\ndecision:\n  # hold_s: 1\n", encoding="utf-8")
    assert load_settings(file=user_file).settings == Settings()


@pytest.mark.parametrize(
    ("text", "what", "remedy"),
    [
        ("ui:\n  mirror: true\ndecision:\n  hold: 1\n", "mine.yaml:4: unknown key 'hold' in decision", "hold_s?"),
        ("decisions:\n  hold_s: 1\n", "mine.yaml:1: unknown key 'decisions'", "decision?"),
        ("decision:\n  gestures:\n    lik:\n      hold_s: 1\n",
         "mine.yaml:3: unknown key 'lik' in decision.gestures", "like?"),
        ("decision:\n  gestures:\n    like:\n      hold: 1\n",
         "mine.yaml:4: unknown key 'hold' in decision.gestures.like", "hold_s?"),
        ("\nqqqq: 1\n", "mine.yaml:2: unknown key 'qqqq'", "source, runtime, gesture"),
        ("decision:\n  hold_s: 9\n", "mine.yaml:2: decision.hold_s = 9: input should be less than or equal", "0.7"),
        ("decision:\n  hold_s: long\n", "mine.yaml:2: decision.hold_s = 'long': input should be a valid number", "0.7"),
        ("decision:\n  hold_s: .nan\n", "mine.yaml:2: decision.hold_s = nan", "0.7"),
        ("decision:\n  enter_probability: 3\n", "mine.yaml:2: decision.enter_probability = 3", "None"),
        ("decision:\n  gestures: {like: {hold_s: 9}}\n", "mine.yaml:2: decision.gestures.like.hold_s = 9", "default"),
        ("decision:\n  hold_s: [1]\n", "mine.yaml:2: decision.hold_s takes one value", "hold_s: value"),
        ("decision: 3\n", "mine.yaml:1: decision is a section, not a value", "hold_s"),
        ("voice:\n  policy: shout\n", "mine.yaml:2: voice.policy = 'shout': input should be 'queue'", "queue"),
        ("ui:\n  mirror: true\n  mirror: false\n", "mine.yaml:3: 'mirror' stands here twice", "mine.yaml:2"),
        ("ui: {\n", "mine.yaml:2: malformed YAML:", "key: value"),
        ("ui:\n\tmirror: true\n", "mine.yaml:2: malformed YAML:", "key: value"),
        ("ui: \x01\n", "mine.yaml:1: malformed YAML:", "key: value"),
        ("ui: &a {mirror: *a}\n", "mine.yaml:1: malformed YAML:", "mend"),
        ("ui: {mirror: 2026-99-99}\n", "mine.yaml:1: malformed YAML:", "mend"),
        ("- ui\n", "mine.yaml:1: the top level is not a mapping", "key: value"),
        ("just words", "mine.yaml:1: the top level is not a mapping", "key: value"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_its_line(user_file: Path, text: str, what: str, remedy: str) -> None:
    said, advised = refusal(user_file, text)
    assert said.startswith(what)
    assert remedy in advised
    assert "\n" not in said + advised


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"ui: \xff\xfe\n")
    for file, words in [("missing.yaml", "No such file"), ("latin.yaml", "UTF-8"), (".", "directory")]:
        with pytest.raises(ConfigError, match=words):
            load_settings(file=tmp_path / file)


@pytest.mark.parametrize(
    ("assignment", "what"),
    [
        ("decision.hold=1", "command line decision.hold=1: unknown key 'hold' in decision"),
        ("decision.hold_s", "--set decision.hold_s: no value"),
        ("decision=1", "command line decision=1: decision is a section"),
        ("decision.hold_s.x=1", "command line decision.hold_s.x=1: decision.hold_s is a value"),
        ("decision.hold_s={", "command line decision.hold_s={: '{' is no value"),
        ("decision.hold_s=-1", "command line decision.hold_s=-1: decision.hold_s = -1: input should be greater"),
        ("=1", "command line =1: unknown key ''"),
        ("decision.hold_s=yes", "command line decision.hold_s=yes: decision.hold_s = True: input should be"),
        ("voice.queue_length=true", "command line voice.queue_length=true: voice.queue_length = True: input should be"),
    ],
)
def test_a_wrong_assignment_is_refused(assignment: str, what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(assignments=[assignment])
    assert caught.value.what.startswith(what)


def test_a_switch_takes_a_one_as_well() -> None:
    assert load_settings(environment={"ASSISTIVE_UI__HEADLESS": "1"}).settings.ui.headless is True


def test_a_misspelt_variable_is_refused() -> None:
    with pytest.raises(ConfigError, match="environment ASSISTIVE_DECISION__HOLD: unknown key 'hold'"):
        load_settings(environment={"ASSISTIVE_DECISION__HOLD": "1"})


def test_profiles_are_valid_and_differ_from_the_defaults() -> None:
    assert list_profiles() == ["laptop", "low_power", "school", "tremor", "work"]
    for name in list_profiles():
        assert load_settings(name).settings != Settings()
    with pytest.raises(ConfigError) as caught:
        load_settings("tremmor")
    assert caught.value.remedy == "did you mean tremor?"
    with pytest.raises(ConfigError):
        load_settings("../default")


def test_the_value_of_a_key_keeps_its_line_at_every_depth(user_file: Path) -> None:
    user_file.write_text("a:\n  - 1\n  - b:\n      c: 2\n", encoding="utf-8")
    file = load_yaml(user_file)
    assert file.data == {"a": [1, {"b": {"c": 2}}]}
    assert file.where(("a", 0)) == f"{user_file}:2"
    assert file.where(("a", 1, "b", "c")) == file.where(("a", 1, "b", "c", "not there")) == f"{user_file}:4"


def test_a_home_without_models_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTIVE_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="no folder with models/ and configs/"):
        home()
