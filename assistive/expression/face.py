"""Choose the face of the active user, and keep to it: a pure state machine over boxes, in seconds of media time.

The largest face that stays for a moment is the user's. It is kept while it is followed; a face that is lost is dropped
in that very frame, and whoever comes next is somebody else until proven otherwise. Somebody who comes clearly closer
than the user, and stays, takes over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

from assistive.settings import ExpressionSettings
from assistive.types import Box

SAME_FACE = 0.3
"""Overlap at which a box is the same face as a frame ago."""
CLEARLY_LARGER = 1.5
"""Times the user's own size, in length, at which another face takes over."""


@dataclass(frozen=True, slots=True)
class UserState:
    """All that is remembered.

    Attributes:
        track: number of the face that is followed, None when there is none.
        box: where it was last.
        candidate: the face that may be the next user's, where it was last.
        since_s: media time since which the candidate has stayed.
        searched_s: media time of the last search of the whole picture.
        next_track: number of the next face.
    """

    track: int | None = None
    box: Box | None = None
    candidate: Box | None = None
    since_s: float = 0.0
    searched_s: float = 0.0
    next_track: int = 0


def must_search(state: UserState, t_s: float, settings: ExpressionSettings) -> bool:
    """Return whether the whole picture must be searched in this frame: nobody is followed, or it is time to look up.

    Args:
        state: of the last frame.
        t_s: media time of the frame.
        settings: ``search_s`` is used.
    """
    return state.track is None or not 0 <= t_s - state.searched_s < settings.search_s


def searched(
    state: UserState, t_s: float, faces: tuple[Box, ...], settings: ExpressionSettings
) -> tuple[UserState, Box | None]:
    """Take in all faces of a frame.

    Args:
        state: what the last call returned, ``UserState()`` at first.
        t_s: media time of the frame.
        faces: every face in the picture, in any order.
        settings: ``steady_s`` is used.

    Returns:
        The new state, and the face to follow from now on if it is a new one; call :func:`followed` with what is there.
    """
    state = replace(state, searched_s=t_s)
    least = 0.0 if state.box is None else state.box.area * CLEARLY_LARGER**2
    others = [face for face in faces if state.box is None or not same_face(face, state.box)]
    largest = max((face for face in others if face.area >= least), key=lambda face: face.area, default=None)
    if largest is None:
        return replace(state, candidate=None), None
    stays = state.candidate is not None and same_face(largest, state.candidate) and t_s >= state.since_s
    state = replace(state, candidate=largest, since_s=state.since_s if stays else t_s)
    if t_s - state.since_s < settings.steady_s:
        return state, None
    number = state.next_track
    return replace(state, track=number, box=largest, candidate=None, next_track=number + 1), largest


def followed(state: UserState, box: Box | None) -> UserState:
    """Take in where the user's face is in this frame.

    Args:
        state: with a track.
        box: where it is; None when it is not there any more.
    """
    if box is None or state.box is None or not same_face(box, state.box):
        return replace(state, track=None, box=None, candidate=None)
    return replace(state, box=box)


def same_face(one: Box, other: Box) -> bool:
    """Return whether two boxes are of the same face a moment apart: they overlap, or one is well within the other.

    A detector's box ends at the brows and a mesh's at the hair, so that overlap alone is not asked for.
    """
    if min(one.area, other.area) <= 0:
        return False
    overlap = one.iou(other) / (1 + one.iou(other)) * (one.area + other.area)
    alike = sqrt(min(one.area, other.area) / max(one.area, other.area))
    return overlap / min(one.area, other.area) > 2 * SAME_FACE and alike > SAME_FACE
