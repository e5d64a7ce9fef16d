"""The motion test-bed as a data set: ``--data motion_bed standard``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from assistive.errors import SourceError
from assistive.synth.motion_bed import BedSettings, draw_bed
from assistive.training.datasets.clip_set import ACTION_UNITS, ClipInputs, ClipSet
from assistive.types import EXPRESSIONS
from assistive.yamlfile import nearest

NAME = "motion_bed"

BEDS: Mapping[str, BedSettings] = {
    "standard": BedSettings(),
    "hard": BedSettings(intensity_px=(0.1, 0.5)),
    "slow": BedSettings(rate_hz=30.0),
    "covered": BedSettings(covered=0.5),
    "other": BedSettings(gain=0.5, noise_px=0.5, dataset="motion_bed_other"),
    "quick": BedSettings(subjects=24, clips=6),
}
"""Conditions by name: as it is, faint, at 30 frames/s, half of the faces partly hidden, another collection's camera,
and as it is but small."""

OTHERS = 500
"""Added to the seed for another collection, which films other people: else joined beds share clips and faces."""
UNSEEN = 1000
"""Added to the seed for people whom no training has seen."""


def read_bed(condition: str = "standard", seed: int = 0) -> ClipSet:
    """Draw a bed of 60 subjects with 8 clips each.

    Raises:
        SourceError: there is no such condition.
    """
    if condition not in BEDS:
        raise SourceError(f"no condition of {NAME} is named {condition!r}", nearest(condition, BEDS), "bed.condition")
    others = 0 if BEDS[condition].dataset == NAME else OTHERS
    return make_bed(replace(BEDS[condition], seed=seed + others))


def unseen(settings: BedSettings, subjects: int = 30, clips: int = 10) -> BedSettings:
    """Return settings of a test bed: other people under the same conditions."""
    return replace(settings, subjects=subjects, clips=clips, seed=settings.seed + UNSEEN,
                   dataset=f"{settings.dataset}_unseen")  # fmt: skip


def make_bed(settings: BedSettings) -> ClipSet:
    """Draw a bed with any settings."""
    clips = draw_bed(settings)
    return ClipSet(
        ClipInputs(clips),
        np.array([EXPRESSIONS.index(clip.label) for clip in clips], np.int64),
        tuple(f"{settings.dataset}/{clip.subject}" for clip in clips),
        (settings.dataset,) * len(clips),
        np.array([[unit in clip.units for unit in ACTION_UNITS] for clip in clips], np.float32),
        np.array([clip.apex / (clip.length - 1) for clip in clips], np.float32),
        tuple(f"{settings} {clip.number}" for clip in clips),
    )
