"""The timeline of need-moments, and the explanation of each."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from zodra_cloud.ingest.models import StoredSignal
from zodra_cloud.offers.models import StoredOffer, StoredOfferDecision
from zodra_cloud.offers.policy import OfferState
from zodra_cloud.replenish.models import Explanation, Line, StepKind
from zodra_cloud.replenish.models import Step as ToldStep
from zodra_cloud.replenish.policy import Fact as KnownFact
from zodra_cloud.web.i18n import Speech, mark
from zodra_cloud.web.views import words
from zodra_cloud.web.views.devices import FAMILIES
from zodra_cloud.web.views.orders.cards import product_line
from zodra_cloud.web.views.pages import Fact, Moment, TimelineLine, WhyPage, WhyStep
from zodra_contract.outcome import SignalState

_WITH_PRICE: Final[dict[SignalState, str]] = {
    SignalState.ASKED: mark("%(product)s, %(total)s in total. It waits for your answer."),
    SignalState.ORDERING: mark("%(product)s, %(total)s in total. The shop is being asked."),
    SignalState.ORDERED: mark("%(product)s, %(total)s in total. The shop has your order."),
    SignalState.SHIPPED: mark("%(product)s, %(total)s in total. It is on its way to you."),
    SignalState.DELIVERED: mark("%(product)s, %(total)s in total. It was delivered."),
}
"""What a line says once there is a price; the others say their state alone."""

_SAYS_REASON: Final = frozenset(
    {SignalState.RECEIVED, SignalState.ASKED, SignalState.REFUSED, SignalState.EXPIRED}
)

_TITLES: Final[dict[StepKind, str]] = {
    StepKind.NEED: mark("What happened at home"),
    StepKind.DECISION: mark("What we decided"),
    StepKind.QUESTION: mark("What we asked you"),
    StepKind.QUOTE: mark("What the shop quoted"),
    StepKind.CONFIRMATION: mark("What you answered"),
    StepKind.ORDER: mark("What the shop did"),
    StepKind.OUTCOME: mark("How it stands"),
}

NAMES: Final[dict[str, str]] = {
    "press": mark("A button was pressed."),
    "low_stock": mark("What is left fell to the level at which it is time to reorder."),
    "running_out": mark("At the pace of your home it would run out before a delivery could come."),
    "scheduled": mark("The next delivery that you subscribed to is due."),
    "service_due": mark("A part has run for as long as it should."),
    "worn_out": mark("A strap has been worn for as long as it should."),
    "ask": mark("To ask you."),
    "hold": mark("To do nothing more, because it was dealt with."),
    "refuse": mark("To do nothing."),
    "replenish": mark("To reorder, as agreed."),
    "question": mark("We asked whether it is needed."),
    "requested": mark("We asked the shop for a price."),
    "wanted": mark("You said that it is needed."),
    "open": mark("The shop gave a price, which you were shown."),
    "quoted": mark("The shop gave a price, which you were shown."),
    "confirmed": mark("You said yes, on the labelled control."),
    "call_off": mark("Your agreement covers it."),
    "declined": mark("You said no."),
    "refused": mark("Nothing was ordered."),
    "expired": mark("The time to answer passed."),
    "submitting": mark("The order was sent to the shop."),
    "submit": mark("The order was sent to the shop."),
    "unknown": mark("The shop did not answer clearly, so we asked it again about this order."),
    "unclear": mark("The shop did not answer clearly, so we asked it again about this order."),
    "needs_person": mark("A person looks into it."),
    "give_up": mark("A person looks into it."),
    "placed": mark("The shop has the order."),
    "shipped": mark("The shop sent it."),
    "delivered": mark("It was delivered."),
    "failed": mark("The shop did not take the order."),
    "late": mark("It comes later than was promised."),
    "cancelling": mark("You want to cancel, so we asked the shop to."),
    "want_cancel": mark("You want to cancel, so we asked the shop to."),
    "too_late": mark("It was too late to cancel: the shop goes on with it."),
    "cancelled": mark("The order was cancelled."),
    "received": mark("It was received, and is being decided."),
    "asked": mark("It waits for your answer."),
    "ordering": mark("The shop is being asked."),
    "ordered": mark("The shop has your order."),
    "already_on_its_way": mark("It is on its way already, so nothing more is ordered."),
    "offer": mark("To make you an offer."),
    "offer_accepted": mark("You asked for the price of this offer."),
    "offer_dismissed": mark("You said no to this offer."),
    "withdrawn": mark("You withdrew your consent, so the offer was taken back."),
    "wait": mark("To wait for a better moment."),
}
"""What a step of an explanation says for its closed name."""

_FACTS: Final[dict[str, str]] = {
    "received_after_ms": mark("Received after"),
    "time_quality": mark("Clock of the gateway"),
    "time_error_ms": mark("Possible error of the clock"),
    "gateway_id": mark("Heard by gateway"),
    "device_id": mark("Device"),
    "slot_key": mark("Place on the device"),
    "authenticated": mark("The device proved itself"),
    "buying_paused": mark("Buying was paused on the gateway"),
    "age_s": mark("Age when decided"),
    "time_error_s": mark("Possible error of that age"),
    "staleness_limit_s": mark("Trusted up to an age of"),
    "sku": mark("Product code"),
    "quantity": mark("Quantity"),
    "consent_id": mark("Your consent, by its number"),
    "open_order": mark("Order under way"),
    "open_quote": mark("Question already open"),
    "cooldown_s": mark("Least time between two orders"),
    "last_order_at": mark("Last order"),
    "spend_cap_minor": mark("The most in one day"),
    "spent_minor": mark("Spent today"),
    "quiet_until": mark("Quiet time ends"),
    "cover": mark("Your agreement"),
    "policy_version": mark("Rules used"),
    "total_minor": mark("Total price"),
    "merchant": mark("Shop"),
    "snapshot_hash": mark("Fingerprint of what you saw"),
    "label": mark("Words on the control"),
    "order_key": mark("Order key"),
    "shop_order_id": mark("Order number at the shop"),
    "round": mark("Quote number"),
    "price_ceiling_minor": mark("Your price limit"),
    "event": mark("Kind of press"),
    "counter": mark("The device's own count"),
    "remaining_units": mark("Left"),
    "reorder_units": mark("Reorder at"),
    "pack_units": mark("In one pack"),
    "heating_hours": mark("Time run"),
    "worn_hours": mark("Time worn"),
    "limit_hours": mark("Time it should last"),
    "offers_in_24_h": mark("Offers in the last 24 hours"),
    "offers_per_day_max": mark("Most offers in 24 hours"),
    "local_time": mark("Time at your home"),
    "quiet_from": mark("Night begins"),
    "quiet_to": mark("Night ends"),
}
"""What people read for the name of a fact; others stay readable as they are."""

_VALUES: Final[dict[str, str]] = {
    "synced": mark("knew the time"),
    "unsynced": mark("did not know the time yet"),
    "press": mark("one press"),
    "double_press": mark("two presses"),
    "triple_press": mark("three presses"),
    "long_press": mark("a long press"),
    "hold_press": mark("a held press"),
}
"""What people read for a value from a closed list."""

_HIDDEN: Final = frozenset(
    {"currency", "source", "kind", "detail", "evidence_packet_id", "evidence_button"}
)
_QUOTE_ENDS: Final = frozenset({"declined", "expired", "refused"})
_OFFER_ENDS: Final = {
    OfferState.ACCEPTED: "offer_accepted",
    OfferState.DISMISSED: "offer_dismissed",
    OfferState.EXPIRED: "expired",
    OfferState.WITHDRAWN: "withdrawn",
}
_EVIDENCE: Final = "evidence_"
_HASH_CHARS: Final = 64


def headline(speech: Speech, signal: StoredSignal, labels: Mapping[str, str]) -> str:
    """Say what happened, with the household's own name for the device."""
    device = labels.get(signal.device_id, signal.device_id)
    return speech.say(words.HEADLINES[signal.kind], device=device)


