from __future__ import annotations

import errno
import hashlib
import json
import os
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from assistive.errors import AssistiveError, ConfigError, SourceError
from assistive.training.datasets.coco_format import index_path, read_coco
from assistive.training.datasets.gesture_pack import read_part
from assistive.training.datasets.hagrid import prepare as module
from assistive.training.datasets.hagrid import shards
from assistive.training.datasets.hagrid.plan import make_plan
from assistive.training.datasets.hagrid.prepare import Recipe, prepare
from assistive.training.datasets.hagrid.tree import find_tree
from assistive.training.datasets.yolo_format import read_classes, read_yolo
from assistive.training.pools import Processes

MADE = runpy.run_path(str(Path(__file__).parent / "made_hagrid.py"))
make_v1, make_v2, write_picture = MADE["make_v1"], MADE["make_v2"], MADE["write_picture"]
SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "prepare_hagrid.py"


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHARD_PICTURES", 5)


def files(out: Path) -> dict[str, str]:
    """Everything in a folder, by content."""
    found = sorted(path for path in out.rglob("*") if path.is_file())
    return {path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def test_yolo_has_united_boxes_by_name_and_keeps_landmarks_and_meta(tmp_path: Path) -> None:
    report = prepare(make_v2(tmp_path / "in"), tmp_path / "out", Recipe())
    assert read_classes(tmp_path / "out") == ("grip", "hand_heart", "like", "no_gesture")
    pictures = {p.file: p for p in read_yolo(tmp_path / "out", "test")}
    assert len(pictures) == report["splits"]["test"]["pictures"] == 12
    heart = pictures["hand_heart/hand_heart-test-000.jpg"].boxes
    assert [box.name for box in heart] == ["hand_heart"] and heart[0].box.w == pytest.approx(0.55)
    line = json.loads((tmp_path / "out" / "source" / "test.jsonl").read_text().splitlines()[0])
    assert line["meta"]["age"] == [24.4] and len(line["hand_landmarks"][0]) == 21 and line["file"] in pictures


def test_coco_has_the_same_boxes_and_the_sizes_of_smaller_pictures(tmp_path: Path) -> None:
    root = make_v1(tmp_path / "in")
    prepare(root, tmp_path / "yolo", Recipe())
    prepare(root, tmp_path / "coco", Recipe(form="coco", max_side_px=24))
    yolo = {p.file: [b.name for b in p.boxes] for p in read_yolo(tmp_path / "yolo", "train")}
    coco = list(read_coco(index_path(tmp_path / "coco", "train"), "train"))
    assert {p.file: [b.name for b in p.boxes] for p in coco} == yolo and len(yolo) > 10
    pixels = cv2.imread(str(tmp_path / "coco" / "images" / "train" / coco[0].file))
    assert pixels.shape[:2] == (coco[0].height, coco[0].width) == (18, 24)


def test_a_pack_is_read_by_our_own_reader(tmp_path: Path) -> None:
    prepare(make_v2(tmp_path / "in"), tmp_path / "out", Recipe(form="pack", others=2))
    pictures = read_part(tmp_path / "out", "train/frames")
    names = {hand.names for picture in pictures for hand in picture.hands}
    assert names == {("like",), ("no_gesture",)} and {p.source for p in pictures} == {"hagrid-v2-1M"}
    assert all(p.landmarks is not None and len(p.person) == 64 for p in pictures)


def test_again_changes_nothing_and_mends_what_was_lost(tmp_path: Path) -> None:
    root, out = make_v1(tmp_path / "in"), tmp_path / "out"
    prepare(root, out, Recipe())
    before = files(out)
    pictures = [name for name in before if name.endswith(".jpg")]
    (out / pictures[0]).unlink()
    (out / pictures[-1]).write_bytes(b"cut")
    prepare(root, out, Recipe(), workers=2)
    assert files(out) == before
    with pytest.raises(ConfigError, match="other options"):
        prepare(root, out, Recipe(per_class=2))
    with pytest.raises(ConfigError, match="lies inside"):
        prepare(root, root / "out", Recipe())


def test_broken_pictures_are_named_and_left_out_or_refused(tmp_path: Path) -> None:
    root = make_v1(tmp_path / "in")
    first, second = sorted((root / "train_val" / "like").iterdir())[:2]
    first.write_bytes(first.read_bytes()[:-100])
    second.write_bytes(b"no picture")
    report = prepare(root, tmp_path / "out", Recipe())
    assert report["problems"] == {"picture_broken": sorted(f"like/{path.stem}" for path in (first, second))}
    assert not list((tmp_path / "out" / "images").rglob(first.name))
    with pytest.raises(SourceError, match="2 picture_broken"):
        prepare(root, tmp_path / "strict", Recipe(refuse=True))
    assert not (tmp_path / "strict" / "data.yaml").exists() and (tmp_path / "strict" / "report.json").is_file()


def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, out = make_v1(tmp_path / "in"), tmp_path / "out"
    prepare(root, tmp_path / "whole", Recipe())
    written = []
    replace = os.replace

    def full(source: Path, target: Path) -> None:
        written.append(target)
        if len(written) > 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(AssistiveError, match="No space left on device") as caught:
            prepare(root, out, Recipe())
    assert len(str(caught.value).splitlines()) == 2 and not list(out.rglob("*.partial"))
    kept = {path: path.stat().st_ino for path in out.rglob("*.jpg")}
    assert kept
    done = json.loads((out / shards.STATE / "shards" / "00000.json").read_text())["pictures"]
    prepare(root, out, Recipe())
    assert files(out) == files(tmp_path / "whole")
    assert all((out / "images" / i["split"] / i["file"]).stat().st_ino in kept.values() for i in done)


@pytest.mark.parametrize("link", [False, True])
def test_a_moved_root_and_another_working_directory_lose_no_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: bool
) -> None:
    root, out, moved = make_v1(tmp_path / "in"), tmp_path / "out", tmp_path / "elsewhere" / "hagrid"
    prepare(root, out, Recipe(link=link))
    before, labels = files(out), {path: path.stat().st_ino for path in out.rglob("labels/**/*.txt")}
    moved.parent.mkdir()
    root.rename(moved)
    monkeypatch.chdir(tmp_path / "elsewhere")
    prepare(Path("hagrid"), Path("../out"), Recipe(link=link))
    assert files(out) == before and labels
    if not link:  # else the links are made anew, for they led to the old place
        assert {path: path.stat().st_ino for path in labels} == labels


