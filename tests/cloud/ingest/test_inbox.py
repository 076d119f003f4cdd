"""A full inbox holds its producer up; nothing is dropped."""

import threading

import pytest

from cloud_messages import delivery, need, needs, reading, telemetry
from zodra_cloud.ingest.consumer import Inbox, Waiting
from zodra_cloud.ingest.reader import Reader


def waiting(rows: int) -> Waiting:
    batch = telemetry(*(reading(n) for n in range(1, rows + 1)))
    return Waiting(Reader().read(delivery(batch)), (1, 1, 1))


@pytest.mark.parametrize(
    ("messages_max", "rows_max"), [(2, 1_000), (1_000, 20)], ids=["messages", "rows"]
)
def test_the_producer_waits_for_room(messages_max: int, rows_max: int) -> None:
    inbox = Inbox(messages_max, rows_max)
    put: list[int] = []

    def produce() -> None:
        for number in range(6):
            assert inbox.put(waiting(10))
            put.append(number)

    thread = threading.Thread(target=produce)
    thread.start()
    thread.join(0.1)
    assert put == [0, 1]
    taken = 0
    while taken < 6:
        taken += len(inbox.take(10))
        assert len(inbox) <= 2
    thread.join(5)
    assert put == list(range(6))


def test_one_message_alone_always_fits() -> None:
    inbox = Inbox(10, 5)
    assert inbox.put(waiting(50))
    assert len(inbox.take(5)) == 1


def test_what_is_taken_is_about_one_commit() -> None:
    inbox = Inbox(100, 1_000)
    for _ in range(10):
        inbox.put(waiting(10))
    assert len(inbox.take(25)) == 3
    assert len(inbox.take(1_000)) == 7


def test_how_full_it_is_counts_messages_and_rows() -> None:
    inbox = Inbox(4, 100)
    assert inbox.used == 0
    inbox.put(waiting(10))
    assert inbox.used == 0.25
    inbox.put(waiting(80))
    assert inbox.used == 0.9
    inbox.take(1)
    assert inbox.used == 0.8
    alone = Inbox(4, 100)
    alone.put(waiting(1_000))
    assert alone.used == 1


def test_closing_lets_everyone_go() -> None:
    inbox = Inbox(1, 10)
    inbox.put(Waiting(Reader().read(delivery(needs(need(1)))), (1, 1, 1)))
    results: list[object] = []
    blocked = threading.Thread(target=lambda: results.append(inbox.put(waiting(1))))
    blocked.start()
    blocked.join(0.05)
    inbox.close()
    blocked.join(5)
    assert results == [False]
    assert inbox.take(1) == []
