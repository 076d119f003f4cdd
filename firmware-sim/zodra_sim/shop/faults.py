"""How the shop misbehaves on command."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from zodra_contract.ids import Id

Count = Annotated[int, Field(ge=0, le=1_000_000)]
"""How many requests are still to be affected."""


class Faults(BaseModel):
    """What is wrong with the shop just now; all zero is a good shop."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slow_s: float = Field(default=0, ge=0, le=300)
    """Every answer waits this long first."""
    timeout_after_accept: Count = 0
    """Completes that make the order and then never answer."""
    hang_up_after_accept: Count = 0
    """Completes that make the order and then close the connection at once."""
    fail_500: Count = 0
    """Requests that answer 500 without acting."""
    error_rate: float = Field(default=0, ge=0, le=1)
    """The share of requests that answer 500 without acting."""
    garbage: Count = 0
    """Requests that answer 200 with HTML, without acting."""
    huge: Count = 0
    """Requests that answer 200 with 5 MB, without acting."""
    price_factor: float = Field(default=1, gt=0, le=100)
    """All prices computed from now on are multiplied by this."""
    out_of_stock: tuple[Id, ...] = Field(default=(), max_length=1000)
    payment_declined: Count = 0
    """Completes that answer `payment_declined`."""
    no_idempotency: Count = 0
    """Completes that make a new order whatever the key, the reference or the session says."""
    hold_parcels: bool = False
    """Orders stay as they are: nothing ships and nothing arrives until this is false again."""
    hold_events: bool = False
    """Order events wait until this is false again."""
    duplicate_events: bool = False
    """Every order event is sent twice."""
    reverse_events: bool = False
    """An order's events are sent when it has reached its end, the last one first."""

    def merged(self, changes: dict[str, object]) -> "Faults":
        """Change some of the faults.

        Raises:
            ValidationError: a name or a value is none of ours.
        """
        return Faults.model_validate({**self.model_dump(), **changes})

    def spent(self, name: str) -> "Faults":
        """Count one affected request off."""
        left = getattr(self, name)
        return self.model_copy(update={name: max(0, left - 1)})
