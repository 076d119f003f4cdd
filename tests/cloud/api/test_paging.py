"""Lists in pages: every one once, also while more come in, and no page without an end."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_home import ApiHome, Caller, problem
from cloud_builders import FakeClock
from zodra_cloud.api.paging import read_cursor, write_cursor
from zodra_cloud.api.problems import Problem
from zodra_cloud.store.types import EPOCH


def walk(caller: Caller, path: str, limit: int) -> list[str]:
    found: list[str] = []
    cursor = None
    for _ in range(20):
        query = f"?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
        page = caller.see(f"{path}{query}")
        assert len(page["items"]) <= limit
        found += [each.get("signal_id") for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found
    raise AssertionError("pages without end")


def test_every_need_is_in_exactly_one_page(home: ApiHome, caller: Caller, clock: FakeClock) -> None:
    made = []
    for number in range(7):
        # Pairs of the same instant: the id decides between them.
        clock.advance(60 * (number % 2))
        made.append(home.press())
    for limit in (1, 2, 3, 7, 100):
        found = walk(caller, "/needs", limit)
        assert sorted(found) == sorted(made)
        assert len(found) == len(set(found))
    first = caller.see("/needs?limit=3")
    home.press()
    rest = caller.see(f"/needs?limit=100&cursor={first['next_cursor']}")
    seen = [each["signal_id"] for each in first["items"] + rest["items"]]
    assert sorted(seen) == sorted(made), "what came later belongs to no page that follows"
    assert len(caller.see("/quotes")["items"]) == len(walk(caller, "/quotes", 1)) == 1
    assert walk(caller, "/orders", 1) == []


def test_a_limit_is_bounded(caller: Caller) -> None:
    for limit in ("0", "-1", "101", "x", "1e9", ""):
        refused = caller.get(f"/api/v1/needs?limit={limit}")
        assert problem(refused)[:2] == (422, "invalid_request"), limit


def test_a_cursor_of_another_list_is_refused(home: ApiHome, caller: Caller) -> None:
    for _ in range(2):
        home.press()
    cursor = caller.see("/needs?limit=1")["next_cursor"]
    refused = caller.get(f"/api/v1/orders?cursor={cursor}")
    assert problem(refused)[1] == "invalid_request"
    assert refused.json()["errors"][0]["field"] == "cursor"


@given(st.text(alphabet="ABCDEFabcdef0123456789_-", max_size=80))
def test_a_cursor_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Problem):
        read_cursor("needs", text)


@given(
    st.integers(0, 7_000_000_000_000_000),
    st.text(alphabet="ABab09_-", min_size=1, max_size=64),
)
def test_a_cursor_reads_as_it_was_written(since_us: int, name: str) -> None:
    instant = EPOCH + timedelta(microseconds=since_us)
    read = read_cursor("needs", write_cursor("needs", (instant, name)))
    assert read is not None
    assert read[1] == name
    assert timedelta(0) <= instant - read[0] < timedelta(milliseconds=1)
