"""Withdrawal through the API: two steps, the literal words, once, and nobody else's."""

from typing import Any

import pytest

from api_home import ApiHome, Caller, problem
from cloud_builders import FakeClock
from zodra_cloud.law.listening import Listener
from zodra_cloud.law.rules import Rules
from zodra_cloud.merchants.port import ShopOrderState

WORDS = {"en": "confirm withdrawal", "nl": "herroeping bevestigen"}


@pytest.fixture
def delivered(home: ApiHome, caller: Caller) -> str:
    """The path of the withdrawal of an order of two that has been delivered."""
    Listener(Rules(), home.changes).register(home.database)
    caller.do("/slots/btn-kitchen/button-1", {"quantity": 2}, if_match="*")
    signal_id = home.press()
    quote_id = caller.see(f"/needs/{signal_id}")["quote_id"]
    quote = caller.see(f"/quotes/{quote_id}")
    said = {"label": quote["labels"]["en"], "language": "en"}
    done = caller.do(
        f"/quotes/{quote_id}/confirm", {"snapshot_hash": quote["snapshot_hash"], **said}
    )
    home.work()
    home.deliver(ShopOrderState.DELIVERED)
    return f"/orders/{done.json()['order_key']}/withdrawal"


def yes(shown: dict[str, Any], quantity: int = 1, language: str = "nl") -> dict[str, Any]:
    return {
        "quantity": quantity,
        "withdrawn": shown["withdrawn"],
        "label": shown["labels"][language],
        "language": language,
    }


def test_a_part_is_withdrawn_from_then_the_rest(caller: Caller, delivered: str) -> None:
    first = caller.see(delivered)
    assert (first["left"], first["withdrawn"], first["not_possible"]) == (2, 0, None)
    assert (first["labels"], first["days"]) == (WORDS, 14)
    assert first["ends_at"] is not None
    made = caller.do(delivered, yes(first), key="w")
    assert made.status_code == 200, made.text
    declared = made.json()
    assert (declared["number"], declared["quantity"]) == (1, 1)
    assert declared["refund"]["amount_minor"] > 0
    assert caller.do(delivered, yes(first), key="w").content == made.content
    second = caller.see(delivered)
    assert (second["left"], second["withdrawn"]) == (1, 1)
    assert [each["number"] for each in second["withdrawals"]] == [1]
    assert caller.do(delivered, yes(second)).json()["number"] == 2
    over = caller.see(delivered)
    assert (over["not_possible"], over["labels"]) == ("all_withdrawn", None)
    sent = caller.do(delivered.replace("withdrawal", "sent-back"))
    assert sent.json()["taken"]
    assert {each["state"] for each in sent.json()["withdrawals"]} == {"refund_due"}
    assert not caller.do(delivered.replace("withdrawal", "sent-back")).json()["taken"]


def test_what_is_no_declaration_declares_nothing(caller: Caller, delivered: str) -> None:
    shown = caller.see(delivered)
    for wrong, said, field in (
        ({"label": "Yes"}, (422, "wrong_label", "correct"), "label"),
        ({"language": "en"}, (422, "wrong_label", "correct"), "label"),
        ({"quantity": 3}, (409, "withdrawal_refused", "read_again"), "quantity"),
        ({"withdrawn": 1}, (412, "changed_meanwhile", "read_again"), "withdrawn"),
    ):
        refused = caller.do(delivered, {**yes(shown), **wrong})
        assert problem(refused) == said, wrong
        assert refused.json()["errors"][0]["field"] == field
    assert caller.see(delivered) == shown


def test_after_the_period_there_is_nothing_to_withdraw_from(
    home: ApiHome, caller: Caller, delivered: str, clock: FakeClock
) -> None:
    shown = caller.see(delivered)
    clock.advance(500 * 86_400)
    late = home.caller()  # the token of before has ended too
    assert late.see(delivered)["not_possible"] == "period_over"
    refused = late.do(delivered, yes(shown))
    assert problem(refused)[1] == "withdrawal_refused"
    assert refused.json()["errors"][0]["rule"] == "period_over"


def test_another_household_withdraws_from_nothing(
    home: ApiHome, caller: Caller, delivered: str, clock: FakeClock
) -> None:
    shown = caller.see(delivered)
    other = ApiHome(home.database, clock, household_id="hh-other", gateway_id="gw-other")
    stranger = other.caller()
    for answer in (
        stranger.get(f"/api/v1{delivered}"),
        stranger.do(delivered, yes(shown)),
        stranger.do(delivered.replace("withdrawal", "sent-back")),
    ):
        assert problem(answer)[:2] == (404, "not_found")
    assert caller.see(delivered) == shown


def test_a_quantity_that_cannot_be_names_the_range(caller: Caller, delivered: str) -> None:
    refused = caller.do(delivered, yes(caller.see(delivered), quantity=3))
    assert problem(refused) == (409, "withdrawal_refused", "read_again")
    (error,) = refused.json()["errors"]
    assert (error["field"], error["rule"]) == (
        "quantity",
        "bad_quantity: a whole number from 1 to `left`",
    )
