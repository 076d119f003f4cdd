"""What a household can do with a subscription, one form each; sent twice it counts once."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Final

from fastapi import Depends, Request
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from zodra_cloud.law.labels import Control, accepts
from zodra_cloud.subscriptions import desk
from zodra_cloud.subscriptions import service as subscriptions
from zodra_cloud.subscriptions.service import (
    Cadence,
    Channel,
    Done,
    Every,
    Follow,
    Refused,
    Said,
    Why,
)
from zodra_cloud.web import typed
from zodra_cloud.web.access import Visitor, site_of
from zodra_contract.ids import derived_id

FIELDS_MAX: Final = 20
UNKNOWN: Final = frozenset({Why.UNKNOWN_SUBSCRIPTION, Why.UNKNOWN_SLOT})
"""Not this household's; answered 404."""


async def _fields(request: Request) -> dict[str, str]:
    """Read all fields of a form as text, each cut to what could be an answer."""
    form: FormData = await request.form(max_fields=FIELDS_MAX, max_files=0)
    return {
        name: value[: 2 * typed.CHARS_MAX] for name, value in form.items() if isinstance(value, str)
    }


Fields = Annotated[dict[str, str], Depends(_fields)]

Sent = dict[str, str]
Act = Callable[[Connection, str, str, Sent, Said], Done | Refused]


def said_of(request: Request, visitor: Visitor, key: str) -> Said:
    """Say who asks for it, here, now."""
    site = site_of(request)
    person_id = visitor.session.person_id
    return Said(person_id, Channel.PAGE, key, site.clock.now(), site.changes)


def command_key(command: str, sent: dict[str, str]) -> str:
    """Name a form by what it shows and says, so that sending it again is a repeat.

    `seen` is the last line of the ledger on the page: the same wish on a newer page is a new one.
    """
    facts = [f"{name}={value}" for name, value in sorted(sent.items()) if name != "form_token"]
    return derived_id("wf", command, *facts)


def _cycle(sent: dict[str, str]) -> int:
    return typed.whole(sent.get("cycle", "")) or 0


def _skip(c: Connection, home: str, name: str, sent: Sent, said: Said) -> Done | Refused:
    return subscriptions.skip(c, home, name, _cycle(sent), said)


def _unskip(c: Connection, home: str, name: str, sent: Sent, said: Said) -> Done | Refused:
    return subscriptions.unskip(c, home, name, _cycle(sent), said)


def _pause(c: Connection, home: str, name: str, sent: Sent, said: Said) -> Done | Refused:
    until: date | None = None
    if sent.get("until"):
        until = typed.day(sent["until"])
        if until is None:
            return Refused(Why.PAST_DATE, "until")
    return subscriptions.pause(c, home, name, until, said)


def _resume(c: Connection, home: str, name: str, sent: Sent, said: Said) -> Done | Refused:
    return subscriptions.resume(c, home, name, said)


def _move(c: Connection, home: str, name: str, sent: Sent, said: Said) -> Done | Refused:
    on = typed.day(sent.get("on", ""))
    if on is None:
        return Refused(Why.PAST_DATE, "on")
    following = sent.get("following") == "yes"
    return subscriptions.reschedule(c, home, name, _cycle(sent), on, said, following=following)


def _quantity(c: Connection, home: str, name: str, sent: Sent, said: Said) -> Done | Refused:
    quantity = typed.whole(sent.get("quantity", ""))
    if quantity is None:
        return Refused(Why.BAD_QUANTITY, "quantity")
    return subscriptions.change_quantity(c, home, name, quantity, said)


def _cadence(c: Connection, home: str, name: str, sent: Sent, said: Said) -> Done | Refused:
    count, every = typed.whole(sent.get("count", "")), sent.get("every", "")
    if count is None or every not in set(Every):
        return Refused(Why.BAD_CADENCE, "cadence")
    return subscriptions.change_cadence(c, home, name, Cadence(count, Every(every)), said)


