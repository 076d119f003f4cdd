"""The status as a page of text. Pure: what is true is said, with its age."""

from collections.abc import Iterator
from typing import Final

from zodra_edge.status.report import (
    CloudPart,
    DevicePart,
    LanePart,
    RadioPart,
    Status,
    StoragePart,
    problems,
)

WIDTH = 12
_CLOUD = {
    "idle": "not started yet",
    "connecting": "connecting",
    "subscribing": "connecting",
    "online": "online",
    "waiting": "offline",
    "refused": "refused by the broker",
    "stopped": "stopped",
}
_STORAGE = {
    "ok": "in order",
    "low": "LOW",
    "full": "FULL",
    "read_only": "READ-ONLY",
    "io_error": "BROKEN",
    "salvaged": "in order again",
}
_STAGES = {
    "off": "not begun",
    "opening": "has begun to scan, and heard nothing yet",
    "restarted": "its scan was started again",
    "rebuilt": "its scanner was made anew",
    "cycled": "it was switched off and on",
    "deaf": "nothing helped; all of it is tried again",
    "away": "it is not there",
}
_LIGHTS = {
    "kept": "kept, on its way to the cloud",
    "received": "received by the cloud",
    "asked": "the household is asked",
    "ordering": "being ordered",
    "ordered": "ordered",
    "shipped": "shipped",
    "delivered": "delivered",
    "already_on_its_way": "already on its way",
    "refused": "refused",
    "expired": "expired",
    "not_kept": "NOT kept",
    "practice": "heard in practice, nothing is kept",
}

UNREAD_SHOWN: Final = 5


