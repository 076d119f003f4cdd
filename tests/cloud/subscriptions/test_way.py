"""The way of a subscription on both databases: from a wish to deliveries, and to its end."""

from datetime import date, time, timedelta

import pytest

from business_builders import lost
from cloud_builders import set_up_home
from subscribed import CANCEL, LABEL, Subscribed, joined_home
from zodra_cloud.merchants.port import ShopOrderState
from zodra_cloud.store.engine import Database
from zodra_cloud.subscriptions.models import Rules
from zodra_cloud.subscriptions.policy.ledger import events as e
from zodra_cloud.subscriptions.service import (
    Cadence,
    Channel,
    CycleState,
    Every,
    Kind,
    Refused,
    Status,
    Wanted,
    Why,
)

# The clock of these tests begins on Sunday 22 November 2026, noon in UTC.
FIRST = date(2026, 12, 1)
SECOND = FIRST + timedelta(weeks=4)
WANTED = Wanted(Cadence(4, Every.WEEKS), first_on=FIRST)


@pytest.fixture
def home(database: Database) -> Subscribed:
    return joined_home(database)


def told(home: Subscribed) -> list[Kind]:
    return [each.kind for each in home.told]


def test_a_subscription_is_joined_under_the_words_and_the_terms_as_shown(home: Subscribed) -> None:
    asked = home.ask(WANTED)
    home.do_jobs()
    shown = home.view(asked.subscription_id)
    assert (shown.status, shown.offer_open) == (Status.OFFERED, True)
    terms = shown.terms
    assert terms is not None
    assert (terms.item.sku, terms.item.quantity) == ("paper-towels-6", 1)
    assert (terms.price.agreed_minor, terms.price.ceiling_minor) == (1_094, 1_094)
    assert (terms.first_on, terms.pre_notice_days, terms.withdrawal_days) == (FIRST, 3, 14)
    assert shown.terms_hash == terms.sha256()
    assert home.say_yes(asked.subscription_id).status is Status.ACTIVE
    home.do_jobs()
    joined = home.view(asked.subscription_id)
    assert [each.on for each in joined.upcoming[:2]] == [FIRST, SECOND]
    assert home.kinds(asked.subscription_id) == ["requested", "offered", "joined"]
    (proof,) = [each.event for each in home.told if each.kind is Kind.JOINED]
    assert isinstance(proof, e.Joined)
    assert (proof.label, proof.terms_hash, proof.person_id) == (LABEL, shown.terms_hash, "u-1")


def test_each_delivery_is_announced_and_then_ordered_once(home: Subscribed) -> None:
    joined = home.join(WANTED)
    home.until(FIRST - timedelta(days=3), time(8, 59))
    assert told(home) == [Kind.JOINED]
    home.until(FIRST - timedelta(days=3))
    assert told(home)[-1] is Kind.PRE_NOTICE_SENT
    notice = home.told[-1].event
    assert isinstance(notice, e.PreNoticeSent)
    assert (notice.on, notice.total_minor) == (FIRST, 1_094)
    home.until(FIRST, time(8, 59))
    assert home.shop.orders == {}
    home.until(FIRST, time(9, 1))
    assert len(home.shop.orders) == 1
    (past,) = home.view(joined).past
    assert (past.cycle, past.state) == (1, CycleState.ORDERED)
    assert past.signal_id is not None
    assert home.stands(past.signal_id) == ("ordered", "")
    home.deliver()
    home.until(SECOND, time(9, 1))
    assert len(home.shop.orders) == 2
    assert home.scheduled() == 2
    assert home.balance().adds_up
    assert home.kinds(joined)[3:] == ["pre_notice_sent", "cycle_due", "cycle_ordered"] * 2
    stored, folded = home.replayed(joined)
    assert stored == folded


def test_an_order_of_a_subscription_names_it_and_the_yes_it_rests_on(home: Subscribed) -> None:
    joined = home.join(WANTED)
    home.until(FIRST, time(9, 1))
    (key,) = home.shop.orders
    order = home.order(key).order
    assert (order.agreement_id, order.confirmed_by, order.label) == (joined, "u-1", LABEL)


