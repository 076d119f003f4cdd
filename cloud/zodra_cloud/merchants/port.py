"""What every shop can be asked, and the three kinds of answer: yes, no, and unknown.

A refusal is a value: the shop understood and said no, so nothing was ordered. Unknown is a value
too: no answer that can be relied on came back, so anything may have happened.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from zodra_cloud.kit.money import Money


class ShopRefusal(StrEnum):
    """Why a shop said no. A name is never reused."""

    UNAUTHORIZED = "unauthorized"
    INVALID = "invalid"
    UNKNOWN_ITEM = "unknown_item"
    OUT_OF_STOCK = "out_of_stock"
    PRICE_CHANGED = "price_changed"
    SESSION_EXPIRED = "session_expired"
    SESSION_GONE = "session_gone"
    """Cancelled at the shop, or not known to it."""
    ALREADY_COMPLETED = "already_completed"
    """The session or its reference has an order already; look it up by the reference."""
    KEY_CONFLICT = "key_conflict"
    """The key was used for something else."""
    PAYMENT_DECLINED = "payment_declined"
    ORDER_NOT_FOUND = "order_not_found"
    TOO_LATE = "too_late"
    """The order has left the shop and cannot be cancelled."""
    NOT_REFUNDABLE = "not_refundable"
    """More than was paid and not given back yet, or the shop gives nothing back on this order."""
    UNSUPPORTED = "unsupported"
    """This shop cannot be asked that over its interface; a person can."""


class ShopFault(StrEnum):
    """Why an answer could not be had, or not be relied on. A name is never reused."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    CONNECTION_LOST = "connection_lost"
    SERVER_ERROR = "server_error"
    BUSY = "busy"
    OVERSIZED = "oversized"
    GARBLED = "garbled"
    """No JSON, or not of the agreed shape."""
    INCONSISTENT = "inconsistent"
    """Of the agreed shape, and wrong: sums that do not add up, another item, another order."""
    REDIRECTED = "redirected"
    FORBIDDEN_ADDRESS = "forbidden_address"
    """The shop's name leads where calls may not go; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The shop said no; nothing was ordered."""

    reason: ShopRefusal


@dataclass(frozen=True, slots=True)
class Unknown:
    """There is no answer to rely on; what was asked may or may not have been done."""

    fault: ShopFault
    retry_after_s: float | None = None
    """When the shop wants to be asked again, if it said so."""


class ShopOrderState(StrEnum):
    """Where the shop says that its order stands."""

    PLACED = "placed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


STATE_REVISION: Final = {state: number for number, state in enumerate(ShopOrderState, start=1)}
"""For shops that count no revisions: their orders only move forward, so the state gives one."""


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """What a shop is asked to price."""

    reference: str
    """Our order key; the shop puts it on the order that may follow."""
    buyer_reference: str
    """The account at the shop: a pseudonym of the household; no name or address travels."""
    sku: str
    quantity: int
    currency: str
    country: str
    """ISO 3166-1, two capitals; decides the VAT."""


@dataclass(frozen=True, slots=True)
class ShopQuote:
    """A priced and dated proposal of a shop. Amounts in minor units, VAT included."""

    session_id: str
    """Under which the shop keeps it; never shown."""
    merchant_id: str
    merchant_name: str
    titles: dict[str, str]
    """Product title by language; under `""` the one for every other language."""
    sku: str
    quantity: int
    currency: str
    unit_price_minor: int
    goods_minor: int
    shipping_minor: int
    vat_minor: int
    """Contained in the total."""
    total_minor: int
    delivery_title: str
    delivery_from_at: datetime
    delivery_to_at: datetime
    returns_days: int
    returns_sealed_only: bool
    """The right of withdrawal ends when the seal is broken (hygiene goods)."""
    terms_url: str | None
    returns_url: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ShopOrder:
    """An order as the shop tells it."""

    order_id: str
    reference: str
    state: ShopOrderState
    revision: int
    """Grows with every change of the order at the shop."""
    total: Money
    delivery_from_at: datetime | None
    delivery_to_at: datetime | None
    carrier: str | None
    tracking_url: str | None
    cancel_reason: str | None


@dataclass(frozen=True, slots=True)
class ShopItem:
    """Something that a shop sells, as its catalogue tells it today."""

    sku: str
    """The shop's own name of the sellable variant, as its interface addresses it."""
    titles: dict[str, str]
    """By language; under `""` the one for every other language."""
    unit_price: Money
    """VAT included, before shipping."""
    available: bool


@dataclass(frozen=True, slots=True)
class CataloguePage:
    """A part of a shop's catalogue."""

    items: tuple[ShopItem, ...]
    next_cursor: str | None
    """What to ask the following part with; None after the last."""


@dataclass(frozen=True, slots=True)
class ShopRefund:
    """Money that a shop has given back, or has promised to."""

    refund_id: str
    order_id: str
    amount: Money
    """Of this refund."""


class Shop(Protocol):
    """One shop. Every call blocks for a bounded time and never raises for what a shop does.

    Seven verbs: `catalogue`, `quote`, `place`, get (`order` by the shop's id, `find` by our key),
    `cancel`, `refund`; the seventh, the signed order event, comes from the shop
    (`merchants.routes`).
    """

    def catalogue(self, cursor: str | None = None) -> CataloguePage | Refused | Unknown:
        """Look up what the shop sells.

        Args:
            cursor: `next_cursor` of the page before; None for the first.
        """
        ...

    def quote(self, request: QuoteRequest, now: datetime) -> ShopQuote | Refused | Unknown:
        """Ask a price. It binds nobody until it is placed."""
        ...

    def place(
        self, session_id: str, order_key: str, expected_total: Money
    ) -> ShopOrder | Refused | Unknown:
        """Order what was quoted, under a key that makes a repeat harmless.

        Args:
            session_id: of the quote.
            order_key: the same for every attempt at the same order.
            expected_total: what the household confirmed; the shop refuses any other.
        """
        ...

    def order(self, order_id: str) -> ShopOrder | Refused | Unknown:
        """Ask how an order stands."""
        ...

    def find(self, reference: str) -> ShopOrder | Refused | Unknown:
        """Ask for the order that carries our key; `order_not_found` if the shop has none."""
        ...

    def cancel(self, order_id: str) -> ShopOrder | Refused | Unknown:
        """Cancel an order that has not been shipped. A repeat is harmless."""
        ...

    def refund(
        self, order_id: str, refund_key: str, amount: Money
    ) -> ShopRefund | Refused | Unknown:
        """Ask the shop to give money back, under a key that makes a repeat harmless.

        Args:
            order_id: the shop's.
            refund_key: the same for every attempt at the same refund.
            amount: at most what was paid and not given back yet.
        """
        ...
