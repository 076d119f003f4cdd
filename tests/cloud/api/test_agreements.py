"""Standing agreements through the API: shown, concluded under a labelled yes, ended, obeyed."""

from typing import Any

import pytest

from api_home import ApiHome, Caller, problem
from cloud_builders import FakeClock
from zodra_cloud.api import surface
from zodra_cloud.replenish.service import AGREEMENT_LABELS

SLOT = "/slots/btn-kitchen/button-1"
NUMBERS = {"orders_max": 2, "window_days": 30, "notice_s": 3_600}
ASKED = f"{SLOT}/agreement?orders_max=2&window_days=30&notice_s=3600"


@pytest.fixture
def allowed(home: ApiHome) -> Caller:
    """Where the market lets a press order, and the household lets this slot."""
    caller = home.caller(app=surface.create(home.works(call_off_allowed=True)))
    limits = {"call_off": True, "price_ceiling_minor": 2_000}
    assert caller.do(SLOT, limits, if_match="*").status_code == 200
    return caller


def yes(offer: dict[str, Any]) -> dict[str, Any]:
    return {
        **NUMBERS,
        "terms_hash": offer["terms_hash"],
        "label": offer["labels"]["en"],
        "language": "en",
    }


def test_an_agreement_is_shown_concluded_and_ended(allowed: Caller) -> None:
    offer = allowed.see(ASKED)
    assert offer["labels"] == AGREEMENT_LABELS
    assert offer["terms"]["price_ceiling_minor"] == 2_000
    made = allowed.do(f"{SLOT}/agreement", yes(offer), key="a")
    assert made.status_code == 200, made.text
    stands = made.json()
    assert (stands["state"], stands["label"]) == ("live", AGREEMENT_LABELS["en"])
    assert stands["terms"] == offer["terms"]
    assert allowed.do(f"{SLOT}/agreement", yes(offer), key="a").content == made.content
    assert allowed.see("/agreements") == [stands]
    path = f"/agreements/{stands['agreement_id']}"
    ended = allowed.do(f"{path}/end")
    assert ended.json()["state"] == "ended"
    assert ended.json()["ended_by"] == stands["concluded_by"]
    assert allowed.do(f"{path}/end").json() == ended.json() == allowed.see(path)


def test_a_yes_to_something_else_agrees_to_nothing(allowed: Caller) -> None:
    offer = allowed.see(ASKED)
    for wrong, said in (
        ({"terms_hash": "0" * 64}, (409, "quote_changed", "read_again")),
        ({"orders_max": 3}, (409, "quote_changed", "read_again")),
        ({"label": "Yes"}, (422, "wrong_label", "correct")),
        ({"language": "nl"}, (422, "wrong_label", "correct")),
    ):
        refused = allowed.do(f"{SLOT}/agreement", {**yes(offer), **wrong})
        assert problem(refused) == said, wrong
    assert allowed.see("/agreements") == []
    allowed.do(f"{SLOT}/agreement", yes(offer))
    second = allowed.see(f"{SLOT}/agreement?orders_max=5&window_days=30")
    body = {**yes(second), "orders_max": 5, "notice_s": 0}
    refused = allowed.do(f"{SLOT}/agreement", body)
    assert problem(refused) == (409, "agreement_refused", "read_again")
    assert refused.json()["errors"][0]["rule"] == "already_concluded"


def test_where_the_market_does_not_allow_it_there_is_none(
    allowed: Caller, home: ApiHome, caller: Caller
) -> None:
    offer = allowed.see(ASKED)
    assert problem(caller.get(f"/api/v1{ASKED}")) == (403, "call_off_not_allowed", "stop")
    refused = caller.do(f"{SLOT}/agreement", yes(offer))
    assert problem(refused)[1] == "call_off_not_allowed"
    allowed.do(SLOT, {"call_off": False}, if_match="*")
    off = allowed.get(f"/api/v1{ASKED}")
    assert (problem(off)[1], off.json()["errors"][0]["rule"]) == ("agreement_refused", "slot_off")


def test_another_household_neither_sees_nor_ends_it(
    allowed: Caller, home: ApiHome, clock: FakeClock
) -> None:
    offer = allowed.see(ASKED)
    name = allowed.do(f"{SLOT}/agreement", yes(offer)).json()["agreement_id"]
    other = ApiHome(home.database, clock, household_id="hh-other", gateway_id="gw-other")
    stranger = other.caller(app=surface.create(other.works(call_off_allowed=True)))
    assert stranger.see("/agreements") == []
    for answer in (
        stranger.get(f"/api/v1/agreements/{name}"),
        stranger.do(f"/agreements/{name}/end"),
        stranger.get(f"/api/v1{ASKED}"),
        stranger.do(f"{SLOT}/agreement", yes(offer)),
    ):
        assert problem(answer)[:2] == (404, "not_found")
    assert allowed.see(f"/agreements/{name}")["state"] == "live"
