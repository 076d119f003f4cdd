"""Whatever breaks, whoever changes their mind: money moves once, or not at all, or comes back."""

import os
from random import Random

import pytest

from paying.home import PayingHome
from paying.peer import ASKS, BROKE, GOOD, Stripe
from zodra_cloud.merchants.port import Refused, ShopOrderState, ShopRefusal
from zodra_cloud.payments.states import PAYMENT_ENDS, PaymentState
from zodra_cloud.replenish.states import AT_SHOP, NEVER_BOUGHT, OrderState

SEED = int(os.environ.get("SEED") or "1")
STORMS = int(os.environ.get("STORMS") or "3")
KINDS = ("lose", "drop", "drop", "fail", "garble", "nonsense")
REQUESTS = ("", "payment_intents", "confirm", "capture", "cancel", "refunds", "sessions", "expire")
SETTLED = (*PAYMENT_ENDS, PaymentState.AUTHORIZED, PaymentState.UNPAID)


@pytest.mark.parametrize("seed", range(SEED, SEED + STORMS))
def test_money_moves_once_in_any_weather(home: PayingHome, peer: Stripe, seed: int) -> None:
    dice = Random(seed)
    if dice.random() < 0.7:
        home.gives_mandate(peer.counter, dice.choice([GOOD, GOOD, ASKS, BROKE]))
    for number in range(1, 4):
        _weather(peer, dice)
        if dice.random() < 0.2:
            home.shop.say["place"] = [lambda: Refused(ShopRefusal.OUT_OF_STOCK)]
        key = home.ordered(number)
        for _step in range(dice.randrange(2, 7)):
            _something(home, peer, dice, key)
        peer.proxy.mend()
        _until_settled(home, peer, key)
        _balance(home, peer, key, f"seed {seed}, order {number}")


def _weather(peer: Stripe, dice: Random) -> None:
    for _cloud in range(dice.randrange(5)):
        peer.proxy.break_next(dice.choice(KINDS), dice.choice(REQUESTS), times=dice.randrange(1, 3))
    if dice.random() < 0.3:
        code = dice.choice(["insufficient_funds", "lost_card", "authentication_required"])
        peer.counter.refuse_next = [code] * dice.randrange(1, 3)


def _something(home: PayingHome, peer: Stripe, dice: Random, key: str) -> None:
    what = dice.choice(["time", "time", "time", "approve", "cancel", "ship", "refund", "weather"])
    order = home.order(key).order
    if what == "approve" and home.payment(key).link_url is not None:
        session = peer.counter.sessions[home.link(key).rsplit("/", 1)[1]]
        if session.status == "open":
            peer.counter.fill_in(
                home.link(key), dice.choice([GOOD, ASKS, BROKE]), approve=dice.random() < 0.8
            )
    elif what == "cancel" and dice.random() < 0.5:
        home.cancel(key)
    elif what == "ship" and order.state is OrderState.PLACED:
        home.ship(key)
    elif what == "refund":
        home.refund(key, dice.randrange(1, 900), f"withdrawal:{dice.randrange(2)}")
    elif what == "weather":
        _weather(peer, dice)
    home.wait(dice.choice([0, 1, 5, 60, 600, 3_600]))


def _until_settled(home: PayingHome, peer: Stripe, key: str) -> None:
    """Be a patient household whose bank says yes in the end, and a shop that delivers."""
    for _hour in range(60):
        payment, order = home.payment(key), home.order(key).order
        if payment.link_url is not None:
            session = peer.counter.sessions[payment.link_url.rsplit("/", 1)[1]]
            if session.status == "open":
                peer.counter.fill_in(payment.link_url, GOOD)
        if order.state in (OrderState.PLACED, OrderState.SHIPPED):
            home.ship(key, ShopOrderState.DELIVERED)
        quiet = payment.state in SETTLED and order.state not in (
            OrderState.CONFIRMED,
            OrderState.PLACED,
            OrderState.SHIPPED,
        )
        if quiet and all(each["state"] != "asking" for each in home.refunds(key)):
            return
        home.wait(3_600)
    raise AssertionError((home.state(key), home.order(key).order.state))


def _balance(home: PayingHome, peer: Stripe, key: str, where: str) -> None:
    order, payment = home.order(key).order, home.payment(key)
    money, back = peer.money(key), sum(peer.refunds(key))
    charges = len(money)
    assert charges <= 1, where
    assert back <= payment.amount_minor, where
    assert len(peer.refunds(key)) == len(home.refunds(key)), where
    if order.state in AT_SHOP:
        paid = payment.state is PaymentState.UNPAID or money == ["succeeded"]
        assert paid, where
    if order.state in NEVER_BOUGHT:
        gone = money == [] or (money == ["succeeded"] and back == payment.amount_minor)
        assert gone, where
    if key not in home.shop.orders:
        assert money == [], where
    assert home.order(key).order.refunded_minor == back, where