def test_a_price_above_the_rule_is_asked_and_never_ordered_silently(home: Subscribed) -> None:
    joined = home.join(WANTED)
    home.shop.price_minor = 900
    home.until(FIRST, time(9, 1))
    assert home.shop.orders == {}
    (quote,) = home.quotes()
    assert quote.reason == "price_above_ceiling"
    assert home.view(joined).past[0].state is CycleState.ASKED
    announced = home.view(joined)
    assert announced.announced_minor == 1_195
    assert Kind.CYCLE_ASKED in told(home)
    home.confirm(quote)
    home.do_jobs()
    assert home.view(joined).past[0].state is CycleState.ORDERED
    assert home.scheduled() == 1


def test_a_price_within_the_households_own_ceiling_is_ordered(home: Subscribed) -> None:
    home.join(Wanted(Cadence(4, Every.WEEKS), first_on=FIRST, ceiling_minor=1_300))
    home.shop.price_minor = 900
    home.until(FIRST, time(9, 1))
    assert len(home.shop.orders) == 1


def test_without_an_announcement_the_delivery_is_asked(home: Subscribed) -> None:
    home.can_tell = False
    joined = home.join(WANTED)
    home.until(FIRST, time(9, 1))
    assert home.shop.orders == {}
    assert [quote.reason for quote in home.quotes()] == ["confirm_first"]
    assert home.view(joined).past[0].state is CycleState.ASKED


def test_where_the_market_wants_it_every_delivery_is_asked(database: Database) -> None:
    home = joined_home(database, room_rules=Rules(ask_each_time=True))
    home.join(WANTED)
    home.until(FIRST, time(9, 1))
    assert home.shop.orders == {}
    assert len(home.quotes()) == 1


def test_sold_out_is_told_and_the_next_delivery_keeps_its_date(home: Subscribed) -> None:
    joined = home.join(WANTED)
    home.shop.sold_out.add("paper-towels-6")
    home.until(FIRST, time(9, 1))
    (past,) = home.view(joined).past
    assert (past.state, past.reason) == (CycleState.FAILED, "out_of_stock")
    assert told(home)[-1] is Kind.CYCLE_FAILED
    assert home.view(joined).upcoming[0].on == SECOND
    assert home.balance().adds_up


def test_a_shop_that_says_nothing_does_not_keep_the_announcement_back(home: Subscribed) -> None:
    joined = home.join(WANTED)
    home.shop.say["quote"] = [lost]
    home.until(FIRST - timedelta(days=3), time(9, 1))
    assert home.view(joined).upcoming[0].expected_minor is None
    home.until(FIRST, time(9, 1))
    assert len(home.shop.orders) == 1


def test_a_shop_that_says_nothing_about_a_wish_is_asked_again_and_then_given_up(
    home: Subscribed,
) -> None:
    home.shop.say["quote"] = [lost] * 200
    asked = home.ask(WANTED)
    home.to(home.clock.now() + timedelta(minutes=11))
    shown = home.view(asked.subscription_id)
    assert (shown.status, shown.reason) == (Status.LAPSED, "shop_unavailable")


def test_an_offer_that_nobody_takes_lapses(home: Subscribed) -> None:
    asked = home.ask(WANTED)
    home.to(home.clock.now() + timedelta(hours=2))
    shown = home.view(asked.subscription_id)
    assert (shown.status, shown.reason) == (Status.LAPSED, "not_joined")
    assert home.say_yes(asked.subscription_id) == Refused(Why.EXPIRED)


def press_and_confirm(home: Subscribed, counter: int = 1) -> None:
    home.press(counter)
    home.do_jobs()
    home.confirm(home.quotes()[0])
    home.do_jobs()


def test_a_press_shortly_before_pulls_the_delivery_forward(home: Subscribed) -> None:
    joined = home.join(WANTED)
    home.until(FIRST - timedelta(days=2))
    press_and_confirm(home)
    (past,) = home.view(joined).past
    assert (past.cycle, past.state) == (1, CycleState.PULLED_FORWARD)
    assert told(home)[-1] is Kind.CYCLE_PULLED_FORWARD
    home.deliver()
    home.until(FIRST, time(9, 1))
    assert len(home.shop.orders) == 1
    assert home.view(joined).upcoming[0].on == SECOND


