"""Write JSON lines that are whole at any moment: after Ctrl-C, a power cut or on a full disk."""

from __future__ import annotations

import errno
import json
import logging
import os
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from assistive.errors import AssistiveError

log = logging.getLogger(__name__)


class JsonLines:
    """A file of JSON objects, one a line, each of which reaches the system before :meth:`write` returns.

    A failure of the first line is the user's to mend; later ones must not stop a system that speaks: they are told
    once and the file ends with its last whole line. Any thread may write.

    Args:
        path: the file, overwritten if it exists; ``-`` is the standard output.
        content: what is in it, for messages ("events").

    Raises:
        AssistiveError: the file cannot be opened.
    """

    def __init__(self, path: Path | str, content: str) -> None:
        self._path = str(path)
        self._content = content
        self._lock = threading.Lock()
        self._written = 0
        self._stream: BinaryIO | None
        try:
            if self._path == "-" and sys.stdout is None:  # as `>&-` leaves it
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            self._stream = sys.stdout.buffer if self._path == "-" else open(path, "wb", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise self._refusal(error) from error

    def write(self, value: Mapping[str, Any]) -> None:
        """Write one object; does nothing after a failure or :meth:`close`.

        Raises:
            AssistiveError: it is the first one and cannot be written.
        """
        line = json.dumps(value, ensure_ascii=False).encode() + b"\n"
        with self._lock:
            if self._stream is None:
                return
            try:
                if self._stream.write(line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                self._stream.flush()
            except OSError as error:
                self._give_up()
                if not self._written:
                    raise self._refusal(error) from error
                log.warning("cannot write %s any more: %s: %s", self._content, self._path, error.strerror)
            self._written += len(line)

    def close(self) -> None:
        """Close the file; may be called again."""
        with self._lock:
            stream, self._stream = self._stream, None
            if stream is not None and self._path != "-":
                stream.close()

    def _give_up(self) -> None:
        """Cut off a line that was written in part, and write no more."""
        stream, self._stream = self._stream, None
        if stream is not None and self._path != "-":
            with suppress(OSError):  # a pipe cannot be cut, and a broken disk may refuse
                stream.truncate(self._written)
            with suppress(OSError):
                stream.close()

    def _refusal(self, error: OSError) -> AssistiveError:
        what = f"cannot write {self._content} to {self._path}: {error.strerror}"
        return AssistiveError(what, "name a file in a folder that you may write to, on a disk with room", "output")
