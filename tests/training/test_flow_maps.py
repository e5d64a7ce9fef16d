from __future__ import annotations

import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from assistive.errors import SourceError
from assistive.expression.flow import BROWS, CHIN, JAW, LEFT_EYE, RIGHT_EYE, network_input
from assistive.training.datasets.flow_maps import NO_FACE, OTHER_SIZE, FlowRecipe, map_clips
from assistive.training.datasets.me_clip import Collection, MicroClip
from assistive.types import EXPRESSIONS

SIDE = 160


class Finder:
    """Knows where the drawn face is; sees none in a picture whose corner is white."""

    name = "drawn"
    looked = 0

    def points(self, image: np.ndarray) -> np.ndarray | None:
        type(self).looked += 1
        if image[:8, :8].mean() > 240:
            return None
        points = np.zeros((468, 2))
        for places, (x, y) in (((RIGHT_EYE), (55, 60)), (LEFT_EYE, (105, 60)), (BROWS, (80, 48)), ((CHIN,), (80, 140))):
            points[list(places)] = (x, y)
        points[list(JAW)] = ((30, 70), (130, 70))
        return points


@pytest.fixture(autouse=True)
def forget() -> None:
    Finder.looked = 0


def face(seed: int, push: tuple[int, int, float] | None = None) -> np.ndarray:
    """Skin, of which one place has moved upwards by some pixels."""
    skin = cv2.GaussianBlur(np.random.default_rng(seed).integers(0, 255, (SIDE, SIDE), np.uint8), (0, 0), 1.5)
    skin = cv2.normalize(skin, None, 20, 230, cv2.NORM_MINMAX)
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    if push is not None:
        y = y + push[2] * np.exp(-((x - push[0]) ** 2 + (y - push[1]) ** 2) / 200).astype(np.float32)
    return cv2.remap(skin, x, y, cv2.INTER_CUBIC)


def collection(folder: Path, clips: int = 4) -> Collection:
    made = []
    for i in range(clips):
        onset, apex = folder / f"c{i}_1.png", folder / f"c{i}_2.png"
        assert cv2.imwrite(str(onset), face(i)) and cv2.imwrite(str(apex), face(i, (55, 48, 2.0)))
        made.append(MicroClip("made", f"s{i % 2}", f"c{i}", onset, apex, apex, EXPRESSIONS[i % 3], "x"))
    return Collection("made", folder, EXPRESSIONS, tuple(made), {"emotion others": 3}, {})


@pytest.mark.parametrize("method", ["dis", "tvl1"])
def test_the_movement_is_where_it_was_made(tmp_path: Path, method: str) -> None:
    maps, _ = map_clips(collection(tmp_path), Finder, FlowRecipe(method, workers=1), tmp_path / "cache")
    assert maps.maps.shape == (4, 28, 28, 3) and maps.maps.dtype == np.uint8
    assert maps.subjects == ("made/s0", "made/s1", "made/s0", "made/s1")
    assert maps.labels.tolist() == [0, 1, 2, 0]
    up = -network_input(maps.maps)[:, 1]
    there = np.zeros((28, 28), bool)
    there[2:7, 5:10] = True  # (55, 48) in a crop from x 30 to 130, y 33 to 140
    assert (up[:, there].mean(1) > 2).all() and (np.abs(up[:, ~there]).mean(1) < 0.5).all()


def test_larger_maps_for_networks_that_want_them(tmp_path: Path) -> None:
    maps, _ = map_clips(collection(tmp_path, 1), Finder, FlowRecipe("dis", 112), tmp_path / "cache")
    assert maps.side == 112 and maps.maps.min() == 0 and maps.maps.max() == 255


def test_computed_once_and_again_when_anything_changes(tmp_path: Path) -> None:
    clips, cache = collection(tmp_path), tmp_path / "cache"
    first, _ = map_clips(clips, Finder, FlowRecipe("dis"), cache)
    assert Finder.looked == 4
    again, _ = map_clips(clips, Finder, FlowRecipe("dis", workers=1), cache)
    assert Finder.looked == 4 and again.fingerprint() == first.fingerprint()
    cv2.imwrite(str(clips.clips[2].apex), face(2, (105, 110, 2.0)))
    changed, _ = map_clips(clips, Finder, FlowRecipe("dis"), cache)
    assert Finder.looked == 5
    np.testing.assert_array_equal(changed.maps[[0, 1, 3]], first.maps[[0, 1, 3]])
    assert (changed.maps[2] != first.maps[2]).any()
    map_clips(clips, Finder, FlowRecipe("dis", 56), cache)
    assert Finder.looked == 9
    assert not list(cache.glob("*.partial"))


def test_a_clip_without_a_face_or_of_two_sizes_is_left_out_and_counted(tmp_path: Path) -> None:
    clips = collection(tmp_path)
    white = face(1)
    white[:8, :8] = 255
    cv2.imwrite(str(clips.clips[1].onset), white)
    cv2.imwrite(str(clips.clips[3].apex), face(3)[:100])
    for _ in range(2):  # computed, then from the cache
        maps, kept = map_clips(clips, Finder, FlowRecipe("dis"), tmp_path / "cache")
        assert [clip.name for clip in kept.clips] == ["c0", "c2"] and len(maps) == 2
        assert kept.left_out == {"emotion others": 3, NO_FACE: 1, OTHER_SIZE: 1}


def test_no_face_at_all_and_damaged_pictures(tmp_path: Path) -> None:
    clips = collection(tmp_path, 1)
    white = np.full((SIDE, SIDE), 255, np.uint8)
    cv2.imwrite(str(clips.clips[0].onset), white)
    with pytest.raises(SourceError, match="no face was found in any of the 1 clips of made"):
        map_clips(clips, Finder, FlowRecipe("dis"), tmp_path / "cache")
    clips.clips[0].apex.write_bytes(b"words")
    with pytest.raises(SourceError, match=r"c0_2\.png as a picture"):
        map_clips(clips, Finder, FlowRecipe("dis"), tmp_path / "cache")


def test_a_finder_is_never_used_by_two_threads_at_once(tmp_path: Path) -> None:
    class Alone(Finder):
        def __init__(self) -> None:
            self.busy = threading.Lock()

        def points(self, image: np.ndarray) -> np.ndarray | None:
            assert self.busy.acquire(blocking=False)
            time.sleep(0.005)
            self.busy.release()
            return super().points(image)

    maps, _ = map_clips(collection(tmp_path, 12), Alone, FlowRecipe("dis", workers=3), tmp_path / "cache")
    assert len(maps) == 12
