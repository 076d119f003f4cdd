"""What the pages about subscriptions show: frozen values with every word already chosen."""

from dataclasses import dataclass

from zodra_cloud.subscriptions.service import Refused
from zodra_cloud.web.views.pages import Chip, Fact, Field, Moment


@dataclass(frozen=True, slots=True)
class Tried:
    """A form that was not taken: what was typed comes back with what was wrong."""

    command: str
    typed: dict[str, str]
    refused: Refused


@dataclass(frozen=True, slots=True)
class SubscriptionLine:
    """One subscription in the list."""

    address: str
    title: str
    state: Chip
    sentence: str
    """What comes next."""
    because: str
    """Why it comes then; empty if there is nothing to say."""
    price: str


@dataclass(frozen=True, slots=True)
class SubscriptionsPage:
    """The subscriptions of a household: those that run or wait, and those that are over."""

    lines: tuple[SubscriptionLine, ...]
    over: tuple[SubscriptionLine, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that a household can do, as a form."""

    name: str
    """The last part of its address."""
    title: str
    fields: tuple[Field, ...]
    button: str
    hint: str = ""
    fault: str = ""
    """What was wrong where no field is to blame."""
    open: bool = False
    """Shown unfolded, as after an error."""
    hidden: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Labelled:
    """Terms beside the control that carries the words of the law."""

    title: str
    command: str
    facts: tuple[Fact, ...]
    total: str
    total_note: str
    label: str
    terms_hash: str
    until: Moment | None
    link: str
    """The shop's own terms; empty if it named none."""
    link_returns: str
    hidden: tuple[tuple[str, str], ...] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One delivery to come."""

    cycle: int
    when: str
    what: str
    sentence: str
    """When it is charged and how much is expected, once it was announced."""
    state: Chip
    skipped: bool
    may_skip: bool
    move: Command | None


@dataclass(frozen=True, slots=True)
class PastRow:
    """One delivery that is due or over."""

    when: str
    what: str
    state: Chip
    sentence: str
    why: str
    """Where its need is explained; empty if it made none."""


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One line of the ledger."""

    sentence: str
    by: str
    when: Moment


@dataclass(frozen=True, slots=True)
class ProposalCard:
    """Another size that may fit better."""

    size: str
    title: str
    because: str
    cadence: str
    """How often it would come then; empty if that stays."""


@dataclass(frozen=True, slots=True)
class EndBox:
    """How it is cancelled: the literal words, and the first day without it."""

    label: str
    sentence: str
    withdraw: str
    """The literal words of the first step of a withdrawal; empty once that is over."""
    withdraw_sentence: str
    fault: str


@dataclass(frozen=True, slots=True)
class SubscriptionPage:
    """Everything about one subscription."""

    address: str
    live: bool
    """It changes by itself soon: the shop is asked, or an offer runs out."""
    seen: int
    """The last line of the ledger that this page shows; makes a repeat of a form harmless."""
    title: str
    state: Chip
    sentence: str
    because: str
    facts: tuple[Fact, ...]
    offer: Labelled | None
    reprice: Labelled | None
    """The shop asks more than was agreed: the new rule, to be agreed to."""
    proposal: ProposalCard | None
    upcoming: tuple[DeliveryRow, ...]
    resume: Command | None
    changes: tuple[Command, ...]
    end: EndBox | None
    past: tuple[PastRow, ...]
    history: tuple[HistoryLine, ...]
    announcement: str


@dataclass(frozen=True, slots=True)
class StartPage:
    """The form that asks for the terms of a subscription."""

    action: str
    back: str
    title: str
    key: str
    """Drawn once for this form, so that a repeat asks once."""
    hidden: tuple[tuple[str, str], ...]
    fields: tuple[Field, ...]
    fault: str
    sentence: str


@dataclass(frozen=True, slots=True)
class LeavePage:
    """The second step of withdrawing from a subscription."""

    back: str
    action: str
    title: str
    facts: tuple[Fact, ...]
    sentence: str
    label: str
    seen: int
    fault: str
