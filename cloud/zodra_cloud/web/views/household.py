"""The household's page: what waits for an answer first, then what is under way, then the rest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from zodra_cloud.consent.policy import ConsentRow as LedgerRow
from zodra_cloud.consent.policy import Purpose
from zodra_cloud.households.models import Device
from zodra_cloud.ingest.models import StoredSignal
from zodra_cloud.offers.models import StoredOffer
from zodra_cloud.payments.models import StoredPayment
from zodra_cloud.replenish.models import FollowUp, Line, OrderView, StoredQuote
from zodra_cloud.replenish.states import ORDER_OPEN, OrderState, QuoteState
from zodra_cloud.web.i18n import Speech, mark
from zodra_cloud.web.views import devices, timeline
from zodra_cloud.web.views.orders import cards, listing
from zodra_cloud.web.views.pages import (
    ConsentRow,
    FollowUpCard,
    HouseholdPage,
    OfferCard,
    PaymentCard,
    QuestionCard,
    QuoteCard,
)

LINES_MAX: Final = 12
"""How many need-moments the page shows."""
SHOWN_AFTER_END: Final = timedelta(hours=24)
"""How long an order that ended stays on top of the page."""

_UNCLEAR: Final = frozenset({OrderState.UNKNOWN, OrderState.NEEDS_PERSON})

_CONSENTS: Final[dict[Purpose, tuple[str, str]]] = {
    Purpose.REPLENISH: (
        mark("Help me reorder"),
        mark(
            "A press, or something that runs low, becomes a question with a price. "
            "Nothing is ordered without your yes."
        ),
    ),
    Purpose.OFFERS: (
        mark("Offers that fit the moment"),
        mark("At most one a day, never at night, and always with the reason."),
    ),
    Purpose.FORECASTS: (
        mark("Help forecasts get better"),
        mark(
            "When things are used up at your home counts in what is typical of a product, with at "
            "least twenty homes together. Off again, it is worked out anew without yours."
        ),
    ),
    Purpose.DIAGNOSTICS: (
        mark("Help find faults"),
        mark("Technical figures of your gateway and devices. Nothing about people."),
    ),
}


@dataclass(frozen=True, slots=True)
class HouseholdFacts:
    """Everything that was read for the page, at one instant."""

    devices: Sequence[Device]
    quotes: Sequence[StoredQuote]
    orders: Sequence[OrderView]
    lines: Sequence[Line]
    """One more than is shown, if there are more."""
    offer: StoredOffer | None
    payments: Sequence[tuple[StoredPayment, OrderView]]
    """What waits for the household at its bank."""
    follow_ups: Sequence[tuple[FollowUp, OrderView]]
    """Deliveries of which it is not known whether they were right."""
    consents: Sequence[LedgerRow]
    """What stands now for each purpose; one without a row was never said."""
    products: dict[str, str]
    """What is known of product names in the reader's language, by SKU."""


def household_page(speech: Speech, facts: HouseholdFacts, now: datetime) -> HouseholdPage:
    """Make the household's page."""
    labels = devices.names_of(speech, facts.devices)
    families = {device.device_id: device.family for device in facts.devices}
    signals = {line.signal.signal_id: line.signal for line in facts.lines}
    quotes, questions = _asked(speech, facts, signals, labels, now)
    shown = [view for view in facts.orders if _on_top(view, now)]
    lines = timeline.timeline(speech, facts.lines[:LINES_MAX], labels, families, now)
    summary = _summary(speech, facts, shown, quotes, questions)
    return HouseholdPage(
        greeting=_greeting(speech, now),
        summary=summary,
        quotes=quotes,
        questions=questions,
        payments=_payments(speech, facts, now),
        follow_ups=_follow_ups(speech, facts, now),
        orders=tuple(cards.order_card(speech, view, now) for view in shown),
        offer=None if facts.offer is None else offer_card(speech, facts.offer),
        devices=devices.device_cards(speech, facts.devices, facts.products, now),
        lines=lines,
        more=len(facts.lines) > LINES_MAX,
        consents=consent_rows(speech, facts.consents),
        may_begin=may_begin(facts.consents),
        announcement=f"{summary} {lines[0].headline}: {lines[0].state.text}" if lines else summary,
    )


def offer_card(speech: Speech, offer: StoredOffer) -> OfferCard:
    """Make the card of the one offer that waits."""
    return OfferCard(
        offer_id=offer.offer_id,
        title=offer.titles.get(speech.language) or offer.titles["en"],
        reason=offer.sentences.get(speech.language) or offer.sentences["en"],
    )


