"""The quote of an order as its page showed it, for the proof that is kept with the confirmation."""

import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from zodra_cloud.law.service import Page
from zodra_cloud.replenish.models import StoredOrder, StoredQuote
from zodra_cloud.replenish.snapshot import Snapshot
from zodra_cloud.replenish.states import QuoteState
from zodra_cloud.web.i18n import Speech, choose_language
from zodra_cloud.web.render import Shell, render
from zodra_cloud.web.views.orders.cards import quote_card


def show_quote(order: StoredOrder, snapshot: Snapshot, time_zone: str) -> Page:
    """Render the quote with the page's own template, without what belongs to a session."""
    speech = Speech.of(choose_language(order.language), time_zone)
    card = quote_card(speech, _quote(order, snapshot), snapshot, "", order.confirmed_at)
    html = render("parts/shown_quote.html", Shell(speech.language, "/"), quote=card)
    return Page(html, page_version())


@cache
def page_version() -> str:
    """Name the making of the pages: it changes with every template and every text."""
    digest = hashlib.sha256()
    for folder in ("templates", "locale"):
        for name, content in sorted(_read(files("zodra_cloud.web") / folder)):
            digest.update(f"{name}:{len(content)}:".encode())
            digest.update(content)
    return digest.hexdigest()[:16]


def _read(folder: Traversable) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for each in folder.iterdir():
        if each.is_dir():
            found += [(f"{each.name}/{name}", content) for name, content in _read(each)]
        elif each.name.endswith((".html", ".po")):
            found.append((each.name, each.read_bytes()))
    return found


def _quote(order: StoredOrder, snapshot: Snapshot) -> StoredQuote:
    return StoredQuote(
        household_id=order.household_id,
        quote_id=order.quote_id,
        signal_id=order.signal_id,
        round=1,
        device_id=order.device_id,
        slot_key=order.slot_key,
        purpose="",
        order_key=order.order_key,
        sku=snapshot.sku,
        quantity=snapshot.quantity,
        currency=snapshot.currency,
        price_ceiling_minor=None,
        state=QuoteState.OPEN,
        reason="",
        session_id=None,
        snapshot=snapshot,
        snapshot_hash=order.snapshot_hash,
        expires_at=None,
        created_at=order.confirmed_at,
        state_at=order.confirmed_at,
        ended_by=None,
    )
