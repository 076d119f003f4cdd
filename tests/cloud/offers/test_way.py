"""From the thermostat's moment to an offer on the page, and from its yes to an order."""

import pytest

from business_builders import HOUSEHOLD, PERSON, Business, filter_due, signal
from cloud_builders import NOON, FakeClock
from zodra_cloud.consent.service import Purpose
from zodra_cloud.offers import service as offers
from zodra_cloud.offers.models import Accepted, AcceptRefusal, NotAccepted, StoredOffer
from zodra_cloud.replenish.models import Confirmed
from zodra_cloud.store.engine import Database
from zodra_contract.signal import SignalKind


@pytest.fixture
def home(database: Database) -> Business:
    return Business(database).set_up(Purpose.REPLENISH, Purpose.OFFERS)


def open_offers(home: Business) -> list[StoredOffer]:
    with home.database.read() as connection:
        return offers.open_offers(connection, HOUSEHOLD)


def accept(home: Business, offer: StoredOffer) -> Accepted | NotAccepted:
    with home.database.write(HOUSEHOLD) as connection:
        return offers.accept(
            connection,
            HOUSEHOLD,
            offer.offer_id,
            person_id=PERSON,
            now=home.clock.now(),
            changes=home.changes,
        )


def dismiss(home: Business, offer: StoredOffer) -> bool:
    with home.database.write(HOUSEHOLD) as connection:
        return offers.dismiss(
            connection,
            HOUSEHOLD,
            offer.offer_id,
            person_id=PERSON,
            now=home.clock.now(),
            changes=home.changes,
        )


def reasons(home: Business, signal_id: str) -> list[str]:
    with home.database.read() as connection:
        decisions = offers.decisions_on(connection, HOUSEHOLD, signal_id)
    return [decision.reason.value for decision in decisions]


def test_a_filter_that_is_due_becomes_one_offer_with_its_reason(home: Business) -> None:
    signal_id = home.hear(filter_due())
    home.do_jobs()
    assert home.stands(signal_id) == ("asked", "offer")
    offer = open_offers(home)[0]
    assert offer.sentences["en"].startswith("Because the heating has run for 1,500 hours")
    assert home.shop.asked == []
    assert home.balance().adds_up


def test_without_consent_the_refusal_is_stored(database: Database) -> None:
    home = Business(database).set_up(Purpose.REPLENISH)
    signal_id = home.hear(filter_due())
    home.do_jobs()
    assert home.stands(signal_id) == ("refused", "no_consent")
    assert reasons(home, signal_id) == ["no_consent"]
    assert open_offers(home) == []


def test_an_accepted_offer_is_quoted_confirmed_and_ordered_like_any(home: Business) -> None:
    signal_id = home.hear(filter_due())
    home.do_jobs()
    offer = open_offers(home)[0]
    accepted = accept(home, offer)
    assert accept(home, offer) == accepted
    home.do_jobs()
    quote = home.quotes()[0]
    assert accepted == Accepted(quote.quote_id)
    assert (quote.sku, quote.reason) == ("trv-filter", "offer_accepted")
    assert isinstance(home.confirm(quote), Confirmed)
    home.do_jobs()
    assert home.stands(signal_id) == ("ordered", "")
    assert open_offers(home) == []
    assert home.balance().adds_up


def test_a_dismissed_offer_rests(home: Business) -> None:
    first = home.hear(filter_due(1))
    home.do_jobs()
    assert dismiss(home, open_offers(home)[0])
    assert home.stands(first) == ("refused", "dismissed")
    home.clock.advance(5 * 86_400)
    second = home.hear(filter_due(2, home.clock.now()))
    home.do_jobs()
    assert home.stands(second) == ("refused", "dismissed_before")


def test_the_same_offer_does_not_wait_twice(home: Business) -> None:
    home.hear(filter_due(1))
    home.do_jobs()
    second = home.hear(filter_due(2))
    home.do_jobs()
    assert home.stands(second) == ("refused", "already_offered")


def test_a_second_offer_of_the_day_is_refused(home: Business) -> None:
    home.hear(filter_due())
    home.do_jobs()
    accept(home, open_offers(home)[0])
    second = home.hear(filter_due(2))
    home.do_jobs()
    assert home.stands(second) == ("refused", "daily_cap")


def test_at_night_the_offer_waits_for_the_morning(database: Database) -> None:
    night = FakeClock(at=NOON.replace(hour=23))
    home = Business(database, clock=night).set_up(Purpose.OFFERS)
    signal_id = home.hear(filter_due(1, night.now()))
    home.do_jobs()
    assert home.stands(signal_id) == ("received", "quiet_hours")
    assert home.balance().pending == 1
    home.wait(8 * 3_600)
    assert home.stands(signal_id) == ("asked", "offer")
    assert reasons(home, signal_id) == ["quiet_hours", "fits"]


def test_a_consent_withdrawn_at_night_is_asked_again_in_the_morning(database: Database) -> None:
    night = FakeClock(at=NOON.replace(hour=23))
    home = Business(database, clock=night).set_up(Purpose.OFFERS)
    signal_id = home.hear(filter_due(1, night.now()))
    home.do_jobs()
    home.say_consent(Purpose.OFFERS, granted=False)
    home.wait(8 * 3_600)
    assert home.stands(signal_id) == ("refused", "no_consent")


def test_an_offer_dies_with_its_need(home: Business) -> None:
    signal_id = home.hear(filter_due())
    home.do_jobs()
    offer = open_offers(home)[0]
    home.wait(14 * 86_400)
    assert home.stands(signal_id) == ("expired", "offer_expired")
    assert accept(home, offer) == NotAccepted(AcceptRefusal.CLOSED)


def test_withdrawing_takes_back_the_offer(home: Business) -> None:
    signal_id = home.hear(filter_due())
    home.do_jobs()
    offer = open_offers(home)[0]
    home.say_consent(Purpose.OFFERS, granted=False)
    assert accept(home, offer) == NotAccepted(AcceptRefusal.NO_CONSENT)
    home.do_jobs()
    assert home.stands(signal_id) == ("refused", "consent_withdrawn")
    assert open_offers(home) == []


def test_withdrawing_takes_back_the_quote_of_an_accepted_offer(home: Business) -> None:
    signal_id = home.hear(filter_due())
    home.do_jobs()
    accept(home, open_offers(home)[0])
    home.do_jobs()
    home.say_consent(Purpose.OFFERS, granted=False)
    home.do_jobs()
    assert home.stands(signal_id) == ("refused", "consent_withdrawn")
    assert home.quotes() == []


def test_a_moment_that_no_campaign_knows_is_no_offer(home: Business) -> None:
    unknown = signal(signal_id="s-1", device_id="trv-living", kind=SignalKind.LOW_STOCK)
    signal_id = home.hear(unknown)
    home.do_jobs()
    assert home.stands(signal_id) == ("refused", "nothing_bound")


def test_an_offer_of_another_household_cannot_be_taken(home: Business) -> None:
    home.hear(filter_due())
    home.do_jobs()
    offer = open_offers(home)[0]
    with home.database.write("hh-2") as connection:
        now, changes = home.clock.now(), home.changes
        said = offers.accept(
            connection, "hh-2", offer.offer_id, person_id="u-2", now=now, changes=changes
        )
    assert said == NotAccepted(AcceptRefusal.UNKNOWN_OFFER)
