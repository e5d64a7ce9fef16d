from __future__ import annotations

import threading
import time

from hypothesis import given
from hypothesis import strategies as st

from assistive.handover import Newest


@given(st.lists(st.booleans(), max_size=60))
def test_only_the_newest_is_handed_out_and_the_rest_is_counted(puts: list[bool]) -> None:
    slot: Newest[int] = Newest()
    taken = []
    for number, put in enumerate(puts):
        if put:
            slot.put(number)
        elif (value := slot.get(0)) is not None:
            assert value == max(n for n, was_put in enumerate(puts[:number]) if was_put)
            taken.append(value)
    left = slot.get(0) is not None
    assert taken == sorted(set(taken))
    assert sum(puts) == len(taken) + slot.dropped + left


def test_get_waits_for_a_value_from_another_thread() -> None:
    slot: Newest[str] = Newest()
    threading.Timer(0.05, slot.put, ("late",)).start()
    assert slot.get(5) == "late"


def test_get_gives_up_in_time() -> None:
    start = time.perf_counter()
    assert Newest[int]().get(0.05) is None
    assert 0.04 < time.perf_counter() - start < 1


def test_nothing_is_lost_or_doubled_between_threads() -> None:
    slot: Newest[int] = Newest()
    taken: list[int] = []
    done = threading.Event()

    def take() -> None:
        while not done.is_set() or (value := slot.get(0)) is not None:
            value = slot.get(0.01)
            if value is not None:
                taken.append(value)

    def put(first: int) -> None:
        for number in range(first, first + 500):
            slot.put(number)

    taker = threading.Thread(target=take)
    taker.start()
    putters = [threading.Thread(target=put, args=(first,)) for first in (0, 1000)]
    for thread in putters:
        thread.start()
    for thread in putters:
        thread.join()
    time.sleep(0.05)
    done.set()
    taker.join()
    assert len(taken) == len(set(taken))
    assert len(taken) + slot.dropped == 1000
