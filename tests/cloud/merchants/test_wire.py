"""What a shop says is read, or refused with a type; nothing else ever comes out."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_cloud.kit.money import Money
from zodra_cloud.merchants import wire
from zodra_cloud.merchants.http import Garbled, Inconsistent, path_segment
from zodra_cloud.merchants.port import QuoteRequest, ShopOrderState

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
REQUEST = QuoteRequest("o_1", "b_1", "paper-towels-6", 2, "EUR", "NL")

TOTALS = [
    {"type": "subtotal", "amount": 1598},
    {"type": "fulfillment", "amount": 295},
    {"type": "tax", "amount": 329, "included": True},
    {"type": "total", "amount": 1893},
]
SESSION: dict[str, Any] = {
    "id": "cs_1",
    "status": "ready_for_complete",
    "currency": "EUR",
    "reference": "o_1",
    "merchant": {"id": "demo-shop", "name": "Demo shop"},
    "line_items": [
        {
            "id": "li_1",
            "quantity": 2,
            "item": {"id": "paper-towels-6", "title": "Paper towels", "price": 799},
        }
    ],
    "totals": TOTALS,
    "fulfillment": {
        "options": [
            {
                "title": "Standard",
                "selected": True,
                "earliest_at": "2026-11-24T08:00:00Z",
                "latest_at": "2026-11-25T17:00:00Z",
            }
        ]
    },
    "returns": {"days": 14},
    "links": [{"type": "terms_of_service", "url": "https://shop.example/terms"}],
    "expires_at": "2026-11-22T12:15:00Z",
    "something_new": {"ignored": True},
}
ORDER: dict[str, Any] = {
    "id": "ord_1",
    "reference": "o_1",
    "status": "shipped",
    "revision": 2,
    "currency": "EUR",
    "totals": TOTALS,
    "fulfillment": {
        "expected": {"earliest_at": "2026-11-24T08:00:00Z", "latest_at": "2026-11-25T17:00:00Z"},
        "tracking": {"carrier": "Demo parcels", "url": "https://shop.example/track/1"},
    },
}


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Set what a path such as `totals.0.amount` leads to."""
    copied = copy.deepcopy(document)
    *way, last = path.split(".")
    target: Any = copied
    for step in way:
        target = target[int(step) if step.isdigit() else step]
    target[int(last) if last.isdigit() else last] = value
    return copied


def test_a_session_is_read_as_a_quote() -> None:
    quote = wire.read_quote(SESSION, REQUEST, NOW)
    assert (quote.session_id, quote.total_minor, quote.vat_minor) == ("cs_1", 1893, 329)
    assert (quote.unit_price_minor, quote.goods_minor, quote.shipping_minor) == (799, 1598, 295)
    assert quote.terms_url == "https://shop.example/terms"
    assert quote.returns_url is None


def test_an_order_is_read() -> None:
    order = wire.read_order(ORDER)
    assert (order.order_id, order.state) == ("ord_1", ShopOrderState.SHIPPED)
    assert order.total == Money(1893, "EUR")
    assert order.tracking_url == "https://shop.example/track/1"


INCONSISTENT = [
    pytest.param("totals.3.amount", 1892, id="a total a cent too low"),
    pytest.param("totals.2.amount", 1893, id="all of it VAT"),
    pytest.param("totals.0.type", "total", id="two totals"),
    pytest.param("totals.2.type", "other", id="no VAT"),
    pytest.param("line_items.0.item.price", 800, id="goods that do not add up"),
    pytest.param("line_items.0.item.id", "caviar", id="another item"),
    pytest.param("line_items.0.quantity", 3, id="another quantity"),
    pytest.param("line_items", [], id="no line"),
    pytest.param("currency", "USD", id="another currency"),
    pytest.param("reference", "o_2", id="another reference"),
    pytest.param("expires_at", "2026-11-22T12:00:00Z", id="expired already"),
    pytest.param("fulfillment.options.0.selected", False, id="no delivery chosen"),
    pytest.param(
        "fulfillment.options.0.latest_at", "2026-11-23T08:00:00Z", id="ends before it begins"
    ),
]


@pytest.mark.parametrize(("path", "value"), INCONSISTENT)
def test_a_quote_that_is_wrong_in_itself_is_refused(path: str, value: Any) -> None:
    with pytest.raises(Inconsistent):
        wire.read_quote(changed(SESSION, path, value), REQUEST, NOW)


GARBLED = [
    pytest.param("status", "requires_escalation", id="a session that needs more"),
    pytest.param("totals.3.amount", "1893", id="money as text"),
    pytest.param("totals.3.amount", 18.93, id="money as a fraction"),
    pytest.param("totals.3.amount", -1893, id="money back"),
    pytest.param("totals.3.amount", 10**12, id="more than all the money"),
    pytest.param("expires_at", "2026-11-22T12:15:00", id="a time without a zone"),
    pytest.param("links.0.url", "javascript:alert(1)", id="a link that runs"),
    pytest.param("line_items.0.item.title", "x" * 201, id="an endless title"),
    pytest.param("merchant", None, id="nobody's shop"),
]


@pytest.mark.parametrize(("path", "value"), GARBLED)
def test_a_quote_of_another_shape_is_refused(path: str, value: Any) -> None:
    with pytest.raises(Garbled):
        wire.read_quote(changed(SESSION, path, value), REQUEST, NOW)


def quote(raw: Any) -> object:
    return wire.read_quote(raw, REQUEST, NOW)


def event(raw: Any) -> object:
    return wire.read_event(json.dumps({"type": "order.shipped", "data": raw}).encode())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)


@pytest.mark.parametrize(
    "read", [quote, wire.read_order, wire.read_orders, wire.read_catalogue, wire.read_refund, event]
)
@given(raw=json_values)
def test_any_json_is_read_or_refused(read: Callable[[object], object], raw: Any) -> None:
    try:
        read(raw)
    except (Garbled, Inconsistent):
        return


@given(st.sampled_from([case.values[0] for case in [*INCONSISTENT, *GARBLED]]), json_values)
def test_a_quote_with_anything_anywhere_is_read_or_refused(path: Any, value: Any) -> None:
    try:
        wire.read_quote(changed(SESSION, path, value), REQUEST, NOW)
    except (Garbled, Inconsistent):
        return


@given(st.binary(max_size=300))
def test_any_bytes_are_no_event(raw: bytes) -> None:
    with pytest.raises(Garbled):
        wire.read_event(raw)


def test_an_event_about_something_else_is_not_ours() -> None:
    told = json.dumps({"type": "catalogue.changed", "data": ORDER}).encode()
    assert wire.read_event(told) is None


@given(json_values)
def test_an_error_answer_has_a_code_or_none(raw: Any) -> None:
    assert wire.error_code(raw) == ""


@pytest.mark.parametrize("text", ["a/b", "..", "a?b=c", "a#b", "a b", "é", "%2F"])
def test_an_id_of_the_shop_stays_one_segment_of_a_path(text: str) -> None:
    segment = path_segment(text)
    assert not set(segment) & set("/?# .")
