"""Measure how well gestures are read, with the code that runs.

    python scripts/evaluate.py gesture --images TAR_OR_DIR --labels CSV --out JSON
    python scripts/evaluate.py gesture --data DATA [--split test] --out JSON
    python scripts/evaluate.py stream --video FILE_OR_DIR [--labels CSV] --out JSON [--set decision.hold_s=0.3]
    python scripts/evaluate.py expression --clips FILE.npz --out JSON
    python scripts/evaluate.py live --video FILE_OR_performer[:SCRIPT] [--events CSV] --out JSON
    python scripts/evaluate.py drawn --faces PACK --rate HZ --out JSON
    python scripts/evaluate.py fusion --out JSON [--run runs/fusion]
    python scripts/evaluate.py zoo --list [--json]
    python scripts/evaluate.py zoo --quick
    python scripts/evaluate.py zoo --out JSON --markdown docs/zoo.md [--seeds 3] [--workers N | --ray ADDRESS]

CSV for pictures: file,gesture and optionally x,y,w,h,group; one row a hand. A blank gesture is none of ours, palm|stop
means that either is right, rock|none that saying nothing is right too. DATA is what prepare_hagrid.py wrote, or any
other set in the layout of YOLO. CSV for clips: start_s,end_s,gesture and, for more than one clip, file; without a CSV
nobody shows a gesture, and all that is said is a false alarm. Clips for expressions are packed flow maps: x, y,
subject, dataset. CSV for expressions in one clip: start_s,apex_s,end_s,label (no rows: it shows none); the performer
knows its own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
import yaml
from rich.console import Console
from rich.progress import track

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistive.config import load_settings
from assistive.errors import EXIT_INTERRUPTED, EXIT_USER_ERROR, AssistiveError, ConfigError, WeightsError
from assistive.evaluation import detector_alone, fusion_table, tables
from assistive.evaluation import drawn as drawn_clips
from assistive.evaluation import expression as expressions_of
from assistive.evaluation import gesture as pictures_of
from assistive.evaluation import live as live_of
from assistive.evaluation import stream as clips_of
from assistive.evaluation.clips import find_clips, unlabelled
from assistive.evaluation.detection import Picture, import_coco
from assistive.evaluation.labels import LabelledPicture, Shown, read_clips, read_expressions, read_pictures
from assistive.evaluation.pictures import find_pictures
from assistive.evaluation.prepared import read_prepared
from assistive.evaluation.report import check_writable, machine, provenance, weights_in_use, write_json
from assistive.expression import ExpressionStream
from assistive.expression.recogniser import Recogniser
from assistive.fusion.attention import FusionHead
from assistive.gesture import GestureStream
from assistive.language.vocabulary import VocabularyFile
from assistive.pipeline import Pipeline
from assistive.settings import Settings
from assistive.sources import Source, open_source
from assistive.sources.images import read_picture
from assistive.sources.performer import PerformerSource
from assistive.synth.face_model import FaceModel
from assistive.synth.face_portraits import MeshFinder, portraits
from assistive.synth.faces import ClipMaker, SceneSettings
from assistive.training.datasets.intents import IntentTable
from assistive.training.datasets.labelled import write_whole
from assistive.training.datasets.packed import read_packed
from assistive.training.datasets.pairs import read_pairs
from assistive.types import EXPRESSIONS, Frame
from assistive.weights import find_weights

app = typer.Typer(help=(__doc__ or "").partition("\n")[0], pretty_exceptions_enable=False, add_completion=False)
console = Console()

Out = Annotated[Path, typer.Option(metavar="JSON", help="Where the result goes.")]
Profile = Annotated[str | None, typer.Option(metavar="NAME", help="A file of configs/profiles/.")]
Config = Annotated[Path | None, typer.Option(metavar="FILE", help="Your own settings file.")]
Assign = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any setting, may be repeated.")]

FUSION_CONFIG = Path(__file__).resolve().parent.parent / "configs" / "train" / "fusion.yaml"


def open_reader(settings: Settings) -> GestureStream:
    """Open the gesture stream that is measured."""
    return GestureStream(settings.gesture, settings.runtime)


def open_detector(settings: Settings) -> detector_alone.DetectorAlone:
    """Open the detector that is measured by itself."""
    return detector_alone.DetectorAlone(settings.gesture.detector, settings.runtime)


@app.command()
def gesture(
    out: Out,
    images: Annotated[Path | None, typer.Option(metavar="TAR_OR_DIR", help="The pictures.")] = None,
    labels: Annotated[Path | None, typer.Option(metavar="CSV", help="What a person wrote down about them.")] = None,
    data: Annotated[Path | None, typer.Option(metavar="DATA", help="Or a prepared set, layout of YOLO.")] = None,
    split: Annotated[str, typer.Option(metavar="val|test", help="Which part of it.")] = "val",
    profile: Profile = None, config: Config = None, assign: Assign = None,
) -> None:  # fmt: skip
    """Measure single pictures: the right gesture, and silence where there is none."""
    settings = load_settings(profile, config, assign or ()).settings
    check_writable(out)
    with _labelled_pictures(images, labels, data, split) as (named, known):
        boxed = any(hand.box for _, picture in named for hand in picture.hands)
        if boxed:
            import_coco()  # said before the work, not after
        reader, alone = open_reader(settings), open_detector(settings) if boxed else None
        threshold = _threshold(reader, settings)
        readings, detected = [], []
        for index, (path, picture) in enumerate(track(named, description="pictures", console=console)):
            frame = Frame(read_picture(path, settings.source.max_pixels), float(index), index, 0.0)
            readings.append(pictures_of.read_frame(reader, picture, frame, threshold))
            if alone:
                detected.append(Picture(picture.hands, alone.find(frame.image), readings[-1].size))
    result = pictures_of.report(readings)
    result["detector"] = detector_alone.report(detected, alone.classes) if alone else None
    write_json(out, {**_circumstances(reader, settings), **known, **result})
    console.print(*tables.pictures(result))


@contextmanager
def _labelled_pictures(
    images: Path | None, labels: Path | None, data: Path | None, split: str
) -> Iterator[tuple[list[tuple[Path, LabelledPicture]], dict[str, Any]]]:
    """Yield the pictures with what is in them, and what the result should say of the set."""
    if data is not None and images is None and labels is None:
        prepared = read_prepared(data, split)
        if prepared.unknown:
            boxes = ", ".join(f"{name} ({n})" for name, n in prepared.unknown.items())
            console.print(f"none of ours, to be left unanswered: {boxes}")
        yield list(prepared.pictures), {"data": {"split": split, **prepared.summary()}}
    elif data is None and images is not None and labels is not None:
        labelled = {picture.file: picture for picture in read_pictures(labels)}
        with find_pictures(images, labelled) as found:
            yield [(path, labelled[name]) for name, path in found.items()], {}
    else:
        raise ConfigError("it is not clear which pictures are meant", "give --images and --labels, or --data alone")


@app.command()
def drawn(
    faces: Annotated[Path, typer.Option(metavar="PACK", help="Folder of a face pack.")],
    out: Out,
    rate: Annotated[float, typer.Option(metavar="HZ", help="Frames per second.")] = 30.0,
    clips: Annotated[int, typer.Option(metavar="N", help="How many clips are drawn.")] = 150,
    harsh: Annotated[float, typer.Option(help="From a laboratory's camera, 0, to a home's, 1.")] = 0.7,
    seed: Annotated[int, typer.Option(help="Of the clips.")] = 900,
    profile: Profile = None, config: Config = None, assign: Assign = None,
) -> None:  # fmt: skip
    """Measure the shipped recogniser on drawn clips of faces that no training saw: apex and expression."""
    settings = load_settings(profile, config, assign or ()).settings
    check_writable(out)
    recogniser = Recogniser(settings.expression.recogniser, settings.runtime)
    scene = SceneSettings(rate_hz=rate, harsh=harsh, covered=0.0, shares=dict.fromkeys(EXPRESSIONS, 1 / 3))
    maker = ClipMaker(FaceModel.load(faces), portraits(faces, "validation"), scene)
    finder = MeshFinder()
    made = (maker.make(seed, number) for number in track(range(clips), description="clips"))
    verdicts = [one for clip in made if (one := drawn_clips.judge_clip(clip, finder, recogniser)) is not None]
    result = drawn_clips.report(verdicts, clips)
    weights = {settings.expression.recogniser: find_weights(settings.expression.recogniser).sidecar.sha256}
    write_json(out, {**provenance(), "machine": machine(), "weights": weights, "rate_hz": rate, "harsh": harsh,
                     "seed": seed, **result})  # fmt: skip
    console.print_json(data=result)


@app.command()
def expression(
    clips: Annotated[Path, typer.Option(metavar="FILE", help="Packed flow maps, .npz.")],
    out: Out, profile: Profile = None, config: Config = None, assign: Assign = None,
) -> None:  # fmt: skip
    """Measure the shipped recogniser on flow maps that it has never seen: which of the three expressions."""
    settings = load_settings(profile, config, assign or ()).settings
    check_writable(out)
    maps = read_packed(clips, need_subjects=False)
    name = settings.expression.recogniser
    recogniser = Recogniser(name, settings.runtime)
    subjects = maps.subjects if maps.knows_people else None
    result = expressions_of.report(recogniser, maps.maps, maps.labels, subjects, maps.datasets)
    weights = {name: find_weights(name).sidecar.sha256}
    where = {**machine(), "provider": recogniser.provider}
    known = {"machine": where, "weights": weights, "data": maps.fingerprint()}
    write_json(out, {**provenance(), **known, **result})
    console.print(*tables.expressions(result))


@app.command()
def stream(
    video: Annotated[Path, typer.Option(metavar="FILE_OR_DIR", help="A clip, or a folder of clips.")],
    out: Out,
    labels: Annotated[
        Path | None, typer.Option(metavar="CSV", help="What a person wrote down; without: nobody shows a gesture.")
    ] = None,
    profile: Profile = None, config: Config = None, assign: Assign = None,
) -> None:  # fmt: skip
    """Measure whole clips: each gesture answered once, in good time, and silence otherwise."""
    settings = load_settings(profile, config, assign or ()).settings
    check_writable(out)
    clips = find_clips(video, read_clips(labels, video.name) if labels else None)
    left_out = unlabelled(video, clips)
    if left_out:
        console.print(f"not played, the labels do not speak of them: {', '.join(left_out)}")
    reader = open_reader(settings)
    played = track(clips, description="clips", console=console)
    heard = {path.name: _listen(path, reader, settings) for path in played}
    scores = {path.name: clips_of.score_clip(intervals, heard[path.name]) for path, intervals in clips.items()}
    result = clips_of.report(scores, heard)
    write_json(out, {**_circumstances(reader, settings), "decision": settings.decision.model_dump(), **result})
    console.print(*tables.clips(result))


@app.command()
def live(
    video: Annotated[str, typer.Option(metavar="SPEC", help="A clip, or performer:SCRIPT.")],
    out: Out,
    events: Annotated[Path | None, typer.Option(metavar="CSV", help="What the face does, and when.")] = None,
    profile: Profile = None, config: Config = None, assign: Assign = None,
) -> None:  # fmt: skip
    """Measure brief expressions in a running clip: found, named, in good time, and none that nobody showed."""
    settings = load_settings(profile, config, assign or ()).settings
    if not settings.expression.enabled:
        remedy = "take another profile, or --set expression.enabled=true"
        raise ConfigError("these settings run no face code, so that there is nothing to measure", remedy)
    check_writable(out)
    with closing(open_source(video, settings.source)) as source:
        shown = _shown(source, video, events)
        reader = open_reader(settings)
        with closing(open_face_reader(settings)) as face:
            watched = live_of.watch(source.frames(), reader.read, face.read)
    result = live_of.report(shown, watched, settings.spotting.micro_s)
    known = _circumstances(reader, settings)
    known["weights"][settings.expression.recogniser] = _recogniser_in_use(settings)
    write_json(out, {**known, "spotting": settings.spotting.model_dump(), **result})
    console.print(*tables.live(result))


@app.command()
def fusion(
    out: Out,
    run: Annotated[Path, typer.Option(metavar="DIR", help="What scripts/train_fusion.py wrote.")] = Path("runs/fusion"),
    config: Annotated[Path, typer.Option(metavar="YAML", help="What it was trained with.")] = FUSION_CONFIG,
) -> None:
    """Measure the fusion head beside its baselines, on pairs of hands and faces that it has never seen."""
    settings = load_settings().settings
    check_writable(out)
    pairs, said = read_pairs(run / "test.npz"), dict(np.load(run / "said.npz"))
    declared = yaml.safe_load(config.read_text(encoding="utf-8"))
    head = FusionHead(settings.expression.fusion, settings.runtime)
    result = fusion_table.table(pairs, said, IntentTable.declared(declared["intents"]))
    known = find_weights(settings.expression.fusion).sidecar
    write_json(out, {
        **provenance(), "machine": machine(), "weights": {known.name: known.sha256, **known.made.data},
        "declared": {name: declared[name] for name in ("pairs", "intents", "dependent", "training")},
        "ms_per_frame": fusion_table.milliseconds(head), **result,
    })  # fmt: skip
    console.print(*tables.fusion(result))


@app.command()
def zoo(
    listed: Annotated[bool, typer.Option("--list", help="What each system is, and what it costs.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Small, in minutes, and every system must learn.")] = False,
    out: Annotated[Path | None, typer.Option(metavar="JSON", help="Where the result goes.")] = None,
    markdown: Annotated[Path | None, typer.Option(metavar="MD", help="The result for people.")] = None,
    model: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this; may be repeated.")] = None,
    seeds: Annotated[
        int | None, typer.Option(metavar="K", min=1, help="Trainings of each system: 3, of --quick 1.")
    ] = None,
    run: Annotated[Path, typer.Option(metavar="DIR", help="For what is finished.")] = Path("runs/zoo"),
    workers: Annotated[int, typer.Option(metavar="N", min=1, help="Systems trained at a time.")] = 2,
    ray: Annotated[str | None, typer.Option(metavar="ADDRESS", help="A Ray cluster: auto, local, HOST:PORT.")] = None,
) -> None:  # fmt: skip
    """Train the published systems side by side on drawn clips, or say what they are."""
    if not (listed or quick or out):
        raise ConfigError("zoo has nothing to do", "give --list, --quick or --out", "evaluation.zoo")
    if as_json and not listed:
        raise ConfigError("--json goes with --list", "give --out for figures as JSON", "evaluation.zoo")
    import torch  # the other commands do without

    from assistive.evaluation import zoo as zoo_of
    from assistive.evaluation import zoo_figures, zoo_measure, zoo_report
    from assistive.training.pools import choose_pool
    from assistive.zoo.systems import systems

    if listed:
        described = zoo_of.describe_all()
        typer.echo(json.dumps(described, indent=2)) if as_json else console.print(zoo_of.table(described))
        return
    folder = run / ("quick" if quick else "whole")
    for path in (out, markdown, folder / "logs"):
        if path is not None:
            check_writable(path)
    plan = zoo_measure.quick(seeds or 1) if quick else zoo_measure.whole(seeds or 3)
    torch.set_num_threads(1)  # as in every worker: with more, the last bits of the figures would be others
    names = model or [one.name for one in systems() if one.task in zoo_measure.MEASURED]
    try:
        logs = zoo_measure.run_plan(plan, names, folder, choose_pool(workers, ray))
    except KeyboardInterrupt:
        console.print(f"stopped; the same command goes on from what is finished in {run}")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    result = {**provenance(), "machine": machine(), **zoo_figures.summarise(plan, logs)}
    if out is not None:
        write_json(out, result)
    if markdown is not None:
        write_whole(markdown, zoo_report.render(result).encode())
    console.print(*zoo_report.terminal(result))
    failed = zoo_report.failed(result)
    if quick and failed:
        console.print(f"not better than chance and shuffled labels: {', '.join(failed)}")
        raise typer.Exit(1)


def open_face_reader(settings: Settings) -> ExpressionStream:
    """Open the expression stream that is measured."""
    return ExpressionStream(settings.expression, settings.spotting, settings.runtime)


def _shown(source: Source, video: str, events: Path | None) -> list[Shown]:
    """Return what the face in a clip really does."""
    if events is not None:
        return read_expressions(events, Path(video).name)
    if not isinstance(source, PerformerSource):
        raise ConfigError("nobody has said what the face in this clip does", "name a CSV file with --events")
    return [Shown(one.start_s, one.apex_s, one.end_s, one.label) for one in source.expressions()]


def _recogniser_in_use(settings: Settings) -> str | None:
    try:
        return find_weights(settings.expression.recogniser).sidecar.sha256
    except WeightsError:
        return None  # the stream runs without, and has warned that nobody names what it finds


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


def main() -> None:
    """Run the command and leave with its exit status."""
    try:
        app()
    except AssistiveError as error:
        typer.echo(str(error), err=True)
        sys.exit(EXIT_USER_ERROR)


if __name__ == "__main__":
    main()
