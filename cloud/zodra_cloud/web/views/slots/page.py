"""The list of what is looked after, and one slot in full."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from zodra_cloud.households.models import Device, Metering, Slot
from zodra_cloud.replenish.agreements.terms import AgreementState
from zodra_cloud.replenish.agreements.terms import Terms as AgreementTerms
from zodra_cloud.replenish.service import Agreement, SlotForecast
from zodra_cloud.web.i18n import Speech
from zodra_cloud.web.views.devices import name_of, plain_sku
from zodra_cloud.web.views.pages import Fact, Field, Moment
from zodra_cloud.web.views.slots.forecast import forecast_box, headline, state_chip
from zodra_cloud.web.views.slots.form import limit_fields
from zodra_cloud.web.views.slots.pages import (
    AgreementOffer,
    AgreementRow,
    SlotLine,
    SlotPage,
    SlotsPage,
)


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """Everything that was read for the page of one slot, at one instant."""

    device: Device
    slot: Slot
    devices: Sequence[Device]
    forecast: SlotForecast | None
    product: str
    """What the shop calls what is bound; empty if it was never quoted."""
    agreements: Sequence[Agreement]
    call_off_allowed: bool


@dataclass(frozen=True, slots=True)
class Typed:
    """A form that was not taken: what was typed and which rule each field broke."""

    form: str
    sent: Mapping[str, str]
    faults: Mapping[str, str]


def address_of(slot: Slot) -> str:
    """Give where the page of a slot is."""
    return f"/slots/{slot.device_id}/{slot.slot_key}"


def product_of(speech: Speech, slot: Slot, product: str) -> str:
    """Name what a slot is bound to."""
    if slot.sku is None:
        return speech.say("Nothing is linked yet")
    return product or slot.title or plain_sku(slot.sku)


def slots_page(
    speech: Speech, found: Sequence[tuple[Device, Slot, SlotForecast | None, str]]
) -> SlotsPage:
    """Make the list of what is looked after."""
    return SlotsPage(
        tuple(
            SlotLine(
                address=address_of(slot),
                title=product_of(speech, slot, product),
                device=name_of(speech, device),
                headline="" if made is None else headline(speech, made),
                state=None if made is None else state_chip(speech, made),
            )
            for device, slot, made, product in found
        )
    )


def slot_page(
    speech: Speech, facts: SlotFacts, now: datetime, wrong: Typed | None = None
) -> SlotPage:
    """Make the page of one slot; `wrong` is a form that was not taken."""
    slot = facts.slot
    limits = wrong if wrong is not None and wrong.form == "limits" else None
    unplaced = "" if limits is None else _unplaced(speech, limits)
    return SlotPage(
        address=address_of(slot),
        title=product_of(speech, slot, facts.product),
        device=name_of(speech, facts.device),
        bound=_bound(speech, slot),
        forecast=None if facts.forecast is None else forecast_box(speech, facts.forecast),
        count=_count(speech, slot, wrong),
        groups=limit_fields(
            speech,
            slot,
            facts.devices,
            call_off_allowed=facts.call_off_allowed,
            sent=None if limits is None else limits.sent,
            faults=None if limits is None else limits.faults,
        ),
        fault=unplaced,
        subscribe="" if slot.sku is None else f"{address_of(slot)}/subscribe",
        agreements=tuple(_agreement(speech, each, now) for each in facts.agreements),
        agree=_agree(speech, facts, wrong),
        agree_fault="",
    )


def _unplaced(speech: Speech, limits: Typed) -> str:
    if not limits.faults:
        return ""
    return speech.count(
        "%(n)s field needs another look. Nothing was changed.",
        "%(n)s fields need another look. Nothing was changed.",
        len(limits.faults),
    )


def _bound(speech: Speech, slot: Slot) -> tuple[Fact, ...]:
    ways = {
        Metering.PRESS: speech.say("it is pressed"),
        Metering.LEVEL: speech.say("it says how much is left"),
        Metering.USAGE: speech.say("it says how much was used"),
    }
    pairs = [
        (speech.say("Place on the device"), slot.slot_key),
        (speech.say("How it says so"), ways[slot.metering]),
        (speech.say("Product code"), slot.sku or ""),
    ]
    return tuple(Fact(name, value) for name, value in pairs if value)


def _count(speech: Speech, slot: Slot, wrong: Typed | None) -> Field | None:
    if slot.metering is not Metering.USAGE or slot.reorder_units is None:
        return None
    tried = wrong if wrong is not None and wrong.form == "count" else None
    return Field(
        "units",
        speech.say("How much is left, counted by you"),
        "" if tried is None else tried.sent.get("units", ""),
        mode="decimal",
        unit=slot.unit,
        required=True,
        fault="" if tried is None else speech.say("It has to be a number from zero up."),
    )


def _agreement(speech: Speech, found: Agreement, now: datetime) -> AgreementRow:
    terms = found.terms
    said = speech.say(
        "A press orders %(n)s times %(product)s for at most %(ceiling)s, at most %(times)s times "
        "in %(days)s days, %(notice)s after telling you.",
        n=speech.number(terms.quantity),
        product=terms.title,
        ceiling=speech.money(terms.price_ceiling_minor, terms.currency),
        times=speech.number(terms.orders_max),
        days=speech.number(terms.window_days),
        notice=speech.span(terms.notice_s),
    )
    ended = found.ended_at
    if ended is not None:
        said = f"{said} {speech.say('Ended on %(day)s.', day=speech.day(ended))}"
    return AgreementRow(
        agreement_id=found.agreement_id,
        live=found.state is AgreementState.LIVE,
        sentence=said,
        when=Moment(speech.instant(found.concluded_at, now), found.concluded_at.isoformat()),
        label=found.label,
    )


def _agree(speech: Speech, facts: SlotFacts, wrong: Typed | None) -> tuple[Field, ...]:
    slot = facts.slot
    live = any(each.state is AgreementState.LIVE for each in facts.agreements)
    if not facts.call_off_allowed or not slot.call_off or live:
        return ()
    tried = wrong if wrong is not None and wrong.form == "agree" else None
    sent = {"orders_max": "4", "window_days": "30", "notice_hours": "2"}
    sent = sent if tried is None else dict(tried.sent)
    faults = {} if tried is None else tried.faults

    def field(name: str, label: str) -> Field:
        fault = speech.say(faults[name]) if name in faults else ""
        return Field(name, label, sent.get(name, ""), mode="numeric", fault=fault, required=True)

    return (
        field("orders_max", speech.say("At most so many orders")),
        field("window_days", speech.say("in so many days")),
        field("notice_hours", speech.say("Hours between telling you and ordering")),
    )


def agreement_offer(
    speech: Speech, slot: Slot, terms: AgreementTerms, label: str
) -> AgreementOffer:
    """Make the terms of a standing agreement beside the labelled control."""
    pairs = (
        (speech.say("What a press orders"), f"{speech.number(terms.quantity)} x {terms.title}"),
        (
            speech.say("At most, for one order in all"),
            speech.money(terms.price_ceiling_minor, terms.currency),
        ),
        (
            speech.say("How often at most"),
            speech.say(
                "%(times)s times in %(days)s days",
                times=speech.number(terms.orders_max),
                days=speech.number(terms.window_days),
            ),
        ),
        (
            speech.say("After telling you"),
            speech.span(terms.notice_s),
        ),
        (speech.say("Ending it"), speech.say("At any time, here, with one click.")),
    )
    return AgreementOffer(
        back=address_of(slot),
        action=f"{address_of(slot)}/agreement",
        title=terms.title,
        facts=tuple(Fact(name, value) for name, value in pairs),
        hidden=(
            ("orders_max", str(terms.orders_max)),
            ("window_days", str(terms.window_days)),
            ("notice_s", str(terms.notice_s)),
            ("terms_hash", terms.sha256()),
        ),
        label=label,
        sentence=speech.say(
            "A press then orders without asking again, within these bounds. Until the shop is "
            "asked you cancel with one click; afterwards you may withdraw as from any order."
        ),
    )
