"""What things cost, and when they come. Pure; amounts are minor units including VAT."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from fractions import Fraction
from typing import Final

SUNDAY: Final = 6
FIRST_DELIVERY: Final = time(8, tzinfo=UTC)
LAST_DELIVERY: Final = time(17, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a checkout, priced."""

    sku: str
    quantity: int
    price: int
    """Of one unit."""
    vat_percent: int
    titles: dict[str, str]

    @property
    def amount(self) -> int:
        """What the line costs."""
        return self.price * self.quantity


@dataclass(frozen=True, slots=True)
class Shipping:
    """What delivery costs."""

    id: str
    title: str
    price: int
    free_from: int
    """A subtotal of this much ships for nothing."""
    vat_percent: int


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of a checkout."""

    subtotal: int
    fulfillment: int
    tax: int
    """The VAT contained in the total."""
    total: int


def totals(lines: Iterable[Line], shipping: Shipping) -> Totals:
    """Add up a checkout."""
    lines = tuple(lines)
    subtotal = sum(line.amount for line in lines)
    fulfillment = 0 if subtotal >= shipping.free_from else shipping.price
    # VAT is rounded once for each rate, over all that bears it: rounding line by line would make
    # the sum depend on how an order is split.
    by_rate: dict[int, int] = {shipping.vat_percent: fulfillment}
    for line in lines:
        by_rate[line.vat_percent] = by_rate.get(line.vat_percent, 0) + line.amount
    tax = sum(contained_vat(amount, rate) for rate, amount in by_rate.items())
    return Totals(subtotal, fulfillment, tax, subtotal + fulfillment)


def contained_vat(amount: int, vat_percent: int) -> int:
    """Tell the VAT inside an amount, half a cent rounded up."""
    return int(Fraction(amount * vat_percent, 100 + vat_percent) + Fraction(1, 2))


def scaled(price: int, factor: float) -> int:
    """Raise or lower a price; never to nothing."""
    return max(1, int(Fraction(price) * Fraction(str(factor)) + Fraction(1, 2)))


def delivery_window(now: datetime) -> tuple[datetime, datetime]:
    """Promise a delivery: one working day from now at the earliest, two at the latest."""
    first = next_working_day(now)
    last = next_working_day(first)
    return (
        datetime.combine(first.date(), FIRST_DELIVERY),
        datetime.combine(last.date(), LAST_DELIVERY),
    )


def next_working_day(day: datetime) -> datetime:
    """Go one day on, past a Sunday, when no parcels are brought."""
    following = day + timedelta(days=1)
    return following + timedelta(days=1) if following.weekday() == SUNDAY else following
