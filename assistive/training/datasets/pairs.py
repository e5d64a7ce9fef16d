"""Pairs of a hand and a face, drawn as scenes and read by both streams: what the fusion head is trained and judged on.

People are divided before anything is paired: hands and portraits of the test part occur nowhere in training. Which
pairs there are follows from a seed and the numbers alone, and no picture of a hand and no portrait is used more than
``most_uses`` times in a condition. What the streams say is kept in a file; only the recogniser's answer is added later,
from the movement that is kept with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from assistive.errors import SourceError
from assistive.expression.face_mesh import MediaPipeFinder
from assistive.expression.recogniser import Recogniser
from assistive.fusion.evidence import NAMES
from assistive.fusion.tokens import BRIEF, BRIEF_KNOWN, TONES, brief_row
from assistive.gesture import GestureStream
from assistive.settings import Settings
from assistive.synth.cutouts import cut_out
from assistive.synth.face_model import FaceModel
from assistive.synth.face_portraits import portraits
from assistive.synth.scenes import FACE_TROUBLES, HAND_TROUBLES, Plan, SceneComposer
from assistive.training.datasets.gesture_pack import Picture
from assistive.training.datasets.scene_reader import SceneReader
from assistive.training.stock import read_stock
from assistive.types import NO_EXPRESSION, NO_GESTURE

Part = Literal["train", "test"]
CONDITIONS = ("C0", "C1", "C1b")
"""Clean pairs; one stream degraded or missing; both degraded."""
CHUNK = 20
ROOMS = 200
TONE_SHARES = {NO_EXPRESSION: 0.4, "negative": 0.2, "positive": 0.2, "surprise": 0.2}
HELD_FROM = 0.6
STRENGTHS = ((0.05, 0.3, 0.2), (0.3, 0.6, 0.35), (0.6, 1.0, 0.45))
"""Weakest, strongest and share of expressions: weak micro, clear micro, macro."""


@dataclass(frozen=True, slots=True)
class People:
    """Where the people of the pairs come from.

    Attributes:
        pack: folder of a prepared gesture pack.
        faces: folder of the face pack.
        held_out: sources of hands that the gesture networks were not trained on, as in the training of gestures.
        share: share of the remaining persons that they were not trained on, likewise.
        cache: folder for the meshes of the portraits.
    """

    pack: Path
    faces: Path
    held_out: tuple[str, ...]
    share: float
    cache: Path


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs as the streams see them.

    Attributes:
        tokens: float32 ``(n, 3, 1, WIDTH)``, of :mod:`assistive.fusion.tokens`.
        moved: uint8 ``(n, 28, 28, 3)``, packed map of the movement between the two frames; 0 where no face was found.
        gesture: int64 ``(n,)``, true gesture, index into ``NAMES``.
        tone: int64 ``(n,)``, true tone, index into ``TONES``.
        intensity: float32 ``(n,)``, of the expression, 0 for ``none``.
        condition: text ``(n,)``, one of ``CONDITIONS``.
        trouble: text ``(n,)``, what is wrong with face and hand, as in ``mask+cut``.
        hand: int64 ``(n,)``, number of the hand's picture.
        face: int64 ``(n,)``, number of the portrait.
        gated: bool ``(n,)``, the expression stream would not have read this face: its quality is too low.
    """

    tokens: NDArray[np.float32]
    moved: NDArray[np.uint8]
    gesture: NDArray[np.int64]
    tone: NDArray[np.int64]
    intensity: NDArray[np.float32]
    condition: NDArray[np.str_]
    trouble: NDArray[np.str_]
    hand: NDArray[np.int64]
    face: NDArray[np.int64]
    gated: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.gesture)

    def only(self, rows: NDArray[Any]) -> Pairs:
        """Return the rows that a mask or an index chooses."""
        return Pairs(**{name: getattr(self, name)[rows] for name in self.__slots__})

    def judged(self, recogniser: Recogniser) -> Pairs:
        """Return the pairs with what the recogniser says of each movement that the spotter would hand it."""
        filled = self.tokens.copy()
        spotted = np.flatnonzero(filled[:, 1, 0, BRIEF_KNOWN] > 0)
        if len(spotted):
            said = recogniser.probabilities(self.moved[spotted])
            filled[spotted, 1, 0, BRIEF] = [brief_row(dict(zip(TONES, map(float, row), strict=True))) for row in said]
        return Pairs(**{name: getattr(self, name) for name in self.__slots__} | {"tokens": filled})


