"""Slots with their limits and forecasts, devices, gateways, the token itself."""

import hashlib
from typing import Annotated

from pydantic import BaseModel, Field

from zodra_cloud.api.models import Scope, Token
from zodra_cloud.api.schemas.common import At, Given, Id, Place, Words
from zodra_cloud.fleet.models import GatewayView
from zodra_cloud.fleet.policy import GatewayState
from zodra_cloud.forecast import Forecast as Foreseen
from zodra_cloud.home import STALENESS_LIMIT_S
from zodra_cloud.households.models import Device as StoredDevice
from zodra_cloud.households.models import MayPress, Metering
from zodra_cloud.households.models import Slot as StoredSlot

Units = Annotated[float, Field(allow_inf_nan=False, ge=0, le=1e9)]
ClockText = Annotated[str, Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["22:00"])]
"""A time of the household's own day."""


class Slot(Place):
    """One replenishable place of a device, what is bought for it, and within which limits."""

    metering: Metering = Field(description="How it says that it needs something.")
    sku: str | None = Field(description="What is bought; null while nothing is bound.")
    title: str = Field(description="What the household calls it; may be empty.")
    quantity: int = Field(ge=1)
    currency: str = Field(pattern="^[A-Z]{3}$")
    price_ceiling_minor: int | None = Field(description="A total above it is never called off.")
    spend_cap_minor: int | None = Field(description="The most in one day of the household's.")
    cooldown_s: int = Field(ge=0, description="A need that comes sooner is refused.")
    staleness_limit_s: int = Field(ge=1, description="A need older than this becomes a question.")
    quiet_from: ClockText | None = Field(description="From then a need is held.")
    quiet_to: ClockText | None = Field(description="Until then.")
    may_press: MayPress
    press_devices: list[Id]
    confirmers: list[Id] = Field(description="Who may say yes; everybody if empty.")
    call_off: bool = Field(description="Whether a standing agreement may be concluded.")
    unit: str = Field(description="In which a level or usage slot counts; else empty.")
    capacity_units: Units | None
    reorder_units: Units | None = Field(description="What is left when it is time.")
    units_per_item: Units | None

    @classmethod
    def of(cls, slot: StoredSlot) -> "Slot":
        """Show a stored one."""
        names = cls.model_fields.keys() - {"quiet_from", "quiet_to"}
        values = {name: getattr(slot, name) for name in names}
        return cls(
            **values,
            quiet_from=None if slot.quiet_from is None else slot.quiet_from.isoformat("minutes"),
            quiet_to=None if slot.quiet_to is None else slot.quiet_to.isoformat("minutes"),
        )

    def etag(self) -> str:
        """Name this state of the slot; two that read the same have the same."""
        return f'"{hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:20]}"'


class SlotLimits(Given):
    """What to change; what is left out stays as it is, and null takes a limit away."""

    title: Words | None = Field(default=None, max_length=80, examples=["Paper towels"])
    quantity: int | None = Field(default=None, ge=1, le=1_000, examples=[2])
    price_ceiling_minor: int | None = Field(default=None, ge=0, le=10**9, examples=[2_000])
    spend_cap_minor: int | None = Field(default=None, ge=0, le=10**9, examples=[5_000])
    cooldown_s: int | None = Field(default=None, ge=0, le=31_622_400, examples=[86_400])
    staleness_limit_s: int | None = Field(default=None, ge=1, le=31_622_400, examples=[3_600])
    quiet_from: ClockText | None = None
    quiet_to: ClockText | None = None
    may_press: MayPress | None = None
    press_devices: list[Id] | None = Field(default=None, max_length=32)
    confirmers: list[Id] | None = Field(default=None, max_length=32)
    call_off: bool | None = None
    unit: Words | None = Field(default=None, max_length=20)
    capacity_units: Units | None = None
    reorder_units: Units | None = None
    units_per_item: Units | None = None


class SlotBinding(Given):
    """All of a slot: the product and every limit; what is left out falls back to its default."""

    metering: Metering = Field(default=Metering.PRESS, examples=["press"])
    sku: Words | None = Field(
        min_length=1,
        max_length=100,
        description="What the shop calls the product; null binds the slot to nothing.",
        examples=["paper-towels-6"],
    )
    title: Words = Field(default="", max_length=80, examples=["Paper towels"])
    quantity: int = Field(default=1, ge=1, le=1_000, examples=[2])
    currency: str = Field(default="EUR", pattern="^[A-Z]{3}$", examples=["EUR"])
    price_ceiling_minor: int | None = Field(default=None, ge=0, le=10**9, examples=[2_000])
    spend_cap_minor: int | None = Field(default=None, ge=0, le=10**9, examples=[5_000])
    cooldown_s: int = Field(default=0, ge=0, le=31_622_400, examples=[86_400])
    staleness_limit_s: int = Field(
        default=STALENESS_LIMIT_S, ge=1, le=31_622_400, examples=[STALENESS_LIMIT_S]
    )
    quiet_from: ClockText | None = None
    quiet_to: ClockText | None = None
    may_press: MayPress = Field(default=MayPress.ANYONE, examples=["anyone"])
    press_devices: list[Id] = Field(default=[], max_length=32)
    confirmers: list[Id] = Field(default=[], max_length=32)
    call_off: bool = Field(
        default=False, description="Only where the market allows it.", examples=[False]
    )
    unit: Words = Field(default="", max_length=20, examples=["sheets"])
    capacity_units: Units | None = None
    reorder_units: Units | None = None
    units_per_item: Units | None = None


