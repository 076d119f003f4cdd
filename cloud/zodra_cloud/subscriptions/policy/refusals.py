"""Why a command changes nothing: a closed list, with the field and the rule it broke."""

from dataclasses import dataclass
from enum import StrEnum


class Why(StrEnum):
    """Why a command is refused. A name is never reused."""

    UNKNOWN_SUBSCRIPTION = "unknown_subscription"
    """The household has none of this id; whether another has is not told."""
    UNKNOWN_SLOT = "unknown_slot"
    UNKNOWN_ORDER = "unknown_order"
    KEY_CONFLICT = "key_conflict"
    """The key was used for another command."""
    NOT_POSSIBLE = "not_possible"
    """Not from where the subscription stands; the rule names that state."""
    ALREADY_PAUSED = "already_paused"
    NOT_PAUSED = "not_paused"
    ALREADY_CANCELLED = "already_cancelled"
    NO_CONSENT = "no_consent"
    SLOT_TAKEN = "slot_taken"
    """Another subscription stands for this slot."""
    EXPIRED = "expired"
    CHANGED = "changed"
    """What the person saw is not what the terms say."""
    WRONG_LABEL = "wrong_label"
    """The control did not carry the words of the closed list."""
    PAST_DATE = "past_date"
    TOO_SOON = "too_soon"
    TOO_FAR = "too_far"
    TOO_LATE = "too_late"
    """That delivery is on its way or over."""
    NO_SUCH_DELIVERY = "no_such_delivery"
    BAD_QUANTITY = "bad_quantity"
    BAD_CADENCE = "bad_cadence"
    BAD_PRICE = "bad_price"
    UNKNOWN_ITEM = "unknown_item"
    """No shop sells it under this name."""
    OUT_OF_STOCK = "out_of_stock"
    SHOP_UNAVAILABLE = "shop_unavailable"
    """The shop could not be asked; nothing was changed, try again."""
    UNKNOWN_LADDER = "unknown_ladder"
    NO_PROPOSAL = "no_proposal"
    NOTHING_CHANGES = "nothing_changes"


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was changed."""

    reason: Why
    field: str = ""
    """The input that broke the rule; empty if it is the state that did."""
    rule: str = ""
    """The rule in a few plain words, for an interface; pages have words of their own."""
