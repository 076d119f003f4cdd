"""The conversation with the cloud: states as a table, what to send next, how long to wait.

`uplink` asks and does; nothing here knows a socket, a clock or a source of randomness.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from zodra_contract.envelope import NEED_ROWS_MAX, TELEMETRY_ROWS_MAX


class LinkState(StrEnum):
    """Where the conversation stands."""

    IDLE = "idle"
    """Not started yet."""
    CONNECTING = "connecting"
    SUBSCRIBING = "subscribing"
    """Connected; nothing is sent before the receipts can be heard."""
    ONLINE = "online"
    WAITING = "waiting"
    """Between two attempts."""
    REFUSED = "refused"
    """The broker said no to the credential. Tried again, but told apart: a person must look."""
    STOPPED = "stopped"


class LinkEvent(StrEnum):
    """What can happen to the conversation."""

    START = "start"
    CONNECTED = "connected"
    SUBSCRIBED = "subscribed"
    LOST = "lost"
    """No answer, an error, or the connection broke, at any stage."""
    DENIED = "denied"
    """Wrong credential, or a topic that is not ours."""
    RETRY_DUE = "retry_due"
    STOP = "stop"


TRANSITIONS: Final[Mapping[tuple[LinkState, LinkEvent], LinkState]] = {
    (LinkState.IDLE, LinkEvent.START): LinkState.CONNECTING,
    (LinkState.CONNECTING, LinkEvent.CONNECTED): LinkState.SUBSCRIBING,
    (LinkState.CONNECTING, LinkEvent.LOST): LinkState.WAITING,
    (LinkState.CONNECTING, LinkEvent.DENIED): LinkState.REFUSED,
    (LinkState.SUBSCRIBING, LinkEvent.SUBSCRIBED): LinkState.ONLINE,
    (LinkState.SUBSCRIBING, LinkEvent.LOST): LinkState.WAITING,
    (LinkState.SUBSCRIBING, LinkEvent.DENIED): LinkState.REFUSED,
    (LinkState.ONLINE, LinkEvent.LOST): LinkState.WAITING,
    (LinkState.ONLINE, LinkEvent.DENIED): LinkState.REFUSED,
    (LinkState.WAITING, LinkEvent.RETRY_DUE): LinkState.CONNECTING,
    (LinkState.REFUSED, LinkEvent.RETRY_DUE): LinkState.CONNECTING,
    **{
        (state, LinkEvent.STOP): LinkState.STOPPED
        for state in LinkState
        if state is not LinkState.STOPPED
    },
}
"""Every step there is; the tests walk this same table."""


def advance(state: LinkState, event: LinkEvent) -> LinkState:
    """Take one step; an event that a state does not know leaves it where it is.

    A late "connection lost" after a stop, for example, must not revive the conversation.
    """
    return TRANSITIONS.get((state, event), state)


BACKOFF_S_BASE: Final = 1.0
BACKOFF_S_MAX: Final = 60.0
_DOUBLINGS_MAX: Final = 32


def backoff_s(attempt: int, random_unit: float, max_s: float = BACKOFF_S_MAX) -> float:
    """Say how long to wait before the next attempt, with full jitter.

    The whole span is drawn from, not only its upper half: after a broker's restart a fleet then
    arrives evenly spread.

    Args:
        attempt: failures in a row so far, from 1.
        random_unit: drawn by the caller, from 0 up to 1.
        max_s: what the span grows to.
    """
    doublings = min(max(attempt - 1, 0), _DOUBLINGS_MAX)
    return random_unit * min(max_s, BACKOFF_S_BASE * 2.0**doublings)


RECONNECT_S_SPAN: Final = 2.0
RECONNECT_SHORT_TRIES: Final = 30
"""Half a minute on average: a router, or a broker that is updated, is back by then."""


def reconnect_s(attempt: int, random_unit: float, max_s: float = BACKOFF_S_MAX) -> float:
    """Say how long to wait before the next attempt to connect, with full jitter.

    Most breaks are short. With a span that doubled from the first attempt on, it had grown to
    half a minute after a break of 20 s. So it stays short at first, and doubles then.

    Args:
        attempt: failures in a row so far, from 1.
        random_unit: drawn by the caller, from 0 up to 1.
        max_s: what the span grows to.
    """
    doublings = min(max(attempt - RECONNECT_SHORT_TRIES, 0), _DOUBLINGS_MAX)
    return random_unit * min(max_s, RECONNECT_S_SPAN * 2.0**doublings)


KEEPALIVE_S: Final = 20
ANSWER_KEEPALIVES: Final = 0.5
"""How long the broker may take to answer when it is asked whether it is there. A line that died
without a word is so noticed within one and a half keepalives; paho by itself takes two."""


def ask_in_s(silent_s: float, keepalive_s: float) -> float:
    """Say how long until the broker must be asked whether it is there; 0 if it is time.

    Args:
        silent_s: since it was last heard, with whatever.
        keepalive_s: as agreed with it.
    """
    return max(0.0, keepalive_s - silent_s)


PACE_S_MAX: Final = 30.0
"""However long a cloud says: a slip of its own must not silence a fleet for hours."""
BURST_S: Final = 0.25
"""Rows for so long may go ahead of the drain's rate; more than timers ever come late."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When the next batch of telemetry may go; all instants are monotonic.

    Need-moments have no pace.
    """

    asked_s: float = 0.0
    """Between two batches, as the cloud's newest receipt asks; 0 if it does not."""
    sent_s: float = -math.inf
    """When the newest batch went."""
    spent_s: float = -math.inf
    """Until when the rate of the drain is used up."""


