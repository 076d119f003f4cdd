"""The home's file."""

import sqlite3
from pathlib import Path

import pytest

from zodra_sim.errors import StoreError
from zodra_sim.household.repository import LIGHTS_PER_DEVICE_MAX, Light, Store, Truth

AT = "2026-11-22T06:00:00.000Z"


def light(signal_id: str, state: str = "kept") -> Light:
    return Light(signal_id, "btn-1", "button-1", state, "", AT, "gw-1")


def test_what_is_remembered_is_there_after_opening_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "home.db")
    store.save("btn-1", '{"counter":1}', [Truth(AT, "btn-1", "press", {"counter": 1})])
    store.save("btn-1", '{"counter":2}', [Truth(AT, "btn-1", "press", {"counter": 2})])
    store.close()
    store = Store(tmp_path / "home.db")
    assert store.memory("btn-1") == '{"counter":2}'
    assert store.memory("btn-2") is None
    assert [(n, one.detail["counter"]) for n, one in store.truths(0)] == [(1, 1), (2, 2)]
    assert [n for n, _ in store.truths(1)] == [2]
    store.close()


def test_only_the_newest_needs_are_shown_and_only_their_last_word(tmp_path: Path) -> None:
    store = Store(tmp_path / "home.db")
    for number in range(LIGHTS_PER_DEVICE_MAX + 3):
        store.show(light(f"p_{number}"))
    store.show(light("p_5", "ordered"))
    shown = store.lights("btn-1")
    assert [one.signal_id for one in shown] == [f"p_{number}" for number in range(12, 2, -1)]
    assert [one.state for one in shown if one.signal_id == "p_5"] == ["ordered"]
    store.close()


def test_a_link_works_once_and_not_for_ever(tmp_path: Path) -> None:
    store = Store(tmp_path / "home.db")
    store.add_link("a", now_ms=0, expires_ms=100)
    store.add_link("b", now_ms=0, expires_ms=100)
    assert store.use_link("a", now_ms=99)
    assert not store.use_link("a", now_ms=99)
    assert not store.use_link("b", now_ms=100)
    assert not store.use_link("c", now_ms=0)
    store.close()


def test_another_programs_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "home.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE diary (day TEXT)")
    other.close()
    with pytest.raises(StoreError, match="is not a home's file of version 1"):
        Store(path)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "home.db"
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 50)
    with pytest.raises(StoreError, match="cannot be used"):
        Store(path)
