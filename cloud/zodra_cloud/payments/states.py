"""How a payment, a refund and a mandate may move: tables for the service, tests and docs.

An event that a table does not name for a state changes nothing: answers come late and twice.
"""

from enum import StrEnum
from typing import Final


class PaymentState(StrEnum):
    """Where the payment of an order stands."""

    DUE = "due"
    """Nothing is asked of the provider yet."""
    ASKING = "asking"
    """The provider is being asked; whoever finds it here after a crash treats it as unknown."""
    UNKNOWN = "unknown"
    """The provider may or may not have done it. It is asked about the same charge, never anew."""
    ACTION = "action"
    """The household has a link on which to approve it, until the link expires."""
    RETRYING = "retrying"
    """The bank said not now; it is asked again at a given time."""
    AUTHORIZED = "authorized"
    """The money is held. The shop may be asked."""
    CAPTURING = "capturing"
    CAPTURED = "captured"
    VOIDING = "voiding"
    """Whatever is held, or was asked for, is being let go."""
    VOIDED = "voided"
    """Nothing was taken, and nothing is held."""
    DECLINED = "declined"
    """The bank said no for good; nothing was ordered."""
    EXPIRED = "expired"
    """The household did not approve it in time; nothing was ordered."""
    UNPAID = "unpaid"
    """The goods were sent and the money could not be had; a person decides."""


class PaymentEvent(StrEnum):
    """What can happen to a payment."""

    ASK = "ask"
    UNCLEAR = "unclear"
    APPROVAL_NEEDED = "approval_needed"
    HELD = "held"
    NOT_NOW = "not_now"
    DECLINED = "declined"
    EXPIRED = "expired"
    GIVE_UP = "give_up"
    """No money for goods that were sent."""
    WANT_CAPTURE = "want_capture"
    """The shop has sent the order, or the hold is about to lapse."""
    CAPTURED = "captured"
    LAPSED = "lapsed"
    """The hold had ended before it was captured."""
    WANT_VOID = "want_void"
    """The order will not be: refused, cancelled or given up."""
    VOIDED = "voided"
    WANT_LINK = "want_link"
    """The household pays it itself, on the provider's page: the bank or the household wants so."""
    SETTLED = "settled"
    """A person found out how it stands at the provider."""


_S = PaymentState
_E = PaymentEvent
_ASKED: Final = (_S.ASKING, _S.UNKNOWN)

PAYMENT_TRANSITIONS: Final = {
    (_S.DUE, _E.ASK): _S.ASKING,
    (_S.RETRYING, _E.ASK): _S.ASKING,
    (_S.ASKING, _E.UNCLEAR): _S.UNKNOWN,
    **{(state, _E.APPROVAL_NEEDED): _S.ACTION for state in _ASKED},
    **{(state, _E.NOT_NOW): _S.RETRYING for state in _ASKED},
    **{(state, _E.WANT_LINK): _S.DUE for state in (*_ASKED, _S.RETRYING, _S.UNPAID)},
    **{
        (state, event): reached
        for state in (*_ASKED, _S.ACTION)
        for event, reached in (
            (_E.HELD, _S.AUTHORIZED),
            (_E.CAPTURED, _S.CAPTURED),
            (_E.DECLINED, _S.DECLINED),
            (_E.GIVE_UP, _S.UNPAID),
        )
    },
    (_S.ACTION, _E.EXPIRED): _S.EXPIRED,
    (_S.AUTHORIZED, _E.WANT_CAPTURE): _S.CAPTURING,
    (_S.CAPTURING, _E.CAPTURED): _S.CAPTURED,
    # The goods are on their way: the mandate is charged anew, and the household asked if need be.
    (_S.CAPTURING, _E.LAPSED): _S.DUE,
    **{
        (state, _E.WANT_VOID): _S.VOIDING
        for state in (_S.DUE, *_ASKED, _S.ACTION, _S.RETRYING, _S.AUTHORIZED, _S.UNPAID)
    },
    (_S.VOIDING, _E.VOIDED): _S.VOIDED,
    # It had been captured before it could be let go; all of it goes back.
    (_S.VOIDING, _E.CAPTURED): _S.CAPTURED,
    (_S.VOIDING, _E.SETTLED): _S.VOIDED,
    (_S.UNPAID, _E.SETTLED): _S.VOIDED,
}

