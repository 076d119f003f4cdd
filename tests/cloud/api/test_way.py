"""The way of a need through the API: from the press to "was it right?"."""

from api_home import ApiHome, Caller

LABEL = "Order with obligation to pay"


def confirmation(quote: dict) -> dict:  # type: ignore[type-arg]
    return {
        "snapshot_hash": quote["snapshot_hash"],
        "label": quote["labels"]["en"],
        "language": "en",
    }


def test_a_press_is_seen_confirmed_followed_and_answered(home: ApiHome, caller: Caller) -> None:
    signal_id = home.press()
    need = caller.see(f"/needs/{signal_id}")
    assert (need["state"], need["device_id"]) == ("asked", "btn-kitchen")
    quote = caller.see(f"/quotes/{need['quote_id']}")
    assert quote["shown"]["total"]["currency"] == "EUR"
    assert quote["labels"]["en"] == LABEL
    done = caller.do(f"/quotes/{quote['quote_id']}/confirm", confirmation(quote))
    assert done.status_code == 200, done.text
    key = done.json()["order_key"]
    home.work()
    order = caller.see(f"/orders/{key}")
    assert order["state"] == "placed"
    assert [step["state"] for step in order["steps"]] == ["confirmed", "submitting", "placed"]
    assert caller.see(f"/needs/{signal_id}")["order_key"] == key
    names = [step["kind"] for step in caller.see(f"/needs/{signal_id}/why")["steps"]]
    assert names[0] == "need"
    assert names[-1] == "outcome"
    assert caller.see("/orders")["items"][0]["order_key"] == key
