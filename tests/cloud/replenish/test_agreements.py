"""Call-off under a standing agreement: where it is allowed, and never beyond what was agreed."""

from dataclasses import replace
from typing import Any

import pytest

from business_builders import HOUSEHOLD, PERSON, Business
from cloud_builders import slot
from zodra_cloud.consent.service import Purpose
from zodra_cloud.households import service as households
from zodra_cloud.merchants.port import ShopOrderState
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import CancelAnswer, Rules
from zodra_cloud.replenish.service import (
    AgreementRefusal,
    Concluded,
    NotConcluded,
    Said,
    Terms,
)
from zodra_cloud.replenish.states import OrderState
from zodra_cloud.store.engine import Database

LABEL = "Conclude agreement with obligation to pay"
BOUND = replace(
    slot(HOUSEHOLD, "btn-kitchen", "button-1", sku="paper-towels-6"),
    call_off=True,
    price_ceiling_minor=2_000,
)
TERMS = Terms(
    household_id=HOUSEHOLD,
    device_id="btn-kitchen",
    slot_key="button-1",
    sku="paper-towels-6",
    title="Paper towels",
    quantity=1,
    currency="EUR",
    price_ceiling_minor=1_500,
    orders_max=2,
    window_days=30,
    notice_s=3_600,
)


def bind(home: Business, **changed: Any) -> None:
    with home.database.write(HOUSEHOLD) as connection:
        households.bind_slot(
            connection, replace(BOUND, **changed), now=home.clock.now(), call_off_allowed=True
        )


@pytest.fixture
def home(database: Database) -> Business:
    home = Business(database, rules=Rules(country="US", call_off_allowed=True))
    home.set_up(Purpose.REPLENISH)
    bind(home)
    return home


def conclude(
    home: Business, terms: Terms = TERMS, *, allowed: bool = True, **said: Any
) -> Concluded | NotConcluded:
    facts = {
        "terms_hash": terms.sha256(),
        "label": LABEL,
        "language": "en",
        "person_id": PERSON,
    } | said
    with home.database.write(HOUSEHOLD) as connection:
        return replenish.conclude(
            connection,
            terms,
            Said(**facts),
            call_off_allowed=allowed,
            now=home.clock.now(),
            changes=home.changes,
        )


def concluded(home: Business, terms: Terms = TERMS) -> str:
    done = conclude(home, terms)
    assert isinstance(done, Concluded)
    return done.agreement_id


def only_order(home: Business) -> replenish.StoredOrder:
    with home.database.read() as connection:
        (view,) = replenish.recent_orders(connection, HOUSEHOLD, 10)
    return view.order


def test_a_press_within_the_agreement_is_ordered_after_its_notice(home: Business) -> None:
    agreement_id = concluded(home)
    signal_id = home.press()
    home.do_jobs()
    order = only_order(home)
    assert (order.state, order.agreement_id) == (OrderState.CONFIRMED, agreement_id)
    assert (order.label, order.confirmed_by) == (LABEL, PERSON)
    assert order.place_at is not None
    assert (order.place_at - order.confirmed_at).total_seconds() == 3_600
    assert home.stands(signal_id) == ("ordering", "")
    assert home.shop.orders == {}
    home.wait(3_600)
    assert len(home.shop.orders) == 1
    assert home.balance().adds_up


def test_until_it_is_placed_one_word_cancels(home: Business) -> None:
    concluded(home)
    home.press()
    home.do_jobs()
    order = only_order(home)
    with home.database.write(HOUSEHOLD) as connection:
        said = replenish.cancel(
            connection,
            HOUSEHOLD,
            order.order_key,
            person_id=PERSON,
            now=home.clock.now(),
            changes=home.changes,
        )
    assert said is CancelAnswer.CANCELLED
    home.wait(3_600)
    assert home.shop.orders == {}


def test_a_price_that_lapsed_during_the_notice_is_asked_anew_and_still_within(
    home: Business,
) -> None:
    concluded(home)
    signal_id = home.press()
    home.do_jobs()
    home.shop.price_minor = 899
    home.wait(3_600)
    assert home.stands(signal_id)[0] == "ordered"
    (placed,) = home.shop.orders.values()
    assert placed.total.amount_minor == 1_194


def test_a_price_above_the_agreement_is_asked_like_any_other(home: Business) -> None:
    concluded(home)
    home.shop.price_minor = 1_300
    signal_id = home.press()
    home.do_jobs()
    assert home.stands(signal_id) == ("asked", "price_above_ceiling")
    assert len(home.quotes()) == 1


def test_more_often_than_agreed_is_asked(home: Business) -> None:
    concluded(home, replace(TERMS, orders_max=1, notice_s=0))
    home.press(1)
    home.do_jobs()
    order = only_order(home)
    home.shop.advance(order.order_key, ShopOrderState.DELIVERED)
    home.wait(60)
    second = home.press(2)
    home.do_jobs()
    assert home.stands(second) == ("asked", "confirm_first")
    home.wait(31 * 86_400)
    third = home.press(3)
    home.do_jobs()
    assert home.stands(third)[0] == "ordered"


