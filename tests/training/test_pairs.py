from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml

from assistive.errors import ConfigError, SourceError
from assistive.fusion.evidence import NAMES
from assistive.fusion.tokens import BRIEF, BRIEF_KNOWN, LOG_RANGE, TONES, WIDTH
from assistive.home import home
from assistive.synth.scenes import FACE_TROUBLES, HAND_TROUBLES
from assistive.training.datasets import pairs as module
from assistive.training.datasets.gesture_pack import LabelledHand
from assistive.training.datasets.intents import IntentTable
from assistive.training.datasets.pairs import CONDITIONS, Pairs, People, make_pairs, plan_pairs, read_pairs
from assistive.types import NO_EXPRESSION, Box

HANDS = [name for name in NAMES for _ in range(12)]
COUNTS = {"C0": 190, "C1": 300, "C1b": 90}


def declared() -> IntentTable:
    config = yaml.safe_load((home() / "configs/train/fusion.yaml").read_text(encoding="utf-8"))
    return IntentTable.declared(config["intents"])


def some(n: int) -> Pairs:
    rng = np.random.default_rng(0)
    tokens = np.zeros((n, 3, 1, WIDTH), np.float32)
    tokens[::2, 1, 0, BRIEF_KNOWN] = 1
    text = np.full(n, "")
    return Pairs(tokens, rng.integers(0, 256, (n, 28, 28, 3)).astype(np.uint8), rng.integers(0, 19, n),
                 rng.integers(0, 4, n), np.zeros(n, np.float32), text, text, rng.integers(0, 60, n),
                 rng.integers(0, 30, n), np.zeros(n, bool))  # fmt: skip


def test_the_list_of_pairs_is_fixed_and_nobody_is_used_too_often() -> None:
    planned = plan_pairs(HANDS, 70, COUNTS, 5, 1)
    assert planned == plan_pairs(HANDS, 70, COUNTS, 5, 1)
    assert planned != plan_pairs(HANDS, 70, COUNTS, 5, 2)
    assert Counter(condition for condition, _ in planned) == COUNTS
    for condition in CONDITIONS:
        plans = [plan for name, plan in planned if name == condition]
        assert max(Counter(plan.hand for plan in plans).values()) <= 5
        assert max(Counter(plan.face for plan in plans).values()) <= 5
        gestures = Counter(HANDS[plan.hand] for plan in plans)
        assert max(gestures.values()) - min(gestures.values()) <= 1


def test_a_list_ends_where_the_stock_does() -> None:
    assert len(plan_pairs(HANDS, 10, {"C0": 500}, 5, 1)) == 50


def test_conditions_have_their_troubles() -> None:
    planned = plan_pairs(HANDS, 70, COUNTS, 5, 1)
    troubles = {name: {(plan.face_trouble, plan.hand_trouble) for got, plan in planned if got == name}
                for name in CONDITIONS}  # fmt: skip
    assert troubles["C0"] == {("", "")}
    assert troubles["C1"] == {(name, "") for name in FACE_TROUBLES} | {("", name) for name in HAND_TROUBLES}
    assert all(face and hand for face, hand in troubles["C1b"])
    assert ("hand", "absent") not in troubles["C1b"]


def test_partners_tell_nothing_of_each_other() -> None:
    planned = [plan for _, plan in plan_pairs(HANDS, 400, {"C0": 2000}, 10, 3)]
    assert all((plan.intensity == 0) == (plan.tone == NO_EXPRESSION) for plan in planned)
    calm = np.array([plan.tone == NO_EXPRESSION for plan in planned])
    held = np.array([plan.held for plan in planned])
    assert abs(held[calm].mean() - held[~calm].mean()) < 0.08
    expected = calm.mean()
    for name in NAMES:
        own = [c for c, plan in zip(calm, planned, strict=True) if HANDS[plan.hand] == name]
        assert abs(np.mean(own) - expected) < 0.25