def test_a_press_long_before_is_an_order_of_its_own(home: Subscribed) -> None:
    home.join(WANTED)
    home.until(FIRST, time(9, 1))
    home.deliver()
    home.until(FIRST + timedelta(days=5))
    press_and_confirm(home)
    home.deliver()
    home.until(SECOND, time(9, 1))
    assert len(home.shop.orders) == 3


def test_a_press_that_came_to_nothing_brings_the_delivery_back(home: Subscribed) -> None:
    joined = home.join(WANTED)
    home.until(FIRST - timedelta(days=8))
    press_and_confirm(home)
    (key,) = home.shop.orders
    cancelled = home.shop.advance(key, ShopOrderState.CANCELLED)
    home.replenisher.hear_event(cancelled, "ev-c", home.clock.now())
    home.do_jobs()
    assert home.view(joined).upcoming[0].on == FIRST
    home.until(FIRST, time(9, 1))
    assert home.scheduled() == 1
    assert len(home.shop.orders) == 2


def test_a_quote_that_waits_holds_the_delivery_and_its_yes_takes_its_place(
    home: Subscribed,
) -> None:
    joined = home.join(WANTED)
    home.until(FIRST, time(8, 55))
    home.press()
    home.do_jobs()
    home.until(FIRST, time(9, 1))
    (past,) = home.view(joined).past
    assert past.state is CycleState.HELD
    home.confirm(home.quotes()[0])
    home.until(FIRST, time(9, 30))
    assert home.view(joined).past[0].state is CycleState.HELD
    home.deliver()
    home.until(FIRST, time(10, 30))
    assert home.view(joined).past[0].state is CycleState.PULLED_FORWARD
    assert (len(home.shop.orders), home.scheduled()) == (1, 0)


def test_a_held_delivery_is_made_when_nothing_came_of_what_it_waited_for(
    home: Subscribed,
) -> None:
    joined = home.join(WANTED)
    home.until(FIRST, time(8, 55))
    home.press()
    home.do_jobs()
    home.until(FIRST, time(9, 1))
    home.until(FIRST, time(12, 0))
    assert home.view(joined).past[0].state is CycleState.ORDERED
    assert (len(home.shop.orders), home.scheduled()) == (1, 1)


def test_cancelled_nothing_comes_after_the_last_day(database: Database) -> None:
    home = joined_home(database, room_rules=Rules(cancel_notice_days=31))
    joined = home.join(WANTED)
    done = home.cancel(joined)
    (cancelled,) = done.events
    assert cancelled.ends_on == date(2026, 12, 22)
    assert home.view(joined).status is Status.LEAVING
    assert [each.on for each in home.view(joined).upcoming] == [FIRST]
    home.until(FIRST, time(9, 1))
    home.deliver()
    home.until(SECOND + timedelta(weeks=8))
    assert len(home.shop.orders) == 1
    assert home.view(joined).status is Status.ENDED
    assert told(home)[-1] is Kind.ENDED


def test_without_a_notice_period_it_ends_at_once(home: Subscribed) -> None:
    joined = home.join(WANTED)
    home.until(FIRST - timedelta(days=1))
    assert home.cancel(joined).status is Status.ENDED
    home.until(SECOND)
    assert home.shop.orders == {}
    assert home.scheduled() == 0


def test_a_quote_of_a_subscription_that_is_over_is_taken_back(home: Subscribed) -> None:
    joined = home.join(WANTED)
    home.shop.price_minor = 900
    home.until(FIRST, time(9, 1))
    home.cancel(joined)
    home.do_jobs()
    assert home.quotes() == []
    assert home.view(joined).past[0].reason == "declined"
    assert home.balance().adds_up


def test_cancelling_between_the_need_and_the_price_orders_nothing(home: Subscribed) -> None:
    joined = home.join(WANTED)
    home.until(FIRST - timedelta(days=3), time(9, 1))
    home.shop.say["quote"] = [lost]
    home.until(FIRST, time(9, 0))
    home.do_jobs()
    home.cancel(joined)
    home.until(FIRST, time(10, 0))
    assert home.shop.orders == {}
    assert home.balance().adds_up


