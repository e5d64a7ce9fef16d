from __future__ import annotations

from pathlib import Path

import pytest

from assistive.errors import SourceError
from assistive.evaluation.clips import find_clips, unlabelled


def test_without_labels_every_clip_is_ordinary_life(tmp_path: Path) -> None:
    for name in ("b.mp4", "a.AVI", "labels.csv"):
        (tmp_path / name).write_bytes(b"")
    assert find_clips(tmp_path, None) == {tmp_path / "a.AVI": [], tmp_path / "b.mp4": []}
    assert find_clips(tmp_path / "b.mp4", None) == {tmp_path / "b.mp4": []}


def test_clips_that_the_labels_leave_out_are_named_and_not_played(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(b"")
    clips = find_clips(tmp_path, {"b.mp4": []})
    assert list(clips) == [tmp_path / "b.mp4"] and unlabelled(tmp_path, clips) == ["a.mp4"]


def test_no_clips_at_all(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no clips"):
        find_clips(tmp_path, None)
    with pytest.raises(SourceError, match="no such file"):
        find_clips(tmp_path / "none", None)
