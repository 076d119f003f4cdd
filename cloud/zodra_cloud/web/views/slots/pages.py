"""What the pages about slots show: frozen values with every word already chosen."""

from dataclasses import dataclass

from zodra_cloud.web.views.pages import Chip, Fact, Field, Moment


@dataclass(frozen=True, slots=True)
class Tick:
    """One day on the axis of a picture."""

    x: int
    text: str
    anchor: str
    """`start`, `middle` or `end`, so that words stay within the picture."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A forecast as a drawing, in units of its own, with the words that stand for it."""

    width: int
    height: int
    base: int
    """Where the axis is."""
    dots: tuple[tuple[int, int], ...]
    """Orders or needs of the past."""
    line: str
    """What was left, as points of a polyline; empty where nothing is metered."""
    fan: str
    """Where it goes from here, as points of a polygon."""
    threshold: int | None
    now: int
    band: tuple[int, int] | None
    """Left and width of the time in which eight of ten needs come; None if there is none."""
    core: tuple[int, int] | None
    """The same for half of them."""
    middle: int | None
    ticks: tuple[Tick, ...]
    title: str
    alternative: str


@dataclass(frozen=True, slots=True)
class ForecastBox:
    """When a slot is needed again, and why we think so."""

    headline: str
    state: Chip
    reasons: tuple[str, ...]
    picture: Picture | None
    rows: tuple[Fact, ...]
    """Within so many days: how probable."""
    past: tuple[Fact, ...]
    """What the picture shows of the past, as text."""


@dataclass(frozen=True, slots=True)
class SlotLine:
    """One slot in the list."""

    address: str
    title: str
    device: str
    headline: str
    state: Chip | None


@dataclass(frozen=True, slots=True)
class SlotsPage:
    """Everything that is looked after in a home."""

    lines: tuple[SlotLine, ...]


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """A standing agreement that was concluded."""

    agreement_id: str
    live: bool
    sentence: str
    when: Moment
    label: str
    """The literal words of the control that concluded it."""


@dataclass(frozen=True, slots=True)
class AgreementOffer:
    """The terms of a standing agreement beside the control that concludes it."""

    back: str
    action: str
    title: str
    facts: tuple[Fact, ...]
    hidden: tuple[tuple[str, str], ...]
    label: str
    sentence: str


@dataclass(frozen=True, slots=True)
class SlotPage:
    """Everything about one slot."""

    address: str
    title: str
    device: str
    bound: tuple[Fact, ...]
    forecast: ForecastBox | None
    count: Field | None
    """For what the household counted itself; None where nothing is counted."""
    groups: tuple[tuple[str, tuple[Field, ...]], ...]
    """The limits, in groups with their titles."""
    fault: str
    subscribe: str
    """Where a subscription starts; empty while nothing is bound."""
    agreements: tuple[AgreementRow, ...]
    agree: tuple[Field, ...]
    """The form for a new standing agreement; empty where none may be concluded."""
    agree_fault: str
