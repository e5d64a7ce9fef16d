"""Find the clips that labels speak of, or those in which nobody shows a gesture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from assistive.errors import SourceError
from assistive.evaluation.labels import Interval

SUFFIXES = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm")
"""What counts as a clip in a folder that no labels speak of."""


def find_clips(video: Path, labelled: Mapping[str, list[Interval]] | None) -> dict[Path, list[Interval]]:
    """Return the clips to play, each with the gestures that are shown in it.

    Args:
        video: a clip, or a folder of clips.
        labelled: gestures by name of the clip: all that a folder's labels speak of are played. None = ordinary life:
            every clip is played, and none of them shows a gesture.

    Raises:
        SourceError: a clip is missing, or the labels do not speak of the one that was named.
    """
    if not video.exists():
        raise SourceError(f"no such file or folder: {video}", "check the path given with --video", "source.video")
    if labelled is None:
        return {path: [] for path in _all_clips(video)}
    if not video.is_dir():
        if video.name not in labelled:
            raise SourceError(f"the labels do not speak of {video.name}", "add a row for it", "source.video")
        return {video: labelled[video.name]}
    missing = [name for name in labelled if not (video / name).is_file()]
    if missing:
        what = f"{video} holds no {missing[0]}, which the labels speak of"
        raise SourceError(what, "add the clip, or remove its rows from the labels", "source.video")
    return {video / name: intervals for name, intervals in labelled.items()}


def unlabelled(video: Path, clips: Mapping[Path, list[Interval]]) -> list[str]:
    """Return the names of the clips of a folder that are not played, because the labels do not speak of them."""
    return [path.name for path in _in_folder(video) if path not in clips] if video.is_dir() else []


def _all_clips(video: Path) -> list[Path]:
    if not video.is_dir():
        return [video]
    found = _in_folder(video)
    if not found:
        raise SourceError(f"no clips in {video}", f"it reads {' '.join(SUFFIXES)}", "source.video")
    return found


def _in_folder(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES]
