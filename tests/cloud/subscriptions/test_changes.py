"""What a household may change, what it may not, and what a repeat does."""

from datetime import date, time, timedelta
from typing import Any

import pytest

from business_builders import HOUSEHOLD
from subscribed import LABEL, Catalogue, Subscribed, joined_home
from zodra_cloud.consent.service import Purpose
from zodra_cloud.kit.money import Money
from zodra_cloud.merchants.port import CataloguePage, ShopFault, ShopItem, Unknown
from zodra_cloud.store.engine import Database
from zodra_cloud.subscriptions import desk, service
from zodra_cloud.subscriptions.policy.sizes import Size
from zodra_cloud.subscriptions.service import (
    Cadence,
    Channel,
    Done,
    Every,
    Follow,
    Refused,
    Status,
    Wanted,
    Why,
)

TODAY = date(2026, 11, 22)
FIRST = date(2026, 12, 1)
FOUR = Cadence(4, Every.WEEKS)
WANTED = Wanted(FOUR, first_on=FIRST)


@pytest.fixture
def home(sqlite_database: Database) -> Subscribed:
    return joined_home(sqlite_database)


BAD_WISHES: list[tuple[Wanted, Why, str]] = [
    (Wanted(FOUR, quantity=0), Why.BAD_QUANTITY, "quantity"),
    (Wanted(FOUR, quantity=10**9), Why.BAD_QUANTITY, "quantity"),
    (Wanted(FOUR, quantity=-1), Why.BAD_QUANTITY, "quantity"),
    (Wanted(FOUR, first_on=TODAY), Why.PAST_DATE, "first_on"),
    (Wanted(FOUR, first_on=date(1970, 1, 1)), Why.PAST_DATE, "first_on"),
    (Wanted(FOUR, first_on=TODAY + timedelta(days=2)), Why.TOO_SOON, "first_on"),
    (Wanted(FOUR, first_on=date(9999, 12, 31)), Why.TOO_FAR, "first_on"),
    (Wanted(Cadence(1, Every.DAYS)), Why.BAD_CADENCE, "cadence"),
    (Wanted(Cadence(3, Every.DAYS)), Why.BAD_CADENCE, "cadence"),
    (Wanted(FOUR, ceiling_minor=0), Why.BAD_PRICE, "ceiling_minor"),
    (Wanted(FOUR, follow=Follow(60, 90)), Why.BAD_CADENCE, "follow"),
]


def test_a_wish_that_cannot_be_had_names_field_and_rule(home: Subscribed) -> None:
    for wanted, why, field in BAD_WISHES:
        refused = home.ask(wanted)
        assert isinstance(refused, Refused), wanted
        assert (refused.reason, refused.field) == (why, field)
    assert home.count("subscriptions") == 0


def test_without_consent_nothing_is_asked(sqlite_database: Database) -> None:
    home = Subscribed(sqlite_database)
    home.set_up(Purpose.OFFERS)
    assert home.ask(WANTED) == Refused(Why.NO_CONSENT)


def test_a_yes_that_does_not_count(home: Subscribed) -> None:
    asked = home.ask(WANTED)
    home.do_jobs()
    cases: list[tuple[dict[str, Any], Why]] = [
        ({"terms_hash": "0" * 64}, Why.CHANGED),
        ({"label": "Subscribe"}, Why.WRONG_LABEL),
        ({"language": "nl"}, Why.WRONG_LABEL),
        ({"language": "fr"}, Why.WRONG_LABEL),
    ]
    for said, why in cases:
        refused = home.say_yes(asked.subscription_id, **said)
        assert isinstance(refused, Refused), said
        assert refused.reason is why
    assert home.view(asked.subscription_id).status is Status.OFFERED


def test_an_operator_cannot_say_yes_for_a_household(home: Subscribed) -> None:
    asked = home.ask(WANTED)
    home.do_jobs()
    by_support = home.said(channel=Channel.SUPPORT)
    refused = home.say_yes(asked.subscription_id, said=by_support)
    assert isinstance(refused, Refused)


