"""Limits of slots: nobody's change is lost, and what cannot be is refused by field and rule."""

from api_home import ApiHome, Caller, problem

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
