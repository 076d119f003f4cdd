"""The agent's account of itself, gathered from its parts: for the status file and for the cloud."""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from zodra_contract.envelope import AdapterHealth, HealthReport
from zodra_edge.agent.consumer import Consumer
from zodra_edge.agent.ears import Ears
from zodra_edge.agent.intake import Intake
from zodra_edge.agent.memory import Memory
from zodra_edge.agent.radios import Radios
from zodra_edge.agent.supervisor import Supervisor
from zodra_edge.buying import Pause
from zodra_edge.clock import Clock, monotonic_s
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.feedback import Lights
from zodra_edge.heard import Heard
from zodra_edge.link import Lane
from zodra_edge.local_mqtt import HomeBroker
from zodra_edge.outbox import Level, Outbox, Storage, Trouble
from zodra_edge.settings import Settings
from zodra_edge.status import (
    CloudPart,
    DevicePart,
    FramesPart,
    HomePart,
    LanePart,
    LightPart,
    MemoryPart,
    RadioPart,
    RunningPart,
    Status,
    StoragePart,
    Tally,
    UnreadPart,
    rss_bytes,
)
from zodra_edge.uplink import LinkStatus

UNREAD_MAX: Final = 16
"""Of what was not understood, the latest: the status is written every few seconds."""
UNREAD_BYTES_MAX: Final = 96


@dataclass(slots=True)
class Account:
    """Reads all parts and changes none."""

    settings: Settings
    profiles: tuple[DeviceProfile, ...]
    clock: Clock
    outbox: Outbox
    intake: Intake
    consumer: Consumer
    lights: Lights
    tally: Tally
    supervisor: Supervisor
    memory: Memory
    pause: Pause
    ears: Ears | None = None
    started: Heard = field(init=False)

    def __post_init__(self) -> None:
        """Begin counting the uptime."""
        self.started = self.clock.now()

    @property
    def home(self) -> HomeBroker | None:
        """The connection to the home's broker, if it has one."""
        return self.ears.home if self.ears else None

    @property
    def radios(self) -> Radios | None:
        """The adapters, if it has any."""
        return self.ears.radios if self.ears else None

    def uptime_s(self, now: Heard) -> float:
        """Say for how long the agent runs."""
        return (now.monotonic_ms - self.started.monotonic_ms) / 1000

    def status(self, link: LinkStatus) -> Status:
        """Say everything."""
        now = self.clock.now()
        storage = self.outbox.storage()
        return Status(
            gateway_id=self.settings.gateway_id,
            household_id=self.settings.household_id,
            pid=os.getpid(),
            boot_id=now.boot_id,
            written_at=now.at,
            written_monotonic_s=monotonic_s(),
            started_at=self.started.at,
            uptime_s=self.uptime_s(now),
            restarts=self.outbox.level(Lane.NEED).restarts,
            rss_bytes=rss_bytes(),
            clock_quality=now.quality,
            clock_error_ms=now.error_ms,
            cloud=self._cloud(link),
            need=_lane(self.outbox.level(Lane.NEED), now.at, storage.need),
            telemetry=_lane(self.outbox.level(Lane.TELEMETRY), now.at, storage.telemetry),
            storage=_storage(storage),
            memory=MemoryPart(budget_bytes=self.memory.budget_bytes, short=self.memory.short),
            home_mqtt=self._home(),
            radio=self._radio(),
            devices=self._devices(now),
            parts=tuple(
                RunningPart(name=part.name, restarts=part.restarts, fault=part.fault)
                for part in self.supervisor.parts
            ),
            frames=FramesPart(
                used=self.consumer.used,
                waiting=len(self.intake),
                stayed_home=self.consumer.stayed_home,
                repeats=dict(self.consumer.repeats),
            ),
            buying_paused_since=self.pause.since,
            refusals=self.tally.counts(),
            not_understood=self._not_understood(),
        )

    def health(self) -> HealthReport:
        """Say what the cloud should know."""
        now = self.clock.now()
        storage = self.outbox.storage()
        need, telemetry = self.outbox.level(Lane.NEED), self.outbox.level(Lane.TELEMETRY)
        return HealthReport(
            gateway_id=self.settings.gateway_id,
            boot_id=now.boot_id,
            sent_at=now.at,
            uptime_s=self.uptime_s(now),
            need_depth=need.depth,
            need_oldest_age_s=_oldest_age_s(need, now.at),
            telemetry_depth=telemetry.depth,
            quarantine_depth=need.quarantined + telemetry.quarantined,
            refusals=self.tally.counts(),
            adapters=tuple(
                AdapterHealth(
                    name=radio.name,
                    last_advert_age_s=radio.last_advert_age_s,
                    adverts_per_min=radio.adverts_per_min,
                    strangers=radio.strangers,
                    stage=radio.stage or None,
                    mode=radio.mode or None,
                    rungs=radio.rungs,
                )
                for radio in self._radio()
            ),
            clock_quality=now.quality,
            rss_bytes=rss_bytes(),
            local_mqtt_connected=self.home is not None and self.home.status.connected,
            storage=storage.state,
            disk_used_percent=storage.disk.used_percent,
            clock_error_ms=now.error_ms,
            dropped=_dropped(need=need, telemetry=telemetry),
            restarts=need.restarts,
            part_restarts=sum(part.restarts for part in self.supervisor.parts),
        )

    def _cloud(self, link: LinkStatus) -> CloudPart:
        return CloudPart(
            host=self.settings.cloud.host,
            port=self.settings.cloud.port,
            state=link.state,
            since=link.since,
            reason=link.reason,
            refusing=link.refusing,
            failures=link.failures,
            last_receipt_at=link.last_receipt_at,
            unanswered=link.unanswered,
            pace_s=link.pace_s,
        )

    def _not_understood(self) -> tuple[UnreadPart, ...]:
        heard = self.consumer.unread.entries()
        if self.home is not None:
            heard += self.home.unread.entries()
        latest = sorted(heard, key=lambda entry: entry.last_at, reverse=True)[:UNREAD_MAX]
        return tuple(
            UnreadPart(
                where=entry.where,
                reason=entry.reason,
                detail=entry.detail,
                raw=_shown(entry.raw),
                raw_bytes=entry.raw_bytes,
                count=entry.count,
                last_at=entry.last_at,
            )
            for entry in latest
        )

    def _home(self) -> HomePart | None:
        if self.home is None:
            return None
        held = self.home.status
        return HomePart(
            connected=held.connected,
            reason=held.reason,
            messages=held.messages,
            strangers=held.strangers,
        )

    def _radio(self) -> tuple[RadioPart, ...]:
        if self.radios is None:
            return ()
        each = (adapter.status() for adapter in self.radios.adapters)
        return tuple(
            RadioPart(
                name=held.name,
                scanning=held.scanning,
                adverts_per_min=held.adverts_per_min,
                last_advert_age_s=held.last_advert_age_s,
                strangers=held.strangers,
                stage=held.stage,
                mode=held.mode,
                mode_reason=held.mode_reason,
                alarmed=held.alarmed,
                certain=held.certain,
                fault=held.fault,
                canary_lost=held.canary_lost,
                rungs=dict(held.rungs),
                connections=held.connections,
                connections_max=held.connections_max,
                connections_waiting=held.connections_waiting,
            )
            for held in each
        )

    def _devices(self, now: Heard) -> tuple[DevicePart, ...]:
        return tuple(self._device(profile, now) for profile in self.profiles)

    def _device(self, profile: DeviceProfile, now: Heard) -> DevicePart:
        note = self.consumer.notes.get(profile.device_id)
        held = self.radios.connections.get(profile.device_id) if self.radios else None
        rssi_dbm = note.rssi_dbm if note else None
        if held is not None and self.radios is not None:
            rssi_dbm = self.radios.rssi_dbm(profile)
        several = self.radios is not None and len(self.radios.adapters) > 1
        return DevicePart(
            device_id=profile.device_id,
            family=profile.family,
            last_heard_at=note.heard.at if note else None,
            last_heard_age_s=_since_s(note.heard, now) if note else None,
            battery_percent=note.battery_percent if note else None,
            rssi_dbm=rssi_dbm,
            adapter=profile.adapter,
            heard_by_dbm=self.radios.heard_by(profile) if self.radios and several else {},
            online=note.online if note else None,
            connected=held.status.connected if held else None,
            practice=profile.practice,
            counter_unknown=self.consumer.has_lost_counter(profile.device_id),
            refused_as_replay=self.consumer.replays[profile.device_id],
            lights=tuple(
                LightPart(
                    slot_key=row.slot_key,
                    state=row.state,
                    reason=row.reason,
                    at=datetime.fromtimestamp(row.at_ms / 1000, UTC),
                    signal_id=row.signal_id,
                )
                for row in self.lights.shown()
                if row.device_id == profile.device_id
            ),
        )


