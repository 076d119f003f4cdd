"""The ledger of a subscription in sentences."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

from zodra_cloud.subscriptions.service import Channel, Kind, LedgerLine
from zodra_cloud.web.i18n import Speech, mark
from zodra_cloud.web.views import words as plain_words
from zodra_cloud.web.views.pages import Moment
from zodra_cloud.web.views.subscriptions import words
from zodra_cloud.web.views.subscriptions.overview import item_text
from zodra_cloud.web.views.subscriptions.pages import HistoryLine

SHOWN_MAX: Final = 60

KINDS: Final[dict[Kind, str]] = {
    Kind.REQUESTED: mark("The terms were asked for."),
    Kind.OFFERED: mark("The shop said what it costs."),
    Kind.LAPSED: mark("It was not joined in time."),
    Kind.JOINED: mark("Joined with “%(label)s”."),
    Kind.SKIPPED: mark("The delivery of %(on)s is skipped."),
    Kind.UNSKIPPED: mark("The skipped delivery is made after all."),
    Kind.PAUSED: mark("Paused."),
    Kind.RESUMED: mark("It goes on, with a delivery on %(on)s."),
    Kind.RESCHEDULED: mark("The delivery of %(planned_on)s moved to %(on)s."),
    Kind.QUANTITY_CHANGED: mark("From then on %(quantity)s each time."),
    Kind.SWAPPED: mark("From then on: %(item)s."),
    Kind.CADENCE_CHANGED: mark("From %(before)s to %(after)s."),
    Kind.FOLLOW_CHANGED: mark("Whether the dates follow the forecast was changed."),
    Kind.GROWTH_TOLD: mark("Whether larger sizes are proposed was changed."),
    Kind.SIZE_PROPOSED: mark("Size %(size)s was proposed."),
    Kind.SIZE_DECLINED: mark("The size stays."),
    Kind.PRE_NOTICE_SENT: mark("The delivery of %(on)s was announced."),
    Kind.PRICE_ANNOUNCED: mark("The shop asks another price than was agreed."),
    Kind.PRICE_ACCEPTED: mark("The new price was agreed with “%(label)s”."),
    Kind.CYCLE_DUE: mark("The delivery of %(on)s is being ordered."),
    Kind.CYCLE_ASKED: mark("The delivery became a question to you."),
    Kind.CYCLE_HELD: mark("Another order was under way, so the delivery waits for it."),
    Kind.CYCLE_ORDERED: mark("The shop has the order of the delivery."),
    Kind.CYCLE_PULLED_FORWARD: mark("Your own order came in place of the delivery."),
    Kind.CYCLE_RESTORED: mark("That order came to nothing, so the delivery is made as planned."),
    Kind.CYCLE_FAILED: mark("The delivery came to nothing."),
    Kind.CYCLE_PASSED: mark("A delivery was not made."),
    Kind.CANCELLED: mark("Cancelled; the first day without it is %(ends_on)s."),
    Kind.WITHDRAWN: mark("Withdrawn from; it ended at once."),
    Kind.ENDED: mark("It ended on %(on)s."),
}
"""What the page says of each; a look of the forecast that changed nothing is no news."""

CHANNELS: Final[dict[Channel, str]] = {
    Channel.PAGE: mark("on this page"),
    Channel.CHAT: mark("by chat"),
    Channel.MAIL: mark("by mail"),
    Channel.API: mark("by your own software"),
    Channel.SUPPORT: mark("at the help desk"),
    Channel.SERVICE: mark("by itself"),
}


def history(speech: Speech, ledger: Iterable[LedgerLine], now: datetime) -> tuple[HistoryLine, ...]:
    """Make the newest lines of the ledger, in the order given."""
    told = [line for line in ledger if line.kind in KINDS][:SHOWN_MAX]
    return tuple(
        HistoryLine(
            sentence=_sentence(speech, line),
            by=speech.say(CHANNELS[line.entry.channel]),
            when=Moment(speech.instant(line.entry.at, now), line.entry.at.isoformat()),
        )
        for line in told
    )


def _sentence(speech: Speech, line: LedgerLine) -> str:
    event: Any = line.entry.event
    facts = {
        name: write(speech, getattr(event, name))
        for name, write in _FACTS.items()
        if hasattr(event, name)
    }
    said = speech.say(KINDS[line.kind], **facts)
    more = ""
    if line.kind is Kind.PAUSED and event.until is not None:
        more = speech.say("Until %(day)s.", day=speech.on(event.until))
    if line.kind is Kind.CADENCE_CHANGED:
        more = words.because(speech, event.why)
    if line.kind in _WITH_REASON and event.reason in plain_words.REASONS:
        more = plain_words.reason(speech, event.reason)
    return f"{said} {more}".strip()


_WITH_REASON: Final = frozenset({Kind.CYCLE_ASKED, Kind.CYCLE_FAILED, Kind.LAPSED})

_FACTS: Final[dict[str, Callable[[Speech, Any], str]]] = {
    "label": lambda _speech, label: str(label),
    "on": lambda speech, day: speech.on(day),
    "planned_on": lambda speech, day: speech.on(day),
    "ends_on": lambda speech, day: speech.on(day),
    "quantity": lambda speech, count: speech.number(count),
    "item": lambda speech, item: item_text(speech, item),
    "before": lambda speech, often: words.cadence(speech, often),
    "after": lambda speech, often: words.cadence(speech, often),
    "size": lambda _speech, size: str(size),
}
"""The facts that the sentences above name, and how each is written."""
