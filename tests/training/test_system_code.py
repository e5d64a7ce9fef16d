from __future__ import annotations

import pytest

pytest.importorskip("torch")

from assistive.training import system_code
from assistive.training.system_code import code_of
from assistive.zoo.systems import find


@pytest.mark.parametrize(
    ("system", "module", "counts"),
    [
        ("dual_atme", "assistive.zoo.dual_atme", True),
        ("dual_atme", "assistive.zoo.blocks.inception", True),
        ("dual_atme", "assistive.zoo.blocks.f5c", False),
        ("dual_atme", "assistive.zoo.off_tanet", False),
        ("dual_atme", "assistive.training.datasets.inputs", True),
        ("dstan", "assistive.training.stream_svm", True),
        ("dual_atme", "assistive.training.stream_svm", False),
    ],
)
def test_what_a_system_is_made_of_changes_its_name(
    system: str, module: str, counts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, read = code_of(find(system)), system_code._read

    def edited(name: str) -> str:
        return read(name) + ("\nEDITED = 1\n" if name == module else "")

    monkeypatch.setattr(system_code, "_read", edited)
    assert (code_of(find(system)) != before) is counts


def test_words_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    before, read = code_of(find("dual_atme")), system_code._read
    said = '''"""Another docstring."""\n# another comment\n'''
    monkeypatch.setattr(system_code, "_read", lambda name: said + read(name).replace('"""Classify', '"""Judge'))
    assert code_of(find("dual_atme")) == before
