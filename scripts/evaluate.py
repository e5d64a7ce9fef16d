"""Measure how well gestures are read, with the code that runs.

    python scripts/evaluate.py gesture --images TAR_OR_DIR --labels CSV --out JSON
    python scripts/evaluate.py stream --video FILE_OR_DIR --labels CSV --out JSON [--set decision.hold_s=0.3]

CSV for pictures: file,gesture and optionally x,y,w,h,group; one row a hand. A blank gesture is none of ours, palm|stop
means that either is right, rock|none that saying nothing is right too. CSV for clips: start_s,end_s,gesture and, for
more than one clip, file.
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistive.config import load_settings
from assistive.errors import EXIT_USER_ERROR, AssistiveError, SourceError
from assistive.evaluation import gesture as pictures_of
from assistive.evaluation import stream as clips_of
from assistive.evaluation.detection import import_coco
from assistive.evaluation.labels import Interval, read_clips, read_pictures
from assistive.evaluation.pictures import find_pictures
from assistive.evaluation.report import check_writable, machine, provenance, weights_in_use, write_json
from assistive.gesture import GestureStream
from assistive.language.vocabulary import VocabularyFile
from assistive.pipeline import Pipeline
from assistive.settings import Settings
from assistive.sources import open_source
from assistive.sources.images import read_picture
from assistive.types import Frame

app = typer.Typer(help=(__doc__ or "").partition("\n")[0], pretty_exceptions_enable=False, add_completion=False)
console = Console()

Labels = Annotated[Path, typer.Option(metavar="CSV", help="What a person wrote down.")]
Out = Annotated[Path, typer.Option(metavar="JSON", help="Where the result goes.")]
Profile = Annotated[str | None, typer.Option(metavar="NAME", help="A file of configs/profiles/.")]
Config = Annotated[Path | None, typer.Option(metavar="FILE", help="Your own settings file.")]
Assign = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any setting, may be repeated.")]


def open_reader(settings: Settings) -> GestureStream:
    """Open the gesture stream that is measured."""
    return GestureStream(settings.gesture, settings.runtime)


@app.command()
def gesture(
    images: Annotated[Path, typer.Option(metavar="TAR_OR_DIR", help="The pictures.")],
    labels: Labels, out: Out, profile: Profile = None, config: Config = None, assign: Assign = None,
) -> None:  # fmt: skip
    """Measure single pictures: the right gesture, and silence where there is none."""
    settings = load_settings(profile, config, assign or ()).settings
    check_writable(out)
    labelled = {picture.file: picture for picture in read_pictures(labels)}
    if any(hand.box for picture in labelled.values() for hand in picture.hands):
        import_coco()  # said before the work, not after
    reader = open_reader(settings)
    threshold = _threshold(reader, settings)
    readings = []
    with find_pictures(images, labelled) as found:
        for index, (name, path) in enumerate(found.items()):
            frame = Frame(read_picture(path, settings.source.max_pixels), float(index), index, 0.0)
            readings.append(pictures_of.read_frame(reader, labelled[name], frame, threshold))
    result = pictures_of.report(readings)
    write_json(out, {**_circumstances(reader, settings), **result})
    _show_pictures(result)


@app.command()
def stream(
    video: Annotated[Path, typer.Option(metavar="FILE_OR_DIR", help="A clip, or a folder of clips.")],
    labels: Labels, out: Out, profile: Profile = None, config: Config = None, assign: Assign = None,
) -> None:  # fmt: skip
    """Measure whole clips: each gesture answered once, in good time, and silence otherwise."""
    settings = load_settings(profile, config, assign or ()).settings
    check_writable(out)
    clips = _find_clips(video, read_clips(labels, video.name))
    reader = open_reader(settings)
    heard = {path.name: _listen(path, reader, settings) for path in clips}
    scores = {path.name: clips_of.score_clip(intervals, heard[path.name]) for path, intervals in clips.items()}
    result = clips_of.report(scores, heard)
    write_json(out, {**_circumstances(reader, settings), "decision": settings.decision.model_dump(), **result})
    _show_clips(result)


def _find_clips(video: Path, labelled: dict[str, list[Interval]]) -> dict[Path, list[Interval]]:
    """Return the clips to play: all that a folder's labels speak of, or the one that was named."""
    if not video.exists():
        raise SourceError(f"no such file or folder: {video}", "check the path given with --video", "source.video")
    if not video.is_dir():
        if video.name not in labelled:
            raise SourceError(f"the labels do not speak of {video.name}", "add a row for it", "source.video")
        return {video: labelled[video.name]}
    missing = [name for name in labelled if not (video / name).is_file()]
    if missing:
        what = f"{video} holds no {missing[0]}, which the labels speak of"
        raise SourceError(what, "add the clip, or remove its rows from the labels", "source.video")
    return {video / name: intervals for name, intervals in labelled.items()}


def _listen(path: Path, reader: GestureStream, settings: Settings) -> clips_of.Heard:
    pipeline = Pipeline(reader, VocabularyFile(settings.language.vocabulary), settings)
    with closing(open_source(str(path), settings.source)) as source:
        return clips_of.listen(source.frames(), lambda frame: pipeline.step(frame).decision)


def _threshold(reader: GestureStream, settings: Settings) -> float:
    """Return the probability from which the running system would act."""
    asked = settings.decision.enter_probability
    return reader.threshold if asked is None else asked


def _circumstances(reader: GestureStream, settings: Settings) -> dict[str, Any]:
    return {
        **provenance(),
        "machine": {**machine(), "provider": reader.provider},
        "weights": weights_in_use(settings.gesture),
        "threshold": _threshold(reader, settings),
    }


def _show_pictures(result: dict[str, Any]) -> None:
    table = Table("measure", "value", "count", "95 % interval")
    for name, (count, n) in result["counts"].items():
        table.add_row(name, _text(result[name]), f"{count} of {n}", _text(result["interval_95"].get(name)))
    for name in ("map50", "map50_95", "ms_per_image"):
        table.add_row(name, _text(result[name]))
    groups = Table("group", "top-1", "false activations")
    for name, group in result["by_group"].items():
        right, false = f"{group['right']} of {group['gestures']}", f"{group['false_activations']} of {group['blanks']}"
        groups.add_row(name, right, false)
    console.print(table, *([groups] if result["by_group"] else []))


def _show_clips(result: dict[str, Any]) -> None:
    columns = ("gestures", "hits", "misses", "wrong", "false_activations")
    table = Table(Column("clip", no_wrap=True), "shown", "hits", "misses", "wrong", "false", "latency s", "spoken")
    for name, clip in result["by_clip"].items():
        spoken = ", ".join(f"{said['gesture']} {said['t_s']:.1f}" for said in clip["spoken"])
        latency = ", ".join(f"{latency:.2f}" for latency in clip["latency_s"])
        table.add_row(name, *(str(clip[column]) for column in columns), latency, spoken)
    p50 = result["latency_s"]["p50"] if result["latency_s"] else None
    table.add_section()
    table.add_row("all", *(str(result[column]) for column in columns), _text(p50), "")
    console.print(table, f"{_text(result['false_activations_per_hour'])} false activations an hour")


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " to ".join(map(_text, value))
    return "" if value is None else f"{value:.3g}"


def main() -> None:
    """Run the command and leave with its exit status."""
    try:
        app()
    except AssistiveError as error:
        typer.echo(str(error), err=True)
        sys.exit(EXIT_USER_ERROR)


if __name__ == "__main__":
    main()