def because(speech: Speech, signal: StoredSignal, labels: Mapping[str, str], now: datetime) -> str:
    """Say what a question or a quote comes from."""
    return speech.say(
        "%(what)s, %(when)s",
        what=headline(speech, signal, labels),
        when=speech.instant(signal.occurred_at, now),
    )


def timeline(
    speech: Speech,
    lines: Iterable[Line],
    labels: Mapping[str, str],
    families: Mapping[str, str],
    now: datetime,
) -> tuple[TimelineLine, ...]:
    """Make the lines of the timeline, in the order given.

    Args:
        speech: of the reader.
        lines: of the household.
        labels: name of each device, by its id.
        families: family of each device, by its id.
        now: the instant of the page.
    """
    return tuple(_line(speech, line, labels, families, now) for line in lines)


def _line(
    speech: Speech,
    line: Line,
    labels: Mapping[str, str],
    families: Mapping[str, str],
    now: datetime,
) -> TimelineLine:
    signal = line.signal
    family = families.get(signal.device_id, "")
    return TimelineLine(
        signal_id=signal.signal_id,
        family=family if family in FAMILIES else "button",
        headline=headline(speech, signal, labels),
        outcome=_outcome(speech, line),
        when=Moment(speech.instant(signal.occurred_at, now), signal.occurred_at.isoformat()),
        state=words.state_chip(speech, signal.state, signal.reason),
        open_address=f"/needs/{signal.signal_id}/why",
        device_id=signal.device_id,
        state_name=signal.state.value,
        reason_name=signal.reason,
    )


