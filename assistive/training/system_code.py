"""Name the code that a system's figures come from, so that a log of finished folds is not continued by other code."""

from __future__ import annotations

import ast
import hashlib
from importlib.util import find_spec
from pathlib import Path

from assistive.zoo.systems import System

SHARED = (
    "assistive.expression.flow", "assistive.synth.motion_bed", "assistive.synth.motion_face",
    "assistive.training.datasets.filmed", "assistive.training.datasets.inputs", "assistive.training.datasets.mirror",
    "assistive.training.loop", "assistive.training.optimise", "assistive.training.systems",
)  # fmt: skip
"""What every system is trained with."""
BLOCKS = "assistive.zoo.blocks"


def code_of(system: System) -> str:
    """Return a SHA-256 of a system's module, the blocks that it uses, its trainer and what all share.

    Comments and docstrings do not count, so that a better word costs no run.
    """
    own = [f"assistive.zoo.{system.name}", *([system.trained_by.partition(":")[0]] if system.trained_by else [])]
    digest = hashlib.sha256()
    for module in (*SHARED, *_with_blocks(own)):
        digest.update(_bare(_read(module)).encode())
    return digest.hexdigest()


def _with_blocks(modules: list[str]) -> list[str]:
    """Return modules with the blocks that they import, and those that these import."""
    found = list(modules)
    for module in found:  # grows
        imports = (node.module for node in ast.walk(ast.parse(_read(module))) if isinstance(node, ast.ImportFrom))
        found += sorted({name for name in imports if name and name.startswith(BLOCKS)} - set(found))
    return found


def _read(module: str) -> str:
    spec = find_spec(module)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).read_text(encoding="utf-8")


def _bare(source: str) -> str:
    """Return code as its syntax tree, without docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [one for one in node.body if not _is_text(one)]
    return ast.dump(tree)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
