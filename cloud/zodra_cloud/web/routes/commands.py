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
    Wish,
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
Asked = Wish | Refused
Yes = Callable[[Connection, str, str, Sent, Said], Done | Refused]


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


def _pause(sent: Sent) -> Asked:
    until: date | None = None
    if sent.get("until"):
        until = typed.day(sent["until"])
        if until is None:
            return Refused(Why.PAST_DATE, "until")
    return subscriptions.pause(until)


def _move(sent: Sent) -> Asked:
    on = typed.day(sent.get("on", ""))
    if on is None:
        return Refused(Why.PAST_DATE, "on")
    return subscriptions.reschedule(_cycle(sent), on, following=sent.get("following") == "yes")


def _quantity(sent: Sent) -> Asked:
    quantity = typed.whole(sent.get("quantity", ""))
    if quantity is None:
        return Refused(Why.BAD_QUANTITY, "quantity")
    return subscriptions.change_quantity(quantity)


def _cadence(sent: Sent) -> Asked:
    count, every = typed.whole(sent.get("count", "")), sent.get("every", "")
    if count is None or every not in set(Every):
        return Refused(Why.BAD_CADENCE, "cadence")
    return subscriptions.change_cadence(Cadence(count, Every(every)))


def _follow(sent: Sent) -> Asked:
    follow: Follow | None = None
    if sent.get("follow") == "yes":
        low, high = typed.whole(sent.get("days_min", "")), typed.whole(sent.get("days_max", ""))
        if low is None or high is None:
            return Refused(Why.BAD_CADENCE, "follow" if low is None else "days_max")
        follow = Follow(low, high)
    return subscriptions.change_follow(follow)


def _growth(sent: Sent) -> Asked:
    if sent.get("grow") != "yes":
        return subscriptions.tell_growth(None, None)
    born_on = typed.month(sent["born_in"]) if sent.get("born_in") else None
    if sent.get("born_in") and born_on is None:
        return Refused(Why.PAST_DATE, "born_on")
    return subscriptions.tell_growth(sent.get("ladder_id", ""), born_on)


def _accept_size(sent: Sent) -> Asked:
    with_cadence = sent.get("with_cadence") == "yes"
    return subscriptions.accept_size(sent.get("size", ""), with_cadence=with_cadence)


def _cancel(sent: Sent) -> Asked:
    return subscriptions.cancel(label=sent.get("label", ""), language=sent.get("language", ""))


def _withdraw(sent: Sent) -> Asked:
    if not accepts(Control.CONFIRM_WITHDRAWAL, sent.get("language", ""), sent.get("label", "")):
        return Refused(Why.WRONG_LABEL, "label")
    return subscriptions.withdraw()


WISHES: Final[dict[str, tuple[Callable[[Sent], Asked], str]]] = {
    "skip": (lambda sent: subscriptions.skip(_cycle(sent)), "skipped"),
    "unskip": (lambda sent: subscriptions.unskip(_cycle(sent)), "unskipped"),
    "move": (_move, "moved"),
    "pause": (_pause, "paused"),
    "resume": (lambda _sent: subscriptions.resume(), "resumed"),
    "quantity": (_quantity, "changed"),
    "cadence": (_cadence, "changed"),
    "follow": (_follow, "changed"),
    "growth": (_growth, "changed"),
    "accept-size": (_accept_size, "size_taken"),
    "decline-size": (
        lambda sent: subscriptions.decline_size(sent.get("size", "")),
        "size_kept",
    ),
    "cancel": (_cancel, "subscription_cancelled"),
    "withdraw": (_withdraw, "subscription_withdrawn"),
}
"""What each form asks for, and what the page says when it was done."""


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


YESES: Final[dict[str, tuple[Yes, str]]] = {
    "join": (_join, "joined"),
    "price": (_price, "price_agreed"),
}
"""The forms that carry a labelled yes to terms; `swap` asks a shop first and is apart."""
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
    elif command in WISHES or command in YESES:
        with site.database.write(household_id) as connection:
            answer = _said(connection, household_id, subscription_id, command, sent, said)
    else:
        raise HTTPException(404)
    if isinstance(answer, Refused) and answer.reason in UNKNOWN:
        raise HTTPException(404)
    return answer


def _said(
    c: Connection, home: str, name: str, command: str, sent: Sent, said: Said
) -> Done | Refused:
    if command in YESES:
        return YESES[command][0](c, home, name, sent, said)
    wish = WISHES[command][0](sent)
    return wish if isinstance(wish, Refused) else subscriptions.act(c, home, name, wish, said)


def note_of_command(command: str, answer: Done) -> str:
    """Name what the page says when a form was carried out."""
    if answer.repeated:
        return "already_done"
    if command == SWAP:
        return "changed"
    return YESES[command][1] if command in YESES else WISHES[command][1]