class Counted(Given):
    """What a person counted."""

    units: Units = Field(description="What is left, in the slot's unit.", examples=[12])


class ForecastBasis(BaseModel):
    """The facts behind a forecast."""

    basis: str = Field(description="`gaps` between needs or `rate` of depletion.")
    count: int = Field(ge=0, description="How many of them were used.")
    typical: float | None = Field(description="Days between two needs, or units a day.")
    elapsed_days: float | None = Field(description="Since the last need or reading.")
    share_household: float = Field(
        ge=0, le=1, description="How far the household's own history decides."
    )
    stopped_probability: float = Field(ge=0, le=1)


class Forecast(BaseModel):
    """When a slot is needed again, as probabilities. Never a promise of a day."""

    made_at: At
    state: str = Field(description="cold, active, overdue or stopped.")
    remaining_units: float | None = Field(description="By the last reading.")
    days: dict[str, float] = Field(
        description="Days from now by probability level.",
        examples=[{"0.1": 3.1, "0.5": 6.4, "0.9": 11.0}],
    )
    needed_within: dict[str, float] = Field(
        description="Probability of being needed within so many days.",
        examples=[{"7": 0.56, "14": 0.97}],
    )
    why: ForecastBasis

    @classmethod
    def of(cls, made_at: At, forecast: Foreseen, remaining_units: float | None) -> "Forecast":
        """Show one."""
        explained = forecast.explanation
        return cls(
            made_at=made_at,
            state=forecast.state.value,
            remaining_units=remaining_units,
            days={str(level): days for level, days in forecast.quantiles.items()},
            needed_within={str(days): p for days, p in forecast.within.items()},
            why=ForecastBasis(
                basis=explained.basis,
                count=explained.count,
                typical=explained.typical,
                elapsed_days=explained.elapsed_days,
                share_household=explained.share_household,
                stopped_probability=explained.stopped_probability,
            ),
        )


class Reading(BaseModel):
    """The newest value of one kind that a device reported."""

    kind: str
    value: float
    observed_at: At


class Device(BaseModel):
    """One device of the household."""

    device_id: Id
    family: str = Field(examples=["button"])
    label: str = Field(description="What the household calls it.")
    last_heard_at: At | None = Field(description="Null if it was never heard.")
    slots: list[Id] = Field(description="The keys of its slots.")
    readings: list[Reading]

    @classmethod
    def of(cls, device: StoredDevice) -> "Device":
        """Show a stored one."""
        return cls(
            device_id=device.device_id,
            family=device.family,
            label=device.label,
            last_heard_at=device.last_heard_at,
            slots=[slot.slot_key for slot in device.slots],
            readings=[
                Reading(kind=each.kind, value=each.value, observed_at=each.observed_at)
                for each in device.readings
            ],
        )


class Gateway(BaseModel):
    """One gateway, and how it honestly is: one word with the value and limit that decided it."""

    gateway_id: Id
    state: GatewayState
    measure: str = Field(description="What was measured, with its unit; may be empty.")
    value: float | None
    limit: float | None
    since: At | None = Field(description="For how long, as far as it is known.")
    detail: str = Field(description="Of a refusal, a deaf radio or a disk; may be empty.")
    last_heard_at: At | None

    @classmethod
    def of(cls, view: GatewayView) -> "Gateway":
        """Show one as it is now."""
        verdict = view.verdict
        return cls(
            gateway_id=view.gateway.gateway_id,
            state=verdict.state,
            measure=verdict.measure,
            value=verdict.value,
            limit=verdict.limit,
            since=verdict.since,
            detail=verdict.detail,
            last_heard_at=view.gateway.facts.last_heard_at,
        )


class Me(BaseModel):
    """Whose token this is, and what it allows."""

    household_id: Id
    token_id: Id
    name: str = Field(description="What the household calls the token.")
    scopes: list[Scope]
    expires_at: At

    @classmethod
    def of(cls, token: Token) -> "Me":
        """Show the token of the call."""
        return cls(
            household_id=token.household_id,
            token_id=token.token_id,
            name=token.name,
            scopes=sorted(token.scopes),
            expires_at=token.expires_at,
        )
