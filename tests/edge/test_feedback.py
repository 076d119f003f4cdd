"""What lights show, and in which order news may replace news."""

import json
from datetime import UTC, datetime

import pytest

from zodra_contract.outcome import SignalOutcome, SignalState
from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality
from zodra_edge.feedback import KEPT, Lights, light

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def signal(name: str) -> NeedSignal:
    return NeedSignal(
        signal_id=name,
        device_id="btn",
        slot_key="button-1",
        kind=SignalKind.PRESS,
        occurred_at=AT,
        time=TimeNote(boot_id="boot", monotonic_ms=1, quality=TimeQuality.SYNCED, error_ms=1),
        authenticated=True,
    )


def outcome(name: str, state: SignalState, reason: str = "", in_round: int = 1) -> SignalOutcome:
    return SignalOutcome(
        round=in_round,
        signal_id=name,
        device_id="btn",
        slot_key="button-1",
        state=state,
        reason=reason,
        decided_at=AT,
    )


class Home:
    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.topics: set[str] = set()
        self.lights = Lights("gw-1", self._publish)

    def _publish(self, topic: str, payload: bytes) -> None:
        body = json.loads(payload)
        self.topics.add(topic)
        self.said.append((body["signal_id"], body["state"]))

    def kept(self, name: str) -> None:
        self.lights.kept(light(signal(name), KEPT, "", AT))


def test_a_light_follows_its_need_forward() -> None:
    home = Home()
    home.kept("p_1")
    for state in (SignalState.RECEIVED, SignalState.ASKED, SignalState.ORDERED):
        assert home.lights.outcome(outcome("p_1", state)) is not None
    assert [state for _, state in home.said] == ["kept", "received", "asked", "ordered"]
    assert home.topics == {"zodra/gw-1/light/btn"}


@pytest.mark.parametrize("late", [SignalState.RECEIVED, SignalState.ASKED])
def test_late_news_of_the_same_need_changes_nothing(late: SignalState) -> None:
    home = Home()
    home.kept("p_1")
    home.lights.outcome(outcome("p_1", SignalState.ASKED))
    assert home.lights.outcome(outcome("p_1", late)) is None
    assert home.said[-1] == ("p_1", "asked")


def test_a_price_that_changed_asks_again_and_news_of_the_round_before_is_late() -> None:
    home, later = Home(), Home()
    home.kept("p_1")
    home.lights.outcome(outcome("p_1", SignalState.ORDERING))
    asked = home.lights.outcome(outcome("p_1", SignalState.ASKED, "price_changed", in_round=2))
    assert asked is not None
    assert home.said[-1] == ("p_1", "asked")
    later.lights.restore([asked])
    for lights in (home.lights, later.lights):
        assert lights.outcome(outcome("p_1", SignalState.ORDERED)) is None
        assert lights.outcome(outcome("p_1", SignalState.ORDERING, in_round=2)) is not None


def test_news_of_an_older_need_does_not_hide_a_newer_open_one() -> None:
    home = Home()
    home.kept("p_1")
    home.kept("p_2")
    remembered = home.lights.outcome(outcome("p_1", SignalState.EXPIRED))
    assert remembered is not None
    assert home.said[-1] == ("p_2", "kept")
    home.lights.outcome(outcome("p_2", SignalState.ALREADY_ON_ITS_WAY))
    home.lights.outcome(outcome("p_3", SignalState.RECEIVED))
    assert home.said[-1] == ("p_3", "received")


def test_the_order_that_is_under_way_shows_again_once_the_newer_need_is_done() -> None:
    home = Home()
    home.kept("p_1")
    home.lights.outcome(outcome("p_1", SignalState.ORDERED))
    home.kept("p_2")
    home.lights.outcome(outcome("p_2", SignalState.ALREADY_ON_ITS_WAY))
    home.lights.outcome(outcome("p_1", SignalState.SHIPPED))
    assert home.said[-1] == ("p_1", "shipped")


def test_what_was_shown_survives_a_restart_without_being_said_again() -> None:
    home, later = Home(), Home()
    home.kept("p_1")
    home.lights.outcome(outcome("p_1", SignalState.ASKED, "price"))
    later.lights.restore(home.lights.shown())
    assert later.said == []
    assert later.lights.outcome(outcome("p_1", SignalState.RECEIVED)) is None
    assert [row.state for row in later.lights.shown()] == ["asked"]


def test_a_need_that_could_not_be_kept_is_shown_at_once() -> None:
    home = Home()
    home.lights.not_kept(signal("p_1"), "outbox_full", AT)
    assert home.said == [("p_1", "not_kept")]
    home.kept("p_1")
    assert home.said[-1] == ("p_1", "kept")


def test_a_slot_remembers_few_needs() -> None:
    home = Home()
    for number in range(50):
        home.kept(f"p_{number}")
    (needs,) = home.lights._needs.values()
    assert len(needs) == 8


def test_a_blink_is_not_remembered() -> None:
    home = Home()
    home.lights.identify("btn", "button-1", AT)
    assert home.said == [("", "identify")]
    assert home.lights.shown() == ()
