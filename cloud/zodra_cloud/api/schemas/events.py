"""What the `data` of an event says; only described here, since the events are stored as they are.

The policy of what they tell is in `api.service`; a test holds the two together.
"""

from typing import Any

from pydantic import BaseModel, Field

from zodra_cloud.api.schemas.common import At, Id, Place
from zodra_cloud.api.schemas.orders import Order
from zodra_cloud.replenish.states import OrderState, QuoteState


class OrderTold(Place):
    """An order moved: `order.confirmed`, `.placed`, `.shipped`, `.delivered`, `.late`, ..."""

    kind: str = Field(pattern="^order\\.", examples=["order.late"])
    at: At
    order_key: Id
    signal_id: Id
    state: OrderState
    reason: str
    delivery_from_at: At | None
    delivery_to_at: At | None
    promised_to_at: At | None = Field(description="The end of the window as it was confirmed.")
    late_at: At | None
    tracking_url: str | None


class QuoteTold(Place):
    """A quote or question waits for the household, or ended."""

    kind: str = Field(pattern="^quote\\.", examples=["quote.open"])
    at: At
    quote_id: Id
    signal_id: Id
    state: QuoteState
    reason: str
    expires_at: At | None


class Standing(BaseModel):
    """The first event, `standing`: the orders under way, or the one that is followed."""

    orders: list[Order]


class Missed(BaseModel):
    """`missed`: more happened since this id than was kept; read the lists anew."""

    since: int = Field(ge=0)


def stream_schema(schemas: dict[str, Any]) -> dict[str, Any]:
    """Describe one event of a stream, and add what its data may be to the document's schemas."""
    refs = []
    for model in (OrderTold, QuoteTold, Standing, Missed):
        made = model.model_json_schema(
            mode="serialization", ref_template="#/components/schemas/{model}"
        )
        for name, part in made.pop("$defs", {}).items():
            schemas.setdefault(name, part)
        schemas[model.__name__] = made
        refs.append({"$ref": f"#/components/schemas/{model.__name__}"})
    return {
        "type": "object",
        "required": ["event", "id", "data"],
        "properties": {
            "event": {"type": "string", "description": "standing, missed, order.* or quote.*"},
            "id": {"type": "string", "description": "Give it as Last-Event-ID to go on."},
            "retry": {"type": "integer", "description": "Milliseconds before reconnecting."},
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": {"oneOf": refs},
            },
        },
    }