def test_an_ended_agreement_orders_nothing_more(home: Business) -> None:
    agreement_id = concluded(home)
    with home.database.write(HOUSEHOLD) as connection:
        for expected in (True, False):
            ended = replenish.end_agreement(
                connection,
                HOUSEHOLD,
                agreement_id,
                person_id=PERSON,
                now=home.clock.now(),
                changes=home.changes,
            )
            assert ended is expected
    signal_id = home.press()
    home.do_jobs()
    assert home.stands(signal_id) == ("asked", "confirm_first")
    with home.database.read() as connection:
        (kept,) = replenish.agreements(connection, HOUSEHOLD)
    assert (kept.state.value, kept.terms, kept.ended_by) == ("ended", TERMS, PERSON)


def test_ending_it_while_the_shop_is_asked_leads_to_an_ordinary_quote(home: Business) -> None:
    agreement_id = concluded(home)

    def end_and_answer() -> Any:
        with home.database.write(HOUSEHOLD) as connection:
            replenish.end_agreement(
                connection,
                HOUSEHOLD,
                agreement_id,
                person_id=PERSON,
                now=home.clock.now(),
                changes=home.changes,
            )
        request = next(iter(home.shop.sessions.values()))[0]
        return home.shop._quote(request, home.clock.now())

    home.shop.after["quote"] = [end_and_answer]
    signal_id = home.press()
    home.do_jobs()
    assert home.stands(signal_id)[0] == "asked"
    assert len(home.quotes()) == 1


@pytest.mark.parametrize(
    ("facts", "reason"),
    [({"authenticated": False}, "unauthenticated"), ({"error_ms": 10**9}, "stale")],
)
def test_a_doubtful_press_calls_nothing_off(
    home: Business, facts: dict[str, Any], reason: str
) -> None:
    concluded(home)
    signal_id = home.press(**facts)
    home.do_jobs()
    assert home.stands(signal_id) == ("asked", reason)


def test_a_market_that_is_taken_off_the_list_stops_its_agreements_at_once(
    database: Database,
) -> None:
    home = Business(database, rules=Rules(country="NL")).set_up(Purpose.REPLENISH)
    bind(home)
    concluded(home)
    signal_id = home.press()
    home.do_jobs()
    assert home.stands(signal_id) == ("asked", "confirm_first")


def test_the_same_yes_again_is_the_same_agreement(home: Business) -> None:
    first = conclude(home)
    home.clock.advance(5)
    assert conclude(home) == first
    other = replace(TERMS, price_ceiling_minor=1_600)
    assert conclude(home, other) == NotConcluded(AgreementRefusal.ALREADY_CONCLUDED)
    assert home.count("agreements") == 1


@pytest.mark.parametrize(
    ("terms", "said", "refusal"),
    [
        pytest.param({}, {"allowed": False}, AgreementRefusal.MARKET, id="not in this country"),
        pytest.param({"sku": "other"}, {}, AgreementRefusal.SLOT_OFF, id="another product"),
        pytest.param({"quantity": 2}, {}, AgreementRefusal.SLOT_OFF, id="another quantity"),
        pytest.param({"slot_key": "x"}, {}, AgreementRefusal.SLOT_OFF, id="no such slot"),
        pytest.param({"orders_max": 0}, {}, AgreementRefusal.BAD_TERMS, id="no order at all"),
        pytest.param({"notice_s": -1}, {}, AgreementRefusal.BAD_TERMS, id="notice in the past"),
        pytest.param(
            {"price_ceiling_minor": 0}, {}, AgreementRefusal.BAD_TERMS, id="without a ceiling"
        ),
        pytest.param({}, {"terms_hash": "0" * 64}, AgreementRefusal.CHANGED, id="shown otherwise"),
        pytest.param({}, {"label": "OK"}, AgreementRefusal.WRONG_LABEL, id="another label"),
        pytest.param({}, {"language": "nl"}, AgreementRefusal.WRONG_LABEL, id="other language"),
    ],
)
def test_an_agreement_that_is_not_concluded(
    home: Business, terms: dict[str, Any], said: dict[str, Any], refusal: AgreementRefusal
) -> None:
    assert conclude(home, replace(TERMS, **terms), **said) == NotConcluded(refusal)
    assert home.count("agreements") == 0


def test_an_agreement_needs_a_slot_that_allows_it_consent_and_a_person_who_may(
    home: Business,
) -> None:
    with home.database.read() as connection:
        (signed_in,) = households.person_ids(connection, HOUSEHOLD)
    bind(home, confirmers=(signed_in,))
    assert conclude(home) == NotConcluded(AgreementRefusal.MAY_NOT_CONFIRM)
    bind(home, call_off=False)
    assert conclude(home) == NotConcluded(AgreementRefusal.SLOT_OFF)
    bind(home)
    home.say_consent(Purpose.REPLENISH, granted=False)
    assert conclude(home) == NotConcluded(AgreementRefusal.NO_CONSENT)


def test_the_words_of_the_control_are_locked() -> None:
    assert replenish.AGREEMENT_LABELS == {
        "en": "Conclude agreement with obligation to pay",
        "nl": "Afspraak aangaan met betalingsverplichting",
    }
