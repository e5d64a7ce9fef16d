"""Measure how fast the system is on this machine.

    python scripts/benchmark.py --out JSON [--video FILE] [--peers]

Without --video the performer is filmed into a temporary 640x480 file. --peers compares our detector with YOLOv5s,
YOLOv5n and, where ultralytics is installed, its small networks (needs the extra train).
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import cv2
import typer

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistive.config import load_settings
from assistive.errors import EXIT_USER_ERROR, AssistiveError, SourceError
from assistive.evaluation.benchmark import time_pipelines, time_speech
from assistive.evaluation.report import check_writable, machine, provenance, weights_in_use, write_json
from assistive.evaluation.whole_run import run_whole, time_import, time_start
from assistive.expression import ExpressionStream
from assistive.fusion.attention import FusionHead
from assistive.gesture import GestureStream
from assistive.language.vocabulary import VocabularyFile, load_vocabulary
from assistive.pipeline import Pipeline
from assistive.settings import Settings
from assistive.sources import open_source
from assistive.types import GESTURES, NO_GESTURE
from assistive.voice import open_player, open_voice
from assistive.weights import find_weights

ROOT = Path(__file__).resolve().parent.parent
RATE_HZ = 30
CLASSES = len((*GESTURES, NO_GESTURE))
QUIET = ("--headless", "--player", "none")

app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@app.command(help=(__doc__ or "").partition("\n")[0])
def benchmark(
    out: Annotated[Path, typer.Option(metavar="JSON", help="Where the result goes.")],
    video: Annotated[Path | None, typer.Option(metavar="FILE", help="A clip; without one the performer plays.")] = None,
    frames: Annotated[int, typer.Option(min=10, help="Frames of the performer.")] = 300,
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is measured.")] = 5,
    peers: Annotated[bool, typer.Option("--peers", help="Compare the detector with others.")] = False,
    profile: Annotated[str | None, typer.Option(metavar="NAME", help="A file of configs/profiles/.")] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="Your own settings file.")] = None,
    assign: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any setting.")] = None,
) -> None:
    """Measure everything and write one file."""
    settings = load_settings(profile, config, assign or ()).settings
    check_writable(out)
    compared = {"peers": _compare(rounds, settings)} if peers else {}
    with tempfile.TemporaryDirectory() as folder:
        clip = video or film_performer(Path(folder) / "performer.mp4", frames, settings)
        options = [*(["--profile", profile] if profile else []), *(["--config", str(config)] if config else [])]
        options += [word for assignment in assign or () for word in ("--set", assignment)]
        typer.echo("the program from outside: start-up, memory, rate")
        whole = _from_outside(clip, Path(folder), rounds, options)
        typer.echo("the pipeline by stages")
        inside = _by_stages(clip, rounds, settings)
        typer.echo("from decision to sound")
        speech = _speech(Path(folder), settings)
    result = {**provenance(), **inside, "decision_to_first_sample_ms": speech, **whole, **compared}
    write_json(out, result)
    typer.echo(f"{result['rate_hz']} frames/s, frame to decision {result['frame_to_decision_ms']}: see {out}")


def film_performer(path: Path, frames: int, settings: Settings) -> Path:
    """Write the first frames of the performer to a video file.

    Raises:
        SourceError: this OpenCV cannot write video.
    """
    source = open_source("performer", settings.source)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), RATE_HZ, source.size)
    if not writer.isOpened():
        raise SourceError("OpenCV cannot write video here", "give a clip of your own with --video", "benchmark")
    for frame in islice(filter(None, source.frames()), frames):
        writer.write(cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR))
    writer.release()
    source.close()
    return path


def _from_outside(clip: Path, folder: Path, rounds: int, options: list[str]) -> dict[str, Any]:
    program = [str(ROOT / "run.py"), *QUIET, *options]
    starts, imports = [], []
    for number in range(rounds):
        starts.append(time_start([*program, "--source", "performer"], folder / f"start-{number}.jsonl"))
        imports.append(time_import("assistive.cli"))
    summary = run_whole([*program, "--source", str(clip)], folder / "whole.jsonl")
    return {
        "start_up_s": {"first_frame": round(median(starts), 2), "imports": round(median(imports), 2)},
        "peak_memory_mb": summary["peak_rss_mb"],
        "whole_program": summary,
    }


def _by_stages(clip: Path, rounds: int, settings: Settings) -> dict[str, Any]:
    """Time the whole loop, and, by turns with it, the hands alone; what the face adds is the difference."""
    reader = GestureStream(settings.gesture, settings.runtime)
    vocabulary = VocabularyFile(settings.language.vocabulary)
    with ExitStack() as parts:
        whole: dict[str, Any] = {}
        if settings.expression.enabled:
            face = ExpressionStream(settings.expression, settings.spotting, settings.runtime)
            parts.callback(face.close)
            whole = {"expression": face, "fusion": FusionHead(settings.expression.fusion, settings.runtime)}
        times = time_pipelines(
            lambda: open_source(str(clip), settings.source),
            {
                "whole": lambda: Pipeline(reader, vocabulary, settings, **whole),
                "hands": lambda: Pipeline(reader, vocabulary, settings),
            },
            rounds,
        )
    both, hands = (times[name]["frame_to_decision_ms"] for name in ("whole", "hands"))
    return {
        "machine": {**machine(), "provider": reader.provider, "threads": settings.runtime.threads},
        "weights": weights_in_use(settings.gesture) | _face_weights(settings),
        "clip": clip.name,
        **times["whole"],
        "hands_alone": times["hands"],
        "expression_adds_ms": {name: round(both[name] - hands[name], 2) for name in ("p50", "p95")},
    }


def _face_weights(settings: Settings) -> dict[str, str]:
    names = (settings.expression.recogniser, settings.expression.fusion) if settings.expression.enabled else ()
    return {name: find_weights(name).sidecar.sha256 for name in names}


def _speech(folder: Path, settings: Settings) -> dict[str, Any]:
    vocabulary = load_vocabulary(settings.language.vocabulary)
    results: dict[str, Any] = {}
    for name, player in (("none", "none"), ("wav", f"wav:{folder / 'speech.wav'}")):
        own = settings.voice.model_copy(update={"player": player})
        voice = open_voice(own, vocabulary.language)
        results["voice"] = voice.name
        results[name] = time_speech(voice, open_player(own, voice.device), own, tuple(vocabulary.phrases.values()))
    return results


def _compare(rounds: int, settings: Settings) -> dict[str, Any]:
    from assistive.evaluation.peers import compare  # needs torch, which the runtime does not have

    typer.echo("the detector and its peers")
    return compare(find_weights(settings.gesture.detector).sidecar.input.width, rounds, CLASSES)


def main() -> None:
    """Run the command and leave with its exit status."""
    try:
        app()
    except AssistiveError as error:
        typer.echo(str(error), err=True)
        sys.exit(EXIT_USER_ERROR)


if __name__ == "__main__":
    main()
