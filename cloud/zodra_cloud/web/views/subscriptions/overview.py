"""The list of subscriptions, and the sentence that says what comes next."""

from collections.abc import Sequence

from zodra_cloud.subscriptions.service import (
    LIVE,
    Item,
    Status,
    SubscriptionView,
)
from zodra_cloud.web.i18n import Speech
from zodra_cloud.web.views.subscriptions import words
from zodra_cloud.web.views.subscriptions.pages import SubscriptionLine, SubscriptionsPage

_WAITS = frozenset({Status.DRAFT, Status.OFFERED})


def address_of(subscription_id: str) -> str:
    """Give where the page of a subscription is."""
    return f"/subscriptions/{subscription_id}"


def subscriptions_page(speech: Speech, views: Sequence[SubscriptionView]) -> SubscriptionsPage:
    """Make the list; what was never joined and is over is left out."""
    running = [view for view in views if view.status in LIVE | _WAITS]
    over = [view for view in views if view.status is Status.ENDED]
    return SubscriptionsPage(
        tuple(line(speech, view) for view in running), tuple(line(speech, view) for view in over)
    )


def line(speech: Speech, view: SubscriptionView) -> SubscriptionLine:
    """Make one line of the list."""
    price = view.price
    return SubscriptionLine(
        address=address_of(view.subscription_id),
        title=item_text(speech, view.item),
        state=words.status_chip(speech, view.status),
        sentence=next_sentence(speech, view),
        because=words.because(speech, view.cadence_why) if view.status in LIVE else "",
        price=""
        if price is None
        else speech.say(
            "%(total)s each time", total=speech.money(price.agreed_minor, price.currency)
        ),
    )


def item_text(speech: Speech, item: Item) -> str:
    """Write what is delivered and how many."""
    title = item.title(speech.language)
    if item.quantity == 1:
        return title
    return speech.say("%(n)s times %(product)s", n=speech.number(item.quantity), product=title)


def next_sentence(speech: Speech, view: SubscriptionView) -> str:
    """Say what comes next, and how often it comes."""
    often = words.cadence(speech, view.cadence)
    if view.status is Status.DRAFT:
        return speech.say("We ask the shop what it costs, %(often)s.", often=often)
    if view.status is Status.OFFERED:
        return speech.say("The terms wait for your yes: %(often)s.", often=often)
    if view.status is Status.LAPSED:
        return speech.say("It was never joined.")
    if view.status is Status.ENDED:
        return speech.say("It is over; nothing is delivered under it any more.")
    if view.status is Status.PAUSED:
        if view.paused_until is None:
            return speech.say("Paused until you say so.")
        return speech.say("Paused until %(day)s.", day=speech.on(view.paused_until))
    nexts = [each for each in view.upcoming if not each.skipped]
    if view.ends_on is not None and not nexts:
        return speech.say("It ends on %(day)s.", day=speech.on(view.ends_on))
    if not nexts:
        return speech.say("No delivery is planned.")
    said = speech.say(
        "The next delivery is ordered on %(day)s; %(often)s.",
        day=speech.on(nexts[0].on),
        often=often,
    )
    if view.ends_on is None:
        return said
    return f"{said} {speech.say('It ends on %(day)s.', day=speech.on(view.ends_on))}"
