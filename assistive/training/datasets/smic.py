"""Read SMIC-HS (Li et al. 2013): 16 subjects at 100 frames/s.

    FOLDER/HS/s01/micro/negative/s1_ne_01/image090823.jpg      HS may lie in SMIC_all_raw or SMIC_all_cropped

There is no sheet: the folders give the class, the first and last picture onset and offset. SMIC has no apex; the middle
picture stands in, as is usual. Subject folders are ``s01``, clip names of the same subject begin with ``s1``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from assistive.training.datasets.me_clip import (
    NEGATIVE,
    POSITIVE,
    SURPRISE,
    Collection,
    Row,
    choose_scheme,
    collect,
    find_pictures,
    number_pictures,
)

FOLDERS = ("SMIC_all_raw/HS", "SMIC_all_cropped/HS", "HS")
SCHEMES = {"three": {NEGATIVE: NEGATIVE, POSITIVE: POSITIVE, SURPRISE: SURPRISE}}
"""Its own three classes are those of MEGC2019."""


def read(folder: Path, classes: str = "three") -> Collection:
    """Read the collection.

    Args:
        folder: as released, unpacked.
        classes: a key of ``SCHEMES``.

    Raises:
        SourceError: the pictures are missing or lie otherwise, or it has no such classes.
    """
    scheme = choose_scheme("smic", SCHEMES, classes)
    pictures = find_pictures(folder, FOLDERS, "[sS][0-9]*/micro")
    return collect("smic", pictures, _rows(pictures), scheme)


def _rows(pictures: Path) -> Iterator[Row]:
    """Yield clips by subject, class and name."""
    for clip in sorted(path for path in pictures.glob("[sS][0-9]*/micro/*/*") if path.is_dir()):
        emotion, subject = clip.parent.name, clip.parents[2].name
        frames = list(number_pictures(clip))
        onset, apex, offset = (frames[0], frames[len(frames) // 2], frames[-1]) if frames else (0, 1, 1)
        yield Row(f"s{int(subject[1:]):02d}", clip.name, clip, onset, apex, offset, emotion, knows_apex=False)
