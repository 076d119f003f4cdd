"""Subscriptions: read them, join under a labelled yes, change them, cancel as easily."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection
from starlette.responses import Response

from zodra_cloud.api import once as one_time
from zodra_cloud.api import policy
from zodra_cloud.api.door import KEY
from zodra_cloud.api.models import Token
from zodra_cloud.api.problems import Code, FieldError, Problem
from zodra_cloud.api.routes.common import Caller, Keyed, OnceOf, codes, reading, works_of
from zodra_cloud.api.schemas import subscriptions as wanted
from zodra_cloud.api.schemas.common import Given, Nothing, PathId
from zodra_cloud.api.schemas.subscriptions import LedgerLine, PriceTerms, Subscription
from zodra_cloud.errors import UnknownThing
from zodra_cloud.subscriptions import service as room
from zodra_cloud.subscriptions.service import Done, Refused, Said, Why

router = APIRouter(tags=["Subscriptions"])

_ONE: Final = "/subscriptions/{subscription_id}"
_CODES: Final = {
    Why.UNKNOWN_SUBSCRIPTION: Code.NOT_FOUND,
    Why.UNKNOWN_SLOT: Code.NOT_FOUND,
    Why.KEY_CONFLICT: Code.IDEMPOTENCY_KEY_REUSED,
    Why.NO_CONSENT: Code.NO_CONSENT,
    Why.EXPIRED: Code.QUOTE_EXPIRED,
    Why.CHANGED: Code.QUOTE_CHANGED,
    Why.WRONG_LABEL: Code.WRONG_LABEL,
}
"""Every other reason is `subscription_refused`, named in its rule."""
_JOINS: Final = codes(
    Code.NO_CONSENT,
    Code.QUOTE_EXPIRED,
    Code.QUOTE_CHANGED,
    Code.WRONG_LABEL,
    Code.SUBSCRIPTION_REFUSED,
)
_ASKS: Final = codes(Code.NOT_FOUND, Code.NO_CONSENT, Code.SUBSCRIPTION_REFUSED)
_CHANGES: Final[dict[str, Any]] = {
    "dependencies": [Keyed],
    "response_model": Subscription,
    "openapi_extra": codes(Code.SUBSCRIPTION_REFUSED),
}
Do = Callable[[Connection, Said], Done | Refused]


@router.get("/subscriptions")
def list_subscriptions(request: Request, caller: Caller) -> list[Subscription]:
    """List the household's subscriptions, newest first, at most a hundred."""
    now = works_of(request).clock.now()
    with reading(request) as connection:
        found = room.subscriptions(connection, caller.household_id, now=now)
    return [Subscription.of(each) for each in found]


@router.get(_ONE)
def read_subscription(request: Request, caller: Caller, subscription_id: PathId) -> Subscription:
    """Read one: its terms, the deliveries to come, and those that were."""
    now = works_of(request).clock.now()
    with reading(request) as connection:
        return _shown(connection, caller, subscription_id, now)


@router.get(f"{_ONE}/ledger")
def read_ledger(request: Request, caller: Caller, subscription_id: PathId) -> list[LedgerLine]:
    """Read what happened to a subscription, newest first."""
    now = works_of(request).clock.now()
    with reading(request) as connection:
        _shown(connection, caller, subscription_id, now)
        lines = room.ledger(connection, caller.household_id, subscription_id)
    return [LedgerLine(number=each.number, kind=each.kind, at=each.entry.at) for each in lines]


@router.get(f"{_ONE}/price-terms", openapi_extra=codes(Code.SUBSCRIPTION_REFUSED))
def read_price_terms(
    request: Request,
    caller: Caller,
    subscription_id: PathId,
    ceiling_minor: Annotated[int, Query(ge=1, le=10_000_000, examples=[1_500])],
) -> PriceTerms:
    """Give the terms with another price rule, to be shown before a labelled yes to it."""
    with reading(request) as connection:
        terms = room.price_terms(connection, caller.household_id, subscription_id, ceiling_minor)
    if isinstance(terms, Refused):
        raise _problem(terms)
    return PriceTerms.of(terms)


