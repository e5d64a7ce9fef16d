"""Make README's picture: the window while the performer holds a thumb up, drawn by the running system's own code.

Example:
    python scripts/make_overlay_picture.py --out docs/overlay.png
"""

from __future__ import annotations

import argparse
from pathlib import Path
from time import perf_counter

import cv2

from assistive.gesture import GestureStream
from assistive.language.vocabulary import VocabularyFile
from assistive.pipeline import Pipeline
from assistive.settings import Settings
from assistive.sources.performer import PerformerSource
from assistive.ui.overlay import Overlay, OverlayInfo
from assistive.voice import open_voice

FILLED = 0.7


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    settings = Settings()
    gesture = GestureStream(settings.gesture, settings.runtime)
    vocabulary = VocabularyFile(settings.language.vocabulary)
    pipeline = Pipeline(gesture, vocabulary, settings)
    voice = open_voice(settings.voice, vocabulary.current.language)
    begin = perf_counter()
    for frame in PerformerSource("like", settings.source).frames():
        step = pipeline.step(frame)
        if step.decision.progress >= FILLED:
            break
    rate = (step.frame.index + 1) / (perf_counter() - begin)
    phrase = vocabulary.current.phrases[step.decision.gesture or "like"]
    info = OverlayInfo(phrase=phrase, fps=rate, decision_ms=sum(step.stage_ms.values()), provider=gesture.provider,
                       voice=voice.name)  # fmt: skip
    cv2.imwrite(str(args.out), Overlay().draw(step, info)[:, :, ::-1])


if __name__ == "__main__":
    main()