def test_an_error_in_another_process_comes_home_whole(tmp_path: Path) -> None:
    root, out = make_v1(tmp_path / "in"), tmp_path / "out"
    plan = make_plan(find_tree(root), None, None, 0)
    broken = root / "broken.json"
    broken.write_text("{")
    work = [
        shards.Shard(number, root, out, "yolo", plan.classes, None, False, (replace(entry, annotations=broken.name),))
        for number, entry in enumerate(plan.entries[:2])
    ]
    with pytest.raises(SourceError, match=r"broken\.json is no JSON") as caught:
        list(Processes(2).run(shards.make_shard, work))
    assert caught.value.remedy == "unpack the annotations again" and caught.value.code == "hagrid.json"


def test_the_command_says_in_two_lines_what_it_cannot_do(tmp_path: Path) -> None:
    for rest, what in ((["--classes", "cat"], "HaGRID has no class 'cat'"), ([], "no folder")):
        command = [sys.executable, str(SCRIPT), str(tmp_path / "none"), "--out", str(tmp_path / "out"), *rest]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 2 and what in done.stderr and len(done.stderr.splitlines()) == 2


def test_without_ray_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(AssistiveError, match="needs Ray") as caught:
        prepare(make_v1(tmp_path / "in"), tmp_path / "out", Recipe(), ray="local")
    assert "assistive[ray]" in caught.value.remedy


def test_ray_gives_the_same_output(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    root = make_v1(tmp_path / "in", each=300)
    for name, place in (("plain", "--workers=1"), ("ray", "--ray=local")):  # its own process: Ray warns of itself
        command = [sys.executable, str(SCRIPT), str(root), "--out", str(tmp_path / name), place]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=tmp_path)
    assert files(tmp_path / "ray") == files(tmp_path / "plain")


RAY_ERROR = """
import sys
from pathlib import Path
from assistive.errors import AssistiveError
from assistive.training.datasets.hagrid.on_ray import make_shards
from assistive.training.datasets.hagrid.plan import Entry
from assistive.training.datasets.hagrid.shards import Shard
root = Path(sys.argv[1])
entry = Entry("like-test-000", "like", "test", "u", "test/like/like-test-000.jpg", sys.argv[2])
try:
    list(make_shards([Shard(0, root, root.parent / "out", "yolo", ("like",), None, False, (entry,))], "local"))
except AssistiveError as error:
    print(f"{type(error).__name__}/{error.code}/{error}")
"""


def test_an_error_on_a_ray_cluster_comes_home_whole(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    root = make_v1(tmp_path / "in")
    (root / "broken.json").write_text("{")
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[1]), "RAY_USAGE_STATS_ENABLED": "0"}
    done = subprocess.run([sys.executable, "-c", RAY_ERROR, str(root), "broken.json"], env=environment, cwd=tmp_path,
                          capture_output=True, text=True, check=True)  # fmt: skip
    first, second = done.stdout.splitlines()[-2:]
    assert first.startswith("SourceError/hagrid.json/error: ") and second == "try: unpack the annotations again"