def age(seconds: float) -> str:
    """Write a duration as a person would say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5_400:
        return f"{seconds / 60:.0f} min"
    if seconds < 129_600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86_400:.0f} days"


def render(status: Status, running: bool, age_s: float) -> str:
    """Write the page.

    Args:
        status: as the agent last wrote it.
        running: whether the agent still lives.
        age_s: how long ago it was written.
    """
    return "\n".join(_lines(status, running, age_s)) + "\n"


def _lines(status: Status, running: bool, age_s: float) -> Iterator[str]:
    yield f"Gateway {status.gateway_id} of household {status.household_id}"
    if running:
        found = problems(status)
        verdict = "healthy" if not found else "degraded"
        yield _line("state", f"{verdict}, running for {age(status.uptime_s)} (pid {status.pid})")
        for problem in found:
            yield _line("", f"! {problem}")
    else:
        yield _line("state", f"NOT RUNNING; what follows is {age(age_s)} old")
    yield ""
    if status.buying_paused_since is not None:
        since = status.buying_paused_since.isoformat(timespec="minutes")
        yield _line("buying", f"PAUSED since {since}: each need is sent, and only asks")
    yield _line("cloud", _cloud(status, status.cloud))
    yield _line("needs", _lane(status.need, "waiting for a receipt"))
    yield _line("readings", _lane(status.telemetry, "waiting for a receipt"))
    yield from _storage(status.storage)
    if status.home_mqtt is not None:
        home = status.home_mqtt
        said = "connected" if home.connected else f"not connected ({home.reason})"
        yield _line("home broker", f"{said}, {home.messages} messages heard")
        if home.strangers:
            yield _line("", f"hears {home.strangers} there that the settings do not name")
    for radio in status.radio:
        heard = radio.last_advert_age_s
        last = "nothing heard yet" if heard is None else f"last heard {age(heard)} ago"
        scans = "scanning" if radio.scanning else "NOT scanning"
        yield _line("radio", f"{radio.name} {scans}, {radio.adverts_per_min:.0f} a minute, {last}")
        yield from _radio(radio)
        if radio.strangers:
            yield _line("", f"hears {radio.strangers} nearby that are not this home's")
    yield _line("clock", f"{status.clock_quality}, error at most {_error(status.clock_error_ms)}")
    yield _line(
        "memory", f"{status.rss_bytes / 1e6:.0f} MB, {status.restarts} restarts of the agent"
    )
    yield from _devices(status)
    yield from _not_understood(status)
    yield from _counts(status)


def _radio(radio: RadioPart) -> Iterator[str]:
    if radio.stage and radio.stage != "hearing":
        why = f": {radio.fault}" if radio.fault else ""
        yield _line("", f"{_STAGES.get(radio.stage, radio.stage)}{why}")
    if radio.alarmed:
        quiet = "" if radio.certain else ", or nothing near it speaks (docs/radio.md)"
        yield _line("", f"DEAF{quiet}")
    if radio.canary_lost:
        yield _line("", "its beacon is not heard, while others are: see to its battery")
    if radio.mode:
        yield _line("", f"listens {radio.mode}ly: {radio.mode_reason}")
    if radio.connections or radio.connections_waiting:
        waiting = f", {radio.connections_waiting} wait" if radio.connections_waiting else ""
        yield _line("", f"{radio.connections} of {radio.connections_max} connections{waiting}")


def _cloud(status: Status, cloud: CloudPart) -> str:
    since = age((status.written_at - cloud.since).total_seconds())
    words = f"{_CLOUD.get(cloud.state, cloud.state)} for {since}, {cloud.host}:{cloud.port}"
    if cloud.reason:
        words += f", {cloud.reason.replace('_', ' ')} ({cloud.failures} attempts)"
    if cloud.refusing:
        words += f", refusing: {cloud.refusing.replace('_', ' ')}"
    if cloud.unanswered:
        words += f", {cloud.unanswered} times in a row without a receipt"
    if cloud.pace_s:
        words += f", asks for {cloud.pace_s:.1f} s between two batches of readings"
    if cloud.last_receipt_at is not None:
        receipt = (status.written_at - cloud.last_receipt_at).total_seconds()
        words += f", last receipt {age(receipt)} ago"
    return words


def _storage(storage: StoragePart) -> Iterator[str]:
    words = f"{_STORAGE.get(storage.state, storage.state)}, disk {storage.used_percent:.0f} % full"
    if not storage.reserve:
        words += ", the reserve is used up"
    yield _line("storage", f"{words}, {storage.free_bytes / 1e6:.0f} MB free")
    for name in storage.aside:
        yield _line("", f"damaged file set aside: {name}")
    for words in storage.salvages:
        yield _line("", words)


def _lane(lane: LanePart, what: str) -> str:
    words = f"{lane.depth} {what}"
    if lane.depth:
        words += f", the oldest for {age(lane.oldest_age_s)}"
    if lane.dropped:
        words += f", {lane.dropped} dropped because it was full"
    if lane.expired:
        words += f", {lane.expired} dropped because they were too old"
    if lane.quarantined:
        words += f", {lane.quarantined} set aside"
    if lane.trouble:
        words += f", NOTHING NEW is kept: {lane.trouble.replace('_', ' ')}"
    return f"{words} (buffer {lane.buffer_id})"


def _devices(status: Status) -> Iterator[str]:
    if not status.devices:
        return
    yield ""
    yield "Devices"
    width = max(len(device.device_id) for device in status.devices)
    for device in status.devices:
        yield f"  {device.device_id:<{width}}  {device.family:<12}  {_device(device)}"
        for light in device.lights:
            reason = f" ({light.reason.replace('_', ' ')})" if light.reason else ""
            since = age((status.written_at - light.at).total_seconds())
            said = _LIGHTS.get(light.state, light.state)
            yield f"  {'':<{width}}  {light.slot_key:<12}  light: {said}{reason}, {since} ago"


def _device(device: DevicePart) -> str:
    heard = device.last_heard_age_s
    words = ["not heard yet" if heard is None else f"heard {age(heard)} ago"]
    if device.practice:
        words.append("IN PRACTICE, nothing of it is kept or sent")
    if device.counter_unknown:
        words.append("COUNTER UNKNOWN, its presses only ask")
    if device.refused_as_replay:
        words.append(
            f"{device.refused_as_replay} frames REFUSED AS REPLAYS; after a battery change: "
            f"zodra-edge device relearn {device.device_id}"
        )
    if device.connected is not None:
        words.append("connected" if device.connected else "not connected")
    if device.online is False:
        words.append("offline, says its own network")
    if device.battery_percent is not None:
        words.append(f"battery {device.battery_percent:.0f} %")
    words += _signal(device)
    return ", ".join(words)


def _signal(device: DevicePart) -> Iterator[str]:
    if device.heard_by_dbm:
        each = sorted(device.heard_by_dbm.items())
        yield " and ".join(f"{dbm} dBm at {name}" for name, dbm in each)
    elif device.rssi_dbm is not None:
        yield f"{device.rssi_dbm} dBm"
    if device.adapter is not None:
        yield f"taken from {device.adapter} alone"


def _not_understood(status: Status) -> Iterator[str]:
    if not status.not_understood:
        return
    yield ""
    yield "heard, not understood"
    for part in status.not_understood[:UNREAD_SHOWN]:
        yield f"  {part.where}  {part.count} times, {part.reason}: {part.detail}"
        yield f"    {part.raw}"
    if len(status.not_understood) > UNREAD_SHOWN:
        yield f"  and {len(status.not_understood) - UNREAD_SHOWN} more: zodra-edge status --json"


def _counts(status: Status) -> Iterator[str]:
    stopped = [part for part in status.parts if part.fault]
    if stopped:
        yield ""
        yield "Waiting to be started again"
        for part in stopped:
            yield f"  {part.name}: {part.fault} ({part.restarts} restarts)"
    frames = status.frames
    yield ""
    yield "Since the start"
    yield f"  {frames.used} frames used, {frames.stayed_home} readings stayed home"
    for title, counts in (("turned away", status.refusals), ("repeats", frames.repeats)):
        if counts:
            told = ", ".join(f"{reason} {count}" for reason, count in sorted(counts.items()))
            yield f"  {title}: {told}"


def _error(error_ms: int) -> str:
    return f"{error_ms} ms" if error_ms < 10_000 else age(error_ms / 1000)


def _line(label: str, words: str) -> str:
    return f"  {label:<{WIDTH}} {words}"
