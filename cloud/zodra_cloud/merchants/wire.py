"""Reading what a UCP-shaped shop says: shape by pydantic, sense by our own sums."""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import AnyHttpUrl, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from zodra_cloud.kit.money import Money
from zodra_cloud.merchants.http import Garbled, Inconsistent, shaped
from zodra_cloud.merchants.port import (
    CataloguePage,
    QuoteRequest,
    ShopItem,
    ShopOrder,
    ShopOrderState,
    ShopQuote,
    ShopRefund,
)
from zodra_contract.ids import Id

Amount = Annotated[int, Field(ge=0, le=10**9, strict=True)]
"""Minor units, at most ten million of a currency with cents: a household's supplies cost less."""
Text = Annotated[str, Field(min_length=1, max_length=200)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]


class _Part(BaseModel):
    """Unknown fields are ignored: a shop may say more than we read."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Merchant(_Part):
    id: Id
    name: Text


class _Total(_Part):
    type: str
    amount: Amount


class _Item(_Part):
    id: str
    title: Text
    titles: Annotated[dict[Language, Text], Field(max_length=30)] = Field(default_factory=dict)
    price: Amount


class _Line(_Part):
    quantity: Annotated[int, Field(ge=1, le=99, strict=True)]
    item: _Item


class _Option(_Part):
    title: Text
    selected: bool
    earliest_at: AwareDatetime
    latest_at: AwareDatetime


class _Fulfillment(_Part):
    options: Annotated[tuple[_Option, ...], Field(min_length=1, max_length=20)]


class _Returns(_Part):
    days: Annotated[int, Field(ge=0, le=3_660)]
    sealed_only: bool = False


class _Link(_Part):
    type: str
    url: AnyHttpUrl


class _Session(_Part):
    id: Text
    status: Literal["ready_for_complete"]
    """No other status may follow a request for a quote."""
    reference: str
    currency: str
    merchant: _Merchant
    line_items: Annotated[tuple[_Line, ...], Field(max_length=20)]
    totals: Annotated[tuple[_Total, ...], Field(max_length=20)]
    fulfillment: _Fulfillment
    returns: _Returns
    links: Annotated[tuple[_Link, ...], Field(max_length=20)] = ()
    expires_at: AwareDatetime


class _Window(_Part):
    earliest_at: AwareDatetime
    latest_at: AwareDatetime


class _Tracking(_Part):
    carrier: Text
    url: AnyHttpUrl


class _OrderFulfillment(_Part):
    expected: _Window | None = None
    tracking: _Tracking | None = None


class _Cancellation(_Part):
    reason: Text


class _Order(_Part):
    id: Text
    reference: str
    status: Literal["placed", "shipped", "delivered", "canceled"]
    revision: Annotated[int, Field(ge=1, le=10**6)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    totals: Annotated[tuple[_Total, ...], Field(max_length=20)]
    fulfillment: _OrderFulfillment = _OrderFulfillment()
    cancellation: _Cancellation | None = None


class _Orders(_Part):
    orders: Annotated[tuple[_Order, ...], Field(max_length=2)]


class _Product(_Part):
    id: Text
    title: Text
    titles: Annotated[dict[Language, Text], Field(max_length=30)] = Field(default_factory=dict)
    price: Annotated[int, Field(ge=1, le=10**9, strict=True)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    available: Annotated[int, Field(ge=0, strict=True)]


class _Products(_Part):
    items: Annotated[tuple[_Product, ...], Field(max_length=100)]
    next_cursor: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class _Refund(_Part):
    id: Text
    order_id: Text
    amount: Annotated[int, Field(ge=1, le=10**9, strict=True)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class _Event(_Part):
    type: Annotated[str, Field(max_length=64)]
    data: _Order


class _Message(_Part):
    type: str
    code: Annotated[str, Field(max_length=64)]


class _Refusal(_Part):
    messages: Annotated[tuple[_Message, ...], Field(min_length=1, max_length=20)]


_STATES: Final = {
    "placed": ShopOrderState.PLACED,
    "shipped": ShopOrderState.SHIPPED,
    "delivered": ShopOrderState.DELIVERED,
    "canceled": ShopOrderState.CANCELLED,
}


def read_quote(raw: object, request: QuoteRequest, now: datetime) -> ShopQuote:
    """Read a checkout session as the answer to `request`.

    Raises:
        Garbled: it is no session that can be completed.
        Inconsistent: it answers something else, or its sums do not add up.
    """
    session = shaped(_Session, raw)
    if len(session.line_items) != 1:
        raise Inconsistent("not one line")
    line = session.line_items[0]
    answered = (line.item.id, line.quantity, session.currency, session.reference)
    if answered != (request.sku, request.quantity, request.currency, request.reference):
        raise Inconsistent("answers something else")
    chosen = [option for option in session.fulfillment.options if option.selected]
    if len(chosen) != 1 or chosen[0].earliest_at > chosen[0].latest_at:
        raise Inconsistent("no one delivery")
    if session.expires_at <= now:
        raise Inconsistent("expired already")
    sums = _sums(session.totals)
    if sums["subtotal"] != line.item.price * line.quantity:
        raise Inconsistent("the goods do not add up")
    links = {link.type: str(link.url) for link in session.links}
    return ShopQuote(
        session_id=session.id,
        merchant_id=session.merchant.id,
        merchant_name=session.merchant.name,
        titles={"": line.item.title, **line.item.titles},
        sku=line.item.id,
        quantity=line.quantity,
        currency=session.currency,
        unit_price_minor=line.item.price,
        goods_minor=sums["subtotal"],
        shipping_minor=sums["fulfillment"],
        vat_minor=sums["tax"],
        total_minor=sums["total"],
        delivery_title=chosen[0].title,
        delivery_from_at=chosen[0].earliest_at,
        delivery_to_at=chosen[0].latest_at,
        returns_days=session.returns.days,
        returns_sealed_only=session.returns.sealed_only,
        terms_url=links.get("terms_of_service"),
        returns_url=links.get("refund_policy"),
        expires_at=session.expires_at,
    )


def read_order(raw: object) -> ShopOrder:
    """Read an order object. Raises `Garbled` or `Inconsistent`."""
    return _order(shaped(_Order, raw))


def read_orders(raw: object) -> list[ShopOrder]:
    """Read a list of orders. Raises `Garbled` or `Inconsistent`."""
    return [_order(order) for order in shaped(_Orders, raw).orders]


def read_catalogue(raw: object) -> CataloguePage:
    """Read a page of the catalogue. Raises `Garbled`."""
    page = shaped(_Products, raw)
    items = tuple(
        ShopItem(
            sku=each.id,
            titles={"": each.title, **each.titles},
            unit_price=Money(each.price, each.currency),
            available=each.available > 0,
        )
        for each in page.items
    )
    return CataloguePage(items, page.next_cursor)


def read_refund(raw: object) -> ShopRefund:
    """Read a refund. Raises `Garbled`."""
    refund = shaped(_Refund, raw)
    return ShopRefund(refund.id, refund.order_id, Money(refund.amount, refund.currency))


def read_event(raw: bytes) -> ShopOrder | None:
    """Read a shop's event; None if it is about something other than an order.

    Raises:
        Garbled: it is no event, or the order in it is none.
        Inconsistent: the order in it is wrong in itself.
    """
    try:
        event = _Event.model_validate_json(raw)
    except ValidationError as fault:
        raise Garbled(str(fault.error_count())) from None
    return _order(event.data) if event.type.startswith("order.") else None


def error_code(raw: object) -> str:
    """Give the code of an error answer; empty if it has none."""
    try:
        refusal = _Refusal.model_validate(raw)
    except ValidationError:
        return ""
    return next((each.code for each in refusal.messages if each.type == "error"), "")


def _order(order: _Order) -> ShopOrder:
    sums = _sums(order.totals)
    expected, tracking = order.fulfillment.expected, order.fulfillment.tracking
    return ShopOrder(
        order_id=order.id,
        reference=order.reference,
        state=_STATES[order.status],
        revision=order.revision,
        total=Money(sums["total"], order.currency),
        delivery_from_at=expected.earliest_at if expected else None,
        delivery_to_at=expected.latest_at if expected else None,
        carrier=tracking.carrier if tracking else None,
        tracking_url=str(tracking.url) if tracking else None,
        cancel_reason=order.cancellation.reason if order.cancellation else None,
    )


def _sums(totals: tuple[_Total, ...]) -> dict[str, int]:
    sums = {"fulfillment": 0, **{total.type: total.amount for total in totals}}
    if len(sums.keys() - {"fulfillment"}) != len([t for t in totals if t.type != "fulfillment"]):
        raise Inconsistent("an amount is named twice")
    if not {"subtotal", "tax", "total"} <= sums.keys():
        raise Inconsistent("an amount is missing")
    if sums["subtotal"] + sums["fulfillment"] != sums["total"]:
        raise Inconsistent("the total does not add up")
    if not 0 <= sums["tax"] < sums["total"]:
        raise Inconsistent("the VAT is no part of the total")
    return sums
