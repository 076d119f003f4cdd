"""Withdrawal from an order, in its two steps, and the word that the goods go back."""

from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from zodra_cloud.api.models import Token
from zodra_cloud.api.once import Done
from zodra_cloud.api.problems import Code, FieldError, Problem
from zodra_cloud.api.routes.common import Caller, Keyed, OnceOf, codes, reading, works_of
from zodra_cloud.api.schemas.common import Nothing, PathId
from zodra_cloud.api.schemas.withdrawals import (
    GoodsSent,
    Withdrawal,
    WithdrawalChoice,
    WithdrawalYes,
)
from zodra_cloud.law import service as law
from zodra_cloud.law.service import Choice, Declared, NotPossible

router = APIRouter(tags=["Withdrawal"])

_ONE: Final = "/orders/{order_key}/withdrawal"
_CODES: Final = {
    NotPossible.UNKNOWN_ORDER: Code.NOT_FOUND,
    NotPossible.CHANGED: Code.CHANGED_MEANWHILE,
    NotPossible.WRONG_LABEL: Code.WRONG_LABEL,
}
"""Every other reason is `withdrawal_refused`, named in its rule."""
_RULES: Final = {
    NotPossible.BAD_QUANTITY: "a whole number from 1 to `left`",
    NotPossible.CHANGED: "`withdrawn` as it was read; something was withdrawn from since",
    NotPossible.WRONG_LABEL: "the literal words of `labels` in `language`",
}
_FIELDS: Final = {
    NotPossible.BAD_QUANTITY: "quantity",
    NotPossible.CHANGED: "withdrawn",
    NotPossible.WRONG_LABEL: "label",
}


@router.get(_ONE)
def read_withdrawal(request: Request, caller: Caller, order_key: PathId) -> WithdrawalChoice:
    """Say what can be withdrawn from in an order, until when, and what was: the first step.

    It declares nothing. A person is shown it beside the control that does.
    """
    with reading(request) as connection:
        choice = _choice(connection, request, caller, order_key, works_of(request).clock.now())
    return WithdrawalChoice.of(choice, works_of(request).law.labels)


@router.post(
    _ONE,
    dependencies=[Keyed],
    response_model=Withdrawal,
    openapi_extra=codes(Code.CHANGED_MEANWHILE, Code.WRONG_LABEL, Code.WITHDRAWAL_REFUSED),
)
def declare_withdrawal(
    request: Request, caller: Caller, once: OnceOf, order_key: PathId, given: WithdrawalYes
) -> Response:
    """Withdraw from an order or a part of it: the second step. From its commit it holds.

    No reason is asked for. The acknowledgement is written in the same commit and sent on a durable
    medium; an order that no shop has is stopped.
    """
    works = works_of(request)

    def effect(connection: Connection, now: datetime) -> Done | Problem:
        answer = law.withdraw(
            connection,
            caller.household_id,
            order_key,
            quantity=given.quantity,
            withdrawn_shown=given.withdrawn,
            label=given.label,
            language=given.language,
            person_id=caller.person_id,
            rules=works.law,
            now=now,
            changes=works.changes,
        )
        if isinstance(answer, Declared):
            return Done(Withdrawal.of(answer.withdrawal))
        said = _RULES.get(answer.reason)
        rule = answer.reason.value + (f": {said}" if said else "")
        error = FieldError(place="body", field=_FIELDS.get(answer.reason, ""), rule=rule)
        return Problem(_CODES.get(answer.reason, Code.WITHDRAWAL_REFUSED), (error,))

    return once.do(request, caller, given, effect)


@router.post("/orders/{order_key}/sent-back", dependencies=[Keyed], response_model=GoodsSent)
def say_sent_back(
    request: Request,
    caller: Caller,
    once: OnceOf,
    order_key: PathId,
    given: Nothing | None = None,
) -> Response:
    """Say that the goods of a withdrawal are on their way back: the refund is due from then."""
    works = works_of(request)

    def effect(connection: Connection, now: datetime) -> Done | Problem:
        _choice(connection, request, caller, order_key, now)
        taken = law.sent_back(
            connection,
            caller.household_id,
            order_key,
            rules=works.law,
            now=now,
            changes=works.changes,
        )
        known = _choice(connection, request, caller, order_key, now).withdrawals
        return Done(GoodsSent(taken=taken, withdrawals=[Withdrawal.of(each) for each in known]))

    return once.do(request, caller, given, effect)


def _choice(
    connection: Connection, request: Request, caller: Token, order_key: str, now: datetime
) -> Choice:
    rules = works_of(request).law
    return law.choice(connection, caller.household_id, order_key, rules=rules, now=now)
