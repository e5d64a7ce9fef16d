"""The pictures that an export is calibrated on and judged by, with different people in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistive.errors import SourceError
from assistive.gesture import GestureStream, Opener, open_shipped
from assistive.runtime import Runner
from assistive.settings import GestureSettings, RuntimeSettings
from assistive.training.datasets.gesture_pack import PARTS, Picture, fingerprint
from assistive.training.stock import read_stock
from assistive.types import NO_GESTURE, Frame
from assistive.weights import Sidecar

Image = NDArray[np.uint8]
Batch = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class People:
    """Pictures for two purposes; nobody is in both.

    Attributes:
        seen: training pictures, to calibrate on: RGB.
        judged: pictures of the validation people, each with the gestures that are right; none = it must stay silent.
        data: fingerprint of each part.
    """

    seen: tuple[Image, ...]
    judged: tuple[tuple[Image, frozenset[str]], ...]
    data: Mapping[str, str]


def read_people(config: Mapping[str, Any], count: int) -> People:
    """Read both from the stock of the gesture networks.

    Args:
        config: the content of ``configs/train/gesture.yaml``.
        count: pictures to calibrate on: half of them frames with hands, the others hands and rooms without a gesture.

    Raises:
        SourceError: the stock is missing.
    """
    pack, held = Path(config["pack"]), config["validation"]
    if not pack.is_dir():
        remedy = "prepare it (scripts/prepare_gestures.py), or name its folder with --calibrate"
        raise SourceError(f"no gesture pack at {pack}", remedy, "export.calibrate")
    train, people = read_stock(pack, Path(config["faces"]), held["sources"], held["share"])
    quiet = [*(picture.image for picture in train.others), *train.backgrounds]
    seen = [*_spread([picture.image for picture in train.frames], count // 2), *_spread(quiet, count - count // 2)]
    judged = [(picture.image, _names(picture)) for picture in (*people.frames, *people.others)]
    judged += [(image, frozenset()) for image in people.backgrounds]
    return People(tuple(seen), tuple(judged), {part: fingerprint(pack, part) for part in PARTS})


def look(images: tuple[Image, ...], settings: GestureSettings, runtime: RuntimeSettings) -> dict[str, list[Batch]]:
    """Run the runtime over pictures and return what each of its two networks was given, by the network's name.

    Raises:
        WeightsError: a network is missing or damaged.
    """
    given: dict[str, list[Batch]] = {}
    stream = GestureStream(settings.alone(), runtime, _listening(given))
    for image in images:
        stream.read(Frame(image, 0.0, 0, 0.0))
    return given


class _Listener:
    """Runs a network and keeps what it was given."""

    def __init__(self, runner: Runner, kept: list[Batch]) -> None:
        self._runner, self._kept = runner, kept
        self.provider, self.reason = runner.provider, runner.reason

    def run(self, batch: Batch) -> tuple[NDArray[np.float32], ...]:
        self._kept.append(batch)
        return self._runner.run(batch)


def _listening(given: dict[str, list[Batch]]) -> Opener:
    def open_listener(name: str, kind: str, runtime: RuntimeSettings) -> tuple[Sidecar, Runner]:
        sidecar, runner = open_shipped(name, kind, runtime)
        return sidecar, _Listener(runner, given.setdefault(name, []))

    return open_listener


def _names(picture: Picture) -> frozenset[str]:
    return frozenset(name for hand in picture.hands for name in hand.names) - {NO_GESTURE}


def _spread(images: list[Image], count: int) -> list[Image]:
    return list(islice(images, 0, None, max(1, len(images) // max(1, count))))[:count]
