"""What the pages about orders show: frozen values with every word already chosen."""

from dataclasses import dataclass

from zodra_cloud.web.views.pages import (
    Chip,
    Fact,
    FollowUpCard,
    Moment,
    OrderCard,
    PaymentCard,
)


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One order in the list."""

    address: str
    product: str
    total: str
    seller: str
    when: Moment
    state: Chip
    remark: str
    """What is out of the ordinary, such as late; empty for nothing."""
    withdraw: str
    """The literal words of the first step of a withdrawal; empty where there is none."""
    withdraw_until: str


@dataclass(frozen=True, slots=True)
class OrdersPage:
    """The list of orders, newest first."""

    lines: tuple[OrderLine, ...]
    older: str
    """Where the list goes on; empty at its end."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of an order's history."""

    sentence: str
    when: Moment


@dataclass(frozen=True, slots=True)
class PastWithdrawal:
    """A withdrawal that was declared."""

    sentence: str
    state: Chip
    when: Moment
    may_say_sent: bool
    """The goods are waited for, and the household can say that they are on their way."""


@dataclass(frozen=True, slots=True)
class WithdrawalBox:
    """The right to withdraw: the first step, and what was declared before."""

    address: str
    label: str
    """The literal words of the first step; empty where it is not possible, or no more."""
    sentence: str
    past: tuple[PastWithdrawal, ...]


@dataclass(frozen=True, slots=True)
class LetterRow:
    """Something that was written about an order, to keep."""

    action: str
    title: str
    when: Moment
    sentence: str


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Everything about one order."""

    address: str
    card: OrderCard
    late: str
    """Said before anybody asks; empty while it is not."""
    payment: PaymentCard | None
    payment_said: str
    pay_otherwise: bool
    """Its bank said no, and the household may pay on the provider's page."""
    follow_up: FollowUpCard | None
    cancel: str
    """What comes of cancelling now; empty where it is too late."""
    facts: tuple[Fact, ...]
    tracking: str
    """Address of the carrier's page; empty if there is none, or none that may be shown."""
    history: tuple[Happening, ...]
    withdrawal: WithdrawalBox | None
    letters: tuple[LetterRow, ...]
    proof: str
    """Where what was shown can be had; empty if it was not kept."""
    why: str
    announcement: str


@dataclass(frozen=True, slots=True)
class WithdrawPage:
    """The second step of a withdrawal: what is declared, by which control, and what follows."""

    back: str
    action: str
    title: str
    product: str
    sentence: str
    """Until when, or why it is not possible."""
    facts: tuple[Fact, ...]
    possible: bool
    label: str
    quantity: int
    """What the form holds; at first everything that is left."""
    left: int
    withdrawn: int
    """As shown; makes a repeat of the form harmless."""
    note: str
    """Where the acknowledgement goes."""
    fault: str
    """What was wrong with the form that was sent; empty at first."""