PAYMENT_BUSY: Final = frozenset(
    {_S.DUE, _S.ASKING, _S.UNKNOWN, _S.ACTION, _S.RETRYING, _S.CAPTURING, _S.VOIDING}
)
"""Where the next step is ours, at a time."""

PAYMENT_ENDS: Final = frozenset({_S.CAPTURED, _S.VOIDED, _S.DECLINED, _S.EXPIRED})
"""Nothing moves these any more; refunds are rows of their own."""


class RefundState(StrEnum):
    """Where one refund stands."""

    WANTED = "wanted"
    ASKING = "asking"
    """The provider is being asked; from here on it is searched for before it is asked again."""
    REFUNDED = "refunded"
    FAILED = "failed"
    """The provider said no; a person finds another way."""


class RefundEvent(StrEnum):
    """What can happen to a refund."""

    ASK = "ask"
    REFUNDED = "refunded"
    REFUSED = "refused"


REFUND_TRANSITIONS: Final = {
    (RefundState.WANTED, RefundEvent.ASK): RefundState.ASKING,
    (RefundState.ASKING, RefundEvent.REFUNDED): RefundState.REFUNDED,
    (RefundState.ASKING, RefundEvent.REFUSED): RefundState.FAILED,
}


class MandateState(StrEnum):
    """Where a household's permission to be charged later stands."""

    REQUESTED = "requested"
    """The provider is asked for a page."""
    OPEN = "open"
    """The household has the link."""
    LIVE = "live"
    REVOKING = "revoking"
    REVOKED = "revoked"
    EXPIRED = "expired"
    """The link was not used in time."""
    REFUSED = "refused"
    """By the bank for good, or by the provider."""


class MandateEvent(StrEnum):
    """What can happen to a mandate."""

    LINKED = "linked"
    GRANTED = "granted"
    EXPIRED = "expired"
    REFUSED = "refused"
    WANT_REVOKE = "want_revoke"
    REVOKED = "revoked"


_M = MandateState
MANDATE_TRANSITIONS: Final = {
    (_M.REQUESTED, MandateEvent.LINKED): _M.OPEN,
    (_M.REQUESTED, MandateEvent.REFUSED): _M.REFUSED,
    (_M.REQUESTED, MandateEvent.WANT_REVOKE): _M.REVOKED,
    (_M.OPEN, MandateEvent.GRANTED): _M.LIVE,
    (_M.OPEN, MandateEvent.EXPIRED): _M.EXPIRED,
    (_M.OPEN, MandateEvent.WANT_REVOKE): _M.REVOKING,
    (_M.LIVE, MandateEvent.REFUSED): _M.REFUSED,
    (_M.LIVE, MandateEvent.WANT_REVOKE): _M.REVOKING,
    (_M.REVOKING, MandateEvent.REVOKED): _M.REVOKED,
}


def next_payment_state(state: PaymentState, event: PaymentEvent) -> PaymentState | None:
    """Look up where an event takes a payment; None if it changes nothing."""
    return PAYMENT_TRANSITIONS.get((state, event))


def next_refund_state(state: RefundState, event: RefundEvent) -> RefundState | None:
    """Look up where an event takes a refund; None if it changes nothing."""
    return REFUND_TRANSITIONS.get((state, event))


def next_mandate_state(state: MandateState, event: MandateEvent) -> MandateState | None:
    """Look up where an event takes a mandate; None if it changes nothing."""
    return MANDATE_TRANSITIONS.get((state, event))
