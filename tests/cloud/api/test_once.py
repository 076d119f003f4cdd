"""Calls that are repeated: the same answer, and one effect."""

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from api_home import ApiHome, Caller, problem
from cloud_builders import FakeClock
from zodra_cloud.api import policy
from zodra_cloud.api.service import FORGET, Forgetter
from zodra_cloud.replenish import hooks
from zodra_cloud.replenish.models import At, StoredOrder
from zodra_cloud.replenish.states import OrderNews
from zodra_cloud.store import jobs


@pytest.fixture
def quote(home: ApiHome, caller: Caller) -> dict[str, Any]:
    home.press()
    found: dict[str, Any] = caller.see("/quotes")["items"][0]
    return found


def yes(quote: dict[str, Any]) -> dict[str, str]:
    return {
        "snapshot_hash": quote["snapshot_hash"],
        "label": quote["labels"]["en"],
        "language": "en",
    }


def orders(home: ApiHome) -> int:
    with home.database.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM orders")).scalar_one())


def test_a_repeat_gets_the_same_answer(home: ApiHome, caller: Caller, quote: Any) -> None:
    path = f"/quotes/{quote['quote_id']}/confirm"
    first = caller.do(path, yes(quote), key="a")
    assert first.status_code == 200, first.text
    home.work()
    again = caller.do(path, yes(quote), key="a")
    quoted = caller.do(path, dict(reversed(yes(quote).items())), key='"a"')
    assert first.content == again.content == quoted.content
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"]
    assert orders(home) == 1


def test_a_refusal_is_an_answer_too(home: ApiHome, caller: Caller, quote: Any) -> None:
    path = f"/quotes/{quote['quote_id']}/confirm"
    wrong = {**yes(quote), "label": "Send it"}
    first = caller.do(path, wrong, key="a")
    assert problem(first) == (422, "wrong_label", "correct")
    assert caller.do(path, wrong, key="a").content == first.content
    dutch = caller.do(path, wrong, key="a", accept_language="nl")
    assert dutch.headers["content-language"] == "en", "a repeat gets what the first call got"


def test_another_call_with_the_same_key_does_nothing(
    home: ApiHome, caller: Caller, quote: Any
) -> None:
    assert caller.do(f"/quotes/{quote['quote_id']}/decline", key="a").status_code == 200
    for path, body in (
        (f"/quotes/{quote['quote_id']}/answer", {"needed": False}),
        (f"/quotes/{quote['quote_id']}/confirm", yes(quote)),
        ("/orders/o-1/cancel", None),
    ):
        refused = caller.do(path, body, key="a")
        assert problem(refused) == (422, "idempotency_key_reused", "correct"), path
    assert orders(home) == 0


def test_keys_of_two_tokens_do_not_meet(home: ApiHome, caller: Caller, quote: Any) -> None:
    assert caller.do(f"/quotes/{quote['quote_id']}/decline", key="a").status_code == 200
    other = home.caller().do(f"/quotes/{quote['quote_id']}/decline", key="a")
    assert problem(other)[1] == "question_closed"


def test_a_call_without_a_usable_key_does_nothing(caller: Caller, quote: Any) -> None:
    path = f"/api/v1/quotes/{quote['quote_id']}/decline"
    assert problem(caller.post(path))[:2] == (400, "idempotency_key_missing")
    for key in ("", '"', "two words", "x" * 256):
        refused = caller.post(path, headers={"idempotency-key": key})
        assert problem(refused)[:2] == (400, "idempotency_key_invalid"), key
    assert caller.see(f"/quotes/{quote['quote_id']}")["state"] == "open"