def _outcome(speech: Speech, line: Line) -> str:
    state = line.signal.state
    snapshot = None if line.quote is None else line.quote.snapshot
    if snapshot is not None and state in _WITH_PRICE:
        return speech.say(
            _WITH_PRICE[state],
            product=product_line(speech, snapshot),
            total=speech.money(snapshot.total_minor, snapshot.currency),
        )
    if state in _SAYS_REASON and line.signal.reason in words.REASONS:
        return words.reason(speech, line.signal.reason)
    return speech.say(words.OUTCOMES[state])


def why_page(
    speech: Speech,
    explanation: Explanation,
    offers: Sequence[ToldStep],
    labels: Mapping[str, str],
    now: datetime,
) -> WhyPage:
    """Make the explanation of one need-moment.

    Args:
        speech: of the reader.
        explanation: of the replenish room; begins with the need and ends with its outcome.
        offers: what the offers room did about it, if anything.
        labels: name of each device, by its id.
        now: the instant of the page.
    """
    signal = explanation.line.signal
    need, *between, outcome = explanation.steps
    steps = [need, *sorted([*between, *offers], key=lambda step: step.at), outcome]
    return WhyPage(
        signal_id=signal.signal_id,
        headline=headline(speech, signal, labels),
        when=Moment(speech.instant(signal.occurred_at, now), signal.occurred_at.isoformat()),
        steps=tuple(
            _step(speech, step, before, labels, now)
            for before, step in zip([None, *steps], steps, strict=False)
        ),
    )


def offer_steps(
    decisions: Iterable[StoredOfferDecision], offer: StoredOffer | None
) -> list[ToldStep]:
    """Tell what the offers room decided, and what became of the offer, as steps."""
    steps = [
        ToldStep(
            StepKind.DECISION,
            decision.decided_at,
            decision.verdict.value,
            decision.reason.value,
            {**_plain_facts(decision), "policy_version": decision.policy_version},
        )
        for decision in decisions
    ]
    if offer is not None and offer.state in _OFFER_ENDS:
        steps.append(
            ToldStep(StepKind.CONFIRMATION, offer.state_at, _OFFER_ENDS[offer.state], "", {})
        )
    return steps


def _plain_facts(decision: StoredOfferDecision) -> dict[str, KnownFact]:
    return {
        name: value if isinstance(value, bool | int | str | None) else str(value)
        for name, value in decision.facts.items()
    }


def _new_facts(step: ToldStep, before: ToldStep | None) -> dict[str, KnownFact]:
    """Leave out what the step before has said already."""
    if before is None or before.kind is not step.kind:
        return dict(step.facts)
    return {
        name: value
        for name, value in step.facts.items()
        if name == "currency" or before.facts.get(name) != value
    }


def _step(
    speech: Speech,
    step: ToldStep,
    before: ToldStep | None,
    labels: Mapping[str, str],
    now: datetime,
) -> WhyStep:
    sentences = [words.named(speech, NAMES, step.name), words.reason(speech, step.reason)]
    if step.kind is StepKind.QUOTE and "total_minor" in step.facts:
        # Its state may be a later step's news; what happened here is that there was a price.
        sentences = [speech.say("The shop gave a price, which you were shown.")]
        if step.name in _QUOTE_ENDS:
            sentences.append(words.named(speech, NAMES, step.name))
    currency = str(step.facts.get("currency") or "EUR")
    facts = tuple(
        Fact(
            words.named(speech, _FACTS, name.removeprefix(_EVIDENCE)),
            fact_text(speech, name, value, currency, labels, now),
        )
        for name, value in _new_facts(step, before).items()
        if name not in _HIDDEN and value is not None and value != ""
    )
    goes_on = before is not None and before.kind is step.kind
    return WhyStep(
        title="" if goes_on else speech.say(_TITLES[step.kind]),
        when=Moment(speech.instant(step.at, now), step.at.isoformat()),
        sentence=" ".join(dict.fromkeys(text for text in sentences if text)),
        facts=facts,
    )


def fact_text(
    speech: Speech,
    name: str,
    value: KnownFact | float,
    currency: str,
    labels: Mapping[str, str],
    now: datetime,
) -> str:
    """Write one fact by the unit at the end of its name."""
    if isinstance(value, bool):
        return speech.say("yes") if value else speech.say("no")
    if isinstance(value, int | float):
        return _number_text(speech, name, value, currency)
    text = str(value)
    if text in _VALUES:
        return speech.say(_VALUES[text])
    if name.endswith("_at"):
        return speech.instant(datetime.fromisoformat(text), now)
    if name == "device_id":
        return labels.get(text, text)
    if len(text) == _HASH_CHARS:
        return f"{text[:12]}…"
    return text


def _number_text(speech: Speech, name: str, value: float, currency: str) -> str:
    if name.endswith("_minor"):
        return speech.money(int(value), currency)
    if name.endswith("_ms"):
        return speech.span(value / 1_000)
    if name.endswith("_s"):
        return speech.span(value)
    if name.endswith("_hours"):
        return speech.hours(value)
    return speech.number(value)
