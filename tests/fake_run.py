"""``run.py`` with a gesture stream that needs no weights: it sees what the drawn performer shows, from its script.

Run as a program by tests that need a process of their own, with sockets that refuse to connect.
"""

from __future__ import annotations

import socket
from typing import Any, NoReturn

import assistive.app
from assistive.cli import main
from assistive.settings import GestureSettings, RuntimeSettings, SourceSettings
from assistive.sources.performer import PerformerSource
from assistive.types import NO_GESTURE, Box, Frame, Hand


class ScriptReader:
    """Stands in for :class:`assistive.gesture.GestureStream`; knows the performer's default script, again and again."""

    threshold = 0.6
    provider = "none"
    reason = "a test"
    stage_ms: dict[str, float] = {"detect": 0.0}  # noqa: RUF012 - never changed

    def __init__(self, settings: GestureSettings, runtime: RuntimeSettings) -> None:
        self._performer = PerformerSource("", SourceSettings())

    def read(self, frame: Frame) -> tuple[Hand, ...]:
        gesture, raised = self._performer.hand_at(frame.t_s % self._performer.seconds)
        if raised < 1:
            return ()
        return (Hand(Box(0.2, 0.4, 0.2, 0.3), 0.9, {gesture: 0.9, NO_GESTURE: 0.1}),)


def no_network(*args: Any, **kwargs: Any) -> NoReturn:
    raise SystemExit(f"a connection was tried: {args}")


if __name__ == "__main__":
    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, no_network)
    socket.getaddrinfo = no_network
    assistive.app.GestureStream = ScriptReader  # type: ignore[assignment,misc]

    main()
