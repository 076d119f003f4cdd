"""The status as a page of text. Pure: what is true is said, with its age."""

from collections.abc import Iterator
from typing import Final

from zodra_edge.status.report import (
    CloudPart,
    DevicePart,
    LanePart,
    LightPart,
    RadioPart,
    Status,
    StoragePart,
    problems,
)
from zodra_edge.words import ENGLISH, Words

WIDTH: Final = 12
UNREAD_SHOWN: Final = 5
MODE_REASONS: Final = (
    *("mode_settings", "mode_beacon", "mode_nobody", "mode_missed", "mode_none", "mode_bluez"),
)


def age(seconds: float, words: Words = ENGLISH) -> str:
    """Write a duration as a person would say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5_400:
        return f"{seconds / 60:.0f} min"
    if seconds < 129_600:
        return words("hours", count=seconds / 3600)
    return words("days", count=seconds / 86_400)


def render(status: Status, running: bool, age_s: float, words: Words = ENGLISH) -> str:
    """Write the page.

    Args:
        status: as the agent last wrote it.
        running: whether the agent still lives.
        age_s: how long ago it was written.
        words: of the person who reads it.
    """
    return "\n".join(_Page(status, words).lines(running, age_s)) + "\n"


class _Page:
    """One status in one language."""

    def __init__(self, status: Status, words: Words) -> None:
        self._status = status
        self._say = words

    def lines(self, running: bool, age_s: float) -> Iterator[str]:
        status, say = self._status, self._say
        yield say("page_title", gateway_id=status.gateway_id, household_id=status.household_id)
        yield from self._state(running, age_s)
        yield ""
        if status.buying_paused_since is not None:
            since = status.buying_paused_since.isoformat(timespec="minutes")
            yield self._line("buying", say("page_paused", since=since))
        yield self._line("cloud", self._cloud(status.cloud))
        yield self._line("needs", self._lane(status.need))
        yield self._line("readings", self._lane(status.telemetry))
        yield from self._storage(status.storage)
        yield from self._home()
        for radio in status.radio:
            yield from self._radio(radio)
        error_ms = status.clock_error_ms
        error = f"{error_ms} ms" if error_ms < 10_000 else self._age(error_ms / 1000)
        yield self._line("clock", say.named("clock", status.clock_quality, error=error))
        megabytes = status.rss_bytes / 1e6
        yield self._line("memory", say("page_memory", megabytes=megabytes, count=status.restarts))
        yield from self._devices()
        yield from self._not_understood()
        yield from self._counts()

    def _state(self, running: bool, age_s: float) -> Iterator[str]:
        status, say = self._status, self._say
        if not running:
            yield self._line("state", say("page_dead", age=self._age(age_s)))
            return
        found = problems(status)
        facts = {"age": self._age(status.uptime_s), "pid": status.pid}
        verdict = say("page_degraded", **facts) if found else say("page_healthy", **facts)
        yield self._line("state", verdict)
        for problem in found:
            yield self._line("", f"! {say.named('problem', problem.name.lower())}")

    def _home(self) -> Iterator[str]:
        home, say = self._status.home_mqtt, self._say
        if home is None:
            return
        count = home.messages
        if home.connected:
            yield self._line("home", say("home_connected", count=count))
        else:
            yield self._line("home", say("home_away", reason=home.reason, count=count))
        if home.strangers:
            yield self._line("", say("home_strangers", count=home.strangers))

    def _radio(self, radio: RadioPart) -> Iterator[str]:
        say, heard = self._say, radio.last_advert_age_s
        last = say("radio_nothing") if heard is None else say("radio_last", age=self._age(heard))
        facts = {"name": radio.name, "count": radio.adverts_per_min, "last": last}
        scans = say("radio_scanning", **facts) if radio.scanning else None
        yield self._line("radio", scans or say("radio_not_scanning", **facts))
        yield from self._radio_more(radio)
        if radio.strangers:
            yield self._line("", say("radio_strangers", count=radio.strangers))

    def _radio_more(self, radio: RadioPart) -> Iterator[str]:
        say = self._say
        if radio.stage and radio.stage != "hearing":
            stage = say.named("stage", radio.stage)
            told = say("radio_stage", stage=stage, why=radio.fault) if radio.fault else stage
            yield self._line("", told)
        if radio.alarmed:
            yield self._line("", say("radio_deaf" if radio.certain else "radio_deaf_or_quiet"))
        if radio.canary_lost:
            yield self._line("", say("radio_canary"))
        if radio.mode:
            why = say.again(radio.mode_reason, MODE_REASONS)
            yield self._line("", say.named("radio", radio.mode, why=why))
        if radio.connections or radio.connections_waiting:
            held = say("radio_connections", count=radio.connections, most=radio.connections_max)
            if radio.connections_waiting:
                held += say("radio_waiting", count=radio.connections_waiting)
            yield self._line("", held)

    def _cloud(self, cloud: CloudPart) -> str:
        say, at = self._say, self._status.written_at
        words = say(
            "cloud_since",
            state=say.named("cloud", cloud.state),
            age=self._age((at - cloud.since).total_seconds()),
            host=cloud.host,
            port=cloud.port,
        )
        if cloud.reason:
            reason = cloud.reason.replace("_", " ")
            words += say("cloud_reason", reason=reason, count=cloud.failures)
        if cloud.refusing:
            words += say("cloud_refusing", reason=cloud.refusing.replace("_", " "))
        if cloud.unanswered:
            words += say("cloud_unanswered", count=cloud.unanswered)
        if cloud.pace_s:
            words += say("cloud_pace", pace_s=cloud.pace_s)
        if cloud.last_receipt_at is not None:
            receipt = (at - cloud.last_receipt_at).total_seconds()
            words += say("cloud_receipt", age=self._age(receipt))
        return words

    def _storage(self, storage: StoragePart) -> Iterator[str]:
        say = self._say
        state = say.named("storage", storage.state)
        words = say("storage_used", state=state, percent=storage.used_percent)
        if not storage.reserve:
            words += say("storage_no_reserve")
        words += say("storage_free", megabytes=storage.free_bytes / 1e6)
        yield self._line("storage", words)
        for name in storage.aside:
            yield self._line("", say("storage_aside", name=name))
        for told in storage.salvages:
            yield self._line("", told)

    def _lane(self, lane: LanePart) -> str:
        say = self._say
        words = say("lane_waiting", count=lane.depth)
        if lane.depth:
            words += say("lane_oldest", age=self._age(lane.oldest_age_s))
        if lane.dropped:
            words += say("lane_dropped", count=lane.dropped)
        if lane.expired:
            words += say("lane_expired", count=lane.expired)
        if lane.quarantined:
            words += say("lane_aside", count=lane.quarantined)
        if lane.trouble:
            words += say("lane_trouble", why=lane.trouble.replace("_", " "))
        return words + say("lane_buffer", buffer_id=lane.buffer_id)

    def _devices(self) -> Iterator[str]:
        devices = self._status.devices
        if not devices:
            return
        yield ""
        yield self._say("page_devices")
        width = max(len(device.device_id) for device in devices)
        for device in devices:
            told = ", ".join(self._device(device))
            yield f"  {device.device_id:<{width}}  {device.family:<12}  {told}"
            for light in device.lights:
                yield f"  {'':<{width}}  {light.slot_key:<12}  {self._light(light)}"

    def _light(self, light: LightPart) -> str:
        say = self._say
        since = self._age((self._status.written_at - light.at).total_seconds())
        state = say.named("light", light.state)
        if not light.reason:
            return say("device_light", state=state, age=since)
        reason = say.named("reason", light.reason).replace("_", " ")
        return say("device_light_because", state=state, reason=reason, age=since)

    def _device(self, device: DevicePart) -> Iterator[str]:
        say, heard = self._say, device.last_heard_age_s
        yield say("device_unheard") if heard is None else say("device_heard", age=self._age(heard))
        if device.practice:
            yield say("device_practice")
        if device.counter_unknown:
            yield say("device_counter")
        if device.refused_as_replay:
            count = device.refused_as_replay
            yield say("device_replays", count=count, device_id=device.device_id)
        if device.connected is not None:
            yield say("device_connected" if device.connected else "device_disconnected")
        if device.online is False:
            yield say("device_offline")
        if device.battery_percent is not None:
            yield say("device_battery", percent=device.battery_percent)
        yield from self._signal(device)

    def _signal(self, device: DevicePart) -> Iterator[str]:
        say = self._say
        if device.heard_by_dbm:
            each = sorted(device.heard_by_dbm.items())
            yield say("and").join(say("device_signal_at", dbm=dbm, name=name) for name, dbm in each)
        elif device.rssi_dbm is not None:
            yield say("device_signal", dbm=device.rssi_dbm)
        if device.adapter is not None:
            yield say("device_pinned", name=device.adapter)

    def _not_understood(self) -> Iterator[str]:
        unread, say = self._status.not_understood, self._say
        if not unread:
            return
        yield ""
        yield say("page_unread")
        for part in unread[:UNREAD_SHOWN]:
            facts = {"where": part.where, "count": part.count, "reason": part.reason}
            yield f"  {say('unread_entry', detail=part.detail, **facts)}"
            yield f"    {part.raw}"
        if len(unread) > UNREAD_SHOWN:
            yield f"  {say('and_more', count=len(unread) - UNREAD_SHOWN)}"

    def _counts(self) -> Iterator[str]:
        status, say = self._status, self._say
        stopped = [part for part in status.parts if part.fault]
        if stopped:
            yield ""
            yield say("page_stopped")
            for part in stopped:
                facts = {"name": part.name, "why": part.fault, "count": part.restarts}
                yield f"  {say('stopped_part', **facts)}"
        frames = status.frames
        yield ""
        yield say("page_since")
        yield f"  {say('frames_used', used=frames.used, home=frames.stayed_home)}"
        for kind, counts in (("refused", status.refusals), ("repeats", frames.repeats)):
            if counts:
                told = ", ".join(f"{reason} {count}" for reason, count in sorted(counts.items()))
                yield f"  {say.named('counts', kind, counts=told)}"

    def _age(self, seconds: float) -> str:
        return age(seconds, self._say)

    def _line(self, label: str, words: str) -> str:
        name = self._say.named("label", label) if label else ""
        return f"  {name:<{WIDTH}} {words}"
