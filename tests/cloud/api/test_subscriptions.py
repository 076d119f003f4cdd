"""A subscription through the API: asked for, joined under a labelled yes, changed, cancelled."""

from typing import Any

from api_home import ApiHome, Caller, problem
from cloud_builders import FakeClock
from zodra_cloud.subscriptions import desk
from zodra_cloud.subscriptions.policy.sizes import Size
from zodra_cloud.subscriptions.service import CANCEL_LABELS

WISH = {
    "device_id": "btn-kitchen",
    "slot_key": "button-1",
    "cadence": {"count": 4, "every": "weeks"},
}

LADDER = (
    Size("S", "paper-towels-6", {"en": "Small"}, pieces=6, per_day=1.0, from_age_days=0),
    Size("L", "paper-towels-12", {"en": "Large"}, pieces=12, per_day=1.0, from_age_days=90),
)


def joined(home: ApiHome, caller: Caller) -> str:
    asked = caller.do("/subscriptions", WISH)
    assert asked.status_code == 200, asked.text
    name = str(asked.json()["subscription_id"])
    home.work()
    shown = caller.see(f"/subscriptions/{name}")
    assert (shown["status"], shown["offer_open"]) == ("offered", True)
    assert shown["terms"]["price"]["agreed_minor"] > 0
    done = caller.do(f"/subscriptions/{name}/join", yes(shown))
    assert done.status_code == 200, done.text
    home.work()
    return name


def yes(shown: dict[str, Any]) -> dict[str, Any]:
    label = shown["order_labels"]["nl"]
    return {"terms_hash": shown["terms_hash"], "label": label, "language": "nl"}


def test_a_subscription_is_joined_changed_and_cancelled(home: ApiHome, caller: Caller) -> None:
    name = joined(home, caller)
    path = f"/subscriptions/{name}"
    standing = caller.see(path)
    assert (standing["status"], standing["channel"]) == ("active", "api")
    first, second = standing["upcoming"][:2]
    skipped = caller.do(f"{path}/skip", {"cycle": second["cycle"]}, key="s")
    assert [each["skipped"] for each in skipped.json()["upcoming"][:2]] == [False, True]
    again = caller.do(f"{path}/skip", {"cycle": second["cycle"]}, key="s")
    assert again.content == skipped.content
    for verb, body in (
        ("unskip", {"cycle": second["cycle"]}),
        ("quantity", {"quantity": 2}),
        ("cadence", {"count": 6, "every": "weeks"}),
        ("follow", {"follow": {"days_min": 35, "days_max": 49}}),
        ("follow", {"follow": None}),
        ("reschedule", {"cycle": first["cycle"], "on": "2026-12-10"}),
        ("pause", {"until": "2027-02-01"}),
        ("resume", None),
    ):
        answer = caller.do(f"{path}/{verb}", body)
        assert answer.status_code == 200, (verb, answer.text)
    changed = caller.see(path)
    assert changed["upcoming"][-1]["item"]["quantity"] == 2
    assert changed["cadence"] == {"count": 6, "every": "weeks"}
    kinds = [each["kind"] for each in caller.see(f"{path}/ledger")]
    assert kinds[-3:] == ["joined", "offered", "requested"]
    wrong = caller.do(f"{path}/cancel", {"label": "Stop", "language": "en"})
    assert problem(wrong)[1] == "wrong_label"
    ended = caller.do(f"{path}/cancel", {"label": CANCEL_LABELS["en"], "language": "en"})
    assert ended.json()["ends_on"] is not None
    assert ended.json()["cancel_labels"] is None
    assert len(caller.see("/subscriptions")) == 1


def test_another_price_needs_another_labelled_yes(home: ApiHome, caller: Caller) -> None:
    path = f"/subscriptions/{joined(home, caller)}"
    terms = caller.see(f"{path}/price-terms?ceiling_minor=2000")
    body = {**yes(terms), "ceiling_minor": 2_000}
    other = caller.do(f"{path}/price", {**body, "ceiling_minor": 3_000})
    assert problem(other)[1] == "quote_changed", "the hash is of what was shown"
    assert caller.do(f"{path}/price", body).json()["price"]["ceiling_minor"] == 2_000


def test_what_a_subscription_does_not_allow_names_field_and_rule(
    home: ApiHome, caller: Caller
) -> None:
    path = f"/subscriptions/{joined(home, caller)}"
    taken = caller.do("/subscriptions", WISH)
    assert problem(taken) == (409, "subscription_refused", "read_again")
    assert taken.json()["errors"][0]["rule"].startswith("slot_taken")
    late = caller.do(f"{path}/skip", {"cycle": 99_999})
    assert late.json()["errors"][0]["rule"].startswith("no_such_delivery")
    unpaused = caller.do(f"{path}/resume")
    assert unpaused.json()["errors"][0]["rule"].startswith("not_paused")
    unknown = caller.do("/subscriptions", {**WISH, "slot_key": "none"})
    assert problem(unknown)[1] == "not_found"


def test_a_contract_is_withdrawn_from_under_the_words_of_the_law(
    home: ApiHome, caller: Caller
) -> None:
    path = f"/subscriptions/{joined(home, caller)}"
    words = caller.see(path)["withdraw_labels"]
    assert words == {"en": "confirm withdrawal", "nl": "herroeping bevestigen"}
    wrong = caller.do(f"{path}/withdraw", {"label": words["en"], "language": "nl"})
    assert problem(wrong) == (422, "wrong_label", "correct")
    done = caller.do(f"{path}/withdraw", {"label": words["nl"], "language": "nl"})
    assert (done.status_code, done.json()["status"]) == (200, "ended"), done.text
    assert caller.see(path)["withdraw_labels"] is None


def test_growth_names_a_ladder_that_is_there(home: ApiHome, caller: Caller) -> None:
    path = f"/subscriptions/{joined(home, caller)}"
    unknown = caller.do(f"{path}/growth", {"ladder_id": "none"})
    assert unknown.json()["errors"][0]["rule"].startswith("unknown_ladder")
    with home.database.write() as connection:
        desk.put_ladder(connection, "diapers", LADDER, home.clock.now())
    assert caller.see("/sizes") == [{"ladder_id": "diapers"}]
    told = caller.do(f"{path}/growth", {"ladder_id": "diapers", "born_on": "2026-05-17"})
    assert told.status_code == 200, told.text
    assert caller.see(f"{path}/ledger")[0]["kind"] == "growth_told"
    assert caller.do(f"{path}/growth", {"ladder_id": None}).status_code == 200


def test_another_households_subscription_is_not_there(
    home: ApiHome, caller: Caller, clock: FakeClock
) -> None:
    name = joined(home, caller)
    other = ApiHome(home.database, clock, household_id="hh-other", gateway_id="gw-other")
    stranger = other.caller()
    assert stranger.see("/subscriptions") == []
    assert problem(stranger.get(f"/api/v1/subscriptions/{name}"))[1] == "not_found"
    assert problem(stranger.do(f"/subscriptions/{name}/resume"))[1] == "not_found"
