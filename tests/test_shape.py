"""The size of things: a reader sees a module in a few screens and a function in one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import assistive

PACKAGE = Path(assistive.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "home" not in path.relative_to(PACKAGE).parts)
MODULE_LINES = 400
FUNCTION_LINES = 60

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def public(tree: ast.Module | ast.ClassDef) -> Iterator[Function | ast.ClassDef]:
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_module_is_small_typed_and_explained(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert len(text.splitlines()) <= MODULE_LINES
    for function in functions(tree):
        assert function.end_lineno is not None
        assert function.end_lineno - function.lineno < FUNCTION_LINES, f"{function.name} is too long"
        assert function.returns is not None, f"{function.name} says nothing of what it returns"
    assert not text or ast.get_docstring(tree), "the module has no docstring"
    silent = [node.name for node in public(tree) if not ast.get_docstring(node) and not overrides(node)]
    assert not silent, f"no docstring: {silent}"


def overrides(node: Function | ast.ClassDef) -> bool:
    """A method that says @override has its words where it is first declared."""
    return any(isinstance(d, ast.Name) and d.id == "override" for d in node.decorator_list)