@router.post("/subscriptions", **{**_CHANGES, "openapi_extra": _ASKS})
def ask_for_subscription(
    request: Request, caller: Caller, once: OnceOf, given: wanted.SubscriptionWanted
) -> Response:
    """Ask for the terms of a subscription of what a slot is bound to; nothing is joined by it.

    The shop is asked what it costs; the terms are there when `offer_open` is true. Show them, then
    join.
    """
    follow = None
    if given.follow is not None:
        follow = room.Follow(given.follow.days_min, given.follow.days_max)
    wish = room.Wanted(
        given.cadence.value(), given.quantity, given.first_on, given.ceiling_minor, follow
    )

    def do(connection: Connection, said: Said) -> Done | Refused:
        household_id = caller.household_id
        source = room.of_slot(connection, household_id, given.device_id, given.slot_key)
        if isinstance(source, Refused):
            return source
        return room.request(connection, household_id, source, wish, said)

    return _do(request, caller, once, given, do)


@router.post(f"{_ONE}/join", **{**_CHANGES, "openapi_extra": _JOINS})
def join_subscription(
    request: Request,
    caller: Caller,
    once: OnceOf,
    subscription_id: PathId,
    given: wanted.LabelledYes,
) -> Response:
    """Join: take the person's labelled yes to the terms as shown. It obliges to pay."""

    def do(connection: Connection, said: Said) -> Done | Refused:
        return room.join(
            connection,
            caller.household_id,
            subscription_id,
            terms_hash=given.terms_hash,
            label=given.label,
            language=given.language,
            said=said,
        )

    return _do(request, caller, once, given, do)


@router.post(f"{_ONE}/price", **{**_CHANGES, "openapi_extra": _JOINS})
def accept_price(
    request: Request, caller: Caller, once: OnceOf, subscription_id: PathId, given: wanted.PriceYes
) -> Response:
    """Agree to another price rule, under a labelled yes to `price-terms` as shown."""

    def do(connection: Connection, said: Said) -> Done | Refused:
        return room.accept_price(
            connection,
            caller.household_id,
            subscription_id,
            ceiling_minor=given.ceiling_minor,
            terms_hash=given.terms_hash,
            label=given.label,
            language=given.language,
            said=said,
        )

    return _do(request, caller, once, given, do)


@router.post(f"{_ONE}/skip", **_CHANGES)
def skip_delivery(
    request: Request,
    caller: Caller,
    once: OnceOf,
    subscription_id: PathId,
    given: wanted.OneDelivery,
) -> Response:
    """Leave one delivery out."""

    def do(connection: Connection, said: Said) -> Done | Refused:
        return room.skip(connection, caller.household_id, subscription_id, given.cycle, said)

    return _do(request, caller, once, given, do)


@router.post(f"{_ONE}/unskip", **_CHANGES)
def unskip_delivery(
    request: Request,
    caller: Caller,
    once: OnceOf,
    subscription_id: PathId,
    given: wanted.OneDelivery,
) -> Response:
    """Make a delivery after all that was left out."""

    def do(connection: Connection, said: Said) -> Done | Refused:
        return room.unskip(connection, caller.household_id, subscription_id, given.cycle, said)

    return _do(request, caller, once, given, do)


@router.post(f"{_ONE}/pause", **_CHANGES)
def pause_subscription(
    request: Request,
    caller: Caller,
    once: OnceOf,
    subscription_id: PathId,
    given: wanted.PauseWanted,
) -> Response:
    """Make no deliveries, until a date or for an open time."""

    def do(connection: Connection, said: Said) -> Done | Refused:
        return room.pause(connection, caller.household_id, subscription_id, given.until, said)

    return _do(request, caller, once, given, do)


@router.post(f"{_ONE}/resume", **_CHANGES)
def resume_subscription(
    request: Request,
    caller: Caller,
    once: OnceOf,
    subscription_id: PathId,
    given: Nothing | None = None,
) -> Response:
    """Go on after a pause."""

    def do(connection: Connection, said: Said) -> Done | Refused:
        return room.resume(connection, caller.household_id, subscription_id, said)

    return _do(request, caller, once, given, do)


@router.post(f"{_ONE}/reschedule", **_CHANGES)
def reschedule_delivery(
    request: Request,
    caller: Caller,
    once: OnceOf,
    subscription_id: PathId,
    given: wanted.DateWanted,
) -> Response:
    """Move one delivery to another date, alone or with all that follow it."""

    def do(connection: Connection, said: Said) -> Done | Refused:
        place = (caller.household_id, subscription_id)
        return room.reschedule(
            connection, *place, given.cycle, given.on, said, following=given.following
        )

    return _do(request, caller, once, given, do)


