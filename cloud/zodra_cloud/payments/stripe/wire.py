"""What Stripe says, read strictly: of the agreed shape, and about what was asked.

An answer about another amount, another currency, another household or another key is `Unknown`:
it decides nothing, and the charge is asked about again.
"""

from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from zodra_cloud.kit.money import Money
from zodra_cloud.payments.policy import AMOUNT_MINOR_MAX
from zodra_cloud.payments.port import (
    Charge,
    ChargeState,
    Link,
    LinkState,
    MandateStatus,
    Paying,
    PaymentFault,
    PaymentRefusal,
    Refund,
    Unknown,
)
from zodra_cloud.payments.stripe.api import declined

KEY: Final = "zodra_key"
ORDER: Final = "zodra_order"
"""Names in a charge's metadata."""

URL_CHARS_MAX: Final = 4_000

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,255}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]
Amount = Annotated[int, Field(ge=0, le=AMOUNT_MINOR_MAX)]

_STATES: Final = {
    "requires_payment_method": ChargeState.DECLINED,
    "requires_confirmation": ChargeState.PREPARED,
    "requires_action": ChargeState.ACTION,
    "processing": ChargeState.PROCESSING,
    "requires_capture": ChargeState.HELD,
    "succeeded": ChargeState.CAPTURED,
    "canceled": ChargeState.CANCELLED,
}


class _Said(BaseModel):
    # Fields that nobody reads here may be there, and may change: the provider's wire grows.
    model_config = ConfigDict(strict=True, extra="ignore")


class _PaymentError(_Said):
    code: str | None = None
    decline_code: str | None = None


class _Intent(_Said):
    id: Id
    object: Literal["payment_intent"]
    amount: Amount
    amount_capturable: Amount
    amount_received: Amount
    currency: Currency
    customer: Id | None
    metadata: dict[str, str]
    payment_method: Id | None
    setup_future_usage: str | None = None
    status: str
    last_payment_error: _PaymentError | None = None


class _Page(_Said):
    data: list[dict[str, Any]] = Field(max_length=100)
    has_more: bool


class _SetupIntent(_Said):
    payment_method: Id | None
    status: str


class _Session(_Said):
    id: Id
    object: Literal["checkout.session"]
    status: Literal["open", "complete", "expired"]
    mode: Literal["payment", "setup"]
    url: Annotated[str, StringConstraints(max_length=URL_CHARS_MAX)] | None
    customer: Id | None
    metadata: dict[str, str]
    amount_total: Amount | None = None
    currency: Currency | None = None
    payment_intent: dict[str, Any] | None = None
    setup_intent: dict[str, Any] | None = None


class _Refund(_Said):
    id: Id
    object: Literal["refund"]
    amount: Amount
    currency: Currency
    metadata: dict[str, str]
    payment_intent: Id
    status: Literal["succeeded", "pending", "requires_action", "failed", "canceled"]


class _Customer(_Said):
    id: Id
    object: Literal["customer"]


class _Method(_Said):
    id: Id
    object: Literal["payment_method"]
    customer: Id | None


_INCONSISTENT: Final = Unknown(PaymentFault.INCONSISTENT)
_GARBLED: Final = Unknown(PaymentFault.GARBLED)


def read_payer(raw: dict[str, Any]) -> str | Unknown:
    """Read under which name a household is known."""
    try:
        return _Customer.model_validate(raw).id
    except ValidationError:
        return _GARBLED


def read_charge(
    raw: dict[str, Any], paying: Paying, charge_id: str | None = None
) -> Charge | Unknown:
    """Read a charge, and check it against what was asked.

    Args:
        raw: as the provider says it.
        paying: what was asked.
        charge_id: which it must be, if that is known.
    """
    try:
        intent = _Intent.model_validate(raw)
    except ValidationError:
        return _GARBLED
    state = _STATES.get(intent.status)
    if state is None:
        return _GARBLED
    amount = Money(intent.amount, intent.currency.upper())
    asked = (paying.amount, paying.key, paying.payer_id)
    if (amount, intent.metadata.get(KEY), intent.customer) != asked:
        return _INCONSISTENT
    if charge_id is not None and intent.id != charge_id:
        return _INCONSISTENT
    moved = {
        ChargeState.HELD: (amount.amount_minor, 0),
        ChargeState.CAPTURED: (0, amount.amount_minor),
    }.get(state, (0, 0))
    if (intent.amount_capturable, intent.amount_received) != moved:
        return _INCONSISTENT
    error = intent.last_payment_error
    return Charge(
        charge_id=intent.id,
        key=paying.key,
        state=state,
        amount=amount,
        decline=None if error is None else declined(error.code, error.decline_code),
        method_id=intent.payment_method,
        method_kept=intent.setup_future_usage == "off_session",
    )


