"""What consumer law asks for, for the other rooms, the pages and the commands.

Every function works inside the caller's unit of work, opened as `Database.write(household_id)`
where it writes. `app` makes the `Rules`, registers a `listening.Listener` with the hooks of orders
and quotes, and hands `Listener.on_accepted` to the sender of mail.

A page needs:

- `labels.Labels.text(control, language, channel)`: the words on a control;
- `choice`: what a household may withdraw from, until when, and where the acknowledgement goes;
- `withdraw`: the second step; a repeat of the same form is the same withdrawal;
- `letters_of` and `fetch_letter`: what was written about an order, to read and to keep;
- `reduction`: the lowest price of the thirty days before, without which no reduction is shown.
"""

from datetime import datetime

from sqlalchemy import Connection

from zodra_cloud.channels import service as channels
from zodra_cloud.channels.models import Letter
from zodra_cloud.kit.changes import Changes
from zodra_cloud.law import declaring, pricing, reading
from zodra_cloud.law.labels import Channel, Control, Labels
from zodra_cloud.law.letters import withdrawal_in_words
from zodra_cloud.law.models import Choice, Declared, NotDeclared, Withdrawal
from zodra_cloud.law.policy.prices import Reduction
from zodra_cloud.law.policy.withdrawing import (
    WITHDRAWAL_OPEN,
    NotPossible,
    Refusal,
    WithdrawalEvent,
    WithdrawalState,
)
from zodra_cloud.law.pricing import forget_prices, observe_catalogue
from zodra_cloud.law.proving import PROOF_BYTES_MAX, as_html, check_file, export
from zodra_cloud.law.repository import withdrawals
from zodra_cloud.law.rules import Page, RefundAnswer, Refunder, Rules
from zodra_cloud.law.words import Wording
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import At
from zodra_cloud.replenish.snapshot import Snapshot

OPERATOR_MAX = 200

__all__ = [
    "PROOF_BYTES_MAX",
    "Channel",
    "Choice",
    "Control",
    "Declared",
    "Labels",
    "NotDeclared",
    "NotPossible",
    "Page",
    "Reduction",
    "RefundAnswer",
    "Refunder",
    "Refusal",
    "Rules",
    "Withdrawal",
    "WithdrawalState",
    "Wording",
    "as_html",
    "check_file",
    "choice",
    "export",
    "fetch_letter",
    "forget_prices",
    "goods_back",
    "letters_of",
    "observe_catalogue",
    "open_withdrawals",
    "paid_by_hand",
    "reduction",
    "refuse",
    "sent_back",
    "withdraw",
    "withdrawal_words",
]


def choice(
    connection: Connection, household_id: str, order_key: str, *, rules: Rules, now: datetime
) -> Choice:
    """Say what a household may withdraw from, now. Raises `UnknownThing`."""
    view = replenish.order(connection, household_id, order_key)
    return reading.choice(connection, view, rules, now)


def withdraw(
    connection: Connection,
    household_id: str,
    order_key: str,
    *,
    quantity: int,
    withdrawn_shown: int,
    label: str,
    language: str,
    person_id: str,
    rules: Rules,
    now: datetime,
    changes: Changes,
    channel: Channel = Channel.WEB,
) -> Declared | NotDeclared:
    """Take the second step: from its commit the household has withdrawn.

    The acknowledgement is written in the same commit. An order that has not been sent is stopped
    if it can be, and then nothing has to come back first.

    Args:
        connection: of a unit of work that names the household.
        household_id: of the session.
        order_key: from the address; an order of another household is not found.
        quantity: how many of what was ordered.
        withdrawn_shown: `Choice.withdrawn` of the page, from the form: makes a repeat harmless.
        label: the literal words on the control, in `language`; kept with the statement.
        language: of the page, and of the acknowledgement.
        person_id: of the session.
        rules: of the room.
        now: the instant.
        changes: tells the open pages.
        channel: where the control was.
    """
    return declaring.declare(
        connection,
        household_id,
        order_key,
        quantity=quantity,
        withdrawn_shown=withdrawn_shown,
        label=label,
        language=language,
        person_id=person_id,
        rules=rules,
        at=At(now, changes),
        channel=channel,
    )


