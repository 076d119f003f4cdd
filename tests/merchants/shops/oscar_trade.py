"""The shop's VAT and shipping."""

from decimal import Decimal
from typing import Any

from oscar.apps.partner import strategy
from oscar.apps.shipping import methods, repository


class Dutch(
    strategy.UseFirstStockRecord, strategy.StockRequired, strategy.FixedRateTax, strategy.Structured
):  # type: ignore[misc]  # oscar has no types
    """21 % VAT on everything."""

    rate = Decimal("0.21")
    exponent = Decimal("0.01")


class Selector:
    """One strategy for everybody."""

    def strategy(self, request: Any = None, user: Any = None, **_rest: Any) -> Any:
        return Dutch(request)


class Parcel(methods.FixedPrice):  # type: ignore[misc]
    """By parcel post."""

    code = "parcel"
    name = "Parcel post"
    charge_excl_tax = Decimal("2.44")
    charge_incl_tax = Decimal("2.95")

    def __init__(self) -> None:
        super().__init__(self.charge_excl_tax, self.charge_incl_tax)


class Repository(repository.Repository):  # type: ignore[misc]
    """One way to ship."""

    methods = (Parcel(),)