def test_the_recogniser_speaks_of_spotted_movements_alone() -> None:
    class Sure:
        def probabilities(self, maps: np.ndarray) -> np.ndarray:
            assert len(maps) == 5
            return np.tile(np.float32([0.1, 0.7, 0.1, 0.1]), (len(maps), 1))

    pairs = some(10)
    judged = pairs.judged(Sure())  # type: ignore[arg-type]
    assert np.exp(judged.tokens[0, 1, 0, BRIEF] * LOG_RANGE) == pytest.approx([0.1, 0.7, 0.1, 0.1], abs=1e-5)
    assert not judged.tokens[1].any() and not pairs.tokens[0, 1, 0, BRIEF].any()


def test_a_run_that_was_stopped_goes_on_with_the_parts_that_lie_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = some(45)

    class Hands:
        def __init__(self, name: str) -> None:
            self.hands = [LabelledHand(Box(0, 0, 1, 1), (name,))]

    monkeypatch.setattr(module, "read_hands", lambda people, part: [Hands(name) for name in HANDS])
    monkeypatch.setattr(module, "_count_faces", lambda people, part: 40)
    folder = tmp_path / "test.parts"
    folder.mkdir()
    for start in range(0, 45, module.CHUNK):
        rows = np.arange(start, min(start + module.CHUNK, 45))
        part = made.only(rows)
        module._write(folder / f"{start:05d}.npz", {name: getattr(part, name) for name in Pairs.__slots__})
    people = People(tmp_path, tmp_path, (), 0.1, tmp_path)
    file = tmp_path / "test.npz"
    found = make_pairs(people, "test", {"C0": 45}, 5, 1, file, 1)
    assert all(np.array_equal(getattr(found, name), getattr(made, name)) for name in Pairs.__slots__)
    assert len(read_pairs(file)) == 45


def test_pairs_that_were_never_made_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="train_fusion"):
        read_pairs(tmp_path / "test.npz")


def test_the_declared_table_has_a_ceiling_that_no_rule_can_pass() -> None:
    table = declared()
    assert table.together.sum() == pytest.approx(1) and (table.together >= 0).all()
    flat = table.together / table.together.sum()
    rng = np.random.default_rng(0)
    cells = rng.choice(flat.size, 40000, p=flat.ravel())
    intent, gesture, tone = np.unravel_index(cells, flat.shape)
    best = (table.together[:, gesture, tone].argmax(0) == intent).mean()
    assert best == pytest.approx(table.ceiling, abs=0.01)
    assert table.together.sum(2).max(0).sum() < table.ceiling - 0.1  # the gesture alone does not say it


def test_certain_streams_give_what_the_table_says() -> None:
    table = declared()
    even = np.full(19, 1 / 19), np.full(4, 0.25)
    like, negative = np.eye(19)[[NAMES.index("like")]], np.eye(4)[[TONES.index("negative")]]
    said = table.given(like, negative, even)
    assert table.names[int(said.argmax())] == "doubt" and said.sum() == pytest.approx(1)


def test_dependent_pairs_keep_to_the_table_and_to_the_limit() -> None:
    pairs, table = some(800), declared()
    rows, intents = table.draw(pairs.gesture, pairs.tone, (pairs.hand, pairs.face), 120, 5, 7)
    assert len(rows) == 120
    again = table.draw(pairs.gesture, pairs.tone, (pairs.hand, pairs.face), 120, 5, 7)
    assert np.array_equal(rows, again[0]) and np.array_equal(intents, again[1])
    assert max(Counter(pairs.hand[rows].tolist()).values()) <= 5
    assert max(Counter(pairs.face[rows].tolist()).values()) <= 5
    likely = table.together[intents, pairs.gesture[rows], pairs.tone[rows]]
    assert np.median(likely) > 5 * table.together.mean()


def test_a_table_of_unknown_gestures_is_refused() -> None:
    with pytest.raises(ConfigError, match="wave"):
        IntentTable.declared({"greet": {"share": 1, "gestures": {"wave": 1}, "tones": {"none": 1}}})