def sent_back(
    connection: Connection,
    household_id: str,
    order_key: str,
    *,
    rules: Rules,
    now: datetime,
    changes: Changes,
) -> bool:
    """Take the household's word that the goods are on their way back: the refund is due."""
    event, at = WithdrawalEvent.SENT_BACK, At(now, changes)
    return declaring.hear_of_goods(connection, household_id, order_key, event, rules, at)


def goods_back(
    connection: Connection,
    household_id: str,
    order_key: str,
    *,
    rules: Rules,
    now: datetime,
    changes: Changes,
) -> bool:
    """Take the operator's word that the goods are back: the refund is due."""
    event, at = WithdrawalEvent.GOODS_BACK, At(now, changes)
    return declaring.hear_of_goods(connection, household_id, order_key, event, rules, at)


def refuse(
    connection: Connection,
    household_id: str,
    order_key: str,
    number: int,
    refusal: Refusal,
    *,
    rules: Rules,
    now: datetime,
    changes: Changes,
) -> bool:
    """Turn a withdrawal down, by the operator, for a reason of the list; False if too late."""
    event, at = WithdrawalEvent.REFUSED, At(now, changes)
    return declaring.hear_of_goods(
        connection, household_id, order_key, event, rules, at, number=number, refusal=refusal
    )


def paid_by_hand(
    connection: Connection,
    household_id: str,
    order_key: str,
    number: int,
    *,
    rules: Rules,
    now: datetime,
    changes: Changes,
) -> bool:
    """Take the operator's word that a refund was paid by another way; the household is told."""
    at = At(now, changes)
    return declaring.paid_by_hand(connection, household_id, order_key, number, rules, at)


def open_withdrawals(
    connection: Connection, *, overdue_at: datetime | None = None
) -> list[Withdrawal]:
    """List the withdrawals that are not settled, the most urgent first; an operator's read.

    Args:
        connection: to read from.
        overdue_at: if given, only those whose money should have been back by then.
    """
    states = tuple(WITHDRAWAL_OPEN)
    return withdrawals.in_states(connection, states, OPERATOR_MAX, due_before=overdue_at)


def letters_of(connection: Connection, household_id: str, order_key: str) -> list[Letter]:
    """Read what was written to a household about an order, oldest first."""
    return channels.letters_about(connection, household_id, order_key)


def fetch_letter(
    connection: Connection,
    household_id: str,
    letter_id: str,
    *,
    rules: Rules,
    now: datetime,
    changes: Changes,
) -> tuple[Letter, str]:
    """Give a letter as a file to keep, and note that the household has it. Raises `UnknownThing`.

    From that moment it is on a durable medium of the household's own.
    """
    letter, html = channels.fetch(connection, household_id, letter_id, now=now)
    declaring.note_acknowledged(
        connection, household_id, letter.order_key, letter_id, rules, At(now, changes)
    )
    return letter, html


def reduction(connection: Connection, snapshot: Snapshot, now: datetime) -> Reduction | None:
    """Say whether a quoted price may be shown as a reduction; None if it may not.

    A page that shows one shows `before_minor` as the lowest price of the last thirty days, and no
    other.
    """
    thing = (snapshot.merchant_id, snapshot.sku, snapshot.currency)
    return pricing.reduction(connection, thing, snapshot.unit_price_minor, now)


def withdrawal_words(snapshot: Snapshot, wording: Wording, rules: Rules) -> str:
    """Say, before an order, what a household may do after it: the exclusions among it."""
    return withdrawal_in_words(reading.terms(snapshot, rules), wording)