BAD_COMMANDS: list[tuple[str, tuple[Any, ...], dict[str, Any], Why]] = [
    ("skip", (99,), {}, Why.NO_SUCH_DELIVERY),
    ("skip", (0,), {}, Why.NO_SUCH_DELIVERY),
    ("skip", (-5,), {}, Why.NO_SUCH_DELIVERY),
    ("unskip", (1,), {}, Why.NOTHING_CHANGES),
    ("pause", (TODAY,), {}, Why.PAST_DATE),
    ("pause", (date(2000, 1, 1),), {}, Why.PAST_DATE),
    ("pause", (date(9999, 1, 1),), {}, Why.TOO_FAR),
    ("resume", (), {}, Why.NOT_PAUSED),
    ("reschedule", (1, TODAY), {}, Why.PAST_DATE),
    ("reschedule", (1, TODAY + timedelta(days=1)), {}, Why.TOO_SOON),
    ("reschedule", (1, FIRST), {}, Why.NOTHING_CHANGES),
    ("reschedule", (1, FIRST + timedelta(days=28)), {}, Why.TOO_FAR),
    ("reschedule", (2, FIRST), {}, Why.TOO_SOON),
    ("reschedule", (9, FIRST), {}, Why.NO_SUCH_DELIVERY),
    ("reschedule", (1, date(9999, 1, 1)), {"following": True}, Why.TOO_FAR),
    ("change_quantity", (0,), {}, Why.BAD_QUANTITY),
    ("change_quantity", (100,), {}, Why.BAD_QUANTITY),
    ("change_quantity", (1,), {}, Why.NOTHING_CHANGES),
    ("change_cadence", (FOUR,), {}, Why.NOTHING_CHANGES),
    ("change_cadence", (Cadence(0, Every.WEEKS),), {}, Why.BAD_CADENCE),
    ("change_follow", (Follow(1, 400),), {}, Why.BAD_CADENCE),
    ("accept_size", ("5",), {}, Why.NO_PROPOSAL),
    ("decline_size", ("5",), {}, Why.NO_PROPOSAL),
    ("tell_growth", ("nothing", None), {}, Why.UNKNOWN_LADDER),
]


def test_what_is_refused_leaves_the_ledger_as_it_was(home: Subscribed) -> None:
    joined = home.join(WANTED)
    before = home.kinds(joined)
    for name, args, facts, why in BAD_COMMANDS:
        refused = home.command(name, joined, *args, **facts)
        assert isinstance(refused, Refused), (name, args)
        assert refused.reason is why, (name, args)
    assert home.kinds(joined) == before


def test_paused_twice_and_resumed_after_the_end(home: Subscribed) -> None:
    joined = home.join(WANTED)
    assert isinstance(home.command("pause", joined, None), Done)
    assert home.command("pause", joined, None) == Refused(Why.ALREADY_PAUSED)
    assert isinstance(home.cancel(joined), Done)
    assert home.command("resume", joined) == Refused(Why.ALREADY_CANCELLED)
    refused = home.command("skip", joined, 1)
    assert refused == Refused(Why.NOT_POSSIBLE, rule="ended")


def test_the_same_key_again_changes_nothing_and_another_command_under_it_conflicts(
    home: Subscribed,
) -> None:
    joined = home.join(WANTED)
    first = home.command("skip", joined, 1, key="form-1")
    again = home.command("skip", joined, 1, key="form-1")
    assert (first.repeated, again.repeated) == (False, True)
    assert home.kinds(joined).count("skipped") == 1
    other = home.command("skip", joined, 2, key="form-1")
    assert other == Refused(Why.KEY_CONFLICT, "key")
    assert isinstance(home.command("unskip", joined, 1), Done)
    assert home.command("skip", joined, 1, key="form-1").repeated
    assert not home.view(joined).upcoming[0].skipped


def test_a_double_submit_of_a_wish_and_of_the_yes_joins_once(home: Subscribed) -> None:
    first, second = home.ask(WANTED, key="w"), home.ask(WANTED, key="w")
    assert first.subscription_id == second.subscription_id
    assert second.repeated
    home.do_jobs()
    yes = [home.say_yes(first.subscription_id) for _ in range(2)]
    assert [each.repeated for each in yes] == [False, True]
    assert home.kinds(first.subscription_id).count("joined") == 1
    assert home.ask(Wanted(FOUR), key="w") == Refused(Why.KEY_CONFLICT, "key")


def test_more_is_asked_until_the_household_agrees_to_another_price(home: Subscribed) -> None:
    joined = home.join(WANTED)
    home.command("change_quantity", joined, 2)
    home.until(FIRST)
    home.to(home.clock.now() + timedelta(minutes=1))
    assert home.shop.orders == {}
    assert home.quotes()[0].reason == "price_above_ceiling"
    with home.database.read() as connection:
        terms = service.price_terms(connection, HOUSEHOLD, joined, 2_000)
    assert not isinstance(terms, Refused)
    assert (terms.price.agreed_minor, terms.item.quantity) == (1_893, 2)
    facts = {"ceiling_minor": 2_000, "label": LABEL, "language": "en"}
    wrong = home.command("accept_price", joined, terms_hash="0" * 64, **facts)
    assert wrong == Refused(Why.CHANGED, "terms_hash")
    agreed = home.command("accept_price", joined, terms_hash=terms.sha256(), **facts)
    assert isinstance(agreed, Done)
    home.until(FIRST + timedelta(weeks=4))
    home.to(home.clock.now() + timedelta(minutes=1))
    assert len(home.shop.orders) == 1


