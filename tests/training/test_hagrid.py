from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistive.errors import SourceError
from assistive.training.datasets.hagrid.plan import Entry, make_plan, pick
from assistive.training.datasets.hagrid.shards import chosen_boxes
from assistive.training.datasets.hagrid.tree import (
    CLASSES,
    TWO_HANDED,
    annotation_flaw,
    class_name,
    find_tree,
    gestures_of,
    hands_of,
    landmarks_of,
)
from assistive.types import GESTURES, Box

MADE = runpy.run_path(str(Path(__file__).parent / "made_hagrid.py"))
make_v1, make_v2, v1_entry, v2_entry = (MADE[name] for name in ("make_v1", "make_v2", "v1_entry", "v2_entry"))
annotate, write_picture = MADE["annotate"], MADE["write_picture"]


def test_the_18_are_among_the_33() -> None:
    assert len(CLASSES) == 33 and set(GESTURES) < set(CLASSES) and set(TWO_HANDED) < set(CLASSES)
    assert class_name("two up inverted") == "two_up_inverted" and class_name("ok2") == ""


def test_both_layouts_are_found_and_v1_gets_a_validation_part_of_other_people(tmp_path: Path) -> None:
    v1, v2 = make_plan(find_tree(make_v1(tmp_path / "1", 30)), None, None, 0), make_plan(
        find_tree(make_v2(tmp_path / "2")), None, None, 0)  # fmt: skip
    assert (v1.version, v2.version) == ("v1", "v2-1M")
    assert v1.classes == ("like", "stop_inverted", "no_gesture") and len(v1.entries) == 66
    for plan in (v1, v2):
        people = {s: {e.user for e in plan.entries if e.split == s} for s in ("train", "val", "test")}
        assert all(people.values()) and not plan.problems
        assert len(set.union(*people.values())) == sum(map(len, people.values()))


def test_a_united_box_takes_the_place_of_its_hands_in_every_way_it_is_written() -> None:
    both, free = v2_entry("holy", "u", united=True), v2_entry("like", "u")
    assert [g.name for g in gestures_of(both)] == ["holy"] and gestures_of(both)[0].box.w == pytest.approx(0.55)
    assert [h.name for h in hands_of(both)] == ["holy", "holy"]
    for united in (None, [], [None]):
        entry = {**free, "united_bbox": united, "united_label": united}
        assert gestures_of(entry) == hands_of(entry) and not annotation_flaw(entry)
    padded = {**both, "united_bbox": [both["united_bbox"][0], None], "united_label": ["holy", None]}
    assert gestures_of(padded) == gestures_of(both) and not annotation_flaw(padded)


def test_landmarks_are_those_of_the_largest_hand() -> None:
    entry = v1_entry("like", "u", second=True)
    assert landmarks_of(entry) == [[0.3, 0.3]] * 21
    assert landmarks_of({**entry, "landmarks": entry["landmarks"][::-1]}) is None
    assert landmarks_of(v2_entry("like", "u")) == [[0.2, 0.3]] * 21
    for strange in (7, {"a": 1}, [5] * len(entry["bboxes"]), [[[None, None]] * 21] * len(entry["bboxes"])):
        assert landmarks_of({**entry, "landmarks": strange}) is None


def test_a_gesture_of_two_hands_is_one_box_in_any_spelling() -> None:
    hands = [[0.1, 0.2, 0.2, 0.2], [0.4, 0.2, 0.2, 0.2]]
    for name in ("hand_heart2", "hands_heart2", "hand heart2"):
        entry = {"bboxes": hands, "labels": [name, name], "united_bbox": [[0.1, 0.2, 0.5, 0.2]], "united_label": [name],
                 "user_id": "u"}  # fmt: skip
        (box,) = chosen_boxes(entry, ("hand_heart2",), "yolo")
        assert box.name == "hand_heart2" and box.box.w == 0.5


@pytest.mark.parametrize("box", [[1.0004, 0.2, 0.0004, 0.2], [-0.0005, 0.2, 0.0004, 0.2], [0.2, 0.2, 0.1, 10**400]])
def test_a_box_of_which_nothing_can_be_seen_is_a_flaw(box: list[float]) -> None:
    assert annotation_flaw({"bboxes": [box], "labels": ["like"], "user_id": "u"})


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        ({"bboxes": [[0.8, 0.2, 0.3, 0.1]]}, "box_outside"),
        ({"bboxes": [[0.8, 0.2, 0.2004, 0.1]]}, ""),
        ({"bboxes": [[0.8, 0.2, 0.0, 0.1]]}, "box_empty"),
        ({"bboxes": [[0.8, 0.2, float("nan"), 0.1]]}, "box_malformed"),
        ({"bboxes": [[0.8, 0.2, 0.1]]}, "box_malformed"),
        ({"labels": []}, "labels_and_boxes_differ"),
        ({"labels": ["cat"]}, "class_unknown"),
        ({"user_id": None}, "user_unknown"),
        ({"united_bbox": [[0, 0, 2, 1]], "united_label": ["holy"]}, "box_outside"),
    ],
)  # fmt: skip
def test_flaws_of_an_annotation_have_names(change: dict[str, object], flaw: str) -> None:
    assert annotation_flaw({**v1_entry("like", "u"), **change}) == flaw


