"""The balance and the times of `--once`."""

from datetime import UTC, datetime, timedelta

import pytest

from zodra_sim.demo.telling.account import Account, LogLine, Need, Step
from zodra_sim.demo.telling.report import (
    Done,
    add_presses,
    read_balance,
    times_table,
)

T0 = datetime(2026, 11, 22, 12, tzinfo=UTC)


def at(ms: int) -> datetime:
    return T0 + timedelta(milliseconds=ms)


def test_a_balance_that_adds_up_says_so_in_words() -> None:
    marks = {"data-household": "hh", "data-needs": "5", "data-ordered": "3", "data-asked": "1"}
    balance = read_balance(marks | {"data-refused": "1", "data-expired": "0", "data-pending": "0"})
    assert balance.adds_up
    assert balance.text("en") == "5 needs = 3 ordered + 1 asked + 1 refused + 0 expired + 0 pending"


def test_a_need_in_no_place_shows() -> None:
    marks = dict.fromkeys(
        ["data-ordered", "data-asked", "data-refused", "data-expired", "data-pending"], "0"
    )
    assert not read_balance(marks | {"data-household": "hh", "data-needs": "1"}).adds_up


def test_a_row_without_its_words_is_a_fault() -> None:
    with pytest.raises(KeyError):
        read_balance({"data-household": "hh"})


def test_a_need_belongs_to_the_last_press_before_it_was_heard() -> None:
    needs = [
        Need("p_1", "btn", steps={Step.HEARD: at(120)}),
        Need("p_2", "btn", steps={Step.HEARD: at(990)}),
        Need("p_3", "baby"),
    ]
    done = [Done("btn", at(100)), Done("btn", at(900)), Done("strap", at(950))]
    add_presses(needs, done)
    assert [need.steps.get(Step.PRESSED) for need in needs] == [at(100), at(900), None]


def test_times_are_from_each_step_to_the_next_that_was_reached() -> None:
    need = Need("p_1", "btn-kitchen", state="already_on_its_way")
    need.steps = {
        Step.PRESSED: at(0),
        Step.HEARD: at(12),
        Step.KEPT: at(15),
        Step.RECEIVED: at(1515),
    }
    heads, rows = times_table([need], "en")
    assert heads[1] == "→ heard"
    assert rows == [
        ["the button in the kitchen", "12", "3.0", "1,500", "", "", "", "already on its way"]
    ]


def test_the_account_names_the_device_of_a_need_that_another_part_speaks_of() -> None:
    account = Account("en")
    kept = {"signal_id": "p_1", "device_id": "btn-kitchen", "kind": "press"}
    kept["occurred_at"] = "2026-11-22T12:00:00Z"
    said = account.hear(LogLine("edge", "need_kept", at(5), kept))
    assert said is not None
    assert said.text == (
        "The gateway heard the button in the kitchen (a press) and has kept the need on disk."
    )
    moved = {"signal_id": "p_1", "state": "already_on_its_way"}
    said = account.hear(LogLine("cloud", "need_moved", at(9), moved))
    assert said is not None
    assert "the button in the kitchen" in said.text
    need = account.ledger.needs["p_1"]
    assert need.steps == {Step.HEARD: at(0), Step.KEPT: at(5)}
    assert need.state == "already_on_its_way"


def test_a_line_of_no_interest_says_nothing() -> None:
    assert Account("en").hear(LogLine("edge", "something_else", at(0), {})) is None
