"""Where other rooms take part in the life of a quote or an order, in the same commit.

`app` registers them once on the database handle, before the first unit of work; no page, job or
channel that moves an order can forget them:

    hooks.on_order(database, payments.on_order)        # an OrderListener
    hooks.on_quote(database, channels.on_quote)        # a QuoteListener
    hooks.on_quotes(database, api.note_quotes)         # a QuotesListener: many in one statement
    hooks.before_placing(database, payments.gate)      # a Gate
    hooks.on_cover(database, subscriptions.cover)      # a CoverFinder

All are called inside the unit of work that writes the move, which names the household. They
may read, write their own tables and enqueue jobs; what they raise rolls the move back. They must
not wait for anybody: a call to a payment provider or a mail server is a job that they enqueue.

The names of the news, and what follows which, are in `states.OrderNews` and `states.order_news`.
A repeated or late event of a shop is no news, and no step is skipped: who hears `delivered` heard
`shipped` before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from sqlalchemy import Connection

from zodra_cloud.households.models import Slot
from zodra_cloud.ingest.models import StoredSignal
from zodra_cloud.replenish.models import At, StoredOrder, StoredQuote
from zodra_cloud.replenish.policy import Cover
from zodra_cloud.replenish.states import Ending, OrderNews
from zodra_cloud.store.engine import Database, provided

GATE_ASKED_AGAIN_S: Final = 300.0
"""Also when nothing calls `service.resume`; the gate then looks for itself."""

_NAME: Final = "replenish.hooks"


class OrderListener(Protocol):
    """Hears each piece of news of each order, once."""

    def __call__(self, connection: Connection, order: StoredOrder, news: OrderNews, at: At) -> None:
        """Take part in the move.

        Args:
            connection: of the unit of work that writes it.
            order: as it is after the move.
            news: what happened.
            at: the instant, and whom to tell.
        """
        ...


class QuoteListener(Protocol):
    """Hears of each quote that was asked for or moved; its state says where it is now."""

    def __call__(self, connection: Connection, quote: StoredQuote, at: At, /) -> None:
        """Take part in the move; as `OrderListener`."""
        ...


class QuotesListener(Protocol):
    """Hears of many quotes at once that were asked for or moved, as `QuoteListener` does of one.

    For a room that would otherwise run a statement for each of hundreds a second.
    """

    def __call__(self, connection: Connection, quotes: Sequence[StoredQuote], at: At, /) -> None:
        """Take part in the moves; as `OrderListener`."""
        ...


class WaitReason(StrEnum):
    """What a confirmed order waits for, as its `reason` and its need's. Never reused."""

    PAYMENT_PENDING = "payment_pending"
    """The provider has not answered for certain."""
    PAYMENT_ACTION = "payment_action"
    """The household has to approve it, by the link that the payments room sent."""


@dataclass(frozen=True, slots=True)
class Go:
    """Nothing stands against placing the order now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Not yet; the order stays confirmed, and the gate is asked again.

    `service.resume` asks it at once. After `Rules.payment_limit` the order is given up.
    """

    reason: WaitReason
    after_s: float = GATE_ASKED_AGAIN_S


@dataclass(frozen=True, slots=True)
class Stop:
    """Never; the order has failed, and no shop was asked."""

    ending: Ending = Ending.PAYMENT_DECLINED


class Gate(Protocol):
    """Asked before a shop is: may this order be placed?"""

    def __call__(self, connection: Connection, order: StoredOrder, at: At, /) -> Go | Wait | Stop:
        """Answer from what is stored; may be asked many times for one order."""
        ...


class CoverFinder(Protocol):
    """Asked which concluded contract a need falls under.

    When it is decided, and again when its price is known; only for needs of the kind `scheduled`
    and of slots that allow call-off.
    """

    def __call__(
        self, connection: Connection, signal: StoredSignal, slot: Slot | None, at: At, /
    ) -> Cover | None:
        """Give the contract as it stands now; None if the room has none for this need."""
        ...


class _Hooks:
    def __init__(self) -> None:
        self.covers: list[CoverFinder] = []
        self.orders: list[OrderListener] = []
        self.quotes: list[QuoteListener] = []
        self.many_quotes: list[QuotesListener] = []
        self.gates: list[Gate] = []


def on_order(database: Database, listener: OrderListener) -> None:
    """Let a room hear the news of orders; listeners are called in the order of registration."""
    _of(database).orders.append(listener)


def on_quote(database: Database, listener: QuoteListener) -> None:
    """Let a room hear of quotes."""
    _of(database).quotes.append(listener)


def on_quotes(database: Database, listener: QuotesListener) -> None:
    """Let a room hear of quotes, many at once."""
    _of(database).many_quotes.append(listener)


def before_placing(database: Database, gate: Gate) -> None:
    """Let a room hold an order up; the first gate that does not say `Go` is obeyed."""
    _of(database).gates.append(gate)


def on_cover(database: Database, finder: CoverFinder) -> None:
    """Let a room say that a need is covered by a contract; the first that finds one is believed."""
    _of(database).covers.append(finder)


def find_cover(
    connection: Connection, signal: StoredSignal, slot: Slot | None, at: At
) -> Cover | None:
    """Ask which contract a need falls under."""
    hooks = _in(connection)
    for finder in () if hooks is None else hooks.covers:
        found = finder(connection, signal, slot, at)
        if found is not None:
            return found
    return None


def tell_order(connection: Connection, order: StoredOrder, news: OrderNews, at: At) -> None:
    """Tell everybody who listens a piece of news."""
    hooks = _in(connection)
    for listener in () if hooks is None else hooks.orders:
        listener(connection, order, news, at)


def tell_quotes(connection: Connection, quotes: Sequence[StoredQuote], at: At) -> None:
    """Tell everybody who listens where quotes are now."""
    hooks = _in(connection)
    if hooks is None or not quotes:
        return
    for each in quotes:
        for listener in hooks.quotes:
            listener(connection, each, at)
    for many in hooks.many_quotes:
        many(connection, quotes, at)


def ask_gates(connection: Connection, order: StoredOrder, at: At) -> Go | Wait | Stop:
    """Ask whether an order may be placed; `Go` where nobody stands in the way."""
    hooks = _in(connection)
    for gate in () if hooks is None else hooks.gates:
        answer = gate(connection, order, at)
        if not isinstance(answer, Go):
            return answer
    return Go()


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
