"""What is typical of a product, as it was learned; a guess of ours where it was not."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from sqlalchemy import Connection

from zodra_cloud.forecast import LevelModel, Model
from zodra_cloud.households.models import Metering, Slot
from zodra_cloud.replenish import repository

GAPS_FORMAT: Final[str] = Model().to_json()["format"]
LEVELS_FORMAT: Final[str] = LevelModel().to_json()["format"]


@dataclass(frozen=True, slots=True, order=True)
class Category:
    """Slots that are learned from together: of one SKU, metered alike, counted in one unit.

    Shops name no product categories that two of them would agree on, so a product is its own.
    """

    metering: Metering
    unit: str
    sku: str

    @property
    def category_id(self) -> str:
        """Give its name in the store; `of_id` reads it back."""
        return "/".join(quote(part, safe="") for part in (self.metering, self.unit, self.sku))

    @staticmethod
    def of_id(category_id: str) -> "Category":
        """Read a name that `category_id` gave."""
        metering, unit, sku = (unquote(part) for part in category_id.split("/"))
        return Category(Metering(metering), unit, sku)

    @staticmethod
    def of_slot(slot: Slot) -> "Category | None":
        """Give the category of a slot; None while it is bound to no product."""
        return None if slot.sku is None else Category(slot.metering, slot.unit, slot.sku)


def gaps_model(connection: Connection, slot: Slot) -> Model:
    """Give what is known of the gaps between needs of a slot's product."""
    category = Category.of_slot(slot)
    if category is None:
        return Model()
    stored = repository.stored_model(connection, category.category_id, GAPS_FORMAT)
    return Model() if stored is None else Model.from_json(stored)


def levels_model(connection: Connection, slot: Slot) -> LevelModel:
    """Give what is known of how fast a slot's product is used up."""
    category = Category.of_slot(slot)
    if category is None:
        return LevelModel()
    stored = repository.stored_model(connection, category.category_id, LEVELS_FORMAT)
    return LevelModel() if stored is None else LevelModel.from_json(stored)
