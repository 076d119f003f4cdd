"""What a page shows: frozen values with every word already chosen, so a template only lays out.

Instants travel twice: as a sentence for people, and as RFC 3339 for `<time datetime>`.
"""

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """How a state feels. Each has its own shape, so that colour never carries it alone."""

    GOOD = "good"
    BUSY = "busy"
    WAIT = "wait"
    BAD = "bad"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Chip:
    """A state in one or two words."""

    text: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant, as people say it and as machines write it."""

    text: str
    iso: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of an explanation."""

    name: str
    value: str
    key: str = ""
    """Its name for programs that read the page, where it has one."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form, with what was typed and what was wrong with it."""

    name: str
    label: str
    value: str = ""
    ident: str = ""
    """Tells fields of one name on one page apart; else it is the name."""
    kind: str = "text"
    """The `type` of the input; `check` for a box to tick."""
    mode: str = ""
    unit: str = ""
    hint: str = ""
    fault: str = ""
    required: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    """Value and text of each; then it is a list to choose from."""

    @property
    def key(self) -> str:
        """Name the field within its page."""
        return f"f-{self.ident or self.name}"


@dataclass(frozen=True, slots=True)
class DeviceCard:
    """One device of the home and how it is."""

    device_id: str
    name: str
    family: str
    purpose: str
    """What it looks after, for example the product bound to its slot."""
    state: Chip
    heard: Moment | None
    battery: str
    """Empty if the device has not reported one."""
    battery_low: bool
    address: str
    """Where its product is looked after, or the list of them."""


@dataclass(frozen=True, slots=True)
class QuoteCard:
    """The open quote, with everything that must be said right before an order."""

    quote_id: str
    snapshot_hash: str
    because: str
    product: str
    quantity: str
    unit_price: str
    shipping: str
    vat: str
    total: str
    delivery: str
    seller: str
    withdrawal: str
    expires: Moment
    expires_in: str
    """For example "12 minutes left"; the page counts on from here."""
    remark: str
    """Why this is a question rather than the usual quote; empty if there is nothing to add."""
    subscribe: str = ""
    """Where it becomes a subscription; empty where it cannot."""


@dataclass(frozen=True, slots=True)
class QuestionCard:
    """A need that is first asked about, or one whose price is being asked; no price to show yet."""

    quote_id: str
    title: str
    because: str
    remark: str
    waits_for_shop: bool
    """The household has nothing to answer: the shop is being asked."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step on the way of an order."""

    name: str
    state: str
    """`done`, `now` or `next`."""
    state_text: str
    when: str
    current: bool
    """The furthest step that the order has reached."""


@dataclass(frozen=True, slots=True)
class OrderCard:
    """An order, live until it is delivered."""

    order_id: str
    headline: str
    product: str
    total: str
    seller: str
    reference: str
    state: Chip
    steps: tuple[Step, ...]
    remark: str
    hint: str
    """Good to know, without weight."""


@dataclass(frozen=True, slots=True)
class AnswerChoice:
    """One answer to "was it right?"."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class FollowUpCard:
    """The question "was it right?", or what was said."""

    order_key: str
    product: str
    when: str
    choices: tuple[AnswerChoice, ...]
    """None once it was answered."""
    said: str


@dataclass(frozen=True, slots=True)
class PaymentCard:
    """A payment that the household has to approve at its bank."""

    order_key: str
    product: str
    amount: str
    address: str
    """On the provider's own site."""
    until: Moment | None


@dataclass(frozen=True, slots=True)
class OfferCard:
    """At most one offer, with its reason."""

    offer_id: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One need-moment and what became of it."""

    signal_id: str
    family: str
    headline: str
    outcome: str
    when: Moment
    state: Chip
    open_address: str
    """Where the explanation is."""
    device_id: str
    state_name: str
    """As the contract spells it; for programs that read the page, as are device and reason."""
    reason_name: str


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """One purpose, and whether the household agreed to it."""

    purpose: str
    title: str
    meaning: str
    granted: bool
    since: str


@dataclass(frozen=True, slots=True)
class HouseholdPage:
    """Everything on the household's page."""

    greeting: str
    summary: str
    quotes: tuple[QuoteCard, ...]
    questions: tuple[QuestionCard, ...]
    payments: tuple[PaymentCard, ...]
    follow_ups: tuple[FollowUpCard, ...]
    orders: tuple[OrderCard, ...]
    offer: OfferCard | None
    devices: tuple[DeviceCard, ...]
    lines: tuple[TimelineLine, ...]
    more: bool
    """Older need-moments exist than are shown."""
    consents: tuple[ConsentRow, ...]
    may_begin: bool
    """Nobody has said yet whether needs may become questions: ask, right on top."""
    announcement: str
    """What a screen reader says when the page changes by itself."""


@dataclass(frozen=True, slots=True)
class WhyStep:
    """One step between the need and its outcome."""

    title: str
    """Empty where it goes on under the title before."""
    when: Moment | None
    sentence: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class WhyPage:
    """Why one need-moment ended as it did."""

    signal_id: str
    headline: str
    when: Moment
    steps: tuple[WhyStep, ...]


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """One gateway and its honest state."""

    gateway_id: str
    household: str
    state: Chip
    sentence: str
    """The state with its value and its limit."""
    heard: Moment | None
    oldest_need: str
    need_depth: int
    telemetry_depth: int
    quarantine_depth: int
    reported: bool
    """Whether it ever gave an account of itself; without one the depths say nothing."""
    refusals: tuple[Fact, ...]
    radios: tuple[str, ...]
    notes: tuple[str, ...]
    """How its machine is: disk, memory, clock, restarts, what it gave up."""
    devices: tuple[Fact, ...]
    """Device id and name of what can be asked to blink."""


@dataclass(frozen=True, slots=True)
class BarPart:
    """One piece of a balance bar, in thousandths of its width."""

    kind: str
    name: str
    count: int
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """One household's needs, shown to add up."""

    household: str
    needs: int
    sum_text: str
    adds_up: bool
    verdict: str
    parts: tuple[BarPart, ...]
    alternative: str
    """The bar in words."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job that gave up and needs a person."""

    name: str
    household: str
    since: Moment | None
    error: str
    order_key: str = ""
    """Of an order that only a person can settle; empty for anything else."""


@dataclass(frozen=True, slots=True)
class OperatorPage:
    """Everything on the operator's page."""

    headline: str
    tone: Tone
    oldest_need: Fact
    figures: tuple[Fact, ...]
    gateways: tuple[GatewayRow, ...]
    balances: tuple[BalanceRow, ...]
    refusals: tuple[Fact, ...]
    jobs: tuple[JobRow, ...]
    announcement: str