def may_begin(ledger: Sequence[LedgerRow]) -> bool:
    """Tell whether nobody ever answered if needs may become questions; a no is an answer."""
    return not any(row.purpose is Purpose.REPLENISH for row in ledger)


def consent_rows(speech: Speech, ledger: Sequence[LedgerRow]) -> tuple[ConsentRow, ...]:
    """Make one row for every purpose; what was never granted is off."""
    standing = {row.purpose: row for row in ledger}
    rows: list[ConsentRow] = []
    for purpose, (title, meaning) in _CONSENTS.items():
        said = standing.get(purpose)
        rows.append(
            ConsentRow(
                purpose=purpose,
                title=speech.say(title),
                meaning=speech.say(meaning),
                granted=said is not None and said.granted,
                since=_since(speech, said),
            )
        )
    return tuple(rows)


def _since(speech: Speech, said: LedgerRow | None) -> str:
    if said is None:
        return speech.say("You have not said yes to this.")
    day = speech.day(said.recorded_at)
    if said.granted:
        return speech.say("On since %(day)s.", day=day)
    return speech.say("Off since %(day)s.", day=day)


def _asked(
    speech: Speech,
    facts: HouseholdFacts,
    signals: dict[str, StoredSignal],
    labels: dict[str, str],
    now: datetime,
) -> tuple[tuple[QuoteCard, ...], tuple[QuestionCard, ...]]:
    quotes: list[QuoteCard] = []
    questions: list[QuestionCard] = []
    for quote in facts.quotes:
        signal = signals.get(quote.signal_id)
        because = (
            labels.get(quote.device_id, quote.device_id)
            if signal is None
            else timeline.because(speech, signal, labels, now)
        )
        if quote.state is QuoteState.OPEN and quote.snapshot is not None:
            card = cards.quote_card(speech, quote, quote.snapshot, because, now)
            place = f"/slots/{quote.device_id}/{quote.slot_key}"
            quotes.append(replace(card, subscribe=f"{place}/subscribe?quote={quote.quote_id}"))
        else:
            product = facts.products.get(quote.sku) or devices.plain_sku(quote.sku)
            questions.append(cards.question_card(speech, quote, product, because))
    return tuple(quotes), tuple(questions)


def _payments(speech: Speech, facts: HouseholdFacts, now: datetime) -> tuple[PaymentCard, ...]:
    made = (
        listing.payment_card(speech, found, cards.product_line(speech, view.snapshot), now)
        for found, view in facts.payments
    )
    return tuple(card for card in made if card is not None)


def _follow_ups(speech: Speech, facts: HouseholdFacts, now: datetime) -> tuple[FollowUpCard, ...]:
    made = (listing.follow_up_card(speech, found, view, now) for found, view in facts.follow_ups)
    return tuple(card for card in made if card is not None)


def _on_top(view: OrderView, now: datetime) -> bool:
    return view.order.state in ORDER_OPEN or now - view.order.state_at < SHOWN_AFTER_END


def _greeting(speech: Speech, now: datetime) -> str:
    hour = now.astimezone(speech.zone).hour
    if 5 <= hour < 12:
        return speech.say("Good morning")
    if 12 <= hour < 18:
        return speech.say("Good afternoon")
    return speech.say("Good evening")


def _summary(
    speech: Speech,
    facts: HouseholdFacts,
    shown: Sequence[OrderView],
    quotes: Sequence[QuoteCard],
    questions: Sequence[QuestionCard],
) -> str:
    waiting = (
        len(quotes) + len(facts.payments) + sum(1 for each in questions if not each.waits_for_shop)
    )
    under_way = sum(1 for view in facts.orders if view.order.state in ORDER_OPEN)
    if waiting:
        return speech.count(
            "%(n)s question waits for your answer.",
            "%(n)s questions wait for your answer.",
            waiting,
        )
    if any(view.order.state in _UNCLEAR for view in facts.orders):
        return speech.say("We are checking an order with the shop.")
    if under_way:
        return speech.count("%(n)s order is under way.", "%(n)s orders are under way.", under_way)
    if facts.offer is not None:
        return speech.say("There is one offer for you.")
    if any(view.order.state is OrderState.DELIVERED for view in shown):
        return speech.say("All that you ordered has arrived.")
    if may_begin(facts.consents):
        return speech.say("One question before we begin.")
    if not any(row.purpose is Purpose.REPLENISH and row.granted for row in facts.consents):
        return speech.say("Reordering is off: a press is kept, and nothing more is done.")
    return speech.say("Everything is looked after.")
