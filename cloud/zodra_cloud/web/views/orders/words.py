"""The words of the closed lists about orders: answers, withdrawals, letters, payments."""

from typing import Final

from zodra_cloud.channels.models import LetterKind
from zodra_cloud.law.service import NotPossible, Refusal, WithdrawalState
from zodra_cloud.payments.states import PaymentState
from zodra_cloud.replenish.states import Answer
from zodra_cloud.web.i18n import mark
from zodra_cloud.web.views.pages import Tone

ANSWERS: Final[dict[Answer, str]] = {
    Answer.YES: mark("Yes, just right"),
    Answer.TOO_EARLY: mark("It came too early"),
    Answer.TOO_LATE: mark("It came too late"),
    Answer.WRONG_PRODUCT: mark("It was the wrong thing"),
    Answer.NOT_NEEDED: mark("It was not needed"),
}
"""In the order of the buttons."""

NOT_POSSIBLE: Final[dict[NotPossible, str]] = {
    NotPossible.UNKNOWN_ORDER: mark("There is no such order."),
    NotPossible.NO_CONTRACT: mark("Nothing was bought, so there is nothing to withdraw from."),
    NotPossible.EXCLUDED: mark(
        "These goods can spoil quickly, so there is no right of withdrawal. You were told before "
        "you ordered."
    ),
    NotPossible.ALL_WITHDRAWN: mark("You have withdrawn from all of it."),
    NotPossible.PERIOD_OVER: mark("The time to withdraw is over."),
    NotPossible.BAD_QUANTITY: mark("The number has to be from 1 to what is left."),
    NotPossible.CHANGED: mark(
        "Something was withdrawn since you opened this page. Please look again."
    ),
    NotPossible.WRONG_LABEL: mark("The page was out of date. Please look again."),
}

WITHDRAWALS: Final[dict[WithdrawalState, tuple[Tone, str]]] = {
    WithdrawalState.DECLARED: (Tone.BUSY, mark("declared")),
    WithdrawalState.ACKNOWLEDGED: (Tone.BUSY, mark("acknowledged")),
    WithdrawalState.REFUND_DUE: (Tone.BUSY, mark("money on its way")),
    WithdrawalState.REFUNDED: (Tone.GOOD, mark("paid back")),
    WithdrawalState.REFUSED: (Tone.BAD, mark("turned down")),
}

TURNED_DOWN: Final[dict[Refusal, str]] = {
    Refusal.SEAL_BROKEN: mark("The seal was broken."),
    Refusal.NOT_RETURNED: mark("The goods did not come back."),
}

LETTERS: Final[dict[LetterKind, str]] = {
    LetterKind.CONFIRMATION: mark("Confirmation of your order, with the terms"),
    LetterKind.SHIPPED: mark("It was sent"),
    LetterKind.LATE: mark("It comes later"),
    LetterKind.FOLLOW_UP: mark("Was it right?"),
    LetterKind.CANCELLED: mark("It was cancelled"),
    LetterKind.REFUNDED: mark("Money went back"),
    LetterKind.WITHDRAWAL: mark("Acknowledgement of your withdrawal"),
    LetterKind.NOTICE: mark("Notice"),
}

PAYMENTS: Final[dict[PaymentState, str]] = {
    PaymentState.DUE: mark("The payment is being arranged."),
    PaymentState.ASKING: mark("The payment is being arranged."),
    PaymentState.UNKNOWN: mark("The payment is being looked up; it is never taken twice."),
    PaymentState.ACTION: mark("Your bank wants to see you before it pays."),
    PaymentState.RETRYING: mark("Your bank said not now; it is asked again."),
    PaymentState.AUTHORIZED: mark("The money is held, and taken when the shop sends it."),
    PaymentState.CAPTURING: mark("The payment is being taken."),
    PaymentState.CAPTURED: mark("It is paid."),
    PaymentState.VOIDING: mark("What was held is being let go."),
    PaymentState.VOIDED: mark("Nothing was taken."),
    PaymentState.DECLINED: mark("Your bank said no. Nothing was taken."),
    PaymentState.EXPIRED: mark("The payment was not approved in time. Nothing was taken."),
    PaymentState.UNPAID: mark("The payment is still open."),
}

NOT_BY_LINK: Final = frozenset({PaymentState.RETRYING, PaymentState.UNPAID})
"""Where the household may pay in another way."""