def hear_pace(pace: Pace, pace_ms: int | None) -> Pace:
    """Take what a receipt asks for; None is no wish, and ends an earlier one."""
    asked_s = min((pace_ms or 0) / 1000, PACE_S_MAX)
    return pace if asked_s == pace.asked_s else replace(pace, asked_s=asked_s)


def spend(pace: Pace, drained_rows: int, rows_per_s_max: float, now_s: float) -> Pace:
    """Count a batch that goes out now.

    Args:
        pace: so far.
        drained_rows: those in it that had waited for the line; 0 if all are fresh.
        rows_per_s_max: the rate of the drain.
        now_s: monotonic.
    """
    spent_s = max(pace.spent_s, now_s) + drained_rows / rows_per_s_max
    return replace(pace, sent_s=now_s, spent_s=spent_s)


def pace_wait_s(pace: Pace, now_s: float) -> float:
    """Say how long until the next batch may go; 0 if it may now."""
    return max(0.0, pace.sent_s + pace.asked_s - now_s, pace.spent_s - BURST_S - now_s)


class Lane(StrEnum):
    """The two queues. A need-moment never waits behind telemetry."""

    NEED = "need"
    TELEMETRY = "telemetry"


@dataclass(frozen=True, slots=True)
class LaneFacts:
    """How one queue stands."""

    unsent: int = 0
    """Rows that are in no batch under way."""
    batches_in_flight: int = 0
    """Sent, and neither receipted nor given up."""
    oldest_in_flight_s: float = 0.0
    """Since the oldest of them was sent."""
    wait_s: float = 0.0
    """Until the lane may send again."""


@dataclass(frozen=True, slots=True)
class SendLimits:
    """How much may be under way."""

    need_batches_max: int = 4
    telemetry_batches_max: int = 2
    """A week of backlog is sent two batches at a time: what is on the wire already is all that a
    live press can have to wait for."""
    receipt_timeout_s: float = 10.0
    need_rows_max: int = NEED_ROWS_MAX
    telemetry_rows_max: int = TELEMETRY_ROWS_MAX


@dataclass(frozen=True, slots=True)
class Send:
    """Send the next rows of this lane, oldest first."""

    lane: Lane
    rows_max: int


@dataclass(frozen=True, slots=True)
class Resend:
    """No receipt came in time: count what is under way as unsent and begin again at the oldest."""

    lane: Lane


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do until a row, a receipt or a connection comes, or this long has passed."""

    at_most_s: float | None
    """None if only an event can change anything."""


NextBatch = Send | Resend | Wait


def next_batch(
    online: bool, need: LaneFacts, telemetry: LaneFacts, limits: SendLimits
) -> NextBatch:
    """Decide what goes out next: need-moments before telemetry, however long either queue.

    There is no delay to let a batch fill: an idle gateway sends one row at once, and a busy one
    fills its next batch while the window is used up.
    """
    if not online:
        return Wait(None)
    deadlines: list[float] = []
    lanes = (
        (Lane.NEED, need, limits.need_batches_max, limits.need_rows_max),
        (Lane.TELEMETRY, telemetry, limits.telemetry_batches_max, limits.telemetry_rows_max),
    )
    for lane, facts, batches_max, rows_max in lanes:
        if facts.batches_in_flight and facts.oldest_in_flight_s >= limits.receipt_timeout_s:
            return Resend(lane)
        if facts.batches_in_flight:
            deadlines.append(limits.receipt_timeout_s - facts.oldest_in_flight_s)
        if facts.unsent and facts.batches_in_flight < batches_max:
            if facts.wait_s <= 0:
                return Send(lane, rows_max)
            deadlines.append(facts.wait_s)
    return Wait(min(deadlines)) if deadlines else Wait(None)
