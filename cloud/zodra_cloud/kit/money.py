"""Money: an integer of minor units with its currency. There is no float on the way."""

from dataclasses import dataclass


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies were put together."""

    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"cannot put {left} and {right} together; convert neither, ask the shop")


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in the smallest unit of its currency, for example cents."""

    amount_minor: int
    currency: str
    """ISO 4217, three capitals."""

    def __post_init__(self) -> None:
        if len(self.currency) != 3 or not self.currency.isascii() or not self.currency.isupper():
            raise ValueError(f"not an ISO 4217 currency: {self.currency!r}")

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.amount_minor + other.amount_minor, self.currency)

    def __mul__(self, quantity: int) -> "Money":
        return Money(self.amount_minor * quantity, self.currency)

    def exceeds(self, ceiling: "Money") -> bool:
        """Tell whether this is more than `ceiling`. Raises `CurrencyMismatch`."""
        self._same(ceiling)
        return self.amount_minor > ceiling.amount_minor

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(self.currency, other.currency)