@router.post(f"{_ONE}/quantity", **_CHANGES)
def change_quantity(
    request: Request,
    caller: Caller,
    once: OnceOf,
    subscription_id: PathId,
    given: wanted.QuantityWanted,
) -> Response:
    """Deliver another number each time."""

    def do(connection: Connection, said: Said) -> Done | Refused:
        place = (caller.household_id, subscription_id)
        return room.change_quantity(connection, *place, given.quantity, said)

    return _do(request, caller, once, given, do)


@router.post(f"{_ONE}/cadence", **_CHANGES)
def change_cadence(
    request: Request,
    caller: Caller,
    once: OnceOf,
    subscription_id: PathId,
    given: wanted.CadenceWanted,
) -> Response:
    """Deliver more or less often; what was skipped or dated by hand stays."""

    def do(connection: Connection, said: Said) -> Done | Refused:
        place = (caller.household_id, subscription_id)
        return room.change_cadence(connection, *place, given.value(), said)

    return _do(request, caller, once, given, do)


@router.post(f"{_ONE}/follow", **_CHANGES)
def change_follow(
    request: Request,
    caller: Caller,
    once: OnceOf,
    subscription_id: PathId,
    given: wanted.FollowChange,
) -> Response:
    """Let the dates follow the forecast within bounds, or no more."""
    bounds = given.follow
    follow = None if bounds is None else room.Follow(bounds.days_min, bounds.days_max)

    def do(connection: Connection, said: Said) -> Done | Refused:
        place = (caller.household_id, subscription_id)
        return room.change_follow(connection, *place, follow, said)

    return _do(request, caller, once, given, do)


@router.post(f"{_ONE}/size", **_CHANGES)
def answer_size(
    request: Request, caller: Caller, once: OnceOf, subscription_id: PathId, given: wanted.SizeYes
) -> Response:
    """Take the size that was proposed, or keep the one there is."""

    def do(connection: Connection, said: Said) -> Done | Refused:
        place = (caller.household_id, subscription_id)
        if not given.accept:
            return room.decline_size(connection, *place, given.size, said)
        return room.accept_size(
            connection, *place, given.size, said, with_cadence=given.with_cadence
        )

    return _do(request, caller, once, given, do)


@router.post(
    f"{_ONE}/cancel",
    **{**_CHANGES, "openapi_extra": codes(Code.WRONG_LABEL, Code.SUBSCRIPTION_REFUSED)},
)
def cancel_subscription(
    request: Request, caller: Caller, once: OnceOf, subscription_id: PathId, given: wanted.CancelYes
) -> Response:
    """End the contract, on any day; `ends_on` is then the first day without it."""

    def do(connection: Connection, said: Said) -> Done | Refused:
        place = (caller.household_id, subscription_id)
        return room.cancel(
            connection, *place, label=given.label, language=given.language, said=said
        )

    return _do(request, caller, once, given, do)


def _do(
    request: Request, caller: Token, once: one_time.Once, given: Given | None, do: Do
) -> Response:
    key = policy.read_key(request.headers.get(KEY, "")) or ""
    changes = works_of(request).changes

    def effect(connection: Connection, now: datetime) -> one_time.Done | Problem:
        # The ledger keeps the keys of all channels together and for good.
        name = policy.hashed(f"{caller.token_id} {key}")
        said = Said(caller.person_id, room.Channel.API, name, now, changes)
        done = do(connection, said)
        if isinstance(done, Refused):
            return _problem(done)
        return one_time.Done(_shown(connection, caller, done.subscription_id, now))

    return once.do(request, caller, given, effect)


def _shown(
    connection: Connection, caller: Token, subscription_id: str, now: datetime
) -> Subscription:
    found = room.view(connection, caller.household_id, subscription_id, now=now)
    if found is None:
        raise UnknownThing("subscription", subscription_id)
    return Subscription.of(found)


def _problem(refused: Refused) -> Problem:
    code = _CODES.get(refused.reason, Code.SUBSCRIPTION_REFUSED)
    if code is Code.NOT_FOUND:
        return Problem(code)
    rule = refused.reason.value + (f": {refused.rule}" if refused.rule else "")
    return Problem(code, (FieldError(place="body", field=refused.field, rule=rule),))
