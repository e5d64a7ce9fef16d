"""Turn a decision into what is said or done about it."""

from __future__ import annotations

from assistive.language.vocabulary import Vocabulary
from assistive.types import Decision, Utterance


def compose(decision: Decision, vocabulary: Vocabulary, decided_s: float) -> tuple[Utterance | None, str | None]:
    """Say the phrase of a gesture that fired, or name the action of its role.

    Args:
        decision: of one frame.
        vocabulary: what the gestures mean.
        decided_s: ``time.perf_counter()`` at the decision.

    Returns:
        The utterance, or the action ("pause", "resume", "repeat", "stop_speaking"), or neither if nothing fired. The
        pause gesture gives "resume" when it has ended a pause.
    """
    if not decision.fired or decision.gesture is None:
        return None, None
    role = vocabulary.role_of(decision.gesture)
    if role == "pause":
        return None, "pause" if decision.phase == "paused" else "resume"
    if role in ("repeat", "stop_speaking"):
        return None, role
    return (
        Utterance(
            t_s=decision.t_s,
            text=vocabulary.phrases[decision.gesture],
            gesture=decision.gesture,
            confidence=decision.probability,
            urgent=role == "emergency",
            decided_s=decided_s,
        ),
        None,
    )