def carries_key(raw: dict[str, Any], key: str) -> bool:
    """Tell whether something of the provider's is ours, by its metadata."""
    metadata = raw.get("metadata")
    return isinstance(metadata, dict) and metadata.get(KEY) == key


def read_page(raw: dict[str, Any]) -> tuple[list[dict[str, Any]], bool] | Unknown:
    """Read a part of a list, and whether there is more."""
    try:
        page = _Page.model_validate(raw)
    except ValidationError:
        return _GARBLED
    if page.has_more and not page.data:
        return _GARBLED
    return page.data, page.has_more


def read_id(raw: dict[str, Any]) -> str | Unknown:
    """Read the id of anything."""
    found = raw.get("id")
    return found if isinstance(found, str) and 0 < len(found) <= 255 else _GARBLED


def read_link(
    raw: dict[str, Any],
    payer_id: str | None,
    key: str | None,
    paying: Paying | None,
    *,
    plain: bool,
) -> Link | Unknown:
    """Read a page that the household was sent to.

    Args:
        raw: as the provider says it.
        payer_id: whose it must be, if known.
        key: what it must carry, if known.
        paying: what it is to pay; None for a mandate.
        plain: whether its address may be without TLS.
    """
    try:
        session = _Session.model_validate(raw)
        setup = None
        if session.setup_intent is not None:
            setup = _SetupIntent.model_validate(session.setup_intent)
    except ValidationError:
        return _GARBLED
    said = session.metadata.get(KEY, "")
    if (key is not None and said != key) or (payer_id is not None and session.customer != payer_id):
        return _INCONSISTENT
    if session.url is not None and not _may_be_shown(session.url, plain=plain):
        return _INCONSISTENT
    if not _asks_for(session, paying):
        return _INCONSISTENT
    charge: Charge | Unknown | None = None
    if paying is not None and session.payment_intent is not None:
        charge = read_charge(session.payment_intent, paying)
    if isinstance(charge, Unknown):
        return charge
    method_id = setup.payment_method if setup is not None and setup.status == "succeeded" else None
    state = LinkState(session.status)
    if state is LinkState.COMPLETE and (method_id if paying is None else charge) is None:
        return _INCONSISTENT
    return Link(
        link_id=session.id,
        url=session.url if state is LinkState.OPEN else None,
        state=state,
        key=said,
        charge=charge,
        method_id=method_id,
    )


def _asks_for(session: _Session, paying: Paying | None) -> bool:
    if paying is None:
        return session.mode == "setup"
    asked = (paying.amount.amount_minor, paying.amount.currency.lower())
    return session.mode == "payment" and (session.amount_total, session.currency) == asked


def _may_be_shown(url: str, *, plain: bool) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and parts.scheme in (("https", "http") if plain else ("https",))


def read_refund(
    raw: dict[str, Any], charge_id: str, key: str, amount: Money | None
) -> Refund | Unknown:
    """Read a refund, and check it against what was asked; any amount if None."""
    try:
        refund = _Refund.model_validate(raw)
    except ValidationError:
        return _GARBLED
    found = Money(refund.amount, refund.currency.upper())
    if (refund.payment_intent, refund.metadata.get(KEY)) != (charge_id, key):
        return _INCONSISTENT
    if amount is not None and found != amount:
        return _INCONSISTENT
    return Refund(refund.id, key, found, failed=refund.status in ("failed", "canceled"))


def read_mandate(raw: dict[str, Any], payer_id: str, method_id: str) -> MandateStatus | Unknown:
    """Read whether a means of payment is still tied to the household."""
    try:
        method = _Method.model_validate(raw)
    except ValidationError:
        return _GARBLED
    if method.id != method_id:
        return _INCONSISTENT
    return MandateStatus.LIVE if method.customer == payer_id else MandateStatus.GONE


def refusal_of(reason: PaymentRefusal) -> PaymentRefusal:
    """Name what a missing or unusable means of payment is: the mandate is gone."""
    gone = (PaymentRefusal.NOT_FOUND, PaymentRefusal.WRONG_STATE)
    return PaymentRefusal.MANDATE_GONE if reason in gone else reason
