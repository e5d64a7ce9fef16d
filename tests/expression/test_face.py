from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from assistive.expression.face import UserState, followed, must_search, same_face, searched
from assistive.settings import ExpressionSettings
from assistive.types import Box

SETTINGS = ExpressionSettings()
STEP_S = 1 / 30
NEAR, FAR = Box(0.4, 0.3, 0.2, 0.3), Box(0.05, 0.1, 0.08, 0.1)


class World:
    """Plays the part of the stream: knows where every face is, asks the state machine what to do."""

    def __init__(self) -> None:
        self.state = UserState()
        self.t_s = 0.0

    def frame(self, *faces: Box, rate_hz: float = 30.0) -> int | None:
        """Carry one frame and return the number of the face that is followed in it."""
        if self.state.box is not None:
            box = self.state.box
            near = max((face for face in faces if same_face(face, box)), key=box.iou, default=None)
            self.state = followed(self.state, near)
        if must_search(self.state, self.t_s, SETTINGS):
            self.state, chosen = searched(self.state, self.t_s, faces, SETTINGS)
            if chosen is not None:
                self.state = followed(self.state, chosen)
        self.t_s += 1 / rate_hz
        return self.state.track

    def play(self, seconds: float, *faces: Box, rate_hz: float = 30.0) -> list[int | None]:
        return [self.frame(*faces, rate_hz=rate_hz) for _ in range(round(seconds * rate_hz))]


def test_the_largest_face_is_followed_once_it_has_stayed() -> None:
    world = World()
    tracks = world.play(1.0, FAR, NEAR)
    first = tracks.index(0)
    assert 0.25 <= first * STEP_S <= 0.4 and set(tracks[first:]) == {0}
    assert world.state.box == NEAR


def test_a_face_that_flashes_up_is_nobody() -> None:
    world = World()
    assert set(world.play(0.2, NEAR) + world.play(0.5) + world.play(0.2, NEAR)) == {None}


def test_a_lost_face_is_dropped_in_that_very_frame_and_comes_back_as_another() -> None:
    world = World()
    assert world.play(1.0, NEAR)[-1] == 0
    assert world.frame() is None and world.state.box is None
    assert world.play(1.0, NEAR)[-1] == 1


def test_a_cut_to_another_place_is_another_face() -> None:
    world = World()
    world.play(1.0, NEAR)
    assert world.frame(FAR) is None
    assert world.play(1.0, FAR)[-1] == 1


def test_someone_behind_the_user_is_ignored_and_so_is_someone_as_large() -> None:
    world = World()
    world.play(1.0, NEAR)
    beside = Box(0.7, 0.3, 0.22, 0.32)
    assert set(world.play(5.0, FAR, NEAR, beside)) == {0}
    assert world.state.box == NEAR


def test_someone_who_sits_down_before_a_bystander_takes_over() -> None:
    world = World()
    assert world.play(1.0, FAR)[-1] == 0
    tracks = world.play(3.0, FAR, NEAR)
    assert tracks[-1] == 1 and world.state.box == NEAR
    assert tracks.index(1) * STEP_S > SETTINGS.steady_s, "nobody takes over in passing"


def test_who_only_walks_past_does_not_take_over() -> None:
    world = World()
    world.play(1.0, FAR)
    walking = [Box(x / 10, 0.3, 0.2, 0.3) for x in range(2, 8)]
    tracks = [track for box in walking for track in world.play(0.3, FAR, box)]
    assert set(tracks) == {0}


@given(st.lists(st.tuples(st.floats(0, 0.8), st.floats(0, 0.8), st.floats(0.02, 0.4), st.booleans()), max_size=60),
       st.sampled_from([8.0, 15.0, 30.0, 60.0]))  # fmt: skip
def test_whatever_happens_a_track_is_a_face_that_is_there(
    story: list[tuple[float, float, float, bool]], rate_hz: float
) -> None:
    world, numbers = World(), []
    for x, y, side, there in story:
        faces = (Box(x, y, side, side),) if there else ()
        for _ in range(max(round(0.3 * rate_hz), 1)):
            track = world.frame(*faces, rate_hz=rate_hz)
            assert (track is None) == (world.state.box is None)
            assert track is None or world.state.box in faces
            numbers += [] if track is None else [track]
    assert numbers == sorted(numbers), "no number is ever given again"


def test_time_that_runs_backwards_only_delays_a_choice() -> None:
    world = World()
    world.play(0.2, NEAR)
    world.t_s = 0.0
    assert world.play(0.2, NEAR)[-1] is None
    assert world.play(0.5, NEAR)[-1] == 0


@given(st.floats(0.05, 0.4), st.floats(-0.1, 0.1), st.floats(-0.1, 0.1))
def test_the_detectors_box_and_the_meshs_are_of_the_same_face(side: float, dx: float, dy: float) -> None:
    mesh = Box(0.3, 0.2, side, side * 1.3)
    detected = replace(mesh, y=mesh.y + 0.2 * mesh.h + dy * side, x=mesh.x + dx * side, h=mesh.h * 0.75)
    assert same_face(mesh, detected) and same_face(detected, mesh)
    assert not same_face(mesh, replace(mesh, x=mesh.x + 2 * side))
