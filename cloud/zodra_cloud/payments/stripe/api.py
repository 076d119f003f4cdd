"""One question to Stripe, and its JSON, its no, or the reason there is neither."""

import json
from collections.abc import Mapping
from typing import Any, Final, NoReturn
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, ValidationError

from zodra_cloud.kit.outgoing import Answer, Outgoing, OutgoingFault
from zodra_cloud.payments.port import PaymentFault, PaymentRefusal, Refused, Unknown

API_VERSION: Final = "2024-06-20"
"""The one whose fields `wire` reads; an account's own default must not change under us."""

ANSWER_BYTES_MAX: Final = 512 * 1024
"""A page of a hundred charges, with room."""

DECLINES: Final = {
    "insufficient_funds": PaymentRefusal.INSUFFICIENT_FUNDS,
    "card_velocity_exceeded": PaymentRefusal.LIMIT_EXCEEDED,
    "withdrawal_count_limit_exceeded": PaymentRefusal.LIMIT_EXCEEDED,
    "issuer_not_available": PaymentRefusal.ISSUER_UNAVAILABLE,
    "processing_error": PaymentRefusal.ISSUER_UNAVAILABLE,
    "reenter_transaction": PaymentRefusal.ISSUER_UNAVAILABLE,
    "try_again_later": PaymentRefusal.ISSUER_UNAVAILABLE,
    "authentication_required": PaymentRefusal.AUTHENTICATION_REQUIRED,
    "authentication_not_handled": PaymentRefusal.AUTHENTICATION_REQUIRED,
    "payment_intent_authentication_failure": PaymentRefusal.AUTHENTICATION_REQUIRED,
    "expired_card": PaymentRefusal.CARD_EXPIRED,
    "invalid_expiry_month": PaymentRefusal.CARD_EXPIRED,
    "invalid_expiry_year": PaymentRefusal.CARD_EXPIRED,
    "fraudulent": PaymentRefusal.CARD_BLOCKED,
    "lost_card": PaymentRefusal.CARD_BLOCKED,
    "merchant_blacklist": PaymentRefusal.CARD_BLOCKED,
    "pickup_card": PaymentRefusal.CARD_BLOCKED,
    "restricted_card": PaymentRefusal.CARD_BLOCKED,
    "security_violation": PaymentRefusal.CARD_BLOCKED,
    "stolen_card": PaymentRefusal.CARD_BLOCKED,
    "account_closed": PaymentRefusal.ACCOUNT_CLOSED,
    "invalid_account": PaymentRefusal.ACCOUNT_CLOSED,
    "new_account_information_available": PaymentRefusal.ACCOUNT_CLOSED,
    "card_not_supported": PaymentRefusal.NOT_ALLOWED,
    "currency_not_supported": PaymentRefusal.NOT_ALLOWED,
    "incorrect_number": PaymentRefusal.NOT_ALLOWED,
    "invalid_number": PaymentRefusal.NOT_ALLOWED,
    "not_permitted": PaymentRefusal.NOT_ALLOWED,
    "revocation_of_all_authorizations": PaymentRefusal.NOT_ALLOWED,
    "revocation_of_authorization": PaymentRefusal.NOT_ALLOWED,
    "service_not_allowed": PaymentRefusal.NOT_ALLOWED,
    "stop_payment_order": PaymentRefusal.NOT_ALLOWED,
    "transaction_not_allowed": PaymentRefusal.NOT_ALLOWED,
}
"""By decline code, or by error code where there is none. Any other is a bank's plain no."""

_REFUSALS: Final = {
    "charge_already_refunded": PaymentRefusal.NOT_REFUNDABLE,
    "payment_intent_unexpected_state": PaymentRefusal.WRONG_STATE,
    "resource_missing": PaymentRefusal.NOT_FOUND,
}


class _Error(BaseModel):
    model_config = ConfigDict(strict=True)

    code: str | None = None
    decline_code: str | None = None


class _Refusal(BaseModel):
    model_config = ConfigDict(strict=True)

    error: _Error


def declined(code: str | None, decline_code: str | None) -> PaymentRefusal:
    """Say why a bank said no."""
    for each in (decline_code, code):
        if each in DECLINES:
            return DECLINES[each]
    return PaymentRefusal.DECLINED


def ask(
    outgoing: Outgoing,
    method: str,
    path: str,
    *,
    form: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    key: str | None = None,
) -> dict[str, Any] | Refused | Unknown:
    """Ask Stripe something.

    Args:
        outgoing: to the account.
        method: `GET` or `POST`.
        path: from `/v1` on; ids in it go through `segment`.
        form: what to do.
        query: what to look for.
        key: makes a repeat of a creation harmless, where the provider keeps to it.
    """
    headers = {"Stripe-Version": API_VERSION}
    if key is not None:
        headers["Idempotency-Key"] = key
    body = form if method == "POST" else None
    answer = outgoing.ask(
        method, path, form=body, query=query, headers=headers, bytes_max=ANSWER_BYTES_MAX
    )
    if isinstance(answer, OutgoingFault):
        return Unknown(PaymentFault(answer.value))
    return _readable(answer)


def segment(name: str) -> str:
    """Write an id as one path segment; it may hold anything."""
    return quote(name, safe="").replace(".", "%2E")


def _readable(answer: Answer) -> dict[str, Any] | Refused | Unknown:
    # 409: another request of ours under the same key, or on the same thing, is under way.
    if answer.status in (409, 429, 503):
        return Unknown(PaymentFault.BUSY)
    if answer.status >= 500:
        return Unknown(PaymentFault.SERVER_ERROR)
    try:
        raw = json.loads(answer.body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return Unknown(PaymentFault.GARBLED)
    if not isinstance(raw, dict):
        return Unknown(PaymentFault.GARBLED)
    return raw if answer.status < 300 else _no(answer.status, raw)


def _no(status: int, raw: dict[str, Any]) -> Refused | Unknown:
    try:
        error = _Refusal.model_validate(raw).error
    except ValidationError:
        return Unknown(PaymentFault.GARBLED)
    if status in (401, 403):
        return Refused(PaymentRefusal.UNAUTHORIZED)
    if status == 402:
        return Refused(declined(error.code, error.decline_code))
    known = _REFUSALS.get(error.code or "")
    if known is not None:
        return Refused(known)
    return Refused(PaymentRefusal.NOT_FOUND if status == 404 else PaymentRefusal.INVALID)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")
