"""The one family of errors that a user may see.

    AssistiveError            what went wrong, what to do, a stable code
    ├── ConfigError           a settings, vocabulary or voices file is wrong (names file and line)
    ├── SourceError           a camera, video, picture or performer cannot be read
    ├── WeightsError          a model file is missing, damaged or does not fit its sidecar
    ├── RuntimeFault          the inference runtime is missing or gave back nonsense
    ├── VoiceError            a voice or a player cannot be used
    └── DependencyError       an optional package or system library is not installed

Anything else that escapes is our own fault: the command line writes its traceback to a file and exits with 70.
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_CHECK_FAILED = 1
EXIT_USER_ERROR = 2
EXIT_INTERNAL = 70
EXIT_INTERRUPTED = 130


class AssistiveError(Exception):
    """An error that the person at the machine can mend.

    Args:
        what: one line, what went wrong, in plain words ("cannot open camera 0").
        remedy: one line, what to do about it ("python run.py list cameras").
        code: a stable dotted name for scripts and tests ("source.camera").
    """

    default_code = "error"

    def __init__(self, what: str, remedy: str, code: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.code = code or self.default_code

    def __str__(self) -> str:
        return f"error: {self.what}\ntry: {self.remedy}"

    def __reduce__(self) -> tuple[type[AssistiveError], tuple[str, str, str]]:
        return type(self), (self.what, self.remedy, self.code)  # comes home whole from another process


class ConfigError(AssistiveError):
    """A settings, vocabulary or voices file is wrong."""

    default_code = "config"


class SourceError(AssistiveError):
    """A source of frames cannot be opened or read."""

    default_code = "source"


class WeightsError(AssistiveError):
    """A model file is missing, damaged or not what its sidecar says."""

    default_code = "weights"


class RuntimeFault(AssistiveError):
    """The inference runtime is missing, or a network gave back nonsense."""

    default_code = "runtime"


class VoiceError(AssistiveError):
    """A voice cannot be used, or its sound cannot be played."""

    default_code = "voice"


class DependencyError(AssistiveError):
    """An optional package or a system library is not installed."""

    default_code = "dependency"
