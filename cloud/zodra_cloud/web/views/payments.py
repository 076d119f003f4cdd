"""How a household pays: the permissions to charge it later that it gave, and how each stands."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from zodra_cloud.payments.models import StoredMandate
from zodra_cloud.payments.states import MandateState
from zodra_cloud.web.i18n import Speech, mark
from zodra_cloud.web.views.pages import Chip, Moment, Tone

CHIPS: Final[dict[MandateState, tuple[str, Tone]]] = {
    MandateState.REQUESTED: (mark("being prepared"), Tone.BUSY),
    MandateState.OPEN: (mark("waits for your approval"), Tone.WAIT),
    MandateState.LIVE: (mark("in force"), Tone.GOOD),
    MandateState.REVOKING: (mark("being revoked"), Tone.BUSY),
    MandateState.REVOKED: (mark("revoked"), Tone.QUIET),
    MandateState.EXPIRED: (mark("not approved in time"), Tone.QUIET),
    MandateState.REFUSED: (mark("refused"), Tone.BAD),
}
SENTENCES: Final[dict[MandateState, str]] = {
    MandateState.REQUESTED: mark(
        "We ask the payment service for its page. The link shows up here in a moment."
    ),
    MandateState.OPEN: mark(
        "Approve it on the page of the payment service. We never see your card or account."
    ),
    MandateState.LIVE: mark(
        "What you ordered or agreed to is charged with it. Each order still needs your own yes,"
        " and each charge of a subscription is announced before it comes."
    ),
    MandateState.REVOKING: mark(
        "Nothing new is charged with it any more. The payment service is told to forget it."
    ),
    MandateState.REVOKED: mark("You revoked it. The payment service has forgotten it."),
    MandateState.EXPIRED: mark("The link was not used in time, so nothing was allowed."),
    MandateState.REFUSED: mark(
        "Your bank or the payment service said no. Nothing is charged with it."
    ),
}
_NOW: Final = frozenset(
    {MandateState.REQUESTED, MandateState.OPEN, MandateState.LIVE, MandateState.REVOKING}
)
_REVOCABLE: Final = frozenset({MandateState.REQUESTED, MandateState.OPEN, MandateState.LIVE})
_BY_ITSELF: Final = frozenset({MandateState.REQUESTED, MandateState.REVOKING})


@dataclass(frozen=True, slots=True)
class MandateRow:
    """One permission."""

    state: Chip
    sentence: str
    since: Moment
    link: str
    """Where it is approved; empty unless that is what it waits for."""
    until: Moment | None
    revocable: bool


@dataclass(frozen=True, slots=True)
class PaymentsPage:
    """How a household pays."""

    now: tuple[MandateRow, ...]
    over: tuple[MandateRow, ...]
    may_ask: bool
    """Whether there is a payment service, and no permission that stands or waits."""
    is_moving: bool
    """Something changes by itself soon; the page is read again."""
    sentence: str


def payments_page(
    speech: Speech, mandates: Iterable[StoredMandate], now: datetime, *, payments_on: bool
) -> PaymentsPage:
    """Show the permissions of a household.

    Args:
        speech: of the reader.
        mandates: newest first.
        now: the instant.
        payments_on: whether money goes through a payment service of ours.
    """
    known = list(mandates)
    standing = [each for each in known if each.state in _NOW]
    if standing:
        sentence = speech.say("You can see here what you allowed, and take it back at any moment.")
    elif payments_on:
        sentence = speech.say(
            "You allow nothing now: each order waits until you have paid it on the page of the"
            " payment service."
        )
    else:
        sentence = speech.say(
            "The shop charges what you order in its own way. We charge nothing, so there is"
            " nothing to allow here."
        )
    return PaymentsPage(
        now=tuple(_row(speech, each, now) for each in standing),
        over=tuple(_row(speech, each, now) for each in known if each.state not in _NOW),
        may_ask=payments_on and not any(each.state in _REVOCABLE for each in standing),
        is_moving=any(each.state in _BY_ITSELF for each in standing),
        sentence=sentence,
    )


def _row(speech: Speech, mandate: StoredMandate, now: datetime) -> MandateRow:
    text, tone = CHIPS[mandate.state]
    is_open = mandate.state is MandateState.OPEN
    until = None
    if is_open and mandate.link_expires_at is not None:
        when = speech.instant(mandate.link_expires_at, now)
        said = speech.say("The link works until %(when)s.", when=when)
        until = Moment(said, mandate.link_expires_at.isoformat())
    when = speech.instant(mandate.state_at, now)
    return MandateRow(
        state=Chip(speech.say(text), tone),
        sentence=speech.say(SENTENCES[mandate.state]),
        since=Moment(speech.say("Since %(when)s", when=when), mandate.state_at.isoformat()),
        link=(mandate.link_url or "") if is_open else "",
        until=until,
        revocable=mandate.state in _REVOCABLE,
    )
