"""Subscriptions: what stands, what comes, and what a household can say about it."""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from zodra_cloud.api.schemas.common import At, Given, Id, Place, Words
from zodra_cloud.api.schemas.quotes import Language
from zodra_cloud.api.schemas.withdrawals import control_words
from zodra_cloud.law.labels import Labels
from zodra_cloud.subscriptions import service as subscriptions
from zodra_cloud.subscriptions.models import SubscriptionView
from zodra_cloud.subscriptions.service import (
    LIVE,
    Cadence,
    Channel,
    CycleState,
    Every,
    Follow,
    Item,
    Kind,
    Price,
    Status,
    Terms,
)


class _Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class DeliveryToCome(_Shown):
    """One delivery to come."""

    cycle: int = Field(description="Names it in calls.")
    on: date = Field(description="When it is ordered, in the household's time zone.")
    state: CycleState
    item: Item
    skipped: bool
    by_hand: bool = Field(description="Whether the household set its date.")
    order_at: At | None = Field(description="When it is charged; null until it was announced.")
    expected_minor: int | None = Field(description="What the shop asked when it was announced.")
    may_move: bool


class DeliveryMade(_Shown):
    """One delivery that is due or over."""

    cycle: int
    on: date
    state: CycleState
    item: Item
    signal_id: Id | None = Field(description="Its need; see `/needs/{signal_id}`.")
    reason: str


class SizeProposal(_Shown):
    """Another size that may fit better; nothing changes until the household says so."""

    size: str
    item: Item
    cadence: Cadence | None = Field(description="That would keep up with it.")


class Subscription(Place, _Shown):
    """A standing agreement: what is delivered, how often, and at what price at most."""

    subscription_id: Id
    status: Status
    reason: str
    item: Item = Field(description="Of the next delivery.")
    price: Price | None
    announced_minor: int | None = Field(
        description="What the shop asks now, where that is not what was agreed."
    )
    cadence: Cadence
    follow: Follow | None = Field(
        description="Bounds within which the dates follow the forecast; null: they stay."
    )
    cadence_why: dict[str, str | int | float | None] = Field(
        description="The facts of the last change that a forecast made."
    )
    joined_on: date | None
    channel: Channel = Field(description="Where it was joined.")
    term_ends_on: date | None
    would_end_on: date | None = Field(description="If it were cancelled now.")
    ends_on: date | None
    paused_until: date | None
    withdraw_until: date | None = Field(description="The last day of the right to withdraw.")
    terms: Terms | None = Field(description="To be shown, all of it, before the yes.")
    terms_hash: str | None = Field(description="Names all of `terms`.")
    offer_open: bool = Field(description="Whether the labelled yes can be said now.")
    expires_at: At | None
    proposal: SizeProposal | None
    upcoming: list[DeliveryToCome]
    past: list[DeliveryMade] = Field(description="Newest first.")
    order_labels: dict[Language, str] | None = Field(
        default=None, description="The literal words of the control that joins; null if none can."
    )
    cancel_labels: dict[Language, str] | None = Field(
        default=None, description="The literal words of the control that cancels; null if none can."
    )

    withdraw_labels: dict[Language, str] | None = Field(
        default=None, description="The literal words that withdraw from the contract itself."
    )

    @classmethod
    def of(cls, view: SubscriptionView, labels: Labels) -> "Subscription":
        """Show one, with the words of its controls."""
        shown = cls.model_validate(view)
        if view.offer_open:
            shown.order_labels = _labels(subscriptions.ORDER_LABELS)
        if view.status in LIVE and view.ends_on is None:
            shown.cancel_labels = _labels(subscriptions.CANCEL_LABELS)
        if view.withdraw_until is not None:
            shown.withdraw_labels = control_words(labels)
        return shown


def _labels(words: dict[str, str]) -> dict[Language, str]:
    return {"en": words["en"], "nl": words["nl"]}


class LedgerLine(BaseModel):
    """One line of what happened to a subscription."""

    number: int
    kind: Kind
    at: At


class CadenceWanted(Given):
    """How often."""

    count: int = Field(ge=1, le=366, examples=[4])
    every: Every = Field(examples=["weeks"])

    def value(self) -> Cadence:
        """Give it as the room takes it."""
        return Cadence(self.count, self.every)


class FollowWanted(Given):
    """Bounds, in days."""

    days_min: int = Field(ge=1, le=366, examples=[21])
    days_max: int = Field(ge=1, le=366, examples=[35])


class SubscriptionWanted(Given):
    """A wish: the product that a slot is bound to, this often. Terms follow, then the yes."""

    device_id: Id
    slot_key: Id = Field(examples=["button-1"])
    cadence: CadenceWanted
    quantity: int | None = Field(default=None, ge=1, le=99, examples=[1])
    first_on: date | None = Field(default=None, description="Null: as soon as it can be.")
    ceiling_minor: int | None = Field(
        default=None, ge=1, le=10_000_000, description="The most without asking."
    )
    follow: FollowWanted | None = None


class LabelledYes(Given):
    """A labelled yes to terms as they were shown."""

    terms_hash: str = Field(pattern="^[0-9a-f]{64}$", examples=["9f" * 32])
    label: Words = Field(min_length=1, max_length=100, examples=[subscriptions.ORDER_LABELS["en"]])
    language: Language = Field(examples=["en"])


class PriceYes(LabelledYes):
    """A labelled yes to another price rule; the hash is that of `price-terms`."""

    ceiling_minor: int = Field(ge=1, le=10_000_000, examples=[1_500])


class PriceTerms(BaseModel):
    """The terms as they would be with another price rule."""

    terms: Terms
    terms_hash: str
    order_labels: dict[Language, str]

    @classmethod
    def of(cls, terms: Terms) -> "PriceTerms":
        """Show them."""
        labels = _labels(subscriptions.ORDER_LABELS)
        return cls(terms=terms, terms_hash=terms.sha256(), order_labels=labels)


Cycle = Field(ge=0, le=100_000, description="From `upcoming`.", examples=[1])


class OneDelivery(Given):
    """Which delivery."""

    cycle: int = Cycle


class PauseWanted(Given):
    """Until when."""

    until: date | None = Field(
        default=None, description="Null: for an open time.", examples=["2027-01-15"]
    )


class DateWanted(Given):
    """Another date for one delivery."""

    cycle: int = Cycle
    on: date = Field(examples=["2026-12-03"])
    following: bool = Field(default=False, description="Move all that follow it too.")


class QuantityWanted(Given):
    """How many each time."""

    quantity: int = Field(ge=1, le=99, examples=[2])


class FollowChange(Given):
    """Bounds within which the dates may follow the forecast; null: they stay."""

    follow: FollowWanted | None


class SizeYes(Given):
    """The size that was proposed."""

    size: Words = Field(min_length=1, max_length=40, examples=["4"])
    accept: bool = Field(description="False keeps the size.", examples=[True])
    with_cadence: bool = Field(default=False, description="And the cadence that keeps up.")


class Ladder(BaseModel):
    """Sizes of one product, that follow each other."""

    ladder_id: Id = Field(examples=["diapers"])


class GrowthTold(Given):
    """By which sizes, and in which month the child was born; null of both takes it back."""

    ladder_id: Id | None = Field(description="Of `/sizes`; null: propose no more.")
    born_on: date | None = Field(
        default=None,
        description="Only its month is kept. Null: by what is used, not by age.",
        examples=["2026-05-01"],
    )


class CancelYes(Given):
    """The words of the control that cancels."""

    label: Words = Field(min_length=1, max_length=100, examples=[subscriptions.CANCEL_LABELS["en"]])
    language: Language = Field(examples=["en"])
