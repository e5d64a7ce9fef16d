from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from assistive.evaluation import zoo_figures
from assistive.evaluation.zoo_figures import learned
from assistive.evaluation.zoo_measure import SHUFFLED, STANDARD
from assistive.synth.motion_bed import BedSettings
from assistive.training.datasets.motion_bed import make_bed


def test_moments_are_measured_in_frames_and_ms_beside_the_constant() -> None:
    bed = make_bed(BedSettings(subjects=4, clips=5, rate_hz=100.0))
    steps = np.array([clip.length - 1 for clip in bed.inputs])
    late = bed.apex_at + 2 / steps
    found = zoo_figures._distances(bed, {0: bed.apex_at, 1: late}, 0.5)
    assert found["mae_frames_by_seed"] == {"0": 0.0, "1": 2.0}
    assert found["mae_frames"] == 1.0 and found["mae_ms"] == 10.0
    still = np.abs(np.rint(0.5 * steps) - np.rint(bed.apex_at * steps)).mean()
    assert found["constant"]["mae_frames"] == pytest.approx(still, abs=1e-3)
    assert found["below_constant"] == pytest.approx(1 - 1 / still, abs=1e-3)


def test_without_noise_the_largest_movement_is_the_apex() -> None:
    bed = make_bed(BedSettings(subjects=4, clips=5, noise_px=0.0, intensity_px=(1.0, 1.2)))
    found = zoo_figures._distances(bed, {0: bed.apex_at}, 0.5)
    assert found["movement"]["mae_frames"] < 0.5 * found["constant"]["mae_frames"]


@pytest.mark.parametrize(
    ("low", "control", "verdict"), [(0.8, 0.5, True), (0.45, 0.5, False), (0.3, 0.2, False), (0.34, 0.33, True)]
)
def test_to_have_learned_the_interval_lies_above_control_and_chance(low: float, control: float, verdict: bool) -> None:
    conditions = {STANDARD: {"uf1_ci95": [low, 0.9]}, SHUFFLED: {"uf1_ci95": [0.1, control]}}
    assert learned({"task": "classes", "conditions": conditions}) is verdict
    assert learned({"task": "classes", "conditions": {STANDARD: conditions[STANDARD]}}) is None


@pytest.mark.parametrize(("high", "verdict"), [(5.9, True), (6.1, False), (8.5, False)])
def test_an_apex_spotter_has_learned_when_it_beats_both_that_know_no_network(high: float, verdict: bool) -> None:
    found = {"mae_frames_ci95": [3.0, high], "constant": {"mae_frames": 8.0}, "movement": {"mae_frames": 6.0}}
    conditions = {STANDARD: found, SHUFFLED: found}
    assert learned({"task": "apex", "conditions": conditions}) is verdict


def test_the_interval_of_an_error_is_drawn_over_people() -> None:
    alike = np.repeat([1.0, 3.0], 50)
    low, high = zoo_figures._mean_ci95(alike, ("a",) * 50 + ("b",) * 50)
    assert (low, high) == (1.0, 3.0)
    low, high = zoo_figures._mean_ci95(alike, tuple(map(str, range(100))))
    assert 1.7 < low < 2 < high < 2.3