def test_what_is_wrong_is_named_and_a_tested_person_never_trains(tmp_path: Path) -> None:
    root = make_v2(tmp_path)
    train = root / "hagrid_annotations" / "train" / "like.json"
    entries = json.loads(train.read_text())
    tested = json.loads((root / "hagrid_annotations" / "test" / "like.json").read_text())
    entries["like-train-000"]["user_id"] = tested["like-test-000"]["user_id"]
    entries["gone"] = v2_entry("like", "x")
    annotate(train, entries)
    write_picture(root / "hagrid_dataset" / "grip" / "stray.jpg")
    plan = make_plan(find_tree(root), None, None, 0)
    found = {problem.kind: problem.name for problem in plan.problems}
    assert found["label_without_picture"] == "like/gone" and found["picture_without_label"] == "grip/stray"
    assert found["user_in_two_splits"].startswith("like/like-train-000 (user 2")
    assert "like-train-000" not in {entry.key for entry in plan.entries}


def test_a_class_that_was_not_unpacked_is_no_problem_but_said(tmp_path: Path) -> None:
    root = make_v2(tmp_path)
    annotate(root / "hagrid_annotations" / "train" / "fist.json", {"a": v2_entry("fist", "u")})
    plan = make_plan(find_tree(root), None, None, 0)
    assert plan.not_unpacked == ("fist",) and not plan.problems


def test_a_disk_named_after_a_gesture_is_no_folder_of_pictures(tmp_path: Path) -> None:
    plain = make_plan(find_tree(make_v2(tmp_path / "plain")), None, None, 0)
    make_v2(tmp_path / "disk" / "one" / "point")
    (tmp_path / "disk" / "one" / "peace").mkdir()
    annotate(tmp_path / "disk" / "one" / "point" / "hagrid_annotations" / "train" / "peace.json", {})
    tree = find_tree(tmp_path / "disk")
    plan = make_plan(tree, None, None, 0)
    assert set(tree.folders) == {"grip", "hand_heart", "like"} and plan.not_unpacked == ("peace",)
    assert [entry.key for entry in plan.entries] == [entry.key for entry in plain.entries] and not plan.problems


def test_a_subsample_beside_the_whole_counts_once(tmp_path: Path) -> None:
    root = make_v1(tmp_path)
    whole = json.loads((root / "ann_train_val" / "like.json").read_text())
    annotate(root / "ann_subsample" / "like.json", {"like-train_val-000": whole["like-train_val-000"]})
    plan = make_plan(find_tree(root), None, None, 0)
    assert len(plan.entries) == 30 and not plan.problems


def test_a_cut_off_annotation_file_is_refused_by_name(tmp_path: Path) -> None:
    root = make_v1(tmp_path)
    (root / "ann_test" / "like.json").write_text('{"a": {"bboxes": [[0.1')
    with pytest.raises(SourceError, match=r"like\.json is no JSON"):
        make_plan(find_tree(root), None, None, 0)
    with pytest.raises(SourceError, match="no folder"):
        find_tree(tmp_path / "nothing")


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.integers(1, 45))
def test_picking_spreads_over_people_and_does_not_depend_on_order(users: list[int], count: int) -> None:
    entries = [Entry(f"k{i}", "like", "train", f"u{user}", "", "") for i, user in enumerate(users)]
    picked = pick(entries, count)
    assert {e.key for e in picked} == {e.key for e in pick(entries[::-1], count)}
    assert len(picked) == min(count, len(entries))
    assert len({e.user for e in picked}) == min(count, len(set(users)))


def test_other_gestures_come_along_as_hands_that_show_none(tmp_path: Path) -> None:
    plan = make_plan(find_tree(make_v2(tmp_path)), ("like", "no_gesture"), None, 2)
    assert sum(e.gesture == "like" for e in plan.entries) == 12
    assert sum(e.gesture != "like" for e in plan.entries) == 4


def test_a_box_is_kept_as_it_was_written() -> None:
    assert hands_of(v1_entry("stop inverted", "u"))[0].box == Box(0.2, 0.25, 0.25, 0.5)
