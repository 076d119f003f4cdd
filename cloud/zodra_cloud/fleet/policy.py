"""How a gateway is, as one word with the value and the limit that decided it.

In order of precedence: what makes every later fact stale or beside the point comes first.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from zodra_contract.envelope import HealthReport
from zodra_contract.signal import TimeQuality

SILENT_AFTER_S: Final = 180.0
"""Three missed health reports at the default period of 60 s."""
DEAF_AFTER_S: Final = 120.0
"""Promise 7: a radio that hears nothing is noticed within 120 s."""
REFUSING_FOR_S: Final = 60.0
"""A refusal stays in sight this long, although other messages are accepted."""
BEHIND_AGE_S: Final = 60.0
"""A need without receipt for longer than this is late; a live one takes under a second."""
BEHIND_DEPTH: Final = 10_000
"""Readings waiting; a minute of the rated load of one gateway."""
DISK_LOW_PERCENT: Final = 85.0
"""From here on a gateway calls its own disk low."""
_STORAGE_FAILS: Final = frozenset({"io_error", "read_only", "full"})
_STORAGE_WELL: Final = "ok"


class GatewayState(StrEnum):
    """Every state a gateway can be in, in order of precedence."""

    REVOKED = "revoked"
    NEVER_SEEN = "never_seen"
    SILENT_SINCE = "silent_since"
    REFUSING = "refusing"
    """Something it sent was turned away just now, or nothing was accepted since."""
    STORAGE_FAILS = "storage_fails"
    """Its disk takes no presses, or soon will not."""
    DEAF = "deaf"
    """It speaks to us, and its radio hears no device."""
    BEHIND = "behind"
    CLOCK_BAD = "clock_bad"
    STORAGE_LOOK = "storage_look"
    """All presses are kept, and somebody should look at its disk all the same."""
    ONLINE = "online"


@dataclass(frozen=True, slots=True)
class GatewayFacts:
    """What is known of a gateway."""

    revoked_at: datetime | None
    last_heard_at: datetime | None
    """When anything of it was last received, accepted or not."""
    last_accepted_at: datetime | None
    last_refused_at: datetime | None
    refused_reason: str | None
    health: HealthReport | None
    health_at: datetime | None
    """When `health` was received."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A state, and why."""

    state: GatewayState
    measure: str
    """What was measured, with its unit, for example `heard_age_s`; empty where a state needs no
    measure."""
    value: float | None
    limit: float | None
    since: datetime | None
    """For how long, as far as it is known."""
    detail: str = ""
    """The name of the refusal's reason, of the deaf radio, or of the storage's state."""


def judge(facts: GatewayFacts, now: datetime) -> Verdict:
    """Say how a gateway is at `now`."""
    if facts.revoked_at is not None:
        return Verdict(GatewayState.REVOKED, "", None, None, facts.revoked_at)
    if facts.last_heard_at is None:
        return Verdict(GatewayState.NEVER_SEEN, "", None, None, None)
    age_s = (now - facts.last_heard_at).total_seconds()
    if age_s > SILENT_AFTER_S:
        return Verdict(
            GatewayState.SILENT_SINCE, "heard_age_s", age_s, SILENT_AFTER_S, facts.last_heard_at
        )
    if (refusing := _refusing(facts, now)) is not None:
        return refusing
    if facts.health is not None and facts.health_at is not None:
        since_s = max(0.0, (now - facts.health_at).total_seconds())
        if (verdict := _from_health(facts.health, facts.health_at, since_s)) is not None:
            return verdict
    return Verdict(
        GatewayState.ONLINE, "heard_age_s", max(0.0, age_s), SILENT_AFTER_S, facts.last_heard_at
    )


def _refusing(facts: GatewayFacts, now: datetime) -> Verdict | None:
    if facts.last_refused_at is None:
        return None
    age_s = max(0.0, (now - facts.last_refused_at).total_seconds())
    accepted_since = (
        facts.last_accepted_at is not None and facts.last_accepted_at >= facts.last_refused_at
    )
    if accepted_since and age_s > REFUSING_FOR_S:
        return None
    return Verdict(
        GatewayState.REFUSING,
        "refused_age_s",
        age_s,
        REFUSING_FOR_S,
        facts.last_refused_at,
        facts.refused_reason or "",
    )


def _from_health(health: HealthReport, health_at: datetime, since_s: float) -> Verdict | None:
    if health.storage in _STORAGE_FAILS:
        return _storage(GatewayState.STORAGE_FAILS, health, health_at)
    if (verdict := _from_work(health, health_at, since_s)) is not None:
        return verdict
    # A state that is new to this service is no reason for a green light.
    if health.storage != _STORAGE_WELL:
        return _storage(GatewayState.STORAGE_LOOK, health, health_at)
    return None


def _storage(state: GatewayState, health: HealthReport, health_at: datetime) -> Verdict:
    return Verdict(
        state,
        "disk_used_percent",
        health.disk_used_percent,
        DISK_LOW_PERCENT,
        health_at,
        health.storage,
    )


def _from_work(health: HealthReport, health_at: datetime, since_s: float) -> Verdict | None:
    for adapter in health.adapters:
        # Never heard anything: deaf since it started, as long as it had the time to hear.
        silence_s = (
            health.uptime_s if adapter.last_advert_age_s is None else (adapter.last_advert_age_s)
        )
        if silence_s > DEAF_AFTER_S:
            return Verdict(
                GatewayState.DEAF, "advert_age_s", silence_s, DEAF_AFTER_S, health_at, adapter.name
            )
    if health.need_depth and health.need_oldest_age_s > BEHIND_AGE_S:
        return Verdict(
            GatewayState.BEHIND,
            "need_oldest_age_s",
            health.need_oldest_age_s + since_s,
            BEHIND_AGE_S,
            health_at,
        )
    if health.telemetry_depth > BEHIND_DEPTH:
        return Verdict(
            GatewayState.BEHIND,
            "telemetry_depth_rows",
            float(health.telemetry_depth),
            float(BEHIND_DEPTH),
            health_at,
        )
    if health.clock_quality is not TimeQuality.SYNCED:
        return Verdict(GatewayState.CLOCK_BAD, "", None, None, health_at)
    return None
