"""From a withdrawal to its money, with the letters in between, on both databases."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from business_builders import HOUSEHOLD
from cloud_builders import slot
from law_world import LawfulBusiness
from mail_server import Mailbox
from zodra_cloud.households import service as households
from zodra_cloud.law import service as law
from zodra_cloud.law.models import Declared, NotDeclared
from zodra_cloud.law.policy.withdrawing import NotPossible, Refusal, WithdrawalState
from zodra_cloud.law.rules import RefundAnswer, Rules
from zodra_cloud.merchants.port import Refused, ShopFault, ShopOrderState, ShopRefusal, Unknown
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.states import OrderState
from zodra_cloud.store.engine import Database


def test_a_delivered_order_is_withdrawn_from_acknowledged_sent_back_and_paid_out(
    home: LawfulBusiness, mailbox: Mailbox
) -> None:
    key = home.order()
    home.deliver(key)
    said = home.withdraw(key)
    assert isinstance(said, Declared)
    assert said.withdrawal.state is WithdrawalState.DECLARED
    assert said.withdrawal.refund_by_at == home.clock.now() + timedelta(days=14)
    home.home.do_jobs()
    (after,) = home.choice(key).withdrawals
    assert (after.state, after.acknowledged_at) == (
        WithdrawalState.ACKNOWLEDGED,
        home.clock.now(),
    )
    acknowledged = mailbox.taken[-1].get_body(("plain",))
    assert acknowledged is not None
    text = " ".join(acknowledged.get_content().split())
    assert "I withdraw from my contract of sale of these goods" in text
    assert "Declared: Sunday 22 November 2026 13:00 (CET)" in text
    assert "“confirm withdrawal”" in text
    assert home.shop.refunds == {}
    with home.database.write(HOUSEHOLD) as connection:
        assert law.sent_back(
            connection,
            HOUSEHOLD,
            key,
            rules=home.rules,
            now=home.clock.now(),
            changes=home.home.changes,
        )
    home.home.do_jobs()
    (after,) = home.choice(key).withdrawals
    assert after.state is WithdrawalState.REFUNDED
    assert [each.amount.amount_minor for each in home.shop.refunds.values()] == [1094]
    assert home.home.order(key).order.refunded_minor == 1094
    assert mailbox.subjects[-1] == "Money back: Paper towels"


def test_the_same_form_twice_is_one_withdrawal(home: LawfulBusiness) -> None:
    key = home.order()
    home.deliver(key)
    first = home.withdraw(key)
    home.clock.advance(5)
    assert isinstance(first, Declared)
    again = home.withdraw(key)
    assert isinstance(again, Declared)
    assert again.withdrawal == first.withdrawal
    assert home.home.count("withdrawals") == 1
    assert home.withdraw(key, withdrawn_shown=1) == NotDeclared(NotPossible.ALL_WITHDRAWN)


def test_parts_are_withdrawn_from_one_after_the_other_and_each_is_paid_out_by_itself(
    home: LawfulBusiness,
) -> None:
    with home.database.write(HOUSEHOLD) as connection:
        bound = replace(slot(HOUSEHOLD, "btn-kitchen", "button-1", sku="towels"), quantity=3)
        households.bind_slot(connection, bound, now=home.clock.now())
    key = home.order()
    home.deliver(key)
    assert isinstance(home.withdraw(key, 1), Declared)
    assert home.withdraw(key, 1) == home.withdraw(key, 1)
    assert isinstance(home.withdraw(key, 2, withdrawn_shown=1), Declared)
    first, second = home.choice(key).withdrawals
    # Three times 7.99, and the delivery goes back with the last of them.
    assert (first.refund_minor, second.refund_minor) == (799, 2 * 799 + 295)

    def given_back(minor: int) -> list[str]:
        with home.database.write(HOUSEHOLD) as connection:
            replenish.note_refund(
                connection,
                HOUSEHOLD,
                key,
                refunded_minor=minor,
                now=home.clock.now(),
                changes=home.home.changes,
            )
        return [each.state.value for each in home.choice(key).withdrawals]

    assert given_back(798) == ["declared", "declared"]
    assert given_back(799) == ["refunded", "declared"]
    assert given_back(3 * 799 + 295) == ["refunded", "refunded"]


def test_an_order_that_has_not_been_sent_is_stopped_and_nothing_has_to_come_back(
    home: LawfulBusiness,
) -> None:
    key = home.order()
    said = home.withdraw(key)
    assert isinstance(said, Declared)
    home.home.do_jobs()
    assert home.home.order(key).order.state is OrderState.CANCELLED
    (after,) = home.choice(key).withdrawals
    assert (after.state, after.reason) == (WithdrawalState.REFUNDED, "nothing_taken")
    assert home.home.balance().adds_up


def test_an_order_that_left_meanwhile_waits_for_its_goods(home: LawfulBusiness) -> None:
    key = home.order()
    home.tell(key, ShopOrderState.SHIPPED)
    said = home.withdraw(key)
    assert isinstance(said, Declared)
    home.home.do_jobs()
    assert home.choice(key).withdrawals[0].state is WithdrawalState.ACKNOWLEDGED
    home.tell(key, ShopOrderState.DELIVERED)
    with home.database.write(HOUSEHOLD) as connection:
        assert law.goods_back(
            connection,
            HOUSEHOLD,
            key,
            rules=home.rules,
            now=home.clock.now(),
            changes=home.home.changes,
        )
    home.home.do_jobs()
    assert home.choice(key).withdrawals[0].state is WithdrawalState.REFUNDED


def test_a_shop_that_does_not_answer_is_asked_again_and_pays_once(home: LawfulBusiness) -> None:
    key = home.order()
    home.deliver(key)
    home.withdraw(key)
    home.shop.after["refund"] = [lambda: Unknown(ShopFault.TIMEOUT)] * 2
    with home.database.write(HOUSEHOLD) as connection:
        law.goods_back(
            connection,
            HOUSEHOLD,
            key,
            rules=home.rules,
            now=home.clock.now(),
            changes=home.home.changes,
        )
    home.home.do_jobs()
    for _ in range(2):
        assert home.choice(key).withdrawals[0].state is WithdrawalState.REFUND_DUE
        home.home.wait(601)
    assert home.choice(key).withdrawals[0].state is WithdrawalState.REFUNDED
    assert len(home.shop.refunds) == 1


def test_a_refund_that_nobody_gives_is_seen_by_the_operator_and_becomes_overdue(
    home: LawfulBusiness,
) -> None:
    key = home.order()
    home.deliver(key)
    home.withdraw(key)
    home.shop.say["refund"] = [lambda: Refused(ShopRefusal.UNSUPPORTED)]
    with home.database.write(HOUSEHOLD) as connection:
        law.goods_back(
            connection,
            HOUSEHOLD,
            key,
            rules=home.rules,
            now=home.clock.now(),
            changes=home.home.changes,
        )
    home.home.do_jobs()

    def overdue() -> list[str]:
        with home.database.read() as connection:
            found = law.open_withdrawals(connection, overdue_at=home.clock.now())
        return [each.reason for each in found]

    assert overdue() == []
    home.clock.advance(15 * 86_400)
    assert overdue() == ["unsupported"]


def test_a_broken_seal_is_refused_by_the_operator_with_its_reason(home: LawfulBusiness) -> None:
    key = home.order()
    home.deliver(key)
    home.withdraw(key)
    with home.database.write(HOUSEHOLD) as connection:
        assert law.refuse(
            connection,
            HOUSEHOLD,
            key,
            1,
            Refusal.SEAL_BROKEN,
            rules=home.rules,
            now=home.clock.now(),
            changes=home.home.changes,
        )
    found = home.choice(key)
    assert found.withdrawals[0].reason == "seal_broken"
    assert found.left == 1


def test_after_the_period_nothing_is_withdrawn_from(home: LawfulBusiness) -> None:
    key = home.order()
    home.deliver(key)
    ends_at = home.choice(key).ends_at
    assert ends_at is not None
    home.clock.at = ends_at - timedelta(seconds=1)
    assert home.choice(key).not_possible is None
    home.clock.at = ends_at
    assert home.withdraw(key) == NotDeclared(NotPossible.PERIOD_OVER)
    assert home.home.count("withdrawals") == 0


def test_a_form_that_says_something_else_declares_nothing(home: LawfulBusiness) -> None:
    key = home.order()
    home.deliver(key)
    wrong: tuple[tuple[dict[str, Any], NotPossible], ...] = (
        ({"label": "ok"}, NotPossible.WRONG_LABEL),
        ({"label": "herroeping bevestigen"}, NotPossible.WRONG_LABEL),
        ({"quantity": 0}, NotPossible.BAD_QUANTITY),
        ({"quantity": 2}, NotPossible.BAD_QUANTITY),
        ({"withdrawn_shown": 1}, NotPossible.CHANGED),
    )
    for said, reason in wrong:
        assert home.withdraw(key, **said) == NotDeclared(reason)
    assert home.home.count("withdrawals") == 0


def test_another_household_finds_no_such_order(home: LawfulBusiness) -> None:
    assert home.withdraw("o_nobody") == NotDeclared(NotPossible.UNKNOWN_ORDER)


@pytest.mark.parametrize(
    ("answers", "state", "reason"),
    [
        ([RefundAnswer.NOT_YET, RefundAnswer.UNDER_WAY], WithdrawalState.REFUND_DUE, ""),
        ([RefundAnswer.NOTHING_TAKEN], WithdrawalState.REFUNDED, "nothing_taken"),
        ([RefundAnswer.NEEDS_PERSON], WithdrawalState.REFUND_DUE, "needs_person"),
    ],
    ids=lambda value: str(value[0]) if isinstance(value, list) else "",
)
def test_the_room_that_took_the_money_is_asked_to_give_it_back(
    database: Database, answers: list[RefundAnswer], state: WithdrawalState, reason: str
) -> None:
    asked: list[tuple[int, str]] = []

    def refund(
        _connection: object, _order: object, *, amount_minor: int, cause: str, **_rest: object
    ) -> RefundAnswer:
        asked.append((amount_minor, cause))
        return answers[len(asked) - 1]

    home = LawfulBusiness(database, rules=replace(Rules(), refund=refund, may_wait_for_goods=False))
    key = home.order()
    home.deliver(key)
    home.withdraw(key)
    home.home.do_jobs()
    home.home.wait(601)
    (after,) = home.choice(key).withdrawals
    assert (after.state, after.reason) == (state, reason)
    assert asked == [(1094, "withdrawal:1")] * len(answers)
    assert home.shop.refunds == {}
