"""What a merchant agreed to when it was connected, and its shop's interface does not say. Pure.

A shop engine knows prices and stock; how long a price holds, when a parcel comes and how long goods
can be returned is in its papers. A quote without these must not be shown, so they are declared.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from zodra_cloud.kit.money import Money
from zodra_cloud.merchants.http import Garbled, Inconsistent
from zodra_contract.ids import Id

MINOR_MAX: Final = 10**9
"""Ten million of a currency with cents: a household's supplies cost less."""
SLACK: Final = Decimal("0.001")
"""Of a minor unit: engines that reckon in binary fractions say 16.929999999999998 for 16.93."""

_EXPONENTS: Final = {"BIF": 0, "CLP": 0, "ISK": 0, "JPY": 0, "KRW": 0, "VND": 0, "XAF": 0} | {
    "BHD": 3,
    "JOD": 3,
    "KWD": 3,
    "OMR": 3,
    "TND": 3,
}
"""ISO 4217: digits after the point, where they are not two."""


@dataclass(frozen=True, slots=True)
class Terms:
    """A connected merchant's standing promises."""

    merchant_id: Id
    merchant_name: str
    delivery_days_min: int = 1
    delivery_days_max: int = 3
    returns_days: int = 14
    returns_sealed_only: bool = False
    terms_url: str | None = None
    returns_url: str | None = None
    quote_holds: timedelta = timedelta(minutes=15)

    def window(self, now: datetime) -> tuple[datetime, datetime]:
        """Give the delivery window of an order placed now."""
        return (
            now + timedelta(days=self.delivery_days_min),
            now + timedelta(days=self.delivery_days_max),
        )


def money(amount: object, currency: str) -> Money:
    """Read an amount of whole units, such as `"18.93"`, exactly.

    Raises:
        Garbled: it is no number, or the currency is none.
        Inconsistent: it is negative, of a fraction of a minor unit, or more than all the money.
    """
    minor = _minor(amount, currency)
    whole = minor.to_integral_value()
    if abs(minor - whole) > SLACK:
        raise Inconsistent("a fraction of the smallest unit")
    return _bounded(whole, currency)


def rounded_money(amount: object, currency: str) -> Money:
    """Read an amount that may have a fraction of a minor unit, such as the VAT contained."""
    return _bounded(_minor(amount, currency).to_integral_value(rounding="ROUND_HALF_UP"), currency)


def decimal_text(amount: Money) -> str:
    """Write an amount in whole units: `18.93`."""
    digits = _EXPONENTS.get(amount.currency, 2)
    return f"{Decimal(amount.amount_minor).scaleb(-digits):.{digits}f}"


def _minor(amount: object, currency: str) -> Decimal:
    if len(currency) != 3 or not currency.isascii() or not currency.isupper():
        raise Garbled("no currency")
    if isinstance(amount, bool) or not isinstance(amount, int | str | Decimal):
        raise Garbled("no amount")
    try:
        value = Decimal(amount)
    except InvalidOperation:
        raise Garbled("no amount") from None
    if not value.is_finite() or abs(value) > MINOR_MAX:
        raise Inconsistent("more than all the money")
    return value.scaleb(_EXPONENTS.get(currency, 2))


def _bounded(minor: Decimal, currency: str) -> Money:
    if not 0 <= minor <= MINOR_MAX:
        raise Inconsistent("negative, or more than all the money")
    return Money(int(minor), currency)
