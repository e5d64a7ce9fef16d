"""Decide when a gesture is meant: the state machine between what is seen and what is said.

Every open hold is a ring. While the gesture is read (the median of its probability over ``median_s`` is high enough)
the ring fills with media time; while the hand is lost it stands still; while something else is read it empties as fast
as it filled. A full ring fires once, and the gesture must go away before it may fill again. Two look-alikes that
alternate each empty what the other filled: the one that is seen more often wins, and an even mix says nothing.

Only times count, never frames, so that 8 and 60 frames/s feel the same. The machine is pure: the same intents give the
same decisions, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from assistive.fusion.evidence import EPSILON_S, Sample, doubt, medians_since, sample
from assistive.settings import DecisionSettings, GestureHold
from assistive.types import GESTURES, Decision, Intent, Phase

LEAVE_SHARE = 0.6
"""Leave probability as a share of the enter probability, where the settings name none."""

LONGEST_STEP_S = 0.25
"""Frames may be this far apart (4 frames/s) even if ``dropout_s`` is shorter; farther apart they are no evidence."""

MAX_SAMPLES = 256
"""Samples remembered at most for the median: a bound for sources whose time stands still."""

TOO_SELDOM = "pictures come too seldom"


@dataclass(frozen=True, slots=True)
class Ring:
    """One open hold.

    Attributes:
        filled_s: evidence for the gesture, less the evidence against it, in seconds.
        read_s: media time at which the gesture was last read.
    """

    filled_s: float
    read_s: float


@dataclass(frozen=True, slots=True)
class DecisionState:
    """All that the machine remembers.

    Attributes:
        t_s: media time of the last frame; None before the first.
        track: track of the hand that the samples and rings belong to.
        samples: what that hand showed within ``median_s``.
        rings: open holds by gesture.
        spoken: gesture that fired and was not released since.
        away_s: media time since which ``spoken`` has been away, or None while it is still shown.
        fired_s: media time at which each gesture last fired.
        entered_s: media time at which the present person came in; None = nobody yet.
        present_s: media time at which somebody was last seen.
        paused: nothing fires but a pause gesture.
    """

    t_s: float | None = None
    track: int = -1
    samples: tuple[Sample, ...] = ()
    rings: Mapping[str, Ring] = field(default_factory=dict)
    spoken: str | None = None
    away_s: float | None = None
    fired_s: Mapping[str, float] = field(default_factory=dict)
    entered_s: float | None = None
    present_s: float = 0.0
    paused: bool = False


class DecisionMachine:
    """The rules; the state is kept by the caller.

    Args:
        settings: times and probabilities.
        threshold: enter probability that was shipped with the weights, used where the settings name none.
        pause_gestures: gestures that pause and, if ``settings.resume`` allows, resume; :meth:`step` does so itself.
    """

    def __init__(
        self, settings: DecisionSettings, threshold: float, pause_gestures: frozenset[str] = frozenset()
    ) -> None:
        self.settings = settings
        self.enter = threshold if settings.enter_probability is None else settings.enter_probability
        leave = settings.leave_probability
        self.leave = min(self.enter, LEAVE_SHARE * self.enter if leave is None else leave)
        self.pause_gestures = pause_gestures
        self._longest_step_s = max(settings.dropout_s, LONGEST_STEP_S) + EPSILON_S

    def initial(self) -> DecisionState:
        """Return the state before the first frame."""
        return DecisionState()

    def pause(self, state: DecisionState) -> DecisionState:
        """Return the state after the pause key: nothing fires until resumed."""
        return replace(state, paused=True, rings={})

    def resume(self, state: DecisionState) -> DecisionState:
        """Return the state after the resume key: every hold begins anew."""
        return replace(state, paused=False, rings={})

    def hold_s(self, gesture: str) -> float:
        """Return how long a gesture must be held, seconds."""
        own = self.settings.gestures.get(gesture, GestureHold()).hold_s
        return self.settings.hold_s if own is None else own

    def cooldown_s(self, gesture: str) -> float:
        """Return the rest between two utterances of a gesture, seconds."""
        own = self.settings.gestures.get(gesture, GestureHold()).cooldown_s
        return self.settings.cooldown_s if own is None else own

    def step(self, state: DecisionState, intent: Intent) -> tuple[DecisionState, Decision]:
        """Take in one frame.

        Args:
            state: what the last call returned, :meth:`initial` at first.
            intent: what was seen; its ``t_s`` may jump (the holds end) or run backwards (a looped video).

        Returns:
            The new state and the decision; ``fired`` is true in the one frame in which a gesture is confirmed.
        """
        state, elapsed_s = self._advance(state, intent.t_s)
        state = self._see(state, intent, elapsed_s or 0.0)
        medians = self._medians(state, intent)
        read = self._read(state, medians)
        state = self._release(state, intent.t_s, medians)
        state = replace(state, rings=self._fill(state, intent, read, elapsed_s or 0.0), t_s=intent.t_s)
        if read is None:
            reason: str | None = doubt(medians) if medians else intent.reason or "no hand"
        else:
            reason = TOO_SELDOM if elapsed_s is None else self._obstacle(state, intent.t_s, read)
            if reason is None and medians[read] < self.enter:
                # A doubtful moment does not end a hold, but nothing is said in one.
                reason = doubt(medians)
            if reason is None:
                return self._fire(state, intent.t_s, read, medians[read])
        return state, self._abstain(state, intent.t_s, medians, reason)

    def _advance(self, state: DecisionState, t_s: float) -> tuple[DecisionState, float | None]:
        """Go to the time of this frame; return also the seconds since the last, None if that is too long ago."""
        if state.t_s is None:
            return state, 0.0
        elapsed_s = t_s - state.t_s
        if 0 <= elapsed_s <= self._longest_step_s:
            return state, elapsed_s
        state = replace(state, samples=(), rings={}, away_s=None)
        if elapsed_s < 0:
            fired_s = {gesture: min(fired, t_s) for gesture, fired in state.fired_s.items()}
            return replace(state, fired_s=fired_s, entered_s=None), 0.0
        return state, None

    def _see(self, state: DecisionState, intent: Intent, elapsed_s: float) -> DecisionState:
        """Note who is there and what the leading hand shows."""
        t_s, hand = intent.t_s, intent.hand
        if intent.present:
            anew = state.entered_s is None or t_s - state.present_s > self.settings.absence_s
            state = replace(state, present_s=t_s, entered_s=t_s if anew else state.entered_s)
        if hand is None:
            return state
        if hand.track != state.track:
            state = replace(state, track=hand.track, samples=(), rings={})
        recent = [old for old in state.samples if old.t_s > t_s - self.settings.median_s + EPSILON_S]
        recent.append(sample(hand, t_s - elapsed_s, t_s))
        return replace(state, samples=tuple(recent[-MAX_SAMPLES:]))

    def _medians(self, state: DecisionState, intent: Intent) -> dict[str, float]:
        """Return the median probability by name of the leading hand, nothing when there is none."""
        return medians_since(intent.t_s - self.settings.median_s, state.samples) if intent.hand is not None else {}

    def _read(self, state: DecisionState, medians: Mapping[str, float]) -> str | None:
        """Return the gesture that this frame speaks for: open holds need less than new ones."""
        likely = {
            gesture: medians[gesture]
            for gesture in GESTURES
            if medians and medians[gesture] >= (self.leave if self._open(state, gesture) else self.enter)
        }
        return max(likely, key=lambda gesture: likely[gesture]) if likely else None

    def _open(self, state: DecisionState, gesture: str) -> bool:
        return gesture in state.rings or gesture == state.spoken

    def _release(self, state: DecisionState, t_s: float, medians: Mapping[str, float]) -> DecisionState:
        """Forget the spoken gesture once it has been away for ``release_s``."""
        if state.spoken is None:
            return state
        if medians.get(state.spoken, -1.0) >= self.leave:
            return replace(state, away_s=None)
        away_s = t_s if state.away_s is None else state.away_s
        if t_s - away_s >= self.settings.release_s - EPSILON_S:
            return replace(state, spoken=None, away_s=None)
        return replace(state, away_s=away_s)

    def _fill(self, state: DecisionState, intent: Intent, read: str | None, elapsed_s: float) -> dict[str, Ring]:
        """Fill the ring of the gesture that is read, empty the others, drop those that were not read for too long."""
        t_s = intent.t_s
        rings: dict[str, Ring] = {}
        for gesture, ring in state.rings.items():
            filled_s = ring.filled_s if intent.hand is None else ring.filled_s - elapsed_s
            if gesture != read and filled_s >= 0 and t_s - ring.read_s <= self.settings.dropout_s + EPSILON_S:
                rings[gesture] = replace(ring, filled_s=filled_s)
        if read is not None and read != state.spoken and (not state.paused or self._resumes(read)):
            before = state.rings.get(read)
            filled_s = 0.0 if before is None else min(before.filled_s + elapsed_s, self.hold_s(read))
            rings[read] = Ring(filled_s, t_s)
        return rings

    def _resumes(self, gesture: str) -> bool:
        return gesture in self.pause_gestures and self.settings.resume == "gesture"

    def _obstacle(self, state: DecisionState, t_s: float, gesture: str) -> str | None:
        """Return why a gesture that is read does not fire now, or None."""
        if state.paused and not self._resumes(gesture):
            return "paused"
        if gesture == state.spoken:
            return "release first"
        if state.rings[gesture].filled_s < self.hold_s(gesture) - EPSILON_S:
            return f"hold on: {gesture}"
        if state.entered_s is None or t_s - state.entered_s < self.settings.entry_grace_s - EPSILON_S:
            return "someone just came in"
        fired_s = state.fired_s.get(gesture)
        if fired_s is not None and t_s - fired_s < self.cooldown_s(gesture) - EPSILON_S:
            return "just said"
        return None

    def _fire(
        self, state: DecisionState, t_s: float, gesture: str, probability: float
    ) -> tuple[DecisionState, Decision]:
        paused = gesture in self.pause_gestures and not state.paused
        state = replace(
            state, rings={}, spoken=gesture, away_s=None, fired_s={**state.fired_s, gesture: t_s}, paused=paused
        )
        return state, Decision(t_s, "paused" if paused else "spoken", gesture, probability, 1.0, True, None)

    def _abstain(self, state: DecisionState, t_s: float, medians: Mapping[str, float], reason: str | None) -> Decision:
        """Return the decision that says nothing in this frame."""
        gesture, progress = self._fullest(state)
        phase: Phase = "watching" if gesture is None else "holding"
        if gesture is None and state.spoken is not None:
            phase, gesture, progress = "spoken", state.spoken, 1.0
        if state.paused:
            phase = "paused"
            reason = reason if gesture in state.rings else "paused"
        probability = 0.0 if gesture is None else medians.get(gesture, 0.0)
        return Decision(t_s, phase, gesture, probability, progress, False, reason)

    def _fullest(self, state: DecisionState) -> tuple[str | None, float]:
        """Return the gesture whose ring is fullest, and how full it is, 0..1."""
        progress = {gesture: min(1.0, ring.filled_s / self.hold_s(gesture)) for gesture, ring in state.rings.items()}
        if not progress:
            return None, 0.0
        gesture = max(progress, key=lambda name: progress[name])
        return gesture, progress[gesture]
