from pathlib import Path

import numpy as np
import pytest

from assistive.errors import SourceError
from assistive.synth.face_model import FaceModel, project


def test_units_move_their_side_and_add_up(toy_model: FaceModel) -> None:
    both, left = toy_model.displacement({"12": 0.5}), toy_model.displacement({"L12": 0.5})
    right = toy_model.displacement({"R12": 0.5})
    assert both == pytest.approx(left + right, abs=1e-5)
    x = toy_model.neutral[:, 0]
    assert np.abs(left[x < -3]).max() < 0.05 * np.abs(left).max()  # the person's left is +x
    assert toy_model.displacement({"12": 1.0}) == pytest.approx(2 * both, abs=1e-5)


def test_the_brow_lowerer_counts_twice_and_unknown_units_nothing(toy_model: FaceModel) -> None:
    assert toy_model.shapes_of("4") == {"browDown_L": 2.0, "browDown_R": 2.0}
    assert toy_model.shapes_of("L26") == {"jawOpen": 0.175}  # half of a unit that has no sides
    assert toy_model.shapes_of("jawOpen") == {"jawOpen": 1.0}
    assert toy_model.shapes_of("99") == {} == toy_model.shapes_of("nonsense")


def test_sets_are_cleaned_and_weights_sum_to_one(toy_model: FaceModel) -> None:
    def listed(*entries: tuple[str, int]) -> list[dict[str, object]]:
        return [{"aus": units.split("+"), "count": count, "weight": 0.0} for units, count in entries]

    coded = {"all": {"by_class": {
        "negative": listed(("4", 80), ("4+12", 1), ("26", 20)),
        "positive": listed(("12", 30), ("4", 2), ("26", 20), ("99", 9)),
        "surprise": listed(("1", 10), ("26", 5)),
    }}}  # fmt: skip
    model = FaceModel.__new__(FaceModel)
    model.__dict__.update(toy_model.__dict__)
    model.__dict__.pop("coded_sets", None)
    model._coded = coded
    kept = {name: {one.units: one.weight for one in sets} for name, sets in model.coded_sets.items()}
    assert kept["negative"] == {("4",): 1.0}  # seen once, or as often elsewhere: left out
    assert kept["positive"] == {("12",): 1.0}  # units that the model cannot show are left out too
    assert kept["surprise"] == {("1",): 1.0}


def test_projection_turns_the_head_the_way_it_says() -> None:
    nose, ear = np.array([[0, 0, 12.0]], np.float32), np.array([[8.0, 0, 0]], np.float32)
    assert project(ear, 10)[0] == pytest.approx((80, 0))
    assert project(np.array([[0, 5.0, 0]], np.float32), 10)[0] == pytest.approx((0, -50))  # up is up
    assert project(nose, 10, yaw=20)[0, 0] > 0  # to the person's left, which is right in the picture
    assert project(nose, 10, pitch=20)[0, 1] > 0  # downwards
    assert project(ear, 10, roll=20)[0, 1] > 0  # clockwise
    assert project(ear, 10, centre=(5, 6))[0] == pytest.approx((85, 6))


def test_a_folder_without_the_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"holds no ict_facekit\.npz"):
        FaceModel.load(tmp_path)