def read_hands(people: People, part: Part) -> list[Picture]:
    """Read the hands of a part: of the people whom the gesture networks never saw, one half each.

    Their training people serve neither part: a network is surer of them than it has reason to be.
    """
    _, unseen = read_stock(people.pack, people.faces, people.held_out, people.share)
    pictures = [*unseen.crops, *unseen.others]
    persons = sorted({picture.person for picture in pictures})
    mine = set(persons[(part == "test") :: 2])
    return [picture for picture in pictures if picture.person in mine]


def read_rooms(people: People) -> list[NDArray[np.uint8]]:
    """Read the pictures of rooms in which no face is found: who is in the background would be taken for the user."""
    train, _ = read_stock(people.pack, people.faces, people.held_out, people.share)
    finder = MediaPipeFinder()
    rooms = [image for image in train.backgrounds[:ROOMS] if not finder.search(image)]
    finder.close()
    return rooms


def plan_pairs(
    hands: Sequence[str], faces: int, counts: Mapping[str, int], most_uses: int, seed: int
) -> list[tuple[str, Plan]]:
    """Choose which hand meets which face, and under which circumstances.

    Args:
        hands: gesture of each hand.
        faces: number of portraits.
        counts: number of pairs in each of ``CONDITIONS``.
        most_uses: how often a hand or a portrait may occur in one condition.
        seed: of everything.

    Returns:
        Condition and plan of each pair. Within a condition all gestures are as frequent as the stock allows.
    """
    rng = np.random.default_rng(seed)
    planned: list[tuple[str, Plan]] = []
    for condition, count in counts.items():
        hand_order = _balanced(hands, count, most_uses, rng)
        face_order = np.concatenate([rng.permutation(faces) for _ in range(most_uses)])
        for i in range(min(count, len(hand_order), len(face_order))):
            tone = str(rng.choice(list(TONE_SHARES), p=list(TONE_SHARES.values())))
            low, high, _ = STRENGTHS[int(rng.choice(len(STRENGTHS), p=[share for *_, share in STRENGTHS]))]
            intensity = 0.0 if tone == NO_EXPRESSION else float(rng.uniform(low, high))
            held = high > HELD_FROM  # drawn for a calm face too, or whether shapes are fresh would tell the tone
            face_trouble, hand_trouble = _troubles(condition, i, rng)
            own_seed = int(rng.integers(2**31))
            planned.append((condition, Plan(own_seed, int(face_order[i]), int(hand_order[i]), tone, intensity,
                                            held, face_trouble, hand_trouble)))  # fmt: skip
    return [planned[i] for i in rng.permutation(len(planned))]


def _troubles(condition: str, number: int, rng: np.random.Generator) -> tuple[str, str]:
    one = (*((name, "") for name in FACE_TROUBLES), *(("", name) for name in HAND_TROUBLES))
    if condition == "C0":
        return "", ""
    if condition == "C1":
        return one[number % len(one)]
    # A hand before the face is a hand that is there.
    face = FACE_TROUBLES[number % len(FACE_TROUBLES)]
    return face, str(rng.choice([name for name in HAND_TROUBLES if face != "hand" or name == "blurred"]))


def _balanced(hands: Sequence[str], count: int, most_uses: int, rng: np.random.Generator) -> list[int]:
    """Return hands in an order in which gestures take turns; none more than ``most_uses`` times."""
    named = np.array(hands)
    queues = {name: [int(i) for _ in range(most_uses) for i in rng.permutation(np.flatnonzero(named == name))]
              for name in sorted(set(hands))}  # fmt: skip
    order: list[int] = []
    while len(order) < count and any(queues.values()):
        for name in rng.permutation(list(queues)):
            if queues[str(name)]:
                order.append(queues[str(name)].pop(0))
    return order[:count]


