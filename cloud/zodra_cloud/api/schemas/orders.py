"""Orders, and what a household can say about them."""

from typing import Final, Literal

from pydantic import BaseModel, Field

from zodra_cloud.api.schemas.common import Amount, At, Given, Id, Place
from zodra_cloud.api.schemas.quotes import Shown
from zodra_cloud.replenish.models import FollowUp, OrderView
from zodra_cloud.replenish.states import Answer, FollowUpState, OrderEvent, OrderState

CANCELLABLE: Final = frozenset(
    {
        OrderState.CONFIRMED,
        OrderState.SUBMITTING,
        OrderState.UNKNOWN,
        OrderState.NEEDS_PERSON,
        OrderState.PLACED,
    }
)


class WasItRight(BaseModel):
    """The question "was it right?" about a delivery."""

    state: FollowUpState
    answer: Answer | None

    @classmethod
    def of(cls, found: FollowUp) -> "WasItRight":
        """Show a stored one."""
        return cls(state=found.state, answer=found.answer)


class OrderStep(BaseModel):
    """One move of an order."""

    number: int = Field(ge=1)
    event: OrderEvent | None = Field(description="Null for the yes that made it.")
    state: OrderState
    source: str = Field(description="Who said so: household, agreement, job, shop or operator.")
    at: At


class Order(Place):
    """One order at a shop."""

    order_key: Id = Field(description="Names it here, and at the shop.")
    quote_id: Id
    signal_id: Id
    state: OrderState
    reason: str = Field(description="Why it stands there, from closed lists; may be empty.")
    state_at: At
    total: Amount
    refunded: Amount = Field(description="What went back of it, in all.")
    shown: Shown = Field(description="What the person saw when they said yes.")
    confirmed_at: At
    label: str = Field(description="The words that the control carried.")
    language: str
    agreement_id: Id | None = Field(
        description="The standing agreement or subscription under which it was ordered."
    )
    place_at: At | None = Field(description="No shop is asked before; cancelling is one word.")
    delivery_from_at: At | None = Field(description="As the shop says now.")
    delivery_to_at: At | None
    promised_to_at: At | None = Field(description="The end of the window as it was confirmed.")
    late_at: At | None = Field(
        description="When it was found that it comes later than promised; said unasked."
    )
    delivered_at: At | None
    carrier: str | None
    tracking_url: str | None
    can_cancel: bool = Field(description="Whether cancelling it can still be tried.")
    cancel_wanted_at: At | None
    was_it_right: WasItRight | None = Field(description="Null before the delivery.")
    steps: list[OrderStep] = Field(description="How it came to stand there.")

    @classmethod
    def of(cls, view: OrderView, follow_up: FollowUp | None) -> "Order":
        """Show a stored one."""
        order = view.order
        return cls(
            order_key=order.order_key,
            quote_id=order.quote_id,
            signal_id=order.signal_id,
            device_id=order.device_id,
            slot_key=order.slot_key,
            state=order.state,
            reason=order.reason,
            state_at=order.state_at,
            total=Amount(amount_minor=order.total_minor, currency=order.currency),
            refunded=Amount(amount_minor=order.refunded_minor, currency=order.currency),
            shown=Shown.of(view.snapshot),
            confirmed_at=order.confirmed_at,
            label=order.label,
            language=order.language,
            agreement_id=order.agreement_id,
            place_at=order.place_at,
            delivery_from_at=order.delivery_from_at,
            delivery_to_at=order.delivery_to_at,
            promised_to_at=order.promised_to_at,
            late_at=order.late_at,
            delivered_at=order.delivered_at,
            carrier=order.carrier,
            tracking_url=order.tracking_url,
            can_cancel=order.state in CANCELLABLE,
            cancel_wanted_at=order.cancel_wanted_at,
            was_it_right=None if follow_up is None else WasItRight.of(follow_up),
            steps=[
                OrderStep(
                    number=step.number,
                    event=step.event,
                    state=step.state,
                    source=step.source,
                    at=step.at,
                )
                for step in view.steps
            ],
        )


class Cancelled(BaseModel):
    """What came of the wish to cancel, at once."""

    outcome: Literal["cancelled", "asked"] = Field(
        description="`cancelled`: no shop had been asked yet. `asked`: the shop is asked; the "
        "event `order.cancelled` or `order.cancel_refused` follows."
    )
    order: Order


class RightOrNot(Given):
    """The household's answer about a delivery; its forecasts learn from it."""

    answer: Answer = Field(examples=["yes"])
