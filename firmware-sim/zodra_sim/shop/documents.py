"""The shop's values, and the JSON in which clients see them. Pure."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from zodra_sim import clock
from zodra_sim.shop.pricing import Line, Totals

Json = dict[str, Any]


class SessionStatus(StrEnum):
    """Where a checkout session is."""

    READY = "ready_for_complete"
    COMPLETED = "completed"
    CANCELED = "canceled"
    EXPIRED = "expired"


class OrderStatus(StrEnum):
    """Where an order is."""

    PLACED = "placed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELED = "canceled"


FINAL = frozenset({OrderStatus.DELIVERED, OrderStatus.CANCELED})


@dataclass(frozen=True, slots=True)
class Terms:
    """What was promised together with a price."""

    merchant_id: str
    merchant_name: str
    currency: str
    shipping_id: str
    shipping_title: str
    earliest_at: datetime
    latest_at: datetime
    return_days: int
    sealed_only: bool


@dataclass(frozen=True, slots=True)
class Session:
    """A checkout session: a quote that can be ordered until it expires."""

    session_id: str
    reference: str
    buyer_reference: str
    country: str
    status: SessionStatus
    lines: tuple[Line, ...]
    totals: Totals
    terms: Terms
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """Something that happened to an order."""

    event_id: str
    type: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """An order."""

    order_id: str
    session: Session
    status: OrderStatus
    revision: int
    placed_at: datetime
    updated_at: datetime
    ship_at: datetime
    deliver_at: datetime
    canceled_for: str | None
    events: tuple[OrderEvent, ...]


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back on an order."""

    refund_id: str
    order_id: str
    amount: int
    currency: str


def refund_json(refund: Refund) -> Json:
    """Spell a refund."""
    return {
        "id": refund.refund_id,
        "order_id": refund.order_id,
        "amount": refund.amount,
        "currency": refund.currency,
    }


def line_json(lines: tuple[Line, ...]) -> list[Json]:
    """Spell the lines of a checkout."""
    return [
        {
            "id": f"li_{number}",
            "quantity": line.quantity,
            "item": {
                "id": line.sku,
                "title": line.titles["en"],
                "titles": line.titles,
                "price": line.price,
            },
            "totals": [
                {"type": "subtotal", "amount": line.amount},
                {"type": "total", "amount": line.amount},
            ],
        }
        for number, line in enumerate(lines, start=1)
    ]


def totals_json(totals: Totals) -> list[Json]:
    """Spell the sums of a checkout."""
    return [
        {"type": "subtotal", "amount": totals.subtotal},
        {"type": "fulfillment", "amount": totals.fulfillment},
        {"type": "tax", "amount": totals.tax, "included": True},
        {"type": "total", "amount": totals.total},
    ]


def session_json(session: Session, order: Order | None, base_url: str) -> Json:
    """Spell a session."""
    terms = session.terms
    return {
        "id": session.session_id,
        "status": session.status,
        "currency": terms.currency,
        "reference": session.reference,
        "merchant": {"id": terms.merchant_id, "name": terms.merchant_name},
        "line_items": line_json(session.lines),
        "totals": totals_json(session.totals),
        "fulfillment": {
            "options": [
                {
                    "id": terms.shipping_id,
                    "title": terms.shipping_title,
                    "selected": True,
                    "earliest_at": clock.text(terms.earliest_at),
                    "latest_at": clock.text(terms.latest_at),
                    "totals": [{"type": "total", "amount": session.totals.fulfillment}],
                }
            ]
        },
        "returns": {"days": terms.return_days, "sealed_only": terms.sealed_only},
        "links": [
            {"type": "terms_of_service", "url": f"{base_url}/terms"},
            {"type": "refund_policy", "url": f"{base_url}/returns"},
        ],
        "created_at": clock.text(session.created_at),
        "expires_at": clock.text(session.expires_at),
        "order": order_json(order, base_url) if order else None,
    }


def order_json(order: Order, base_url: str) -> Json:
    """Spell an order."""
    terms = order.session.terms
    shipped = any(event.type == OrderStatus.SHIPPED for event in order.events)
    tracking = {"carrier": "Demo parcels", "url": f"{base_url}/track/{order.order_id}"}
    canceled = {"reason": order.canceled_for, "at": clock.text(order.updated_at)}
    return {
        "id": order.order_id,
        "checkout_id": order.session.session_id,
        "reference": order.session.reference,
        "status": order.status,
        "revision": order.revision,
        "currency": terms.currency,
        "totals": totals_json(order.session.totals),
        "line_items": line_json(order.session.lines),
        "placed_at": clock.text(order.placed_at),
        "updated_at": clock.text(order.updated_at),
        "fulfillment": {
            "expected": {
                "earliest_at": clock.text(terms.earliest_at),
                "latest_at": clock.text(terms.latest_at),
            },
            "tracking": tracking if shipped else None,
            "events": [
                {"id": one.event_id, "type": one.type, "occurred_at": clock.text(one.occurred_at)}
                for one in order.events
            ],
        },
        "cancellation": canceled if order.canceled_for else None,
    }


def event_body(order: Order, event: OrderEvent, base_url: str) -> str:
    """Spell an order event as it is posted and signed."""
    return json.dumps(
        {
            "type": f"order.{event.type}",
            "timestamp": clock.text(event.occurred_at),
            "data": order_json(order, base_url),
        },
        separators=(",", ":"),
    )
