"""One hold, one capture, one refund, whatever breaks between us and the provider."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from business_builders import HOUSEHOLD
from paying.home import PayingHome, paying_home
from paying.peer import GOOD, Stripe
from zodra_cloud.payments import service as payments
from zodra_cloud.payments.stripe.provider import StripeProvider
from zodra_cloud.store.engine import Database

CREATE = "POST /v1/payment_intents$"
CONFIRM = "POST /v1/payment_intents/.*/confirm"
CAPTURE = "POST /v1/payment_intents/.*/capture"
CANCEL = "POST /v1/payment_intents/.*/cancel"
REFUND = "POST /v1/refunds"
LOST = ("lose", "drop", "fail", "garble", "nonsense", "huge", "redirect")
UNCLEAR = ("lose", "drop")


@pytest.fixture
def hasty(peer: Stripe) -> Iterator[StripeProvider]:
    """A connector that does not wait for a provider that hangs."""
    connector = peer.connect(0.6)
    yield connector
    connector.close()


def mandated(home: PayingHome, peer: Stripe) -> PayingHome:
    assert home.gives_mandate(peer.counter, GOOD).state.value == "live"
    return home


@pytest.mark.parametrize(
    ("kind", "asked"), [(kind, CONFIRM) for kind in LOST] + [("lose", CREATE), ("garble", CREATE)]
)
def test_one_charge_holds_money_whatever_is_lost(
    sqlite_home: PayingHome, peer: Stripe, kind: str, asked: str
) -> None:
    home = mandated(sqlite_home, peer)
    peer.proxy.break_next(kind, asked)
    key = home.ordered()
    home.do_jobs()
    assert home.state(key) == "unknown"
    assert home.shop.orders == {}
    home.wait(5)
    assert home.state(key) == "authorized"
    assert peer.money(key) == ["requires_capture"]
    assert list(home.shop.orders) == [key]


def test_an_answer_that_hangs_is_asked_about(
    database: Database, peer: Stripe, hasty: StripeProvider
) -> None:
    home = mandated(paying_home(database, hasty), peer)
    peer.proxy.break_next("hang", CONFIRM)
    key = home.ordered()
    home.do_jobs()
    assert (home.state(key), home.payment(key).reason) == ("unknown", "timeout")
    home.wait(5)
    assert (home.state(key), peer.money(key)) == ("authorized", ["requires_capture"])


def test_what_was_made_under_our_key_is_found_and_used(home: PayingHome, peer: Stripe) -> None:
    mandated(home, peer)
    peer.proxy.break_next("drop", CREATE)
    key = home.ordered()
    home.do_jobs()
    home.wait(5)
    assert len(peer.charges(key)) == 1


def test_a_link_that_was_made_and_never_heard_of_is_shown_to_nobody(
    sqlite_home: PayingHome, peer: Stripe
) -> None:
    home = sqlite_home
    peer.proxy.break_next("drop", "POST /v1/checkout/sessions$")
    key = home.ordered()
    home.do_jobs()
    home.wait(5)
    assert home.state(key) == "action"
    ours = home.link(key).rsplit("/", 1)[1]
    made = [each.id for each in peer.counter.sessions.values() if each.form["mode"] == "payment"]
    assert ours == made[-1]


@pytest.mark.parametrize("kind", UNCLEAR)
def test_money_is_taken_once_whatever_is_lost(
    sqlite_home: PayingHome, peer: Stripe, kind: str
) -> None:
    home = mandated(sqlite_home, peer)
    key = home.ordered()
    home.do_jobs()
    peer.proxy.break_next(kind, CAPTURE)
    home.ship(key)
    assert home.state(key) == "capturing"
    home.wait(5)
    assert (home.state(key), peer.money(key)) == ("captured", ["succeeded"])
    assert home.payment(key).unclear_since is None


@pytest.mark.parametrize("kind", UNCLEAR)
def test_a_hold_is_let_go_whatever_is_lost(
    sqlite_home: PayingHome, peer: Stripe, kind: str
) -> None:
    home = mandated(sqlite_home, peer)
    peer.proxy.break_next("drop", CONFIRM)
    key = home.ordered()
    home.do_jobs()
    peer.proxy.break_next(kind, CANCEL)
    home.cancel(key)
    home.wait(5)
    assert (home.state(key), peer.money(key)) == ("voided", [])


@pytest.mark.parametrize("kind", UNCLEAR)
def test_money_goes_back_once_whatever_is_lost(
    sqlite_home: PayingHome, peer: Stripe, kind: str
) -> None:
    home = mandated(sqlite_home, peer)
    key = home.ordered()
    home.do_jobs()
    home.ship(key)
    peer.proxy.break_next(kind, REFUND)
    home.refund(key, 500, "withdrawal:1")
    home.waits(10)
    assert peer.refunds(key) == [500]
    assert home.order(key).order.refunded_minor == 500


def test_a_refund_is_not_asked_again_while_the_first_may_be_on_its_way(
    sqlite_home: PayingHome, peer: Stripe
) -> None:
    home = sqlite_home
    mandated(home, peer)
    key = home.ordered()
    home.do_jobs()
    home.ship(key)
    peer.proxy.break_next("lose", REFUND)
    home.refund(key, 500, "withdrawal:1")
    home.wait(100)
    assert peer.refunds(key) == []
    assert sum(REFUND in each for each in peer.proxy.seen) == 1


@pytest.mark.parametrize(
    ("pattern", "becomes"),
    [
        ('"currency": "eur"', '"currency": "usd"'),
        (r'"amount": (\d)', r'"amount": -\1'),
        (r'"amount": \d+', '"amount": 1'),
        (r'"amount_capturable": \d+', '"amount_capturable": 1'),
        (r'"zodra_key": "[^"]*"', '"zodra_key": "pa_other"'),
        (r'"customer": "[^"]*"', '"customer": "cus_other"'),
        (r'"id": "pi_[^"]*"', '"id": "pi_other"'),
        ('"status": "requires_capture"', '"status": "splendid"'),
    ],
    ids=["currency", "negative", "amount", "capturable", "key", "payer", "charge", "state"],
)
def test_an_answer_about_something_else_is_not_believed(
    sqlite_home: PayingHome, peer: Stripe, pattern: str, becomes: str
) -> None:
    home = mandated(sqlite_home, peer)
    peer.proxy.break_next("rewrite", CONFIRM, pattern=pattern, becomes=becomes)
    key = home.ordered()
    home.do_jobs()
    assert home.state(key) == "unknown"
    assert home.payment(key).reason in ("inconsistent", "garbled")
    assert home.shop.orders == {}
    home.wait(5)
    assert (home.state(key), peer.money(key)) == ("authorized", ["requires_capture"])


@pytest.mark.parametrize(
    "url", ["http://", "javascript:alert(1)//", "//", ""], ids=["plain", "script", "none", "empty"]
)
def test_a_page_that_nobody_should_be_sent_to_is_not_shown(
    database: Database, peer: Stripe, url: str
) -> None:
    strict = peer.connect(plain_pages=False)
    home = paying_home(database, strict)
    peer.proxy.break_next(
        "rewrite", "checkout", times=9, pattern='"url": "http://', becomes=f'"url": "{url}'
    )
    key = home.ordered()
    home.do_jobs()
    assert home.state(key) == "unknown"
    assert home.payment(key).link_url is None
    strict.close()


def test_a_key_that_is_not_accepted_is_for_the_operator(database: Database, peer: Stripe) -> None:
    locked_out = peer.connect(api_key="pk_of_somebody_else")
    home = paying_home(database, locked_out)
    key = home.ordered()
    home.do_jobs()
    home.waits(20)
    assert home.state(key) == "unknown"
    with home.database.read() as connection:
        (item,) = payments.open_items(connection, home.clock.now())
    assert (item.name, item.reason) == (key, "unauthorized")
    locked_out.close()


def test_an_order_whose_payment_stays_unknown_ends_with_nothing_ordered(
    sqlite_home: PayingHome, peer: Stripe
) -> None:
    home = sqlite_home
    mandated(home, peer)
    peer.proxy.break_next("fail", "payment_intents", times=10_000)
    key = home.ordered()
    home.do_jobs()
    for _hour in range(25):
        home.wait(3_600)
    assert home.order(key).order.reason == "payment_not_completed"
    assert (home.state(key), home.shop.orders) == ("voiding", {})
    peer.proxy.mend()
    home.wait(600)
    assert (home.state(key), peer.money(key)) == ("voided", [])


def test_a_person_settles_what_the_provider_never_answers(
    sqlite_home: PayingHome, peer: Stripe
) -> None:
    home = sqlite_home
    mandated(home, peer)
    peer.proxy.break_next("fail", "payment_intents", times=10_000)
    key = home.ordered()
    home.do_jobs()
    home.cancel(key)
    home.wait(1_000)
    with home.database.write(HOUSEHOLD) as connection:
        (item,) = payments.open_items(connection, home.clock.now())
        assert (item.name, item.state) == (key, "voiding")
        for done in (True, False):
            now = home.clock.now()
            settled = payments.settle(connection, HOUSEHOLD, key, now=now, changes=home.changes)
            assert settled is done
        assert payments.open_items(connection, home.clock.now()) == []


def test_a_cancellation_while_the_provider_is_asked_lets_go_of_what_it_holds(
    home: PayingHome, peer: Stripe, provider: StripeProvider
) -> None:
    mandated(home, peer)
    key = home.ordered()
    authorize: Callable[..., Any] = provider.authorize

    class Meanwhile:
        """The provider, and a household that changes its mind while it works."""

        def __getattr__(self, name: str) -> Any:
            return getattr(provider, name)

        def authorize(self, *asked: Any) -> Any:
            answer = authorize(*asked)
            home.cancel_now(key)
            return answer

    home.use(Meanwhile())
    home.do_jobs()
    assert (home.state(key), peer.money(key), home.shop.orders) == ("voided", [], {})


def test_a_cancellation_while_money_is_taken_gives_it_back(home: PayingHome, peer: Stripe) -> None:
    mandated(home, peer)
    key = home.ordered()
    home.do_jobs()
    peer.proxy.break_next("drop", CAPTURE)
    home.wait(4 * 86_400)
    assert home.state(key) == "capturing"
    home.cancel(key)
    home.wait(10)
    home.waits(3)
    assert home.state(key) == "captured"
    assert peer.refunds(key) == [home.payment(key).amount_minor]
