"""Subscriptions: read them, join under a labelled yes, change them, cancel as easily."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Query, Request
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
from zodra_cloud.api.schemas.subscriptions import Ladder, LedgerLine, PriceTerms, Subscription
from zodra_cloud.api.schemas.withdrawals import ContractWithdrawalYes
from zodra_cloud.errors import UnknownThing
from zodra_cloud.law.labels import Control, accepts
from zodra_cloud.subscriptions import service as room
from zodra_cloud.subscriptions.service import Done, Refused, Said, Why, Wish

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
    labels = works_of(request).law.labels
    return [Subscription.of(each, labels) for each in found]


@router.get("/sizes")
def list_sizes(request: Request, caller: Caller) -> list[Ladder]:
    """List the ladders of sizes by which larger ones can be proposed, by id."""
    with reading(request) as connection:
        return [Ladder(ladder_id=each) for each in room.ladders(connection)]


@router.get(_ONE)
def read_subscription(request: Request, caller: Caller, subscription_id: PathId) -> Subscription:
    """Read one: its terms, the deliveries to come, and those that were."""
    now = works_of(request).clock.now()
    with reading(request) as connection:
        return _shown(request, connection, caller, subscription_id, now)


@router.get(f"{_ONE}/ledger")
def read_ledger(request: Request, caller: Caller, subscription_id: PathId) -> list[LedgerLine]:
    """Read what happened to a subscription, newest first."""
    now = works_of(request).clock.now()
    with reading(request) as connection:
        _shown(request, connection, caller, subscription_id, now)
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


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its address, what is sent, what that asks for, and what is said of it."""

    verb: str
    name: str
    """Of the operation, in the description."""
    body: Any
    """The model of what is sent."""
    wish: Callable[[Any], Wish | Refused]
    about: str
    codes: tuple[Code, ...] = (Code.SUBSCRIPTION_REFUSED,)
    optional: bool = False
    """Whether no body means an empty one."""


def _follow(given: wanted.FollowChange) -> Wish:
    bounds = given.follow
    return room.change_follow(
        None if bounds is None else room.Follow(bounds.days_min, bounds.days_max)
    )


def _size(given: wanted.SizeYes) -> Wish:
    if not given.accept:
        return room.decline_size(given.size)
    return room.accept_size(given.size, with_cadence=given.with_cadence)


def _withdraw(given: ContractWithdrawalYes) -> Wish | Refused:
    if not accepts(Control.CONFIRM_WITHDRAWAL, given.language, given.label):
        return Refused(Why.WRONG_LABEL, "label")
    return room.withdraw()


COMMANDS: Final = (
    Command(
        "skip",
        "skip_delivery",
        wanted.OneDelivery,
        lambda given: room.skip(given.cycle),
        "Leave one delivery out.",
    ),
    Command(
        "unskip",
        "unskip_delivery",
        wanted.OneDelivery,
        lambda given: room.unskip(given.cycle),
        "Make a delivery after all that was left out.",
    ),
    Command(
        "pause",
        "pause_subscription",
        wanted.PauseWanted,
        lambda given: room.pause(given.until),
        "Make no deliveries, until a date or for an open time.",
    ),
    Command(
        "resume",
        "resume_subscription",
        Nothing | None,
        lambda _given: room.resume(),
        "Go on after a pause.",
        optional=True,
    ),
    Command(
        "reschedule",
        "reschedule_delivery",
        wanted.DateWanted,
        lambda given: room.reschedule(given.cycle, given.on, following=given.following),
        "Move one delivery to another date, alone or with all that follow it.",
    ),
    Command(
        "quantity",
        "change_quantity",
        wanted.QuantityWanted,
        lambda given: room.change_quantity(given.quantity),
        "Deliver another number each time.",
    ),
    Command(
        "cadence",
        "change_cadence",
        wanted.CadenceWanted,
        lambda given: room.change_cadence(given.value()),
        "Deliver more or less often; what was skipped or dated by hand stays.",
    ),
    Command(
        "follow",
        "change_follow",
        wanted.FollowChange,
        _follow,
        "Let the dates follow the forecast within bounds, or no more.",
    ),
    Command(
        "growth",
        "tell_growth",
        wanted.GrowthTold,
        lambda given: room.tell_growth(given.ladder_id, given.born_on),
        "Let larger sizes be proposed as a child grows, or no more; nothing changes by itself.",
    ),
    Command(
        "size",
        "answer_size",
        wanted.SizeYes,
        _size,
        "Take the size that was proposed, or keep the one there is.",
    ),
    Command(
        "cancel",
        "cancel_subscription",
        wanted.CancelYes,
        lambda given: room.cancel(label=given.label, language=given.language),
        "End the contract, on any day; `ends_on` is then the first day without it.",
        (Code.WRONG_LABEL, Code.SUBSCRIPTION_REFUSED),
    ),
    Command(
        "withdraw",
        "withdraw_subscription",
        ContractWithdrawalYes,
        _withdraw,
        "Withdraw from the contract itself, in the days that `withdraw_until` ends; it ends at "
        "once. The person was shown it beside a control with the words of `withdraw_labels`.",
        (Code.WRONG_LABEL, Code.SUBSCRIPTION_REFUSED),
    ),
)
"""Every command that carries no yes to a price."""


def _add(command: Command) -> None:
    def endpoint(
        request: Request,
        caller: Caller,
        once: OnceOf,
        subscription_id: PathId,
        given: Any = Body(default=None) if command.optional else Body(),  # noqa: B008 - read once
    ) -> Response:
        def do(connection: Connection, said: Said) -> Done | Refused:
            wish = command.wish(given)
            if isinstance(wish, Refused):
                return wish
            return room.act(connection, caller.household_id, subscription_id, wish, said)

        return _do(request, caller, once, given, do)

    endpoint.__name__ = command.name
    endpoint.__doc__ = command.about
    endpoint.__annotations__["given"] = command.body
    answers = {**_CHANGES, "openapi_extra": codes(*command.codes)}
    router.post(f"{_ONE}/{command.verb}", **answers)(endpoint)


for _each in COMMANDS:
    _add(_each)


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
        return one_time.Done(_shown(request, connection, caller, done.subscription_id, now))

    return once.do(request, caller, given, effect)


def _shown(
    request: Request, connection: Connection, caller: Token, subscription_id: str, now: datetime
) -> Subscription:
    found = room.view(connection, caller.household_id, subscription_id, now=now)
    if found is None:
        raise UnknownThing("subscription", subscription_id)
    return Subscription.of(found, works_of(request).law.labels)


def _problem(refused: Refused) -> Problem:
    code = _CODES.get(refused.reason, Code.SUBSCRIPTION_REFUSED)
    if code is Code.NOT_FOUND:
        return Problem(code)
    rule = refused.reason.value + (f": {refused.rule}" if refused.rule else "")
    return Problem(code, (FieldError(place="body", field=refused.field, rule=rule),))