def _storage(storage: Storage) -> StoragePart:
    return StoragePart(
        state=storage.state,
        disk=storage.level,
        used_percent=storage.disk.used_percent,
        free_bytes=storage.disk.free_bytes,
        reserve=storage.reserve,
        aside=storage.aside,
        salvages=tuple(
            f"{one.file}: {one.why}; {one.saved} rows saved, {one.damaged} changed on disk"
            + ("" if one.complete else ", and some could not be read")
            for one in storage.salvages
        ),
    )


def _lane(level: Level, now: datetime, trouble: Trouble | None) -> LanePart:
    return LanePart(
        buffer_id=level.buffer_id,
        depth=level.depth,
        oldest_age_s=_oldest_age_s(level, now),
        dropped=level.dropped,
        quarantined=level.quarantined,
        expired=level.expired,
        trouble=trouble or "",
    )


def _dropped(**lanes: Level) -> dict[str, int]:
    """Count what was given up, by lane and cause; only what there is."""
    counts = {
        f"{lane}_{cause}": count
        for lane, level in lanes.items()
        for cause, count in (("full", level.dropped), ("age", level.expired))
    }
    return {cause: count for cause, count in counts.items() if count}


def _oldest_age_s(level: Level, now: datetime) -> float:
    # By wall clock, since the oldest row may be from an earlier boot; never below zero.
    return max(0.0, now.timestamp() - level.oldest_ms / 1000) if level.oldest_ms else 0.0


def _since_s(heard: Heard, now: Heard) -> float:
    return max(0, now.monotonic_ms - heard.monotonic_ms) / 1000


def _shown(raw: bytes) -> str:
    begin = raw[:UNREAD_BYTES_MAX]
    text = begin.decode(errors="replace")
    return text if text.isprintable() and "\ufffd" not in text else begin.hex()