def test_another_subscription_for_the_slot_is_refused(home: Subscribed) -> None:
    home.join(WANTED)
    assert home.ask(WANTED) == Refused(Why.SLOT_TAKEN, "slot_key")


def test_two_offers_for_one_slot_join_once(home: Subscribed) -> None:
    first, second = home.ask(WANTED), home.ask(WANTED)
    home.do_jobs()
    assert home.say_yes(first.subscription_id).status is Status.ACTIVE
    assert home.say_yes(second.subscription_id) == Refused(Why.SLOT_TAKEN, "slot_key")


def test_a_clock_that_jumps_a_season_makes_one_delivery_and_tells_of_the_missed(
    home: Subscribed,
) -> None:
    joined = home.join(WANTED)
    home.clock.advance(120 * 86_400)
    home.do_jobs()
    assert home.shop.orders == {}
    home.to(home.clock.now() + timedelta(days=4))
    assert len(home.shop.orders) == 1
    assert "cycle_passed" in home.kinds(joined)
    home.clock.at -= timedelta(days=130)
    home.do_jobs()
    assert len(home.shop.orders) == 1
    stored, folded = home.replayed(joined)
    assert stored == folded


def test_a_paused_subscription_goes_on_at_the_next_date_that_can_be_announced(
    home: Subscribed,
) -> None:
    joined = home.join(WANTED)
    home.command("pause", joined, date(2027, 1, 20))
    home.until(date(2027, 1, 20), time(0, 1))
    assert home.shop.orders == {}
    assert home.view(joined).status is Status.ACTIVE
    assert home.view(joined).upcoming[0].on == FIRST + timedelta(weeks=8)
    home.until(FIRST + timedelta(weeks=8), time(9, 1))
    assert len(home.shop.orders) == 1


def test_a_skipped_delivery_is_not_made(home: Subscribed) -> None:
    joined = home.join(WANTED)
    home.command("skip", joined, 1)
    home.until(SECOND, time(9, 1))
    assert len(home.shop.orders) == 1
    assert [each.state for each in home.view(joined).past] == [
        CycleState.ORDERED,
        CycleState.SKIPPED,
    ]


def test_a_skip_after_the_announcement_counts_and_after_the_need_is_too_late(
    home: Subscribed,
) -> None:
    joined = home.join(WANTED)
    home.until(FIRST, time(8, 59))
    assert not isinstance(home.command("skip", joined, 1), Refused)
    home.until(SECOND, time(9, 1))
    assert home.command("skip", joined, 2) == Refused(Why.TOO_LATE, "cycle")
    assert len(home.shop.orders) == 1


def test_a_moved_delivery_is_announced_anew(home: Subscribed) -> None:
    joined = home.join(WANTED)
    home.until(FIRST - timedelta(days=3), time(9, 1))
    home.command("reschedule", joined, 1, FIRST + timedelta(days=7))
    home.until(FIRST + timedelta(days=1))
    assert home.shop.orders == {}
    home.until(FIRST + timedelta(days=7), time(9, 1))
    assert len(home.shop.orders) == 1
    assert told(home).count(Kind.PRE_NOTICE_SENT) == 2
    assert home.view(joined).upcoming[0].on == SECOND


def test_cancelling_by_chat_of_what_was_joined_on_a_page(home: Subscribed) -> None:
    joined = home.join(WANTED)
    by_chat = home.said(channel=Channel.CHAT)
    assert home.cancel(joined, label="stop", said=by_chat) == Refused(Why.WRONG_LABEL, "label")
    by_mail = home.said(channel=Channel.MAIL)
    assert home.cancel(joined, label="", said=by_mail).status is Status.ENDED
    assert home.cancel(joined, label=CANCEL) == Refused(Why.ALREADY_CANCELLED)


def test_another_households_subscription_is_unknown(home: Subscribed) -> None:
    joined = home.join(WANTED)
    set_up_home(home.database, "hh-2", "gw-2")
    refused = home.command("skip", joined, 1, household_id="hh-2")
    assert refused == Refused(Why.UNKNOWN_SUBSCRIPTION)
    assert home.view(joined).upcoming[0].skipped is False
