"""Where other rooms hear of payments, in the same commit: to tell the household, say.

    hooks.on_payment(database, channels.on_payment)    # a PaymentListener

They read, write their own tables and enqueue jobs; what they raise rolls the move back.
"""

from typing import Any, Final, Protocol

from sqlalchemy import Connection

from zodra_cloud.payments.models import PaymentNews, StoredMandate, StoredPayment
from zodra_cloud.replenish.models import At
from zodra_cloud.store.engine import Database, provided

_NAME: Final = "payments.hooks"


class PaymentListener(Protocol):
    """Hears each piece of news of each payment, once."""

    def __call__(
        self, connection: Connection, payment: StoredPayment, news: PaymentNews, at: At, /
    ) -> None:
        """Take part in the move; `payment` is as it is after it."""
        ...


class MandateListener(Protocol):
    """Hears of each mandate that was asked for or moved; its state says where it is now."""

    def __call__(self, connection: Connection, mandate: StoredMandate, at: At, /) -> None:
        """Take part in the move."""
        ...


class _Hooks:
    def __init__(self) -> None:
        self.payments: list[PaymentListener] = []
        self.mandates: list[MandateListener] = []


def on_payment(database: Database, listener: PaymentListener) -> None:
    """Let a room hear the news of payments."""
    _of(database).payments.append(listener)


def on_mandate(database: Database, listener: MandateListener) -> None:
    """Let a room hear of mandates."""
    _of(database).mandates.append(listener)


def tell_payment(connection: Connection, payment: StoredPayment, news: PaymentNews, at: At) -> None:
    """Tell everybody who listens a piece of news."""
    hooks = _in(connection)
    for listener in () if hooks is None else hooks.payments:
        listener(connection, payment, news, at)


def tell_mandate(connection: Connection, mandate: StoredMandate, at: At) -> None:
    """Tell everybody who listens where a mandate is now."""
    hooks = _in(connection)
    for listener in () if hooks is None else hooks.mandates:
        listener(connection, mandate, at)


def _of(database: Database) -> _Hooks:
    found = database.find_provided(_NAME)
    if found is None:
        found = _Hooks()
        database.provide(_NAME, found)
    hooks: _Hooks = found
    return hooks


def _in(connection: Connection) -> _Hooks | None:
    found: Any = provided(connection, _NAME)
    hooks: _Hooks | None = found
    return hooks
