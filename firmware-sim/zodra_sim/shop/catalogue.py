"""The shop's catalogue, read once from TOML."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zodra_contract.ids import Id
from zodra_sim.shop.errors import BadSettings
from zodra_sim.shop.pricing import Shipping

Vat = Annotated[int, Field(ge=0, le=30)]
Minor = Annotated[int, Field(ge=1, le=10_000_000)]


class Titles(BaseModel):
    """A title in the shop's two languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    en: str = Field(min_length=1, max_length=120)
    nl: str = Field(min_length=1, max_length=120)


class Item(BaseModel):
    """Something that can be ordered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sku: Id
    title: Titles
    price: Minor
    vat_percent: Vat
    stock: int = Field(ge=0, le=1_000_000)
    """How many there are when the shop opens for the first time."""
    return_days: int = Field(default=14, ge=0, le=365)
    sealed_only: bool = False
    """The right to return ends once a seal is broken."""


class Merchant(BaseModel):
    """Who sells."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Id
    name: str
    currency: str = Field(pattern="^[A-Z]{3}$")
    countries: tuple[str, ...]


class ShippingRule(BaseModel):
    """What delivery costs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Id
    title: str
    price: int = Field(ge=0)
    free_from: int = Field(ge=0)
    vat_percent: Vat


class Catalogue(BaseModel):
    """All that the shop sells, and on what terms."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    merchant: Merchant
    shipping: ShippingRule
    items: tuple[Item, ...] = Field(min_length=1, max_length=10_000)

    def item(self, sku: str) -> Item | None:
        """Find an item by its SKU."""
        return next((item for item in self.items if item.sku == sku), None)

    @property
    def delivery(self) -> Shipping:
        """The shipping rule as pricing wants it."""
        return Shipping(**self.shipping.model_dump())


def load(path: Path | None = None) -> Catalogue:
    """Read a catalogue; without a path, the one that comes with the shop.

    Raises:
        BadSettings: the file cannot be read, or a value in it cannot be used.
    """
    try:
        shipped = files("zodra_sim.shop").joinpath("catalogue.toml")
        text = path.read_text() if path else shipped.read_text()
        return Catalogue.model_validate(tomllib.loads(text))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as failed:
        raise BadSettings(f"catalogue {path or ''}: {failed}") from failed
