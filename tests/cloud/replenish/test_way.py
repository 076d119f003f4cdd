"""The whole way of a need in the cloud, on both databases, with a shop that keeps its word."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from business_builders import HOUSEHOLD, PERSON, Business, lost, press
from cloud_builders import slot
from zodra_cloud.consent.service import Purpose
from zodra_cloud.errors import UnknownThing
from zodra_cloud.households import service as households
from zodra_cloud.merchants.port import Refused, ShopFault, ShopOrderState, ShopRefusal, Unknown
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import Confirmed, ConfirmRefusal, NotConfirmed
from zodra_cloud.replenish.states import OrderState
from zodra_cloud.store.engine import Database
from zodra_contract.envelope import read_outcome
from zodra_contract.ids import derived_id


@pytest.fixture
def home(database: Database) -> Business:
    return Business(database).set_up(Purpose.REPLENISH)


def ordered(home: Business, counter: int = 1) -> tuple[str, str]:
    """Press, confirm, and let the shop take it."""
    signal_id = home.press(counter)
    home.do_jobs()
    confirmed = home.confirm(home.quotes()[0])
    assert isinstance(confirmed, Confirmed)
    home.do_jobs()
    return signal_id, confirmed.order_key


def test_a_press_becomes_a_quote_and_no_order(home: Business) -> None:
    signal_id = home.press()
    home.do_jobs()
    assert home.stands(signal_id) == ("asked", "confirm_first")
    quote = home.quotes()[0]
    assert quote.snapshot is not None
    assert (quote.snapshot.total_minor, quote.snapshot.vat_minor) == (1_094, 190)
    assert quote.snapshot.title("nl") == "Keukenpapier"
    assert quote.snapshot.title("fr") == "Paper towels"
    assert home.shop.orders == {}


def test_a_confirmed_quote_is_ordered_shipped_and_delivered(home: Business) -> None:
    signal_id, key = ordered(home)
    assert key == derived_id("o", HOUSEHOLD, signal_id)
    assert home.stands(signal_id) == ("ordered", "")
    for state, stands in (
        (ShopOrderState.SHIPPED, "shipped"),
        (ShopOrderState.DELIVERED, "delivered"),
    ):
        home.shop.advance(key, state)
        home.wait(60)
        assert home.stands(signal_id) == (stands, "")
    told = [json.loads(payload)["state"] for _topic, payload in home.broker.sent]
    # A job tells where the need stands when it is done, so that late ones do no harm.
    assert list(dict.fromkeys(told)) == ["asked", "ordered", "shipped", "delivered"]
    view = home.order(key)
    assert [step.state.value for step in view.steps] == [
        "confirmed",
        "submitting",
        "placed",
        "shipped",
        "delivered",
    ]
    assert (view.order.label, view.order.confirmed_by) == ("Order with obligation to pay", PERSON)
    assert home.do_jobs() == 0


def test_the_same_need_heard_again_is_decided_once(home: Business) -> None:
    signal_id = home.press(1)
    home.do_jobs()
    home.press(1)
    home.do_jobs()
    assert home.stands(signal_id) == ("asked", "confirm_first")
    assert (home.count("decisions"), home.count("quotes")) == (1, 1)


def test_a_second_press_while_an_order_is_open_orders_nothing(home: Business) -> None:
    ordered(home, 1)
    second = home.press(2)
    home.do_jobs()
    assert home.stands(second) == ("already_on_its_way", "already_on_its_way")
    assert len(home.shop.orders) == 1


def test_a_press_after_the_delivery_asks_again(home: Business) -> None:
    _signal, key = ordered(home, 1)
    home.shop.advance(key, ShopOrderState.DELIVERED)
    home.wait(60)
    second = home.press(2)
    home.do_jobs()
    assert home.stands(second) == ("asked", "confirm_first")


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        pytest.param("confirm", "already_on_its_way", id="confirmed"),
        pytest.param("decline", "refused", id="declined"),
        pytest.param("expire", "expired", id="expired"),
    ],
)
def test_a_second_press_while_a_quote_is_open_shares_its_fate(
    home: Business, end: str, expected: str
) -> None:
    first, second = home.press(1), home.press(2)
    home.do_jobs()
    assert home.stands(second) == ("asked", "already_asked")
    assert len(home.quotes()) == 1
    if end == "confirm":
        home.confirm(home.quotes()[0])
    elif end == "decline":
        decline(home, home.quotes()[0].quote_id)
    else:
        home.wait(15 * 60)
    home.do_jobs()
    assert home.stands(second)[0] == expected
    assert home.stands(first)[0] == ("ordered" if end == "confirm" else expected)
    assert home.balance().adds_up


def decline(home: Business, quote_id: str) -> bool:
    with home.database.write(HOUSEHOLD) as connection:
        return replenish.decline(
            connection,
            HOUSEHOLD,
            quote_id,
            person_id=PERSON,
            now=home.clock.now(),
            changes=home.changes,
        )


def answer(home: Business, quote_id: str, *, needed: bool) -> bool:
    with home.database.write(HOUSEHOLD) as connection:
        return replenish.answer(
            connection,
            HOUSEHOLD,
            quote_id,
            needed=needed,
            person_id=PERSON,
            now=home.clock.now(),
            changes=home.changes,
        )


def test_a_double_submit_makes_one_order(home: Business) -> None:
    home.press()
    home.do_jobs()
    quote = home.quotes()[0]
    first, second = home.confirm(quote), home.confirm(quote)
    home.do_jobs()
    assert first == second == home.confirm(quote)
    assert isinstance(first, Confirmed)
    assert (len(home.shop.orders), home.count("orders")) == (1, 1)


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        pytest.param({"snapshot_hash": "0" * 64}, ConfirmRefusal.CHANGED, id="another snapshot"),
        pytest.param({"label": "Yes please"}, ConfirmRefusal.WRONG_LABEL, id="another label"),
        pytest.param(
            {"language": "nl"}, ConfirmRefusal.WRONG_LABEL, id="label of another language"
        ),
        pytest.param({"language": "fr"}, ConfirmRefusal.WRONG_LABEL, id="no such language"),
        pytest.param(
            {"household_id": "hh-2"}, ConfirmRefusal.UNKNOWN_QUOTE, id="another household"
        ),
    ],
)
def test_a_yes_that_does_not_count(
    home: Business, said: dict[str, Any], refusal: ConfirmRefusal
) -> None:
    home.press()
    home.do_jobs()
    assert home.confirm(home.quotes()[0], **said) == NotConfirmed(refusal)
    home.do_jobs()
    assert home.shop.orders == {}
    assert len(home.quotes()) == 1


def test_an_expired_quote_cannot_be_confirmed_even_before_its_timer(home: Business) -> None:
    signal_id = home.press()
    home.do_jobs()
    quote = home.quotes()[0]
    home.clock.advance(15 * 60)
    assert home.confirm(quote) == NotConfirmed(ConfirmRefusal.EXPIRED)
    assert home.stands(signal_id) == ("expired", "quote_expired")
    home.do_jobs()
    assert home.shop.orders == {}


def test_a_quote_expires_by_itself(home: Business) -> None:
    signal_id = home.press()
    home.do_jobs()
    home.wait(15 * 60)
    assert home.stands(signal_id) == ("expired", "quote_expired")
    assert home.quotes() == []


def test_a_declined_quote_stays_declined(home: Business) -> None:
    signal_id = home.press()
    home.do_jobs()
    quote = home.quotes()[0]
    assert decline(home, quote.quote_id)
    assert not decline(home, quote.quote_id)
    assert home.confirm(quote) == NotConfirmed(ConfirmRefusal.CLOSED)
    assert home.stands(signal_id) == ("refused", "declined")


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        pytest.param({"authenticated": False}, "unauthenticated", id="a device without proof"),
        pytest.param({"error_ms": 90_000_000}, "stale", id="a press of a day ago, perhaps"),
    ],
)
def test_a_doubtful_press_is_a_question_first(
    home: Business, facts: dict[str, Any], reason: str
) -> None:
    signal_id = home.press(**facts)
    home.do_jobs()
    assert home.stands(signal_id) == ("asked", reason)
    assert home.shop.asked == []
    question = home.questions()[0]
    assert question.reason == reason
    assert answer(home, question.quote_id, needed=True)
    home.do_jobs()
    assert home.stands(signal_id) == ("asked", reason)
    assert isinstance(home.confirm(home.quotes()[0]), Confirmed)
    home.do_jobs()
    assert home.stands(signal_id) == ("ordered", "")


def test_a_question_that_nobody_answers_expires(home: Business) -> None:
    signal_id = home.press(authenticated=False)
    home.do_jobs()
    home.wait(24 * 3_600)
    assert home.stands(signal_id) == ("expired", "question_expired")


def test_a_question_answered_no_ends_the_need(home: Business) -> None:
    signal_id = home.press(authenticated=False)
    home.do_jobs()
    assert answer(home, home.questions()[0].quote_id, needed=False)
    assert home.stands(signal_id) == ("refused", "declined")


def test_a_price_above_the_ceiling_is_said(home: Business) -> None:
    bound = slot(HOUSEHOLD, "btn-kitchen", "button-1", sku="paper-towels-6")
    with home.database.write(HOUSEHOLD) as connection:
        low = {"price_ceiling_minor": 1_000}
        households.bind_slot(connection, replace(bound, **low), now=home.clock.now())
    signal_id = home.press()
    home.do_jobs()
    assert home.stands(signal_id) == ("asked", "price_above_ceiling")
    assert home.quotes()[0].reason == "price_above_ceiling"


def test_without_consent_a_press_is_refused_and_the_shop_hears_nothing(database: Database) -> None:
    home = Business(database).set_up()
    signal_id = home.press()
    home.do_jobs()
    assert home.stands(signal_id) == ("refused", "no_consent")
    assert home.shop.asked == []


def test_withdrawing_takes_back_what_waits_and_stops_what_comes(home: Business) -> None:
    first = home.press(1)
    home.do_jobs()
    quote = home.quotes()[0]
    home.say_consent(Purpose.REPLENISH, granted=False)
    assert home.confirm(quote) == NotConfirmed(ConfirmRefusal.NO_CONSENT)
    home.do_jobs()
    second = home.press(2)
    home.do_jobs()
    assert home.stands(first) == ("refused", "consent_withdrawn")
    assert home.stands(second) == ("refused", "no_consent")
    assert home.shop.orders == {}


def test_withdrawing_before_the_quote_asks_no_shop(home: Business) -> None:
    home.shop.say["quote"] = [lost]
    signal_id = home.press()
    home.do_jobs()
    home.say_consent(Purpose.REPLENISH, granted=False)
    home.wait(5)
    assert home.shop.asked == ["quote"]
    assert home.stands(signal_id) == ("refused", "consent_withdrawn")


def test_a_need_of_a_slot_bound_to_nothing_is_refused(home: Business) -> None:
    bound = slot(HOUSEHOLD, "btn-kitchen", "button-1", sku=None)
    with home.database.write(HOUSEHOLD) as connection:
        households.bind_slot(connection, bound, now=home.clock.now())
    signal_id = home.press()
    home.do_jobs()
    assert home.stands(signal_id) == ("refused", "nothing_bound")


def test_sold_out_is_said_plainly(home: Business) -> None:
    home.shop.sold_out.add("paper-towels-6")
    signal_id = home.press()
    home.do_jobs()
    assert home.stands(signal_id) == ("refused", "out_of_stock")


def test_sold_out_after_the_yes_orders_nothing(home: Business) -> None:
    signal_id = home.press()
    home.do_jobs()
    home.confirm(home.quotes()[0])
    home.shop.sold_out.add("paper-towels-6")
    home.do_jobs()
    assert home.stands(signal_id) == ("refused", "out_of_stock")
    assert home.balance().adds_up


def test_a_price_that_changed_is_asked_anew(home: Business) -> None:
    signal_id = home.press()
    home.do_jobs()
    first = home.confirm(home.quotes()[0])
    home.shop.price_minor = 999
    home.do_jobs()
    assert home.shop.orders == {}
    assert home.stands(signal_id) == ("asked", "price_changed")
    again = home.quotes()[0]
    assert again.snapshot is not None
    assert again.snapshot.total_minor == 1_294
    assert told_last(home) == (2, "asked")
    second = home.confirm(again)
    home.do_jobs()
    assert first != second
    assert home.stands(signal_id) == ("ordered", "")
    assert told_last(home) == (2, "ordered")
    assert len(home.shop.orders) == 1
    assert home.balance().adds_up


def told_last(home: Business) -> tuple[int, str]:
    """What the gateway was told last: the round, and where the need stands."""
    outcome = read_outcome(home.broker.sent[-1][1])
    return outcome.round, outcome.state.value


def test_a_price_that_changes_each_time_ends(home: Business) -> None:
    signal_id = home.press()
    for _round in range(3):
        home.do_jobs()
        home.confirm(home.quotes()[0])
        home.shop.price_minor += 1
    home.do_jobs()
    assert home.stands(signal_id) == ("refused", "price_changed")
    assert home.quotes() == []


def test_a_shop_that_is_away_is_asked_again_and_then_given_up(home: Business) -> None:
    home.shop.say["quote"] = [lost] * 100
    signal_id = home.press()
    home.do_jobs()
    assert home.stands(signal_id) == ("received", "")
    for _minute in range(12):
        home.wait(60)
    assert home.stands(signal_id) == ("refused", "shop_unavailable")


def test_a_shop_that_comes_back_quotes(home: Business) -> None:
    home.shop.say["quote"] = [lost, lambda: Unknown(ShopFault.BUSY, retry_after_s=30)]
    signal_id = home.press()
    home.do_jobs()
    home.wait(2)
    home.wait(20)
    assert home.stands(signal_id) == ("received", "")
    home.wait(15)
    assert home.stands(signal_id) == ("asked", "confirm_first")


def confirmed(home: Business) -> str:
    home.press()
    home.do_jobs()
    placed = home.confirm(home.quotes()[0])
    assert isinstance(placed, Confirmed)
    return placed.order_key


@pytest.mark.parametrize("answered", ["before", "after"])
def test_an_order_of_unknown_fate_is_looked_up_and_never_doubled(
    home: Business, answered: str
) -> None:
    key = confirmed(home)
    (home.shop.say if answered == "before" else home.shop.after)["place"] = [lost]
    home.do_jobs()
    assert home.order(key).order.state is OrderState.UNKNOWN
    assert home.balance().unclear == 1
    home.wait(5)
    assert home.order(key).order.state is OrderState.PLACED
    assert len(home.shop.orders) == 1
    expected = ["place", "find", "place"] if answered == "before" else ["place", "find"]
    assert home.shop.asked[1:] == expected


def test_an_order_that_stays_unknown_needs_a_person_within_the_limit(home: Business) -> None:
    key = confirmed(home)
    home.shop.say["place"] = [lost]
    home.shop.say["find"] = [lost] * 100
    home.do_jobs()
    for _minute in range(18):
        home.wait(60)
    assert home.order(key).order.state is OrderState.NEEDS_PERSON
    assert home.stands(home.order(key).order.signal_id) == ("ordering", "needs_person")
    with home.database.read() as connection:
        unclear = replenish.unclear_orders(connection)
    assert [(each.order_key, each.state) for each in unclear] == [(key, OrderState.NEEDS_PERSON)]
    assert home.shop.asked.count("place") == 1


def needs_person(home: Business) -> str:
    key = confirmed(home)
    home.shop.say["place"] = [lost]
    home.shop.say["find"] = [lost] * 100
    home.do_jobs()
    for _minute in range(18):
        home.wait(60)
    home.shop.say["find"] = []
    return key


def test_an_order_that_needs_a_person_is_found_when_the_shop_is_back(home: Business) -> None:
    key = needs_person(home)
    total = home.order(key).snapshot.total
    home.shop._place("cs_1", key, total)
    home.wait(600)
    assert home.order(key).order.state is OrderState.PLACED


def test_a_person_settles_what_the_shop_does_not_have(home: Business) -> None:
    key = needs_person(home)
    home.wait(600)
    assert home.shop.asked.count("place") == 1
    with home.database.write(HOUSEHOLD) as connection:
        now, changes = home.clock.now(), home.changes
        assert replenish.settle(connection, HOUSEHOLD, key, now=now, changes=changes)
        assert not replenish.settle(connection, HOUSEHOLD, key, now=now, changes=changes)
    view = home.order(key)
    assert (view.order.state, view.order.reason) == (OrderState.FAILED, "not_at_shop")
    assert home.balance().adds_up
    assert home.balance().refused == 1


def test_a_failed_order_that_the_shop_has_after_all_is_shown_to_the_operator(
    home: Business,
) -> None:
    key = needs_person(home)
    with home.database.write(HOUSEHOLD) as connection:
        replenish.settle(connection, HOUSEHOLD, key, now=home.clock.now(), changes=home.changes)
    home.shop._place("cs_1", key, home.order(key).snapshot.total)
    assert home.replenisher.hear_event(home.shop.orders[key], "ev-1", home.clock.now())
    with home.database.read() as connection:
        unclear = replenish.unclear_orders(connection)
    assert [(each.order_key, each.state) for each in unclear] == [(key, OrderState.FAILED)]


def test_a_refusal_after_an_unknown_counts_only_if_the_shop_has_nothing(home: Business) -> None:
    """The first request may still be under way when the second is refused."""
    key = confirmed(home)
    home.shop.after["place"] = [lost]
    home.do_jobs()
    nothing = Refused(ShopRefusal.ORDER_NOT_FOUND)
    home.shop.say["find"] = [lambda: nothing]
    home.shop.say["place"] = [lambda: Refused(ShopRefusal.OUT_OF_STOCK)]
    home.wait(5)
    assert home.order(key).order.state is OrderState.PLACED


def test_a_key_that_is_taken_is_looked_up(home: Business) -> None:
    key = confirmed(home)
    home.shop._place("cs_1", key, home.order(key).snapshot.total)
    home.shop.say["place"] = [lambda: Refused(ShopRefusal.ALREADY_COMPLETED)]
    home.do_jobs()
    assert home.order(key).order.state is OrderState.PLACED
    assert len(home.shop.orders) == 1


def test_an_order_at_another_total_is_not_taken_for_ours(home: Business) -> None:
    key = confirmed(home)
    home.shop.after["place"] = [lost]
    home.do_jobs()
    home.shop.orders[key] = replace(
        home.shop.orders[key], total=home.order(key).snapshot.total + home.order(key).snapshot.total
    )
    for _minute in range(18):
        home.wait(60)
    assert home.order(key).order.state is OrderState.NEEDS_PERSON


def test_an_order_that_the_shop_cancels_is_said(home: Business) -> None:
    signal_id, key = ordered(home)
    home.shop.advance(key, ShopOrderState.CANCELLED)
    home.wait(60)
    assert home.stands(signal_id) == ("refused", "cancelled_by_shop")
    assert home.balance().adds_up


EVENTS: list[list[ShopOrderState]] = [
    [ShopOrderState.SHIPPED, ShopOrderState.DELIVERED],
    [ShopOrderState.DELIVERED, ShopOrderState.SHIPPED],
    [ShopOrderState.DELIVERED, ShopOrderState.DELIVERED, ShopOrderState.SHIPPED],
]


@pytest.mark.parametrize("told", EVENTS, ids=["in order", "reversed", "twice and late"])
def test_events_of_the_shop_may_come_in_any_order(
    home: Business, told: list[ShopOrderState]
) -> None:
    signal_id, key = ordered(home)
    placed = home.shop.orders[key]
    revisions = {ShopOrderState.SHIPPED: 2, ShopOrderState.DELIVERED: 3}
    for number, state in enumerate(told):
        event = replace(placed, state=state, revision=revisions[state])
        assert home.replenisher.hear_event(event, f"ev-{number}", home.clock.now())
    assert home.stands(signal_id) == ("delivered", "")


def test_an_event_that_comes_before_the_answer_settles_the_order(home: Business) -> None:
    key = confirmed(home)
    home.shop.after["place"] = [lost]
    home.do_jobs()
    assert home.replenisher.hear_event(home.shop.orders[key], "ev-1", home.clock.now())
    assert home.order(key).order.state is OrderState.PLACED
    home.wait(5)
    assert home.shop.asked.count("place") == 1


def test_an_event_is_taken_in_once(home: Business) -> None:
    _signal, key = ordered(home)
    shipped = home.shop.advance(key, ShopOrderState.SHIPPED)
    for _again in range(3):
        assert home.replenisher.hear_event(shipped, "ev-1", home.clock.now())
    assert home.count("merchant_events") == 1
    assert [step.state.value for step in home.order(key).steps].count("shipped") == 1


def test_an_event_about_an_order_of_nobody_is_said(home: Business) -> None:
    _signal, key = ordered(home)
    stranger = replace(home.shop.orders[key], reference="o_stranger")
    assert not home.replenisher.hear_event(stranger, "ev-1", home.clock.now())


def every_moment(home: Business) -> list[Callable[[], object]]:
    return [
        lambda: home.press(1),
        home.do_jobs,
        lambda: home.press(2),
        home.do_jobs,
        lambda: home.confirm(home.quotes()[0]),
        lambda: home.press(3),
        home.do_jobs,
        lambda: home.wait(60),
    ]


def test_the_balance_adds_up_at_every_moment(home: Business) -> None:
    for act in every_moment(home):
        act()
        balance = home.balance()
        assert balance.adds_up, balance
    assert (balance.needs, balance.ordered, balance.refused, balance.held) == (3, 1, 2, 2)
    with home.database.read() as connection:
        assert replenish.operator_balances(connection) == [balance]


def test_why_tells_every_step_with_its_facts(home: Business) -> None:
    signal_id, key = ordered(home)
    with home.database.read() as connection:
        explained = replenish.why(connection, HOUSEHOLD, signal_id)
    kinds = [step.kind.value for step in explained.steps]
    assert kinds == ["need", "decision", "quote", "confirmation", "order", "order", "outcome"]
    decision = explained.steps[1]
    assert (decision.name, decision.reason) == ("ask", "confirm_first")
    assert decision.facts["policy_version"] == "replenish-2"
    assert decision.facts["consent_id"] == 1
    assert explained.line.order is not None
    assert explained.line.order.order_key == key


def test_the_timeline_shows_newest_first_with_what_became_of_each(home: Business) -> None:
    first, _key = ordered(home, 1)
    home.clock.advance(10)
    second = home.press(2)
    home.do_jobs()
    with home.database.read() as connection:
        lines = replenish.timeline(connection, HOUSEHOLD, 10)
    assert [line.signal.signal_id for line in lines] == [second, first]
    assert lines[1].order is not None
    assert lines[0].decision is not None
    assert lines[0].decision.reason.value == "already_on_its_way"


def test_another_household_sees_nothing_of_it(home: Business) -> None:
    _signal, key = ordered(home)
    with home.database.read() as connection:
        assert replenish.timeline(connection, "hh-2", 10) == []
        assert replenish.open_quotes(connection, "hh-2") == []
        with pytest.raises(UnknownThing):
            replenish.order(connection, "hh-2", key)


def test_a_signal_may_name_what_it_likes(home: Business) -> None:
    """The latest date and the largest error that a gateway can send lead to a question."""
    far = home.clock.now().replace(year=9999)
    signal_id = home.hear(press(9, far, error_ms=2**62))
    home.do_jobs()
    assert home.stands(signal_id) == ("asked", "stale")
