"""What the shop does: quote, sell once, follow, cancel."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zlib import crc32

from zodra_sim.clock import Clock
from zodra_sim.shop import documents
from zodra_sim.shop.catalogue import Catalogue, Item
from zodra_sim.shop.documents import (
    Order,
    OrderEvent,
    OrderStatus,
    Refund,
    Session,
    SessionStatus,
    Terms,
)
from zodra_sim.shop.errors import Code, Refusal
from zodra_sim.shop.pricing import Line, delivery_window, scaled, totals
from zodra_sim.shop.settings import ShopSettings
from zodra_sim.shop.store import Store, expired

NEXT: Final = {
    OrderStatus.PLACED: OrderStatus.SHIPPED,
    OrderStatus.SHIPPED: OrderStatus.DELIVERED,
}
"""How an order moves on by itself."""


def random_id(prefix: str) -> str:
    """Draw a new id; drawn rather than counted, so that a shop made anew repeats none."""
    return f"{prefix}_{secrets.token_hex(8)}"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client wants to buy."""

    reference: str
    buyer_reference: str
    country: str
    lines: tuple[tuple[str, int], ...]
    """SKU and quantity."""


@dataclass(frozen=True, slots=True)
class Placed:
    """The answer to a complete."""

    order: Order
    replayed: bool


