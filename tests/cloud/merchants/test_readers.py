"""Whatever JSON a shop sends, each connector's readers read it or refuse it; nothing else."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zodra_cloud.merchants.http import Garbled, Inconsistent
from zodra_cloud.merchants.medusa import wire as medusa
from zodra_cloud.merchants.oscar import wire as oscar
from zodra_cloud.merchants.woocommerce import wire as woo

OSCAR_ORDER: dict[str, Any] = {
    "url": "https://shop.example/api/orders/7/",
    "currency": "EUR",
    "total_incl_tax": "18.93",
    "status": "new",
    "shipping_address": {"notes": "zodra:o_1"},
}
MEDUSA_ORDER: dict[str, Any] = {
    "id": "order_1",
    "status": "pending",
    "currency_code": "eur",
    "total": Decimal("18.93"),
    "shipping_address": {"company": "zodra:o_1"},
}
MEDUSA_CART: dict[str, Any] = {
    "id": "cart_1",
    "currency_code": "eur",
    "total": Decimal("18.93"),
    "tax_total": Decimal("3.2853719008264464"),
    "item_total": Decimal("15.98"),
    "shipping_total": Decimal("2.95"),
    "items": [{"variant_id": "variant_1", "title": "Towels", "quantity": 2, "unit_price": 7}],
    "shipping_methods": [],
    "metadata": {"zodra_reference": "o_1"},
}
WOO_ORDER: dict[str, Any] = {
    "id": 7,
    "status": "processing",
    "currency": "EUR",
    "total": "18.93",
    "total_tax": "3.29",
    "shipping_total": "2.44",
    "shipping_tax": "0.51",
    "line_items": [
        {"product_id": 11, "name": "Towels", "quantity": 2, "total": "13.20", "total_tax": "2.78"}
    ],
    "meta_data": [{"key": "_zodra_reference", "value": "o_1"}],
}
READERS: list[tuple[Callable[[Any], object], Any]] = [
    (oscar.read_order, OSCAR_ORDER),
    (lambda raw: oscar.read_order_under(raw, "o_1"), [OSCAR_ORDER]),
    (oscar.read_price, {"currency": "EUR", "incl_tax": "7.99", "tax": "1.39"}),
    (
        oscar.read_methods,
        [{"code": "a", "name": "A", "price": {"currency": "EUR", "incl_tax": "1", "tax": "0"}}],
    ),
    (oscar.read_lines, [{"product": "/api/products/1/", "quantity": 2}]),
    (oscar.read_addresses, [{"id": 1, "line1": "x", "country": "/api/countries/NL/"}]),
    (oscar.read_refund, {"id": 1, "order": 7, "amount": "1.00", "currency": "EUR"}),
    (medusa.read_order, {"order": MEDUSA_ORDER}),
    (lambda raw: medusa.read_order_under(raw, "o_1"), {"orders": [MEDUSA_ORDER]}),
    (medusa.read_cart, {"cart": MEDUSA_CART}),
    (medusa.read_completed, {"type": "order", "order": MEDUSA_ORDER}),
    (medusa.read_products, {"products": [], "count": 0, "offset": 0, "limit": 20}),
    (woo.read_document, WOO_ORDER),
    (woo.read_documents, [WOO_ORDER]),
    (lambda raw: woo.read_document(raw).order, WOO_ORDER),
    (lambda raw: woo.read_refunds(raw, "EUR"), [{"id": 1, "amount": "1.00", "reason": "r"}]),
]

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False)
    | st.text(max_size=9)
    | st.sampled_from(["-1.00", "1e99", "EUR", "eur", "o_1", "zodra:o_1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)


def paths(document: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the places in a document."""
    inner = document.items() if isinstance(document, dict) else enumerate(document)
    found: list[tuple[Any, ...]] = []
    for step, value in inner:
        found.append((*before, step))
        if isinstance(value, dict | list):
            found += paths(value, (*before, step))
    return found


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    copied = [*document] if isinstance(document, list) else {**document}
    step, *rest = path
    copied[step] = changed(copied[step], tuple(rest), value) if rest else value
    return copied


@pytest.mark.parametrize(("read", "good"), READERS)
def test_what_is_agreed_is_read(read: Callable[[Any], object], good: Any) -> None:
    assert read(good) is not None


@pytest.mark.parametrize(("read", "good"), READERS)
@given(data=st.data())
def test_anything_anywhere_is_read_or_refused(
    read: Callable[[Any], object], good: Any, data: st.DataObject
) -> None:
    raw = data.draw(json_values)
    if data.draw(st.booleans()):
        raw = changed(good, data.draw(st.sampled_from(paths(good))), raw)
    try:
        read(raw)
    except (Garbled, Inconsistent):
        return


@pytest.mark.parametrize(
    ("read", "good", "path", "value"),
    [
        (oscar.read_order, OSCAR_ORDER, ("total_incl_tax",), "-18.93"),
        (medusa.read_cart, {"cart": MEDUSA_CART}, ("cart", "total"), Decimal("17.93")),
        (medusa.read_cart, {"cart": MEDUSA_CART}, ("cart", "tax_total"), Decimal("99")),
        (medusa.read_order, {"order": MEDUSA_ORDER}, ("order", "total"), -1),
        (woo.read_document, WOO_ORDER, ("total",), "18.92"),
        (woo.read_document, WOO_ORDER, ("line_items", 0, "total"), "-13.20"),
        (woo.read_document, WOO_ORDER, ("total_tax",), "18.93"),
    ],
)
def test_sums_that_are_wrong_are_refused(
    read: Callable[[Any], object], good: Any, path: tuple[Any, ...], value: Any
) -> None:
    with pytest.raises(Inconsistent):
        read(changed(good, path, value))


def test_two_orders_under_one_key_are_never_taken_for_one() -> None:
    with pytest.raises(Inconsistent):
        oscar.read_order_under([OSCAR_ORDER, OSCAR_ORDER], "o_1")
    with pytest.raises(Inconsistent):
        medusa.read_order_under({"orders": [MEDUSA_ORDER, MEDUSA_ORDER]}, "o_1")
    assert medusa.read_order_under({"orders": [MEDUSA_ORDER]}, "o_") is None


def test_a_webhook_of_woocommerce_counts_only_with_its_signature() -> None:
    body = json.dumps(WOO_ORDER).encode()
    signature = base64.b64encode(hmac.new(b"secret", body, hashlib.sha256).digest()).decode()
    assert woo.is_signed("secret", signature, body)
    assert not woo.is_signed("secret", signature, body + b" ")
    assert not woo.is_signed("other", signature, body)
    assert not woo.is_signed("secret", "é", body)
