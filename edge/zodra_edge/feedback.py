"""What a device's light says about its newest need: kept, then whatever the cloud makes of it.

A light never says "kept" before the row is synced to disk: the agent calls `kept` with the row that
was committed. A state that comes late never overwrites a later one of the same need, unless the
cloud asks anew (a higher round), and news of an older need does not hide a newer one that is still
open.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from zodra_contract.outcome import PROGRESS, SignalOutcome, SignalState
from zodra_contract.signal import NeedSignal
from zodra_edge.outbox import LightRow

KEPT: Final = "kept"
NOT_KEPT: Final = "not_kept"
PRACTICE: Final = "practice"
"""Heard from a device in practice: nothing is kept, and nothing is bought."""
IDENTIFY: Final = "identify"
"""Blink, so that the device can be found. Not a state of a need, and not remembered."""
NEEDS_PER_SLOT_MAX: Final = 8

_PROGRESS: Final[dict[str, int]] = {
    PRACTICE: -3,
    NOT_KEPT: -2,
    KEPT: -1,
    **{state.value: step for state, step in PROGRESS.items()},
}
_OPEN: Final = {KEPT, *(state.value for state in SignalState if not state.final)}

Publish = Callable[[str, bytes], None]
"""Topic and payload to the home's broker."""


def light_topic(gateway_id: str, device_id: str) -> str:
    """Name the topic of one light on the home's broker."""
    return f"zodra/{gateway_id}/light/{device_id}"


@dataclass(frozen=True, slots=True)
class Place:
    """One slot of one device."""

    device_id: str
    slot_key: str


class Lights:
    """The lights of all slots, and the way to them."""

    def __init__(self, gateway_id: str, publish: Publish) -> None:
        """Start dark."""
        self._gateway_id = gateway_id
        self._publish = publish
        self._needs: dict[Place, dict[str, LightRow]] = {}
        self._shown: dict[Place, LightRow] = {}

    def restore(self, rows: Iterable[LightRow]) -> None:
        """Take up what was shown before a restart; the oldest need first. Nothing is published."""
        for row in rows:
            place = Place(row.device_id, row.slot_key)
            self._remember(place, row)
            self._shown[place] = row

    def shown(self) -> tuple[LightRow, ...]:
        """Say what each slot's light shows."""
        return tuple(self._shown.values())

    def kept(self, row: LightRow) -> None:
        """Show that a need is on disk; called after the commit, with the row it committed."""
        self._show(row)

    def not_kept(self, signal: NeedSignal, reason: str, at: datetime) -> None:
        """Show that a need could not be kept: the person has to know at once."""
        self._show(light(signal, NOT_KEPT, reason, at))

    def rehearsed(self, signal: NeedSignal, at: datetime) -> None:
        """Show that a device in practice was heard."""
        self._show(light(signal, PRACTICE, "", at))

    def outcome(self, outcome: SignalOutcome) -> LightRow | None:
        """Show what became of a need.

        Returns:
            What to remember, or None if it is no news.
        """
        place = Place(outcome.device_id, outcome.slot_key)
        known = self._needs.get(place, {}).get(outcome.signal_id)
        news = (outcome.round, _PROGRESS[outcome.state.value])
        if known is not None and (known.round, _PROGRESS[known.state]) >= news:
            return None
        row = LightRow(
            outcome.device_id,
            outcome.slot_key,
            outcome.signal_id,
            outcome.state.value,
            outcome.reason,
            int(outcome.decided_at.timestamp() * 1000),
            outcome.round,
        )
        if self._hides_a_newer_one(place, row):
            self._remember(place, row)
        else:
            self._show(row)
        return row

    def identify(self, device_id: str, slot_key: str, at: datetime) -> None:
        """Make one device's light blink."""
        self._send(LightRow(device_id, slot_key, "", IDENTIFY, "", int(at.timestamp() * 1000)))

    def _hides_a_newer_one(self, place: Place, row: LightRow) -> bool:
        shown = self._shown.get(place)
        return shown is not None and shown.signal_id != row.signal_id and shown.state in _OPEN

    def _show(self, row: LightRow) -> None:
        place = Place(row.device_id, row.slot_key)
        self._remember(place, row)
        self._shown[place] = row
        self._send(row)

    def _remember(self, place: Place, row: LightRow) -> None:
        needs = self._needs.setdefault(place, {})
        needs[row.signal_id] = row
        while len(needs) > NEEDS_PER_SLOT_MAX:
            del needs[next(iter(needs))]

    def _send(self, row: LightRow) -> None:
        at = datetime.fromtimestamp(row.at_ms / 1000, UTC)
        body = {
            "device_id": row.device_id,
            "slot_key": row.slot_key,
            "state": row.state,
            "reason": row.reason,
            "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "signal_id": row.signal_id,
        }
        topic = light_topic(self._gateway_id, row.device_id)
        self._publish(topic, json.dumps(body, separators=(",", ":")).encode())


def light(signal: NeedSignal, state: str, reason: str, at: datetime) -> LightRow:
    """Say in a row what a need's light shows."""
    return LightRow(
        signal.device_id,
        signal.slot_key,
        signal.signal_id,
        state,
        reason,
        int(at.timestamp() * 1000),
    )
