"""Limits of slots: nobody's change is lost, and what cannot be is refused by field and rule."""

from api_home import ApiHome, Caller, problem
from zodra_contract.signal import SignalKind

SLOT = "/slots/btn-kitchen/button-1"


def etag(caller: Caller) -> str:
    return str(caller.get(f"/api/v1{SLOT}").headers["etag"])


def test_limits_change_and_what_is_left_out_stays(caller: Caller) -> None:
    before = caller.see(SLOT)
    wanted = {
        "quantity": 2,
        "price_ceiling_minor": 2_000,
        "quiet_from": "22:00",
        "quiet_to": "07:30",
    }
    changed = caller.do(SLOT, wanted, if_match=etag(caller))
    assert changed.status_code == 200, changed.text
    assert changed.json() == {**before, **wanted} == caller.see(SLOT)
    assert changed.headers["etag"] == etag(caller)
    gone = caller.do(SLOT, {"price_ceiling_minor": None}, if_match=etag(caller))
    assert gone.json() == {**before, **wanted, "price_ceiling_minor": None}


def test_of_two_changes_at_once_the_second_is_told(caller: Caller) -> None:
    read = etag(caller)
    assert caller.do(SLOT, {"quantity": 2}, if_match=read).status_code == 200
    late = caller.do(SLOT, {"quantity": 3}, if_match=read)
    assert problem(late) == (412, "changed_meanwhile", "read_again")
    assert caller.see(SLOT)["quantity"] == 2
    assert caller.do(SLOT, {"quantity": 3}, if_match=etag(caller)).json()["quantity"] == 3


def test_a_change_needs_to_say_what_it_changes(caller: Caller) -> None:
    answer = caller.patch(f"/api/v1{SLOT}", json={"quantity": 2}, headers={"idempotency-key": "k"})
    assert problem(answer) == (428, "if_match_missing", "read_again")


def test_a_repeat_of_a_change_that_went_through_gets_its_answer(caller: Caller) -> None:
    read = etag(caller)
    first = caller.do(SLOT, {"quantity": 2}, key="a", if_match=read)
    again = caller.do(SLOT, {"quantity": 2}, key="a", if_match=read)
    assert first.content == again.content
    assert again.headers["etag"] == first.headers["etag"]


def test_what_a_slot_cannot_be_is_refused_by_field_and_rule(caller: Caller) -> None:
    for wanted, field in (
        ({"quiet_from": "22:00"}, "quiet_to"),
        ({"press_devices": ["btn-kitchen"]}, "press_devices"),
        ({"may_press": "confirmed_person", "press_devices": ["btn-other"]}, "press_devices"),
        ({"call_off": True}, "call_off"),
        ({"reorder_units": 4}, "reorder_units"),
        ({"confirmers": ["u-other"]}, "confirmers"),
    ):
        refused = caller.do(SLOT, wanted, if_match="*")
        assert problem(refused) == (422, "slot_rule", "correct"), wanted
        (error,) = refused.json()["errors"]
        assert (error["place"], error["field"]) == ("body", field)
        assert error["rule"]
    nothing = caller.do(SLOT, {"quantity": None}, if_match="*")
    assert problem(nothing)[1] == "invalid_request"
    assert nothing.json()["errors"][0]["field"] == "quantity"


def test_who_may_not_say_yes_may_not_change_who_may(home: ApiHome, caller: Caller) -> None:
    """Otherwise they would name themselves first."""
    me = home.token()[1].person_id
    assert caller.do(SLOT, {"confirmers": [me]}, if_match="*").status_code == 200
    guest = home.caller(person_id="u-guest")
    refused = guest.do(SLOT, {"confirmers": []}, if_match="*")
    assert problem(refused) == (403, "may_not_confirm", "ask_person")
    assert caller.see(SLOT)["confirmers"] == [me]


def test_a_forecast_says_how_sure_it_is(caller: Caller) -> None:
    told = caller.see(f"{SLOT}/forecast")
    days = [told["days"][level] for level in sorted(told["days"])]
    assert days == sorted(days)
    assert set(told["needed_within"]) == {"7", "14", "30", "60", "90"}
    assert told["state"] == "cold"
    counted = caller.do(f"{SLOT}/count", {"units": 3})
    assert problem(counted)[1] == "slot_rule", "a press slot counts nothing"


