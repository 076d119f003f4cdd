"""Parts that several answers share."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from zodra_contract.ids import ID_PATTERN

MINOR_MAX: Final = 2**53 - 1
"""What every JSON reader keeps exact."""

Id = Annotated[str, Field(pattern=ID_PATTERN, examples=["btn-kitchen"])]
PathId = Annotated[str, Path(pattern=ID_PATTERN, description="1 to 64 letters, digits, - and _.")]
At = Annotated[datetime, Field(description="RFC 3339, in UTC.", examples=["2026-11-22T12:00:00Z"])]


class Given(BaseModel):
    """A body that callers send; a field that we do not know is refused by its name."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _no_surrogates(text: str) -> str:
    if any("\ud800" <= each <= "\udfff" or each == "\0" for each in text):
        raise ValueError("no text: it has a lone surrogate or a NUL in it")
    return text


Words = Annotated[str, AfterValidator(_no_surrogates)]
"""Text that every database keeps."""


class Nothing(Given):
    """An empty object; a call without a body means the same."""


class Amount(BaseModel):
    """Money: an integer of the smallest unit of its currency."""

    amount_minor: int = Field(
        ge=-MINOR_MAX, le=MINOR_MAX, description="In cents, for euros.", examples=[1094]
    )
    currency: str = Field(pattern="^[A-Z]{3}$", description="ISO 4217.", examples=["EUR"])


class Place(BaseModel):
    """Where a need arose."""

    device_id: Id = Field(description="The device.")
    slot_key: Id = Field(description="The replenishable place of the device.")
