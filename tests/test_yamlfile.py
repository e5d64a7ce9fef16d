from __future__ import annotations

from pathlib import Path

import pytest

from assistive.errors import ConfigError
from assistive.yamlfile import MAX_BYTES, load_yaml, unknown_key


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_key_and_entry_has_its_line(tmp_path: Path) -> None:
    file = load_yaml(write(tmp_path, "a: 1\nb:\n  c: x\n  d:\n    - 2\n    - e: 3\n"))
    assert file.data == {"a": 1, "b": {"c": "x", "d": [2, {"e": 3}]}}
    assert file.lines[("b", "c")] == 3
    assert file.lines[("b", "d", 1)] == 6
    assert file.lines[("b", "d", 1, "e")] == 6
    assert file.where(("b", "missing")) == f"{file.name}:2"


def test_text_only_leaves_words_alone(tmp_path: Path) -> None:
    path = write(tmp_path, "a: No\nb: 12:30\nc: null\nd: 1e3\n")
    assert load_yaml(path, text_only=True).data == {"a": "No", "b": "12:30", "c": "null", "d": "1e3"}


def test_an_empty_file_is_an_empty_mapping_and_a_byte_order_mark_is_nothing(tmp_path: Path) -> None:
    assert load_yaml(write(tmp_path, "# nothing\n")).data == {}
    assert load_yaml(write(tmp_path, "\ufeffa: 1\n")).data == {"a": 1}


BOMB = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", 3),
        ("a:\n  b: 1\n  b: 2\n", 3),
        ("a: 1\nb: [\n", 3),
        ("- 1\n", 1),
        ("just words\n", 1),
        ("a: 1\nb: *x\n", 2),
        ("a: 1\n---\nb: 2\n", 2),
        ("a: 1\nb: !!python/object/apply:os.system ls\n", 2),
        (BOMB, 2),
        ("[" * 600, 1),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_yaml(path)
    assert caught.value.what.startswith(f"{path}:{line}: ")


def test_files_that_are_no_text_or_too_large_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"a: \xff\xff\n")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_yaml(path)
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="larger"):
        load_yaml(path)
    with pytest.raises(ConfigError, match="larger"):
        load_yaml(Path("/dev/zero"))


def test_an_unknown_key_is_told_with_the_nearest(tmp_path: Path) -> None:
    file = load_yaml(write(tmp_path, "a: 1\ndecision:\n  hold: 1\n"))
    error = unknown_key(file, ("decision", "hold"), ["hold_s", "release_s"])
    assert error.what == f"{file.name}:3: unknown key 'hold' in decision"
    assert error.remedy == "did you mean hold_s?"
