"""One subscription: its terms or what comes next, what can be changed, and what happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from zodra_cloud.subscriptions.service import (
    LIVE,
    Delivery,
    Item,
    LedgerLine,
    Past,
    Status,
    SubscriptionView,
    Terms,
)
from zodra_cloud.web.i18n import Speech
from zodra_cloud.web.views import words as plain_words
from zodra_cloud.web.views.pages import Chip, Fact, Tone
from zodra_cloud.web.views.subscriptions import forms, words
from zodra_cloud.web.views.subscriptions.ending import end_box
from zodra_cloud.web.views.subscriptions.history import history
from zodra_cloud.web.views.subscriptions.overview import address_of, item_text, next_sentence
from zodra_cloud.web.views.subscriptions.pages import (
    DeliveryRow,
    PastRow,
    ProposalCard,
    SubscriptionPage,
    Tried,
)
from zodra_cloud.web.views.subscriptions.terms import offer_of, reprice_of


@dataclass(frozen=True, slots=True)
class SubscriptionFacts:
    """Everything that was read for the page of one subscription, at one instant."""

    view: SubscriptionView
    ledger: Sequence[LedgerLine]
    """Newest first."""
    others: Sequence[Item]
    """What it could be swapped for."""
    ladder_id: str | None
    """Of the sizes that what is delivered grows along; None if it has no larger one."""
    reprice: Terms | None
    """The terms with the price that the shop asks now."""
    order_label: str
    cancel_label: str
    withdraw_label: str


def subscription_page(
    speech: Speech, facts: SubscriptionFacts, now: datetime, tried: Tried | None = None
) -> SubscriptionPage:
    """Make the page of one subscription.

    Args:
        speech: of the reader.
        facts: of the subscription.
        now: the instant.
        tried: a form that was not taken.
    """
    view = facts.view
    live = view.status in LIVE
    title = item_text(speech, view.item)
    sentence = next_sentence(speech, view)
    may_change = view.status in (Status.ACTIVE, Status.PAUSED)
    return SubscriptionPage(
        address=address_of(view.subscription_id),
        live=view.status in (Status.DRAFT, Status.OFFERED),
        seen=facts.ledger[0].number if facts.ledger else 0,
        title=title,
        state=words.status_chip(speech, view.status),
        sentence=sentence,
        because=words.because(speech, view.cadence_why) if live else "",
        facts=_facts(speech, view),
        offer=offer_of(speech, view, facts.order_label, now, tried),
        reprice=None
        if facts.reprice is None or not live
        else reprice_of(speech, view, facts.reprice, facts.order_label, tried),
        proposal=_proposal(speech, view) if live else None,
        upcoming=tuple(_upcoming(speech, each, view, now, tried) for each in view.upcoming),
        resume=forms.resume(speech, tried) if view.status is Status.PAUSED else None,
        changes=forms.changes(speech, view, facts.others, facts.ladder_id, tried)
        if may_change
        else (),
        end=end_box(speech, view, facts.cancel_label, facts.withdraw_label, tried),
        past=tuple(_past(speech, each) for each in view.past),
        history=history(speech, facts.ledger, now),
        announcement=f"{title}. {sentence}",
    )


def _facts(speech: Speech, view: SubscriptionView) -> tuple[Fact, ...]:
    pairs = [(speech.say("How often"), words.cadence(speech, view.cadence))]
    if view.price is not None:
        currency = view.price.currency
        pairs += [
            (speech.say("Agreed price"), speech.money(view.price.agreed_minor, currency)),
            (speech.say("Asked above"), speech.money(view.price.ceiling_minor, currency)),
        ]
    if view.terms is not None and view.status in LIVE:
        pairs += [
            (speech.say("Sold by"), view.terms.merchant_name),
            (
                speech.say("Announced"),
                speech.count(
                    "%(n)s day before each charge",
                    "%(n)s days before each charge",
                    view.terms.pre_notice_days,
                ),
            ),
        ]
    if view.follow is not None:
        bounds = speech.say(
            "yes, between %(low)s and %(high)s days apart",
            low=view.follow.days_min,
            high=view.follow.days_max,
        )
        pairs.append((speech.say("Follows the forecast"), bounds))
    if view.growth is not None:
        said = speech.say("proposed when they may fit better; never sent unasked")
        pairs.append((speech.say("Larger sizes"), said))
    if view.joined_on is not None:
        pairs.append((speech.say("Joined"), speech.on_short(view.joined_on)))
    return tuple(Fact(name, value) for name, value in pairs)


def _upcoming(
    speech: Speech, each: Delivery, view: SubscriptionView, now: datetime, tried: Tried | None
) -> DeliveryRow:
    said = []
    if each.order_at is not None:
        when = speech.instant(each.order_at, now)
        said.append(speech.say("It is ordered on %(when)s, not before.", when=when))
    if each.expected_minor is not None and view.price is not None:
        total = speech.money(each.expected_minor, view.price.currency)
        said.append(speech.say("The shop asks %(total)s today.", total=total))
    if each.by_hand:
        said.append(speech.say("You chose this day."))
    may = view.status is not Status.PAUSED
    return DeliveryRow(
        cycle=each.cycle,
        when=speech.on(each.on),
        what=item_text(speech, each.item),
        sentence=" ".join(said),
        state=Chip(speech.say("skipped"), Tone.QUIET)
        if each.skipped
        else words.cycle_chip(speech, each.state),
        skipped=each.skipped,
        may_skip=may,
        move=forms.move(speech, each, tried) if may and not each.skipped else None,
    )


def _past(speech: Speech, each: Past) -> PastRow:
    return PastRow(
        when=speech.on_short(each.on),
        what=item_text(speech, each.item),
        state=words.cycle_chip(speech, each.state),
        sentence=plain_words.reason(speech, each.reason)
        if each.reason in plain_words.REASONS
        else "",
        why="" if each.signal_id is None else f"/needs/{each.signal_id}/why",
    )


def _proposal(speech: Speech, view: SubscriptionView) -> ProposalCard | None:
    found = view.proposal
    if found is None:
        return None
    return ProposalCard(
        size=found.size,
        title=speech.say("Size %(size)s may fit better now", size=found.size),
        because=words.growth(speech, found.why),
        cadence="" if found.cadence is None else words.cadence(speech, found.cadence),
    )
