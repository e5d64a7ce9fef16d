"""The commands of ``run.py``: arguments become settings, then one call into the package."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import tempfile
import threading
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer

from assistive import __version__
from assistive.config import Loaded, load_settings
from assistive.errors import EXIT_CHECK_FAILED, EXIT_INTERNAL, EXIT_OK, EXIT_USER_ERROR, AssistiveError, SourceError

log = logging.getLogger(__name__)

UsageError: Any = typer.BadParameter.__base__
"""What typer raises for a wrong command line; it has no public name."""

app = typer.Typer(
    help="A camera sees a hand gesture; the machine says the phrase aloud. Without a command: run.",
    epilog="All options of the main job: python run.py run --help",
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=False,
)

Camera = Annotated[int | None, typer.Option(metavar="N", help="Number of the camera, 0 for the first.")]
Source = Annotated[
    str | None, typer.Option(metavar="SPEC", help="A video, a picture, a folder of pictures, camera:N or performer.")
]
Headless = Annotated[bool | None, typer.Option("--headless", help="No window.")]
Vocabulary = Annotated[str | None, typer.Option(metavar="FILE", help="Vocabulary: a language code or a file.")]
VoiceName = Annotated[str | None, typer.Option("--voice", metavar="NAME", help="A voice: python run.py list voices.")]
Expression = Annotated[
    bool | None, typer.Option("--expression/--no-expression", help="Read the face (default), or run no face code.")
]
LogExpressions = Annotated[
    bool | None, typer.Option("--log-expressions", help="Write expressions and tones to the events file.")
]
Tone = Annotated[
    str | None, typer.Option(metavar="MODE", help="auto (default): words and voice follow the face; neutral: never.")
]
Profile = Annotated[str | None, typer.Option(metavar="NAME", help="A file of configs/profiles/.")]
Config = Annotated[Path | None, typer.Option(metavar="FILE", help="Your own settings file.")]
PlayerName = Annotated[
    str | None, typer.Option("--player", metavar="WHERE", help="soundcard, wav:FILE or none; auto finds out.")
]
Events = Annotated[Path | None, typer.Option(metavar="FILE", help="Write what happens as JSON lines.")]
Device = Annotated[str | None, typer.Option(metavar="NAME", help="auto, cpu, cuda, tensorrt or openvino.")]
Mirror = Annotated[bool | None, typer.Option(help="Show the picture mirrored (default: for cameras).")]
Hold = Annotated[float | None, typer.Option(metavar="SECONDS", help="How long a gesture must be held.")]
Grace = Annotated[float | None, typer.Option(metavar="SECONDS", help="Nothing fires this long after someone enters.")]
Assign = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any setting, may be repeated.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

SETTING_OF = {
    "headless": "ui.headless", "mirror": "ui.mirror", "vocabulary": "language.vocabulary", "voice": "voice.voice",
    "player": "voice.player", "device": "runtime.device", "hold_s": "decision.hold_s",
    "entry_grace_s": "decision.entry_grace_s", "expression": "expression.enabled",
    "log_expressions": "expression.log", "tone": "tone.mode",
}  # fmt: skip
"""Options that are short for ``--set``."""


@app.command()
def run(
    camera: Camera = None, source: Source = None, headless: Headless = None, vocabulary: Vocabulary = None,
    voice: VoiceName = None, player: PlayerName = None, events: Events = None, device: Device = None,
    mirror: Mirror = None, hold_s: Hold = None, entry_grace_s: Grace = None, expression: Expression = None,
    log_expressions: LogExpressions = None, tone: Tone = None, profile: Profile = None, config: Config = None,
    assign: Assign = None,
) -> None:  # fmt: skip
    """See and speak: the main job, and what runs without a command."""
    _launch(None, **locals())


@app.command()
def record(
    file: Annotated[Path, typer.Argument(help="The replay file to write.")],
    camera: Camera = None, source: Source = None, headless: Headless = None, vocabulary: Vocabulary = None,
    voice: VoiceName = None, player: PlayerName = None, events: Events = None, device: Device = None,
    mirror: Mirror = None, hold_s: Hold = None, entry_grace_s: Grace = None, expression: Expression = None,
    log_expressions: LogExpressions = None, tone: Tone = None, profile: Profile = None, config: Config = None,
    assign: Assign = None,
) -> None:  # fmt: skip
    """Run, and write what was seen and decided in each frame, without pictures, to a file for replay."""
    options = locals()
    _launch(options.pop("file"), **options)


@app.command()
def replay(file: Annotated[Path, typer.Argument(help="A file that record wrote.")], as_json: AsJson = False) -> None:
    """Decide again on what was recorded; fails if any decision differs in a single bit."""
    from assistive.ui.recording import replay as decide_again

    pairs = list(decide_again(file))
    differing = [(recorded, decided) for recorded, decided in pairs if recorded != decided]
    fired = [decided for _, decided in pairs if decided.fired]
    if as_json:
        found = {"frames": len(pairs), "fired": fired, "differing": differing}
        typer.echo(json.dumps(found, indent=2, default=asdict))
    else:
        for decision in fired:
            typer.echo(f"{decision.t_s:9.3f} s  {decision.gesture}  {decision.probability:.0%}")
        for recorded, decided in differing:
            typer.echo(f"{decided.t_s:9.3f} s  recorded: {recorded}\n{'':13}decided:  {decided}")
        typer.echo(f"{len(pairs)} frames, {len(differing)} decided differently")
    if differing:
        raise typer.Exit(EXIT_CHECK_FAILED)


@app.command()
def say(
    text: Annotated[str, typer.Argument(help="The words.")],
    voice: VoiceName = None, player: PlayerName = None, profile: Profile = None, config: Config = None,
    assign: Assign = None,
) -> None:  # fmt: skip
    """Say a text aloud."""
    from assistive.app import say as say_aloud

    settings = _settings(profile, config, assign, voice=voice, player=player).settings
    raise typer.Exit(say_aloud(text, settings))


@app.command()
def doctor(profile: Profile = None, config: Config = None, assign: Assign = None, as_json: AsJson = False) -> None:
    """Check this machine part by part; fails if the main job cannot run."""
    from assistive.doctor import examine

    checks = []
    for check in examine(_settings(profile, config, assign).settings):
        checks.append(check)
        if not as_json:
            typer.echo(f"{check.number}. {check.verdict:4} {check.name}: {check.found}")
            if check.remedy:
                typer.echo(f"        try: {check.remedy}")
    if as_json:
        typer.echo(json.dumps([asdict(check) for check in checks], indent=2))
    if any(check.verdict == "fail" for check in checks):
        raise typer.Exit(EXIT_CHECK_FAILED)


@app.command(name="list")
def list_parts(
    what: Annotated[Literal["cameras", "voices", "gestures", "models", "profiles"], typer.Argument()],
    vocabulary: Vocabulary = None,
    as_json: AsJson = False,
) -> None:
    """List what there is to choose from."""
    from assistive import listing

    rows = listing.gestures(vocabulary or "en") if what == "gestures" else getattr(listing, what)()
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    elif not rows:
        typer.echo(f"no {what}")
    else:
        lines = [["" if value is None else str(value) for value in row.values()] for row in rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            typer.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


@app.command()
def config(profile: Profile = None, config: Config = None, assign: Assign = None, as_json: AsJson = False) -> None:
    """Show the settings in force and where each came from."""
    loaded = _settings(profile, config, assign)
    rows = {key: {"value": _value(loaded, key), "origin": origin} for key, origin in loaded.origin.items()}
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    for key, row in () if as_json else rows.items():
        typer.echo(f"{key} = {json.dumps(row['value'])}  ({row['origin']})")


def main() -> NoReturn:
    """Run the command line and leave with its exit status."""
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stderr)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # SIGTERM is Ctrl-C
    status = execute(sys.argv[1:])
    if threading.active_count() > 1:
        # A thread that hangs in a driver or is deep in a C library would abort the process on Python's own way out.
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def execute(arguments: list[str]) -> int:
    """Run a command line and return its exit status."""
    try:
        return app(_with_verb(arguments), prog_name="run.py", standalone_mode=False) or EXIT_OK
    except AssistiveError as error:
        typer.echo(str(error), err=True)
        return EXIT_USER_ERROR
    except UsageError as error:
        where = error.ctx.command_path if error.ctx else "run.py"
        typer.echo(f"error: {' '.join(error.format_message().split())}\ntry: python {where} --help", err=True)
        return EXIT_USER_ERROR
    except SystemExit as leaving:  # how typer ends when nobody reads its output any more
        return int(leaving.code or EXIT_OK)
    except Exception:  # the process's edge: a fault of our own is written down for whoever mends it
        typer.echo(f"error: a fault in assistive itself\ntry: report it with {_write_traceback()}", err=True)
        return EXIT_INTERNAL


def _with_verb(arguments: list[str]) -> list[str]:
    """Put ``run`` in front of arguments that begin with an option of the main job, or of none at all."""
    if not arguments or (arguments[0].startswith("-") and arguments[0] != "--help"):
        return ["run", *arguments]
    return arguments


def _write_traceback() -> Path:
    text = traceback.format_exc()
    for folder in (Path.cwd(), Path(tempfile.gettempdir())):
        path = folder / f"assistive-fault-{os.getpid()}.txt"
        try:
            path.write_text(f"assistive {__version__}, Python {sys.version}\n{sys.argv}\n{text}", encoding="utf-8")
        except OSError:
            continue
        return path
    return Path("no file: neither this folder nor the temporary one can be written")


def _value(loaded: Loaded, key: str) -> Any:
    value: Any = loaded.settings.model_dump(mode="json")
    for part in key.split("."):
        value = value[part]
    return value


def _launch(
    recording: Path | None, *, camera: int | None, source: str | None, events: Path | None, profile: str | None,
    config: Path | None, assign: list[str] | None, **given: Any,
) -> NoReturn:  # fmt: skip
    settings = _settings(profile, config, assign, **given).settings
    from assistive.app import run as run_until_end

    raise typer.Exit(run_until_end(settings, _choose_source(camera, source), events, recording))


def _choose_source(camera: int | None, source: str | None) -> str:
    """Return the source that was asked for, else the first camera, else the performer."""
    if camera is not None and source is not None:
        raise SourceError("--camera and --source exclude each other", "give one of them", "source.two")
    if camera is not None:
        return f"camera:{camera}"
    if source is not None:
        return source
    from assistive.sources import find_cameras

    cameras = find_cameras()
    if cameras:
        return f"camera:{cameras[0].index}"
    log.info("no camera found: the drawn performer plays (--camera N or --source FILE takes something else)")
    return "performer"


def _settings(profile: str | None, config: Path | None, assign: list[str] | None, **given: Any) -> Loaded:
    named = [f"{SETTING_OF[name]}={_text(value)}" for name, value in given.items() if value is not None]
    return load_settings(profile, config, [*named, *(assign or ())])


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
