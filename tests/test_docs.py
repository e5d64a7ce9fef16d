"""What the documents say is true: commands parse, links lead somewhere, names exist, tables agree with the files."""

from __future__ import annotations

import ast
import re
import runpy
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from assistive import cli
from assistive.config import load_settings
from assistive.language.vocabulary import load_vocabulary
from assistive.listing import LOOKS
from assistive.types import GESTURES

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
WALKTHROUGH = ROOT / "docs" / "walkthrough.md"
DOCUMENTS = sorted([README, ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "models").glob("*.md")])

FENCE = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")


def read(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def commands(program: str) -> list[tuple[str, ...]]:
    """Return the arguments of every command in a fenced block that starts a program."""
    lines = [line for document in DOCUMENTS for block in FENCE.findall(read(document)) for line in block.splitlines()]
    split = [shlex.split(part, comments=True) for line in lines for part in line.split("&&")]
    return [tuple(words[1:]) for words in split if words[:1] == ["python"] and words[1:2] and program in words[1]]


@pytest.mark.parametrize("command", commands("run.py"), ids=" ".join)
def test_commands_parse_and_their_settings_are_valid(command: tuple[str, ...]) -> None:
    verb, *rest = cli._with_verb(list(command[1:]))
    group = typer.main.get_command(cli.app)
    options = group.commands[verb].make_context(verb, rest).params  # type: ignore[attr-defined]
    given = {key: value for key, value in options.items() if key in cli.SETTING_OF and value is not None}
    named = [f"{cli.SETTING_OF[key]}={value}" for key, value in given.items()]
    load_settings(options.get("profile"), options.get("config"), [*named, *(options.get("assign") or ())])


@pytest.mark.parametrize("command", commands("scripts/"), ids=" ".join)
def test_scripts_exist_and_know_their_options(command: tuple[str, ...]) -> None:
    source = read(ROOT / command[0])
    for option in (word.removeprefix("--").replace("-", "_") for word in command if word.startswith("--")):
        assert re.search(rf"\b{option}\b", source.replace("-", "_")), f"{command[0]} has no --{option}"


def test_there_are_commands() -> None:
    assert len(commands("run.py")) >= 10 and len(commands("scripts/")) >= 5


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere_and_nothing_is_left_to_do(document: Path) -> None:
    text = read(document)
    targets = [target for _, target in LINK.findall(text) if "://" not in target]
    missing = [target for target in targets if not (document.parent / target).exists()]
    assert not missing, f"no such file: {missing}"
    assert not re.findall(r"TODO\S*", text)


def names(tree: ast.Module | ast.ClassDef) -> Iterator[str]:
    """Yield what a module defines, methods and attributes of classes as ``Class.name``."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}.{inner}" for inner in names(node))


def test_the_walkthrough_names_what_is_there() -> None:
    linked = [(text.strip("`"), target) for text, target in LINK.findall(read(WALKTHROUGH)) if target.endswith(".py")]
    assert len(linked) > 30
    for text, target in linked:
        path = (WALKTHROUGH.parent / target).resolve()
        known = [path.relative_to(ROOT.resolve()).as_posix(), *names(ast.parse(read(path)))]
        assert text in known, f"{target} has no {text}"


def test_the_configuration_document_is_up_to_date() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "make_configuration_doc.py"))
    assert read(script["PATH"]) == script["render"](), "run: python scripts/make_configuration_doc.py"


def test_the_readme_shows_every_gesture_as_it_is() -> None:
    phrases = load_vocabulary("en").phrases
    for gesture in GESTURES:
        assert f"| `{gesture}` | {LOOKS[gesture]} | {phrases[gesture]} |" in read(README)


def test_the_readme_names_whatever_is_installed() -> None:
    project = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(need for extra in extras if extra != "dev" for need in extras[extra])]
    table = read(README).partition("## What each part brings")[2].lower()
    named = {re.split(r"[^\w-]", need)[0] for need in wanted}
    builds_of_one = {"onnxruntime-gpu", "onnxruntime-openvino"}
    assert not {name for name in named - builds_of_one if name not in table}