class Shop:
    """One shop on one database."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        settings: ShopSettings,
        clock: Clock,
        new_id: Callable[[str], str] = random_id,
    ) -> None:
        self.store = store
        self.catalogue = catalogue
        self.settings = settings
        self._clock = clock
        self._new_id = new_id
        with store.unit():
            store.open_stock((item.sku, item.stock) for item in catalogue.items)
            self._note_prices()

    # Quotes

    def quote(self, wish: Wish) -> Session | Refusal:
        """Open a checkout session."""
        with self.store.unit():
            session = self._priced(self._new_id("cs"), wish)
            if isinstance(session, Session):
                self.store.put_session(session)
            return session

    def requote(self, session_id: str, lines: tuple[tuple[str, int], ...]) -> Session | Refusal:
        """Change what is in a session, and price it again."""
        with self.store.unit():
            old = self._session(session_id)
            if isinstance(old, Refusal):
                return old
            if old.status is not SessionStatus.READY:
                return _closed(old)
            wish = Wish(old.reference, old.buyer_reference, old.country, lines)
            session = self._priced(session_id, wish)
            if isinstance(session, Session):
                self.store.put_session(session)
            return session

    def session(self, session_id: str) -> tuple[Session, Order | None] | Refusal:
        """Find a session, and the order that it became."""
        with self.store.unit():
            session = self._session(session_id)
            if isinstance(session, Refusal):
                return session
            return session, self.store.order_of(session_id)

    def cancel_session(self, session_id: str) -> Session | Refusal:
        """Close a session that has not become an order."""
        with self.store.unit():
            session = self._session(session_id)
            if isinstance(session, Refusal):
                return session
            if session.status is SessionStatus.COMPLETED:
                return _closed(session)
            session = replace(session, status=SessionStatus.CANCELED)
            self.store.put_session(session)
            return session

    # Orders

    def complete(
        self, session_id: str, key: str, expected_total: int, currency: str
    ) -> Placed | Refusal:
        """Make the order, at most once for a key and for a reference.

        The order, the key and the session are one commit. A refusal does not use the key up.
        """
        fingerprint = f"{session_id} {expected_total} {currency}"
        with self.store.unit():
            careless = self._spend("no_idempotency") or self._keyless(session_id)
            if not careless and (used := self.store.order_under(key)) is not None:
                if used[0] != fingerprint:
                    return Refusal(Code.IDEMPOTENCY_CONFLICT, "The key was used for another order.")
                return Placed(used[1], replayed=True)
            session = self._session(session_id)
            if isinstance(session, Refusal):
                return session
            if not careless and (refusal := self._unsellable(session)) is not None:
                return refusal
            if refusal := self._changed(session, expected_total, currency):
                return refusal
            return Placed(self._sell(session, key, fingerprint), replayed=False)

    def _keyless(self, session_id: str) -> bool:
        """Tell whether this reference is sold as in a shop that has never heard of keys."""
        percent = self.settings.keyless_percent
        session = self.store.session(session_id) if percent else None
        return session is not None and crc32(session.reference.encode()) % 100 < percent

    def order(self, order_id: str) -> Order | Refusal:
        """Find an order."""
        found = self.store.order(order_id)
        return found or Refusal(Code.ORDER_NOT_FOUND, f"No order {order_id}.")

    def cancel_order(self, order_id: str) -> Order | Refusal:
        """Cancel an order that has not left yet; its goods go back on the shelf."""
        with self.store.unit():
            order = self.order(order_id)
            if isinstance(order, Refusal) or order.status is OrderStatus.CANCELED:
                return order
            if order.status is not OrderStatus.PLACED:
                return Refusal(Code.TOO_LATE, "The parcel has left; it can be returned.")
            for line in order.session.lines:
                self.store.move_stock(line.sku, line.quantity)
            return self._move(replace(order, canceled_for="buyer"), OrderStatus.CANCELED)

    def refund(self, order_id: str, key: str, amount: int, currency: str) -> Refund | Refusal:
        """Give money back, once for a key, and never more than was paid."""
        with self.store.unit():
            order = self.order(order_id)
            if isinstance(order, Refusal):
                return order
            if (given := self.store.refund_under(key)) is not None:
                if given[1:] != (order_id, amount):
                    return Refusal(Code.IDEMPOTENCY_CONFLICT, "The key gave something else back.")
                return Refund(*given, currency)
            paid, terms = order.session.totals.total, order.session.terms
            if currency != terms.currency:
                return Refusal(Code.INVALID, f"It was paid in {terms.currency}.")
            if not 0 < amount <= paid - self.store.refunded(order_id):
                return Refusal(Code.NOT_REFUNDABLE, "More than was paid and not given back yet.")
            refund = Refund(self._new_id("re"), order_id, amount, currency)
            self.store.add_refund(key, refund.refund_id, order_id, amount)
            return refund

    def advance(self) -> int:
        """Ship and deliver what is due; tell how many orders moved."""
        with self.store.unit():
            if self.store.faults().hold_parcels:
                return 0
            due = self.store.orders_due(self._now())
            for order in due:
                self._move(order, NEXT[order.status])
            return len(due)

    def product(self, item: Item) -> documents.Json:
        """Describe an item as it is today."""
        with self.store.unit():
            return {
                "id": item.sku,
                "title": item.title.en,
                "titles": item.title.model_dump(),
                "price": self._price(item),
                "currency": self.catalogue.merchant.currency,
                "available": self._available(item.sku),
            }

    # Faults

    def change_faults(self, changes: dict[str, object]) -> None:
        """Merge changes into the faults; a changed price is noted at once.

        Raises:
            ValidationError: a name or a value is none of ours.
        """
        with self.store.unit():
            self.store.put_faults(self.store.faults().merged(changes))
            self._note_prices()

    def spend(self, name: str) -> bool:
        """Use one of a counted fault up, if there is one."""
        with self.store.unit():
            return self._spend(name)

    def _spend(self, name: str) -> bool:
        faults = self.store.faults()
        if not getattr(faults, name):
            return False
        self.store.put_faults(faults.spent(name))
        return True

    # Inside a unit of work

    def _now(self) -> datetime:
        """Tell the instant in whole milliseconds, which is what the file and the wire carry."""
        now = self._clock.now()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def _price(self, item: Item) -> int:
        return scaled(item.price, self.store.faults().price_factor)

    def _note_prices(self) -> None:
        now = self._now()
        for item in self.catalogue.items:
            self.store.note_price(item.sku, self._price(item), now)

    def _available(self, sku: str) -> int:
        return 0 if sku in self.store.faults().out_of_stock else self.store.units(sku)

    def _priced(self, session_id: str, wish: Wish) -> Session | Refusal:
        lines: list[Line] = []
        items: list[Item] = []
        for sku, quantity in wish.lines:
            if (item := self.catalogue.item(sku)) is None:
                return Refusal(Code.UNKNOWN_ITEM, f"No item {sku}.")
            if self._available(sku) < quantity:
                return Refusal(Code.OUT_OF_STOCK, f"{item.title.en}: not enough in stock.")
            titles = item.title.model_dump()
            lines.append(Line(sku, quantity, self._price(item), item.vat_percent, titles))
            items.append(item)
        now = self._now()
        merchant, delivery = self.catalogue.merchant, self.catalogue.delivery
        earliest_at, latest_at = delivery_window(now)
        return Session(
            session_id=session_id,
            reference=wish.reference,
            buyer_reference=wish.buyer_reference,
            country=wish.country,
            status=SessionStatus.READY,
            lines=tuple(lines),
            totals=totals(lines, delivery),
            terms=Terms(
                merchant_id=merchant.id,
                merchant_name=merchant.name,
                currency=merchant.currency,
                shipping_id=delivery.id,
                shipping_title=delivery.title,
                earliest_at=earliest_at,
                latest_at=latest_at,
                return_days=min(item.return_days for item in items),
                sealed_only=any(item.sealed_only for item in items),
            ),
            created_at=now,
            expires_at=now + timedelta(seconds=self.settings.session_ttl_s),
        )

    def _session(self, session_id: str) -> Session | Refusal:
        session = self.store.session(session_id)
        if session is None:
            return Refusal(Code.SESSION_NOT_FOUND, f"No checkout session {session_id}.")
        if expired(session, self._now()):
            session = replace(session, status=SessionStatus.EXPIRED)
            self.store.put_session(session)
        return session

    def _unsellable(self, session: Session) -> Refusal | None:
        if session.status is not SessionStatus.READY:
            return _closed(session)
        if self.store.orders_with(session.reference):
            return Refusal(Code.ALREADY_COMPLETED, "There is an order under this reference.")
        return None

    def _changed(self, session: Session, expected_total: int, currency: str) -> Refusal | None:
        today = self._priced(
            session.session_id,
            Wish(
                session.reference,
                session.buyer_reference,
                session.country,
                tuple((line.sku, line.quantity) for line in session.lines),
            ),
        )
        if isinstance(today, Refusal):
            return today
        if (today.totals.total, today.terms.currency) != (expected_total, currency):
            self.store.put_session(replace(session, status=SessionStatus.CANCELED))
            return Refusal(
                Code.PRICE_CHANGED,
                f"The total is now {today.totals.total} {today.terms.currency}, "
                f"not {expected_total} {currency}.",
            )
        if self._spend("payment_declined"):
            return Refusal(Code.PAYMENT_DECLINED, "The payment was declined.")
        return None

    def _sell(self, session: Session, key: str, fingerprint: str) -> Order:
        now = self._now()
        ship_at = now + timedelta(seconds=self.settings.shipped_after_s)
        for line in session.lines:
            self.store.move_stock(line.sku, -line.quantity)
        session = replace(session, status=SessionStatus.COMPLETED)
        self.store.put_session(session)
        order = Order(
            order_id=self._new_id("ord"),
            session=session,
            status=OrderStatus.PLACED,
            revision=0,
            placed_at=now,
            updated_at=now,
            ship_at=ship_at,
            deliver_at=ship_at + timedelta(seconds=self.settings.delivered_after_s),
            canceled_for=None,
            events=(),
        )
        order = self._move(order, OrderStatus.PLACED)
        self.store.keep_key(key, fingerprint, order.order_id)
        return order

    def _move(self, order: Order, status: OrderStatus) -> Order:
        """Bring an order into a state, and queue the event that tells of it."""
        now = self._now()
        event = OrderEvent(self._new_id("ev"), status, now)
        order = replace(
            order,
            status=status,
            revision=order.revision + 1,
            updated_at=now,
            events=(*order.events, event),
        )
        self.store.put_order(order)
        self.store.add_event(order.order_id, event)
        if self.settings.webhook_url is not None:
            body = documents.event_body(order, event, self.settings.base_url)
            self.store.post(event.event_id, body, now)
        return order


def _closed(session: Session) -> Refusal:
    match session.status:
        case SessionStatus.COMPLETED:
            return Refusal(Code.ALREADY_COMPLETED, "The checkout session has become an order.")
        case SessionStatus.EXPIRED:
            return Refusal(Code.SESSION_EXPIRED, "The price held until the session expired.")
        case _:
            return Refusal(Code.SESSION_CANCELED, "The checkout session was cancelled.")