def test_after_the_announcement_fewer_count_at_once_and_more_from_the_next(
    home: Subscribed,
) -> None:
    joined = home.join(Wanted(FOUR, quantity=3, first_on=FIRST))
    home.until(FIRST - timedelta(days=2))
    home.command("change_quantity", joined, 5)
    assert [each.item.quantity for each in home.view(joined).upcoming[:2]] == [3, 5]
    home.command("change_quantity", joined, 2)
    assert [each.item.quantity for each in home.view(joined).upcoming[:2]] == [2, 2]


def item(sku: str, *, available: bool = True) -> ShopItem:
    return ShopItem(sku, {"": f"The {sku}"}, Money(899, "EUR"), available)


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        pytest.param([CataloguePage((item("x"),), None)], Why.UNKNOWN_ITEM, id="nobody sells it"),
        pytest.param(
            [CataloguePage((), "1"), CataloguePage((item("new", available=False),), None)],
            Why.OUT_OF_STOCK,
            id="sold out",
        ),
        pytest.param([Unknown(ShopFault.TIMEOUT)], Why.SHOP_UNAVAILABLE, id="no answer"),
        pytest.param(
            [CataloguePage((item("x"),), "1"), CataloguePage((item("new"),), None)],
            None,
            id="on the second page",
        ),
    ],
)
def test_a_swap_asks_the_shops_catalogue(
    home: Subscribed, pages: list[Any], expected: Why | None
) -> None:
    joined = home.join(WANTED)
    shop: Any = Catalogue(pages)
    done = desk.swap(
        home.database, shop, HOUSEHOLD, joined, sku="new", quantity=1, said=home.said()
    )
    swapped = home.view(joined).upcoming[0].item.sku
    if expected is None:
        assert isinstance(done, Done)
        assert swapped == "new"
    else:
        assert isinstance(done, Refused)
        assert (done.reason, swapped) == (expected, "paper-towels-6")


LADDER = (
    Size("4", "paper-towels-6", {"": "Size 4"}, 44, 6.0, None),
    Size("5", "size-5", {"": "Size 5", "nl": "Maat 5"}, 38, 5.0, 300),
)


def grown(home: Subscribed, born_on: date | None) -> str:
    joined = home.join(WANTED)
    with home.database.write() as connection:
        desk.put_ladder(connection, "diapers", LADDER, home.clock.now())
    assert isinstance(home.command("tell_growth", joined, "diapers", born_on), Done)
    home.until(FIRST - timedelta(days=4))
    return joined


def test_a_larger_size_is_proposed_and_taken_only_on_a_yes(home: Subscribed) -> None:
    joined = grown(home, date(2026, 1, 17))
    proposal = home.view(joined).proposal
    assert proposal is not None
    assert (proposal.size, proposal.item.sku) == ("5", "size-5")
    assert proposal.why["reason"] == "age"
    home.until(FIRST - timedelta(days=2))
    assert home.view(joined).upcoming[1].item.sku == "paper-towels-6"
    done = home.command("accept_size", joined, "5", with_cadence=True)
    assert isinstance(done, Done)
    # The first was announced already: what was announced is what comes.
    assert [each.item.sku for each in home.view(joined).upcoming[:2]] == [
        "paper-towels-6",
        "size-5",
    ]
    assert home.view(joined).cadence == Cadence(29, Every.DAYS)
    assert home.view(joined).proposal is None


def test_a_size_that_was_declined_is_not_proposed_again_at_once(home: Subscribed) -> None:
    joined = grown(home, date(2026, 1, 1))
    home.command("decline_size", joined, "5")
    home.until(FIRST, time(9, 1))
    home.deliver()
    home.until(FIRST + timedelta(days=20))
    assert home.view(joined).proposal is None
    home.until(FIRST + timedelta(weeks=4), time(9, 1))
    home.deliver()
    home.until(FIRST + timedelta(weeks=7))
    assert home.view(joined).proposal is not None


def test_a_child_that_is_younger_is_proposed_nothing(home: Subscribed) -> None:
    assert home.view(grown(home, date(2026, 9, 1))).proposal is None


def test_only_the_month_of_birth_is_kept(home: Subscribed) -> None:
    joined = grown(home, date(2026, 1, 17))
    stored, _folded = home.replayed(joined)
    assert stored["growth"]["born_on"] == "2026-01-01"
