"""A withdrawal from an order that was paid through us: the payments give back what they took."""

import pytest
from sqlalchemy import text

from business_builders import HOUSEHOLD
from law_world import LawfulBusiness
from zodra_cloud import lawful
from zodra_cloud.law.policy.withdrawing import WithdrawalState
from zodra_cloud.law.rules import Rules
from zodra_cloud.payments import moves
from zodra_cloud.payments import service as payments
from zodra_cloud.replenish import hooks
from zodra_cloud.replenish import service as replenish
from zodra_cloud.store.engine import Database

RULES = Rules(refund=lawful.payments_give_back, may_wait_for_goods=False)


@pytest.fixture
def home(database: Database) -> LawfulBusiness:
    hooks.on_order(database, payments.on_order)
    home = LawfulBusiness(database, rules=RULES)
    for kind in (moves.PAY_JOB, moves.REFUND_JOB):
        home.home.handlers[kind] = lambda _job: None
    return home


def paid(home: LawfulBusiness, key: str, state: str) -> None:
    with home.database.write(HOUSEHOLD) as connection:
        connection.execute(
            text("UPDATE payments SET state = :state WHERE order_key = :key"),
            {"state": state, "key": key},
        )


def test_what_was_taken_goes_back_once_and_settles_the_withdrawal(home: LawfulBusiness) -> None:
    key = home.order()
    home.deliver(key)
    paid(home, key, "captured")
    home.withdraw(key)
    home.home.do_jobs()
    with home.database.read() as connection:
        (refund,) = payments.refunds(connection, HOUSEHOLD, key)
    assert (refund.amount_minor, home.shop.refunds) == (1094, {})
    assert home.choice(key).withdrawals[0].state is WithdrawalState.REFUND_DUE
    with home.database.write(HOUSEHOLD) as connection:
        assert replenish.note_refund(
            connection,
            HOUSEHOLD,
            key,
            refunded_minor=1094,
            now=home.clock.now(),
            changes=home.home.changes,
        )
    assert home.choice(key).withdrawals[0].state is WithdrawalState.REFUNDED


def test_money_that_is_on_its_way_to_us_is_waited_for(home: LawfulBusiness) -> None:
    key = home.order()
    home.deliver(key)
    paid(home, key, "capturing")
    home.withdraw(key)
    home.home.do_jobs()
    assert home.choice(key).withdrawals[0].state is WithdrawalState.REFUND_DUE
    paid(home, key, "captured")
    home.home.wait(601)
    with home.database.read() as connection:
        assert len(payments.refunds(connection, HOUSEHOLD, key)) == 1


@pytest.mark.parametrize("state", ["voided", "declined", "unpaid"])
def test_what_was_never_taken_is_not_given_back(home: LawfulBusiness, state: str) -> None:
    key = home.order()
    home.deliver(key)
    paid(home, key, state)
    home.withdraw(key)
    home.home.do_jobs()
    (after,) = home.choice(key).withdrawals
    assert (after.state, after.reason) == (WithdrawalState.REFUNDED, "nothing_taken")
    with home.database.read() as connection:
        assert payments.refunds(connection, HOUSEHOLD, key) == []


def test_more_than_was_taken_needs_a_person(home: LawfulBusiness) -> None:
    key = home.order()
    home.deliver(key)
    paid(home, key, "captured")
    with home.database.write(HOUSEHOLD) as connection:
        payments.refund(
            connection,
            HOUSEHOLD,
            key,
            amount_minor=500,
            cause="goodwill",
            now=home.clock.now(),
            changes=home.home.changes,
        )
    home.withdraw(key)
    home.home.do_jobs()
    (after,) = home.choice(key).withdrawals
    assert (after.state, after.reason) == (WithdrawalState.REFUND_DUE, "needs_person")


def test_an_order_that_was_stopped_is_paid_back_by_its_cancellation_alone(
    home: LawfulBusiness,
) -> None:
    key = home.order()
    paid(home, key, "captured")
    home.withdraw(key)
    home.home.do_jobs()
    with home.database.read() as connection:
        found = payments.refunds(connection, HOUSEHOLD, key)
    assert sum(each.amount_minor for each in found) == 1094
