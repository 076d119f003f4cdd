"""Takes part in the moves of quotes and orders: prices, proofs and letters, in the same commit."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from zodra_cloud.channels import service as channels
from zodra_cloud.channels.content import Content
from zodra_cloud.channels.models import Letter
from zodra_cloud.channels.service import Draft, LetterKind
from zodra_cloud.households import service as households
from zodra_cloud.kit.changes import Changes
from zodra_cloud.law import declaring, letters, pricing, proving, reading
from zodra_cloud.law.letters import Subject
from zodra_cloud.law.rules import Rules
from zodra_cloud.replenish import hooks
from zodra_cloud.replenish import service as replenish
from zodra_cloud.replenish.models import At, StoredOrder, StoredQuote
from zodra_cloud.replenish.states import OrderNews, QuoteState
from zodra_cloud.store.engine import Database

FROM_QUOTE: Final = "quote"


class Listener:
    """What the room does when something moves; `register` puts it in its places.

    Args:
        rules: of the room.
        changes: tells the open pages.
    """

    def __init__(self, rules: Rules, changes: Changes) -> None:
        self._rules = rules
        self._changes = changes

    def register(self, database: Database) -> None:
        """Take part from now on; before the first unit of work, once a database handle."""
        hooks.on_quotes(database, self.on_quotes)
        hooks.on_order(database, self.on_order)

    def on_quotes(self, connection: Connection, quotes: Sequence[StoredQuote], at: At, /) -> None:
        """Keep every price that a shop named; one that it named to many is kept once."""
        shown = [
            each.snapshot
            for each in quotes
            if each.state is QuoteState.OPEN and each.snapshot is not None
        ]
        prices = {
            (each.merchant_id, each.sku, each.currency, each.unit_price_minor): None
            for each in shown
        }
        for merchant_id, sku, currency, price_minor in prices:
            thing = merchant_id, sku, currency
            pricing.observe(connection, thing, price_minor, FROM_QUOTE, at.now)

    def on_order(self, connection: Connection, order: StoredOrder, news: OrderNews, at: At) -> None:
        """Write what is owed in writing, and keep what was shown."""
        if news is OrderNews.CONFIRMED:
            self._keep(connection, order, at)
            return
        if news is OrderNews.CANCELLED:
            declaring.note_stopped(connection, order, self._rules, at)
        elif news is OrderNews.REFUNDED:
            declaring.note_refunded(connection, order, self._rules, at)
            declaring.tell_refunded(connection, order, self._rules, at)
        written = self._write(connection, order, news)
        if written is None:
            return
        kind, content = written
        draft = Draft(order.household_id, kind, content, at.now, order.order_key)
        channels.post(connection, draft, now=at.now, mail_on=self._rules.mail_on)

    def on_accepted(self, connection: Connection, letter: Letter, now: object, /) -> None:
        """Note that the server took the acknowledgement of a withdrawal."""
        if letter.kind is LetterKind.WITHDRAWAL and letter.accepted_at is not None:
            declaring.note_acknowledged(
                connection,
                letter.household_id,
                letter.order_key,
                letter.letter_id,
                self._rules,
                At(letter.accepted_at, self._changes),
            )

    def _keep(self, connection: Connection, order: StoredOrder, at: At) -> None:
        view = replenish.order(connection, order.household_id, order.order_key)
        household = households.household(connection, order.household_id)
        proving.keep(connection, order, view.snapshot, household.time_zone, self._rules, at.now)

    def _write(
        self, connection: Connection, order: StoredOrder, news: OrderNews
    ) -> tuple[LetterKind, Content] | None:
        if news not in _WRITTEN:
            return None
        about = reading.subject(connection, order, self._rules)
        if news is OrderNews.PLACED:
            mark = proving.mark(connection, order)
            return LetterKind.CONFIRMATION, letters.confirmation(about, mark)
        if news is OrderNews.FOLLOW_UP:
            ends_at = reading.ends_at(connection, order, about.terms)
            return LetterKind.FOLLOW_UP, letters.follow_up(about, ends_at)
        return _plain(news, about)


_WRITTEN: Final = frozenset(
    {
        OrderNews.PLACED,
        OrderNews.SHIPPED,
        OrderNews.LATE,
        OrderNews.FOLLOW_UP,
        OrderNews.CANCELLED,
    }
)


def _plain(news: OrderNews, about: Subject) -> tuple[LetterKind, Content]:
    if news is OrderNews.SHIPPED:
        return LetterKind.SHIPPED, letters.shipped(about)
    if news is OrderNews.LATE:
        return LetterKind.LATE, letters.late(about)
    return LetterKind.CANCELLED, letters.cancelled(about)
