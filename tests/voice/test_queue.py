"""The order in which phrases are said."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assistive.settings import VoiceSettings
from assistive.types import Utterance
from assistive.voice.queue import SpeechQueue, Waiting


def phrase(text: str, urgent: bool = False) -> Utterance:
    return Utterance(0.0, text, urgent=urgent)


def texts(queue: SpeechQueue, now_s: float = 0.0) -> list[str]:
    said = []
    while (taken := queue.take(now_s)[0]) is not None:
        said.append(taken.utterance.text)
    return said


def test_phrases_are_said_in_the_order_in_which_they_came() -> None:
    queue = SpeechQueue(VoiceSettings())
    for text in "abc":
        assert queue.put(phrase(text), 0.0, None).dropped == ()
    assert texts(queue) == ["a", "b", "c"]


def test_a_full_queue_drops_the_oldest() -> None:
    queue = SpeechQueue(VoiceSettings(queue_length=2))
    verdicts = [queue.put(phrase(text), 0.0, None) for text in "abc"]
    assert [u.text for u in verdicts[2].dropped] == ["a"]
    assert texts(queue) == ["b", "c"]


def test_a_phrase_that_waited_too_long_expires_when_it_would_be_said() -> None:
    queue = SpeechQueue(VoiceSettings(max_age_s=4))
    queue.put(phrase("old"), 0.0, None)
    queue.put(phrase("new"), 3.0, None)
    taken, expired = queue.take(4.1)
    assert taken is not None and taken.utterance.text == "new"
    assert [u.text for u in expired] == ["old"]


def test_a_phrase_of_just_the_greatest_age_is_said() -> None:
    queue = SpeechQueue(VoiceSettings(max_age_s=4))
    queue.put(phrase("a"), 0.0, None)
    assert texts(queue, 4.0) == ["a"]


def test_for_a_file_nothing_is_too_old_or_too_many() -> None:
    queue = SpeechQueue(VoiceSettings(queue_length=1, max_age_s=0), live=False)
    for text in "abcdef":
        queue.put(phrase(text), 0.0, None)
    assert texts(queue, 1000.0) == list("abcdef")


def test_interrupt_cuts_what_is_spoken_and_forgets_what_waits() -> None:
    queue = SpeechQueue(VoiceSettings(policy="interrupt"))
    queue.put(phrase("a"), 0.0, None)
    verdict = queue.put(phrase("b"), 0.0, phrase("spoken"))
    assert verdict.cut and [u.text for u in verdict.dropped] == ["a"]
    assert texts(queue) == ["b"]


def test_interrupt_lets_an_urgent_phrase_finish() -> None:
    queue = SpeechQueue(VoiceSettings(policy="interrupt"))
    assert not queue.put(phrase("a"), 0.0, phrase("help", urgent=True)).cut


def test_ignore_drops_what_comes_while_something_is_spoken() -> None:
    queue = SpeechQueue(VoiceSettings(policy="ignore"))
    assert [u.text for u in queue.put(phrase("a"), 0.0, phrase("spoken")).dropped] == ["a"]
    assert len(queue) == 0


def test_urgent_goes_first_whatever_the_policy_and_cuts_what_is_spoken() -> None:
    for policy in ("queue", "interrupt", "ignore"):
        queue = SpeechQueue(VoiceSettings(policy=policy))
        queue.put(phrase("a"), 0.0, None)
        verdict = queue.put(phrase("help", urgent=True), 0.0, phrase("spoken"))
        assert verdict.cut
        assert texts(queue)[0] == "help"


def test_what_could_not_be_said_goes_back_to_the_front_with_its_age() -> None:
    queue = SpeechQueue(VoiceSettings(max_age_s=4))
    queue.put(phrase("a"), 0.0, None)
    queue.put(phrase("b"), 0.0, None)
    taken, _ = queue.take(0.0)
    assert taken is not None
    queue.put_back(taken)
    assert queue.take(1.0)[0] == Waiting(phrase("a"), 0.0)


actions = st.lists(
    st.tuples(st.floats(0, 3), st.booleans(), st.booleans(), st.booleans()), max_size=40
)  # seconds passed, urgent, take one first, something is being spoken
policies = st.sampled_from(["queue", "interrupt", "ignore"])


@given(actions, policies, st.integers(1, 4), st.floats(0, 5), st.booleans())
def test_every_phrase_is_said_dropped_or_expired_exactly_once(
    steps: list[tuple[float, bool, bool, bool]], policy: str, length: int, max_age_s: float, live: bool
) -> None:
    settings = VoiceSettings(policy=policy, queue_length=length, max_age_s=max_age_s)
    queue = SpeechQueue(settings, live)
    now_s, came, said, lost = 0.0, [], [], []
    for number, (passed_s, urgent, take_first, busy) in enumerate(steps):
        now_s += passed_s
        if take_first:
            taken, expired = queue.take(now_s)
            lost += expired
            if taken is not None:
                said.append(taken.utterance)
                assert taken.utterance.urgent or not live or now_s - taken.since_s <= max_age_s
        came.append(phrase(str(number), urgent))
        lost += queue.put(came[-1], now_s, phrase("spoken") if busy else None).dropped
    while True:
        taken, expired = queue.take(now_s)
        lost += expired
        if taken is None:
            break
        said.append(taken.utterance)
    assert sorted(u.text for u in said + lost) == sorted(u.text for u in came)
    assert not any(u.urgent for u in lost)
    if not live and policy == "queue":
        assert not lost


@given(st.lists(st.booleans(), max_size=20), st.integers(1, 5))
def test_no_more_ordinary_phrases_wait_than_the_settings_allow(urgents: list[bool], length: int) -> None:
    queue = SpeechQueue(VoiceSettings(queue_length=length))
    for urgent in urgents:
        queue.put(phrase("x", urgent), 0.0, None)
        assert len(queue) - sum(urgents) <= length