def test_devices_and_gateways_say_how_they_are(home: ApiHome, caller: Caller) -> None:
    home.press()
    devices = caller.see("/devices")
    kitchen = next(each for each in devices if each["device_id"] == "btn-kitchen")
    assert kitchen["slots"] == ["button-1"]
    assert kitchen["last_heard_at"] is not None
    assert caller.see("/devices/btn-kitchen") == kitchen
    home.health()
    (gateway,) = caller.see("/gateways")
    assert gateway["state"] == "online"
    home.refuse_something()
    (gateway,) = caller.see("/gateways")
    assert (gateway["state"], gateway["measure"]) == ("refusing", "refused_age_s")


BINDING = {
    "sku": "paper-towels-6",
    "quantity": 2,
    "price_ceiling_minor": 2_000,
    "spend_cap_minor": 5_000,
    "cooldown_s": 86_400,
    "staleness_limit_s": 3_600,
    "quiet_from": "22:00",
    "quiet_to": "07:00",
    "may_press": "confirmed_person",
    "press_devices": ["btn-kitchen"],
}


def test_a_slot_is_bound_with_all_its_limits_and_unbound(caller: Caller) -> None:
    before = caller.see(SLOT)
    bound = caller.do(SLOT, BINDING, method="PUT", key="b", if_match=etag(caller))
    assert bound.status_code == 200, bound.text
    assert {name: bound.json()[name] for name in BINDING} == BINDING
    assert bound.json() == caller.see(SLOT)
    again = caller.do(SLOT, BINDING, method="PUT", key="b", if_match=etag(caller))
    assert problem(again)[1] == "idempotency_key_reused", "the etag is part of what was asked"
    gone = caller.do(SLOT, {"sku": None}, method="PUT", if_match=bound.headers["etag"])
    assert gone.json()["sku"] is None
    assert gone.json()["spend_cap_minor"] is None
    assert gone.json()["metering"] == before["metering"]


def test_a_new_slot_of_a_device_is_made_by_its_binding(home: ApiHome, caller: Caller) -> None:
    new = "/slots/btn-kitchen/button-9"
    late = caller.do(new, BINDING, method="PUT", if_match="*")
    assert problem(late) == (412, "changed_meanwhile", "read_again"), "there is none to match"
    made = caller.do(new, BINDING, method="PUT", key="n", if_none_match="*")
    assert made.status_code == 200, made.text
    assert caller.see(new) == made.json()
    assert caller.do(new, BINDING, method="PUT", key="n", if_none_match="*").content == made.content
    twice = caller.do(new, BINDING, method="PUT", if_none_match="*")
    assert problem(twice) == (412, "changed_meanwhile", "read_again")
    neither = caller.do(new, BINDING, method="PUT")
    assert problem(neither) == (428, "if_match_missing", "read_again")
    home.need("btn-kitchen", "button-9", SignalKind.PRESS, {})
    assert {each["slot_key"] for each in caller.see("/needs")["items"]} == {"button-9"}


def test_a_binding_that_cannot_be_binds_nothing(home: ApiHome, caller: Caller) -> None:
    before = caller.see(SLOT)
    for wrong, field in (
        ({"press_devices": ["btn-other"]}, "press_devices"),
        ({"quiet_to": None}, "quiet_to"),
        ({"call_off": True}, "call_off"),
        ({"unit": "sheets"}, "unit"),
    ):
        refused = caller.do(SLOT, {**BINDING, **wrong}, method="PUT", if_match="*")
        assert problem(refused) == (422, "slot_rule", "correct"), wrong
        assert refused.json()["errors"][0]["field"] == field
    nowhere = caller.do("/slots/btn-other/button-1", BINDING, method="PUT", if_none_match="*")
    assert problem(nowhere)[1] == "not_found"
    me = home.token()[1].person_id
    caller.do(SLOT, {"confirmers": [me]}, if_match="*")
    guest = home.caller(person_id="u-guest")
    refused = guest.do(SLOT, BINDING, method="PUT", if_match="*")
    assert problem(refused) == (403, "may_not_confirm", "ask_person")
    assert caller.see(SLOT) == {**before, "confirmers": [me]}