def test_two_at_the_same_moment_order_once(home: ApiHome, caller: Caller, quote: Any) -> None:
    """The first is held in the middle of its unit of work while the second arrives."""
    inside, go_on = threading.Event(), threading.Event()

    def hold(connection: Connection, order: StoredOrder, news: OrderNews, at: At) -> None:
        if news is OrderNews.CONFIRMED:
            inside.set()
            assert go_on.wait(30)

    hooks.on_order(home.database, hold)
    path = f"/quotes/{quote['quote_id']}/confirm"
    answers: list[Any] = []
    first = threading.Thread(target=lambda: answers.append(caller.do(path, yes(quote), key="a")))
    first.start()
    try:
        assert inside.wait(30)
        second = caller.do(path, yes(quote), key="a")
    finally:
        go_on.set()
        first.join(30)
    assert problem(second) == (409, "call_in_flight", "wait")
    assert second.headers["retry-after"] == "1"
    assert answers[0].status_code == 200
    assert caller.do(path, yes(quote), key="a").content == answers[0].content
    assert orders(home) == 1


def test_two_services_at_the_same_moment_order_once(home: ApiHome, quote: Any) -> None:
    """Two processes know nothing of each other; the household's unit of work sets them in a row."""
    one, other = home.caller(), home.caller()
    other.headers["authorization"] = one.headers["authorization"]
    for each in (one, other):
        # FastAPI builds a route at the first call that looks at it, silencing warnings meanwhile;
        # two applications in two threads of one process undo each other's silence.
        assert each.do("/quotes/q_nobody/confirm", yes(quote)).status_code == 404
    path, start = f"/quotes/{quote['quote_id']}/confirm", threading.Barrier(2)
    answers: list[Any] = []

    def call(caller: Caller) -> None:
        start.wait(30)
        answers.append(caller.do(path, yes(quote), key="a"))

    threads = [threading.Thread(target=call, args=(each,)) for each in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [each.status_code for each in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert sum("idempotency-replayed" in each.headers for each in answers) == 1
    assert orders(home) == 1


def test_what_faults_keeps_no_answer(home: ApiHome, caller: Caller, quote: Any) -> None:
    broken = [True]

    def fault(connection: Connection, order: StoredOrder, news: OrderNews, at: At) -> None:
        if broken[0]:
            raise RuntimeError("the disk is on fire")

    hooks.on_order(home.database, fault)
    path = f"/quotes/{quote['quote_id']}/confirm"
    first = caller.do(path, yes(quote), key="a")
    assert problem(first) == (500, "fault", "repeat")
    assert "disk" not in first.text
    assert orders(home) == 0
    broken[0] = False
    assert caller.do(path, yes(quote), key="a").status_code == 200
    assert orders(home) == 1


def test_answers_are_kept_for_a_day_and_then_forgotten(
    home: ApiHome, caller: Caller, quote: Any, clock: FakeClock
) -> None:
    path = f"/quotes/{quote['quote_id']}/decline"
    assert caller.do(path, key="a").status_code == 200
    with home.database.write() as connection:
        due = jobs.next_due_at(connection)
        assert due is not None
    clock.advance(23 * 3_600)
    assert caller.do(path, key="a").headers["idempotency-replayed"] == "true"
    clock.advance(3_600)
    late = caller.do(path, key="a")
    assert problem(late)[1] == "question_closed", "after a day it is a new call"
    clock.advance(2 * 86_400)
    with home.database.write() as connection:
        claimed = jobs.claim(connection, owner="t", now=clock.now(), limit=50, lease_s=60)
    for job in claimed:
        if job.kind == FORGET:
            Forgetter(home.database, clock)(job)
    with home.database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM api_answers")).scalar_one() == 0


@given(st.text(max_size=40))
def test_any_header_is_a_key_or_none(header: str) -> None:
    key = policy.read_key(header)
    assert key is None or 1 <= len(key) <= policy.KEY_CHARS_MAX
    if key is not None:
        assert key.isascii()
        assert key.isprintable()


def test_a_key_reads_the_same_quoted_and_bare() -> None:
    assert policy.read_key('"a-b"') == policy.read_key(" a-b ") == "a-b"
    assert policy.read_key('"a\\"b"') == 'a"b'
