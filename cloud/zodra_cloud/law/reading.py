"""Putting together what is known of an order and its withdrawal; reads only."""

from datetime import datetime

from sqlalchemy import Connection

from zodra_cloud.channels import service as channels
from zodra_cloud.channels.models import LetterKind
from zodra_cloud.households import service as households
from zodra_cloud.law.letters import Subject
from zodra_cloud.law.models import Choice
from zodra_cloud.law.policy import withdrawing
from zodra_cloud.law.policy.period import Terms, period_end, terms_of
from zodra_cloud.law.policy.withdrawing import Standing, WithdrawalState
from zodra_cloud.law.repository import withdrawals
from zodra_cloud.law.rules import Rules
from zodra_cloud.law.words import TEXTS, Wording
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import OrderView, StoredOrder
from zodra_cloud.replenish.snapshot import Snapshot
from zodra_cloud.replenish.states import NEVER_BOUGHT


def terms(snapshot: Snapshot, rules: Rules) -> Terms:
    """Give the terms of withdrawal of a quote, in a country."""
    return terms_of(
        snapshot.returns_days,
        snapshot.returns_sealed_only,
        days_min=rules.days_min,
        honoured=rules.exclusions,
    )


def ends_at(connection: Connection, order: StoredOrder, given: Terms) -> datetime | None:
    """Give when the period of an order is over; None while no delivery of it is known."""
    if order.delivered_at is None:
        return None
    zone = households.zone(connection, order.household_id)
    informed_at = informed(connection, order)
    return period_end(order.delivered_at, given.days, zone, informed_at)


def informed(connection: Connection, order: StoredOrder) -> datetime | None:
    """Give when the household had the instructions on a durable medium; None if it has not."""
    about = channels.letters_about(connection, order.household_id, order.order_key)
    known = [
        letter.in_hand_at
        for letter in about
        if letter.kind is LetterKind.CONFIRMATION and letter.in_hand_at is not None
    ]
    return min(known, default=None)


def choice(connection: Connection, view: OrderView, rules: Rules, now: datetime) -> Choice:
    """Say what a household may withdraw from, now."""
    order, snapshot = view.order, view.snapshot
    known = withdrawals.of_order(connection, order.household_id, order.order_key)
    withdrawn = sum(each.quantity for each in known if each.state is not WithdrawalState.REFUSED)
    given = terms(snapshot, rules)
    standing = Standing(
        contract=order.state not in NEVER_BOUGHT,
        quantity=snapshot.quantity,
        withdrawn=withdrawn,
        terms=given,
        ends_at=ends_at(connection, order, given),
    )
    contact = channels.contact(connection, order.household_id)
    return Choice(
        order=order,
        snapshot=snapshot,
        terms=given,
        withdrawn=withdrawn,
        left=max(0, snapshot.quantity - withdrawn),
        ends_at=standing.ends_at,
        not_possible=withdrawing.judge(standing, now),
        email=contact.email if contact is not None and rules.mail_on else None,
        withdrawals=tuple(known),
    )


def standing_of(found: Choice) -> Standing:
    """Give the facts that a declaration is judged by."""
    return Standing(
        contract=found.order.state not in NEVER_BOUGHT,
        quantity=found.snapshot.quantity,
        withdrawn=found.withdrawn,
        terms=found.terms,
        ends_at=found.ends_at,
    )


def subject(
    connection: Connection,
    order: StoredOrder,
    rules: Rules,
    snapshot: Snapshot | None = None,
    language: str | None = None,
) -> Subject:
    """Put together what a letter about an order needs to know."""
    household = households.household(connection, order.household_id)
    if snapshot is None:
        snapshot = replenish.order(connection, order.household_id, order.order_key).snapshot
    spoken = language or order.language
    return Subject(
        order=order,
        snapshot=snapshot,
        wording=Wording(
            spoken if spoken in TEXTS else household.language,
            households.zone(connection, order.household_id),
        ),
        labels=rules.labels,
        terms=terms(snapshot, rules),
        trader=rules.trader,
        public_url=rules.public_url,
    )
