"""Quotes and questions, and the household's answers to them."""

from typing import Literal

from pydantic import BaseModel, Field

from zodra_cloud.api.schemas.common import Amount, At, Given, Id, Place, Words
from zodra_cloud.replenish.models import StoredQuote
from zodra_cloud.replenish.policy import ORDER_LABELS
from zodra_cloud.replenish.snapshot import Snapshot
from zodra_cloud.replenish.states import QuoteState

Language = Literal["en", "nl"]


class Delivery(BaseModel):
    """How and when it comes."""

    title: str = Field(description="As the shop calls it.", examples=["Standard"])
    from_at: At
    to_at: At


class Returns(BaseModel):
    """The shop's terms of withdrawal."""

    days: int = Field(ge=0, description="How long it can go back.", examples=[14])
    sealed_only: bool = Field(description="Only unopened, as for hygiene goods.")
    terms_url: str | None = Field(description="The shop's terms.")
    returns_url: str | None = Field(description="How to send something back.")


class Merchant(BaseModel):
    """The shop."""

    merchant_id: str
    name: str


class Shown(BaseModel):
    """What a person has to be shown before they confirm: all of it is in the hash."""

    sku: str
    titles: dict[str, str] = Field(
        description="The product by language; the empty name serves every other one.",
        examples=[{"": "Paper towels", "nl": "Keukenpapier"}],
    )
    quantity: int = Field(ge=1)
    unit_price: Amount
    goods: Amount
    shipping: Amount
    vat: Amount = Field(description="Contained in the total.")
    total: Amount = Field(description="What the household pays in all.")
    delivery: Delivery
    returns: Returns
    merchant: Merchant

    @classmethod
    def of(cls, snapshot: Snapshot) -> "Shown":
        """Show a stored snapshot."""

        def amount(minor: int) -> Amount:
            return Amount(amount_minor=minor, currency=snapshot.currency)

        return cls(
            sku=snapshot.sku,
            titles=snapshot.titles,
            quantity=snapshot.quantity,
            unit_price=amount(snapshot.unit_price_minor),
            goods=amount(snapshot.goods_minor),
            shipping=amount(snapshot.shipping_minor),
            vat=amount(snapshot.vat_minor),
            total=amount(snapshot.total_minor),
            delivery=Delivery(
                title=snapshot.delivery_title,
                from_at=snapshot.delivery_from_at,
                to_at=snapshot.delivery_to_at,
            ),
            returns=Returns(
                days=snapshot.returns_days,
                sealed_only=snapshot.returns_sealed_only,
                terms_url=snapshot.terms_url,
                returns_url=snapshot.returns_url,
            ),
            merchant=Merchant(merchant_id=snapshot.merchant_id, name=snapshot.merchant_name),
        )


class Quote(Place):
    """A question whether something is needed, or a price that waits for a yes."""

    quote_id: Id
    signal_id: Id = Field(description="The need that it is about.")
    state: QuoteState = Field(
        description="`question` and `open` wait for the household; `requested` for the shop."
    )
    reason: str = Field(description="Why it is asked, or why it ended; from closed lists.")
    sku: str
    quantity: int = Field(ge=1)
    price_ceiling: Amount | None = Field(description="What the household set for the slot.")
    shown: Shown | None = Field(description="Null until a shop has named its price.")
    snapshot_hash: str | None = Field(
        description="Names all of `shown`; a confirmation gives it back.", examples=["9f" * 32]
    )
    labels: dict[Language, str] | None = Field(
        description="The literal words that the control for the yes has to carry, by language; "
        "null unless it can be confirmed.",
        examples=[ORDER_LABELS],
    )
    created_at: At
    state_at: At
    expires_at: At | None = Field(description="Until then it can be answered.")
    order_key: Id | None = Field(description="Of the order, once confirmed.")

    @classmethod
    def of(cls, quote: StoredQuote) -> "Quote":
        """Show a stored one."""
        ceiling = quote.price_ceiling_minor
        is_open = quote.state is QuoteState.OPEN
        is_confirmed = quote.state is QuoteState.CONFIRMED
        return cls(
            quote_id=quote.quote_id,
            signal_id=quote.signal_id,
            device_id=quote.device_id,
            slot_key=quote.slot_key,
            state=quote.state,
            reason=quote.reason,
            sku=quote.sku,
            quantity=quote.quantity,
            price_ceiling=None
            if ceiling is None
            else Amount(amount_minor=ceiling, currency=quote.currency),
            shown=None if quote.snapshot is None else Shown.of(quote.snapshot),
            snapshot_hash=quote.snapshot_hash,
            labels={"en": ORDER_LABELS["en"], "nl": ORDER_LABELS["nl"]} if is_open else None,
            created_at=quote.created_at,
            state_at=quote.state_at,
            expires_at=quote.expires_at,
            order_key=quote.order_key if is_confirmed else None,
        )


class Confirmation(Given):
    """The person's labelled yes to what they were shown."""

    snapshot_hash: str = Field(
        pattern="^[0-9a-f]{64}$",
        description="Of the quote, as it was shown.",
        examples=["9f" * 32],
    )
    label: Words = Field(
        min_length=1,
        max_length=100,
        description="The literal words on the control that the person used: proof of the yes.",
        examples=[ORDER_LABELS["en"]],
    )
    language: Language = Field(description="Of those words.", examples=["en"])


class Confirmed(BaseModel):
    """The order that the confirmation made."""

    order_key: Id


class Wanted(Given):
    """The answer to the question whether it is still needed."""

    needed: bool = Field(description="True asks the shop for its price.", examples=[True])