def _follow(c: Connection, home: str, name: str, sent: Sent, said: Said) -> Done | Refused:
    follow: Follow | None = None
    if sent.get("follow") == "yes":
        low, high = typed.whole(sent.get("days_min", "")), typed.whole(sent.get("days_max", ""))
        if low is None or high is None:
            return Refused(Why.BAD_CADENCE, "follow" if low is None else "days_max")
        follow = Follow(low, high)
    return subscriptions.change_follow(c, home, name, follow, said)


def _accept_size(c: Connection, home: str, name: str, sent: Sent, said: Said) -> Done | Refused:
    with_cadence = sent.get("with_cadence") == "yes"
    size = sent.get("size", "")
    return subscriptions.accept_size(c, home, name, size, said, with_cadence=with_cadence)


def _decline_size(c: Connection, home: str, name: str, sent: Sent, said: Said) -> Done | Refused:
    return subscriptions.decline_size(c, home, name, sent.get("size", ""), said)


def _join(c: Connection, home: str, name: str, sent: Sent, said: Said) -> Done | Refused:
    return subscriptions.join(
        c,
        home,
        name,
        terms_hash=sent.get("terms_hash", ""),
        label=sent.get("label", ""),
        language=sent.get("language", ""),
        said=said,
    )


def _price(c: Connection, home: str, name: str, sent: Sent, said: Said) -> Done | Refused:
    return subscriptions.accept_price(
        c,
        home,
        name,
        ceiling_minor=typed.whole(sent.get("ceiling", "")) or 0,
        terms_hash=sent.get("terms_hash", ""),
        label=sent.get("label", ""),
        language=sent.get("language", ""),
        said=said,
    )


def _cancel(c: Connection, home: str, name: str, sent: Sent, said: Said) -> Done | Refused:
    label, language = sent.get("label", ""), sent.get("language", "")
    return subscriptions.cancel(c, home, name, label=label, language=language, said=said)


def _withdraw(c: Connection, home: str, name: str, sent: Sent, said: Said) -> Done | Refused:
    if not accepts(Control.CONFIRM_WITHDRAWAL, sent.get("language", ""), sent.get("label", "")):
        return Refused(Why.WRONG_LABEL, "label")
    return subscriptions.withdraw(c, home, name, said)


ACTS: Final[dict[str, tuple[Act, str]]] = {
    "join": (_join, "joined"),
    "skip": (_skip, "skipped"),
    "unskip": (_unskip, "unskipped"),
    "move": (_move, "moved"),
    "pause": (_pause, "paused"),
    "resume": (_resume, "resumed"),
    "quantity": (_quantity, "changed"),
    "cadence": (_cadence, "changed"),
    "follow": (_follow, "changed"),
    "accept-size": (_accept_size, "size_taken"),
    "decline-size": (_decline_size, "size_kept"),
    "price": (_price, "price_agreed"),
    "cancel": (_cancel, "subscription_cancelled"),
    "withdraw": (_withdraw, "subscription_withdrawn"),
}
"""What each form does, and what the page says then; `swap` asks a shop first and is apart."""
SWAP: Final = "swap"


def carry_out(
    request: Request, visitor: Visitor, subscription_id: str, command: str, sent: dict[str, str]
) -> Done | Refused:
    """Carry out one form; 404 for one that is none, or for another household's subscription."""
    site, household_id = site_of(request), visitor.household_id
    said = said_of(request, visitor, command_key(command, sent))
    answer: Done | Refused
    if command == SWAP and site.shop is not None:
        with site.database.read() as connection:
            view = subscriptions.view(
                connection, household_id, subscription_id, now=site.clock.now()
            )
        answer = desk.swap(
            site.database,
            site.shop,
            household_id,
            subscription_id,
            sku=sent.get("sku", ""),
            quantity=1 if view is None else view.item.quantity,
            said=said,
        )
    elif command in ACTS:
        with site.database.write(household_id) as connection:
            answer = ACTS[command][0](connection, household_id, subscription_id, sent, said)
    else:
        raise HTTPException(404)
    if isinstance(answer, Refused) and answer.reason in UNKNOWN:
        raise HTTPException(404)
    return answer


def note_of_command(command: str, answer: Done) -> str:
    """Name what the page says when a form was carried out."""
    if answer.repeated:
        return "already_done"
    return "changed" if command == SWAP else ACTS[command][1]
