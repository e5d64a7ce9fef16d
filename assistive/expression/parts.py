"""The two parts of the expression stream that take long to load, loaded beside everything else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from assistive.expression.face_mesh import FaceFinder
from assistive.expression.flow import Flow
from assistive.expression.recogniser import Judgement


class Judge(Protocol):
    """What the stream asks of the recogniser."""

    def judge(self, flow: Flow) -> Judgement:
        """Say what a movement from onset to apex was."""


class Parts:
    """Loads in a thread of its own; whoever needs a part waits for it.

    Args:
        finder: makes what finds faces.
        recogniser: makes what names brief movements.
    """

    def __init__(self, finder: Callable[[], FaceFinder], recogniser: Callable[[], Judge]) -> None:
        self._finder: FaceFinder | None = None
        self._judge: Judge | None = None
        self._fault: Exception | None = None
        self._make = (finder, recogniser)
        self._thread = threading.Thread(target=self._load, name="face-loading", daemon=True)
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Nothing is left to wait for."""
        return not self._thread.is_alive()

    @property
    def finder(self) -> FaceFinder:
        """What finds faces; waits for it.

        Raises:
            AssistiveError: it could not be made.
        """
        self._wait()
        assert self._finder is not None
        return self._finder

    @property
    def judge(self) -> Judge:
        """What names brief movements; waits for it.

        Raises:
            AssistiveError: it could not be made.
        """
        self._wait()
        assert self._judge is not None
        return self._judge

    def close(self) -> None:
        """Give everything back; may be called again."""
        self._thread.join()
        finder, self._finder = self._finder, None
        if finder is not None:
            finder.close()

    def _wait(self) -> None:
        self._thread.join()
        if self._fault is not None:
            raise self._fault

    def _load(self) -> None:
        new_finder, new_judge = self._make
        try:
            self._finder = new_finder()
            self._judge = new_judge()
        except Exception as error:  # the thread's edge: whoever waits for a part gets it
            self._fault = error
