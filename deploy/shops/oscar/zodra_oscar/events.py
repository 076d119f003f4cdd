"""Signed order events: kept with the change that they tell of, sent until they are taken."""

import json
import secrets
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from django.conf import settings
from django.db import transaction
from oscar.apps.order.signals import order_status_changed
from standardwebhooks import Webhook

from zodra_oscar.models import Event

FINAL = frozenset({400, 401, 413})
"""The receiver would say the same again."""
RETRY_S_MAX = 600
ATTEMPTS_MAX = 50
TIMEOUT_S = 10

DEFAULT_STATES = {
    "shipped": "shipped",
    "complete": "delivered",
    "completed": "delivered",
    "delivered": "delivered",
    "cancelled": "canceled",
    "canceled": "canceled",
}


REVISIONS = {"placed": 1, "shipped": 2, "delivered": 3, "canceled": 4}


def state_of(status: str) -> str:
    """Translate the shop's own status; whatever is not named is `placed`."""
    names = {**DEFAULT_STATES, **getattr(settings, "ZODRA_ORDER_STATES", {})}
    return names.get((status or "").casefold(), "placed")


def connect() -> None:
    """Listen to changed orders; new ones are noted where they are placed."""
    order_status_changed.connect(_changed, dispatch_uid="zodra-order-status")


def _changed(sender: object, order: object, **_rest: object) -> None:
    if hasattr(order, "zodra_reference"):
        note(order)


def note(order: object) -> None:
    """Keep an event of how the order now stands; in the caller's transaction, if there is one."""
    state = state_of(order.status)
    # A search over oscarapi counts no changes either; both go by the state, so that they agree.
    revision = REVISIONS[state]
    with transaction.atomic():
        if order.zodra_events.filter(revision=revision).exists():
            return
        now = datetime.now(UTC)
        Event.objects.create(
            id=f"ev_{secrets.token_hex(12)}",
            order=order,
            revision=revision,
            body=json.dumps(_document(order, state, revision, now), separators=(",", ":")),
            due_at=now,
        )


def _document(order: object, state: str, revision: int, now: datetime) -> dict:
    cents = {
        "subtotal": order.total_incl_tax - order.shipping_incl_tax,
        "fulfillment": order.shipping_incl_tax,
        "tax": order.total_incl_tax - order.total_excl_tax,
        "total": order.total_incl_tax,
    }
    data = {
        "id": str(order.pk),
        "reference": order.zodra_reference.reference,
        "status": state,
        "revision": revision,
        "currency": order.currency,
        "totals": [
            {"type": name, "amount": int(amount * Decimal(100))} for name, amount in cents.items()
        ],
        "cancellation": {"reason": "shop"} if state == "canceled" else None,
    }
    return {"type": f"order.{state}", "timestamp": now.isoformat(), "data": data}


def send_due(limit: int = 50) -> int:
    """Send what is due; tell how many events were tried."""
    url, secret = settings.ZODRA_EVENTS_URL, settings.ZODRA_EVENTS_SECRET
    now = datetime.now(UTC)
    due = list(Event.objects.filter(due_at__lte=now).order_by("due_at", "revision")[:limit])
    for event in due:
        status = _post(url, secret, event)
        event.attempts += 1
        done = 200 <= status < 300 or status in FINAL or event.attempts >= ATTEMPTS_MAX
        wait_s = min(RETRY_S_MAX, 2 ** min(event.attempts, 16))
        event.due_at = None if done else datetime.now(UTC) + timedelta(seconds=wait_s)
        event.save(update_fields=["attempts", "due_at"])
    return len(due)


def _post(url: str, secret: str, event: Event) -> int:
    now = datetime.now(UTC)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": event.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(event.id, now, event.body),
    }
    try:
        with urlopen(Request(url, event.body.encode(), headers), timeout=TIMEOUT_S) as answer:  # noqa: S310 - the shop's own setting
            return answer.status
    except HTTPError as refused:
        return refused.code
    except (URLError, OSError):
        return 0