def make_pairs(
    people: People, part: Part, counts: Mapping[str, int], most_uses: int, seed: int, file: Path, workers: int
) -> Pairs:
    """Draw and read the pairs of a part, or read what lies in a file already; a run that was stopped goes on.

    Args:
        people: where hands and faces come from.
        part: ``train`` or ``test``; no person is in both.
        counts: number of pairs by condition.
        most_uses: how often a hand or a portrait may occur in one condition.
        seed: of everything.
        file: ``.npz`` that keeps them.
        workers: processes.
    """
    if not file.is_file():
        hands = [_named(hand) for hand in read_hands(people, part)]
        planned = plan_pairs(hands, _count_faces(people, part), counts, most_uses, seed)
        folder = file.with_suffix(".parts")
        folder.mkdir(parents=True, exist_ok=True)
        jobs = [(people, part, folder / f"{start:05d}.npz", planned[start : start + CHUNK])
                for start in range(0, len(planned), CHUNK)]  # fmt: skip
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:  # never forked: MediaPipe has threads
            parts = list(track(pool.map(_make_chunk, jobs), total=len(jobs), description=f"{part} pairs"))
        _write(file, {key: np.concatenate([np.load(path)[key] for path in parts]) for key in Pairs.__slots__})
    return read_pairs(file)


def read_pairs(file: Path) -> Pairs:
    """Read pairs that :func:`make_pairs` has kept.

    Raises:
        SourceError: there is no such file.
    """
    if not file.is_file():
        raise SourceError(f"no {file}", "run: python scripts/train_fusion.py FACES --out FOLDER", "source.pairs")
    with np.load(file) as kept:
        return Pairs(**{key: kept[key] for key in Pairs.__slots__})


_Job = tuple[People, Part, Path, list[tuple[str, Plan]]]


def _make_chunk(job: _Job) -> Path:
    people, part, path, planned = job
    if not path.is_file():
        cv2.setNumThreads(1)
        rows = list(_read_scenes(people, part, planned))
        _write(path, {key: np.array([row[key] for row in rows]) for key in Pairs.__slots__})
    return path


def _read_scenes(people: People, part: Part, planned: list[tuple[str, Plan]]) -> Iterator[dict[str, Any]]:
    composer, hands, reader = _workshop(people, part)
    for condition, plan in planned:
        seen = reader.read(*composer.compose(plan), plan.held)
        # What nobody can see has not been shown: no hand is no gesture, and no face has no expression.
        gesture = NO_GESTURE if plan.hand_trouble == "absent" else _named(hands[plan.hand])
        tone = NO_EXPRESSION if plan.face_trouble == "out_of_frame" else plan.tone
        yield {
            **asdict(seen), "gesture": NAMES.index(gesture), "tone": TONES.index(tone),
            "intensity": np.float32(0 if tone == NO_EXPRESSION else plan.intensity), "condition": condition,
            "trouble": "+".join(filter(None, (plan.face_trouble, plan.hand_trouble))), "hand": plan.hand,
            "face": plan.face,
        }  # fmt: skip


def _named(hand: Picture) -> str:
    return hand.hands[0].names[0]


@cache
def _workshop(people: People, part: Part) -> tuple[SceneComposer, list[Picture], SceneReader]:
    settings = Settings()
    hands = read_hands(people, part)
    faces = portraits(people.faces, "train" if part == "train" else "validation", people.cache / "meshes.npz")
    rng = np.random.default_rng(0)
    cutouts = [cut_out(hand, rng) for hand in hands]
    composer = SceneComposer(FaceModel.load(people.faces), faces, cutouts, read_rooms(people))
    runtime = settings.runtime.model_copy(update={"threads": 1})
    return composer, hands, SceneReader(GestureStream(settings.gesture, runtime), MediaPipeFinder(), settings)


def _count_faces(people: People, part: Part) -> int:
    return len(portraits(people.faces, "train" if part == "train" else "validation", people.cache / "meshes.npz"))


def _write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    partial = path.with_suffix(f".partial{os.getpid()}.npz")
    np.savez_compressed(partial, **arrays)  # type: ignore[arg-type]
    os.replace(partial, path)
