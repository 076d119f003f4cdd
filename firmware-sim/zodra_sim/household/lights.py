"""The lights of the home: what the gateways said became of each need."""

import json
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from zodra_contract.ids import Id
from zodra_sim.household.repository import Light, Store

LIGHT_FILTER: Final = "zodra/+/light/#"

STEPS: Final = (
    "not_kept",
    "kept",
    "received",
    "asked",
    "ordering",
    "ordered",
    "shipped",
    "delivered",
    "already_on_its_way",
    "refused",
    "expired",
)
"""In the order in which they can follow each other; a message that comes late never goes back."""

_ShortText = Annotated[str, StringConstraints(max_length=200)]


class _Word(BaseModel):
    """What a gateway says on the home's broker; fields of a newer gateway are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    device_id: Id
    slot_key: Id
    signal_id: Id
    state: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]
    reason: _ShortText = ""
    at: Annotated[str, Field(max_length=40)]


class Lights:
    """Keeps the last word about each need."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.ignored = 0
        """Messages that were no word about a light."""

    def hear(self, topic: str, payload: bytes) -> Light | None:
        """Take one message of the home's broker.

        Returns:
            What the device shows from now on, or None if nothing changed.
        """
        try:
            word = _Word.model_validate(json.loads(payload))
        except (ValidationError, ValueError, RecursionError):
            self.ignored += 1
            return None
        gateway_id = topic.split("/")[1]
        known = {light.signal_id: light for light in self._store.lights(word.device_id)}
        before = known.get(word.signal_id)
        if before is not None and _step(before.state) >= _step(word.state):
            return None
        light = Light(gateway_id=gateway_id, **word.model_dump())
        self._store.show(light)
        return light


def _step(state: str) -> int:
    return STEPS.index(state) if state in STEPS else len(STEPS)
