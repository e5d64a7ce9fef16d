"""Make README's picture and its short film: the window while the performer plays, drawn by the running system's code.

Example:
    python scripts/make_overlay_picture.py --out docs/overlay.png --scene docs/scene.gif
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from time import perf_counter

import cv2

from assistive.expression import ExpressionStream
from assistive.fusion.attention import FusionHead
from assistive.gesture import GestureStream
from assistive.language.composer import hint
from assistive.language.vocabulary import VocabularyFile
from assistive.pipeline import BESIDE, Pipeline
from assistive.settings import Settings
from assistive.sources.performer import PerformerSource
from assistive.types import Step
from assistive.ui.ink import Image
from assistive.ui.overlay import Overlay, OverlayInfo
from assistive.voice import open_voice

FILLED = 0.7
STILL = ("ok,@positive/macro+like", "like")
FILM = "ok,@surprise/macro+stop,@positive/macro+like,@negative/macro+dislike"
FILM_HZ, FILM_SIZE = 3.75, (320, 240)
"""So coarse that the film stays below 2 MB."""
FIRST_S = 0.9
"""The film begins so late: until then the face is learnt."""


class Shoot:
    """Plays a script through the whole pipeline and draws what the window would show."""

    def __init__(self, script: str, parts: ExitStack) -> None:
        self._settings = settings = Settings()
        self._gesture = GestureStream(settings.gesture, settings.runtime)
        self._vocabulary = VocabularyFile(settings.language.vocabulary)
        face = parts.enter_context(closing(ExpressionStream(settings.expression, settings.spotting, settings.runtime)))
        pipeline = Pipeline(
            self._gesture,
            self._vocabulary,
            settings,
            face,
            fusion=FusionHead(settings.expression.fusion, settings.runtime),
        )
        self._pipeline = parts.enter_context(closing(pipeline))
        self._voice = parts.enter_context(closing(open_voice(settings.voice, self._vocabulary.current.language)))
        self._source = PerformerSource(script, settings.source)
        self._overlay = Overlay()

    def pictures(self) -> Iterator[tuple[Step, Image]]:
        """Yield every step, and the picture of it."""
        caption, until_s, begin = "", 0.0, perf_counter()
        for frame in self._source.frames():
            assert frame is not None
            step = self._pipeline.step(frame)
            if step.utterance is not None:
                caption, until_s = step.utterance.text, frame.t_s + self._settings.ui.caption_s
            gesture = step.decision.gesture
            info = OverlayInfo(
                phrase=hint(self._vocabulary.current, gesture, step.manner) if gesture else None,
                caption=caption if frame.t_s < until_s else None,
                fps=(frame.index + 1) / (perf_counter() - begin),
                decision_ms=sum(ms for stage, ms in step.stage_ms.items() if stage not in BESIDE),
                provider=self._gesture.provider,
                voice=self._voice.name,
            )
            yield step, self._overlay.draw(step, info)


def shoot_still(path: Path) -> None:
    """Write the picture of the moment in which the ring is nearly full."""
    with ExitStack() as parts:
        script, gesture = STILL
        for step, picture in Shoot(script, parts).pictures():
            if step.decision.gesture == gesture and step.decision.progress >= FILLED:
                cv2.imwrite(str(path), picture[:, :, ::-1])
                return


def shoot_film(path: Path) -> None:
    """Write a film that begins again when it has ended."""
    frames: list[Image] = []
    with ExitStack() as parts:
        for step, picture in Shoot(FILM, parts).pictures():
            if step.frame.t_s < FIRST_S + len(frames) / FILM_HZ:
                continue
            small = cv2.resize(picture, FILM_SIZE, interpolation=cv2.INTER_AREA)
            frames.append(small[:, :, ::-1].copy())
    film = cv2.Animation()
    film.frames, film.durations = frames, [round(1000 / FILM_HZ)] * len(frames)
    cv2.imwriteanimation(str(path), film, [cv2.IMWRITE_GIF_COLORTABLE, 1])


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="the picture (PNG)")
    parser.add_argument("--scene", type=Path, help="the film (GIF)")
    args = parser.parse_args()
    if args.out is None and args.scene is None:
        parser.error("name a file: --out PICTURE.png, --scene FILM.gif")
    if args.out is not None:
        shoot_still(args.out)
    if args.scene is not None:
        shoot_film(args.scene)


if __name__ == "__main__":
    main()
