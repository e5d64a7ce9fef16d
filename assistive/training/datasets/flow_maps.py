"""Turn the clips of a collection into flow maps, as the running system would see them.

The face is found in the onset picture; onset and apex are cut out with that one transform. What was computed is kept in
a folder under the hash of the two pictures, of the settings and of the flow code itself, so that a second run is fast
and a change of any of them is never missed.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from assistive.errors import SourceError
from assistive.expression import flow as flow_code
from assistive.expression.flow import MAP_SIDE, aligned, crop_matrix, optical_flow, pack_map
from assistive.settings import SourceSettings
from assistive.sources.images import read_picture
from assistive.training.datasets.me_clip import Collection, MicroClip
from assistive.training.datasets.packed import MapSet

MAX_PIXELS = SourceSettings().max_pixels
NO_FACE = "no face found in the onset picture"
OTHER_SIZE = "onset and apex differ in size"


class PointFinder(Protocol):
    """Finds the face mesh of a picture; used by one thread at a time.

    Attributes:
        name: tells apart finders that find other points.
    """

    name: str

    def points(self, image: NDArray[np.uint8]) -> NDArray[np.floating[Any]] | None:
        """Return landmarks ``(468 or more, 2 or 3)`` in pixels, or None without a face.

        Args:
            image: uint8 ``(H, W, 3)``, RGB.
        """


@dataclass(frozen=True, slots=True)
class FlowRecipe:
    """How maps are computed.

    Attributes:
        method: of the optical flow.
        side: side of a map, pixels.
        workers: threads.
    """

    method: Literal["dis", "tvl1"] = "tvl1"
    side: int = MAP_SIDE
    workers: int = 2


def map_clips(
    collection: Collection, open_finder: Callable[[], PointFinder], recipe: FlowRecipe, cache: Path
) -> tuple[MapSet, Collection]:
    """Compute the map of every clip, or take it from the cache.

    Args:
        collection: what a reader yielded.
        open_finder: makes a finder of the face mesh.
        recipe: how.
        cache: folder for computed maps; made where there is none.

    Returns:
        The maps, and the collection without the clips of which there is none (counted in ``left_out``).

    Raises:
        SourceError: a picture is damaged, or no face was found in any clip.
    """
    cache.mkdir(parents=True, exist_ok=True)
    free: SimpleQueue[PointFinder] = SimpleQueue()
    for _ in range(recipe.workers):
        free.put(open_finder())

    def compute(clip: MicroClip) -> NDArray[np.uint8] | str:
        finder = free.get()
        try:
            return _cached_map(clip, finder, recipe, cache)
        finally:
            free.put(finder)

    with ThreadPoolExecutor(recipe.workers) as pool:
        results = pool.map(compute, collection.clips)
        made = list(track(results, description=f"flow {collection.dataset}", total=len(collection.clips)))
    kept = [(clip, one) for clip, one in zip(collection.clips, made, strict=True) if not isinstance(one, str)]
    if not kept:
        what = f"no face was found in any of the {len(made)} clips of {collection.dataset}"
        raise SourceError(what, "use the pictures that show the whole face", "maps.faces")
    left_out = Counter(collection.left_out) + Counter(one for one in made if isinstance(one, str))
    dataset = collection.dataset
    maps = MapSet(
        np.stack([one for _, one in kept]),
        np.array([collection.classes.index(clip.label) for clip, _ in kept]),
        tuple(f"{dataset}/{clip.subject}" for clip, _ in kept),
        (dataset,) * len(kept),
        collection.classes,
    )
    return maps, replace(collection, clips=tuple(clip for clip, _ in kept), left_out=dict(left_out))


def _cached_map(
    clip: MicroClip, finder: PointFinder, recipe: FlowRecipe, cache: Path
) -> NDArray[np.uint8] | str:
    path = cache / f"{_key(clip, finder, recipe)}.npy"
    if path.is_file():
        found = np.load(path)
        return found if found.dtype == np.uint8 else str(found)
    made = _map(clip, finder, recipe)
    partial = path.with_suffix(f".{threading.get_ident()}.partial")
    with partial.open("wb") as file:
        np.save(file, np.asarray(made))
    os.replace(partial, path)
    return made


def _key(clip: MicroClip, finder: PointFinder, recipe: FlowRecipe) -> str:
    digest = hashlib.sha256(Path(flow_code.__file__).read_bytes())
    digest.update(f"{finder.name} {recipe.method} {recipe.side}".encode())
    for picture in (clip.onset, clip.apex):
        digest.update(hashlib.sha256(picture.read_bytes()).digest())
    return digest.hexdigest()


def _map(clip: MicroClip, finder: PointFinder, recipe: FlowRecipe) -> NDArray[np.uint8] | str:
    """Return the map, or why there is none."""
    onset, apex = read_release(clip.onset), read_release(clip.apex)
    if onset.shape != apex.shape:
        return OTHER_SIZE
    points = finder.points(onset)
    if points is None:
        return NO_FACE
    matrix = crop_matrix(points)
    flow = optical_flow(aligned(onset, matrix), aligned(apex, matrix), recipe.method)
    return pack_map(flow, recipe.side)


def read_release(path: Path) -> NDArray[np.uint8]:
    """Read a picture of a collection, uint8 ``(H, W, 3)``, RGB.

    Raises:
        SourceError: it is damaged.
    """
    try:
        return read_picture(path, MAX_PIXELS)
    except SourceError as error:
        what = f"cannot read {path} as a picture"
        raise SourceError(what, "copy it again from the release", "maps.picture") from error
