"""How a gateway's machine is: its disk, memory, clock, and what it had to give up."""

from typing import Final

from zodra_cloud.fleet.policy import Verdict
from zodra_cloud.web.i18n import Speech, mark
from zodra_contract.envelope import HealthReport
from zodra_contract.signal import TimeQuality

_TROUBLES: Final[dict[str, str]] = {
    "full": mark(
        "Its disk is full: it keeps no readings, and presses only while there is room. Make room "
        "on it; it goes on by itself."
    ),
    "read_only": mark(
        "Its disk takes no writes, so presses are refused, and their lights say so. Read its "
        "kernel's log, copy its data, and replace the card."
    ),
    "io_error": mark(
        "Its disk fails, so presses may be refused. Read its kernel's log, copy its data, and "
        "replace the card."
    ),
    "low": mark("Its disk is nearly full. Make room before presses are refused."),
    "salvaged": mark(
        "A damaged file was set aside, and what was whole in it was saved. See with zodra-edge "
        "doctor that nothing is missing, then move that file away."
    ),
}
_ABOUT_ROOM: Final = frozenset({"full", "low"})
_DISKS: Final[dict[str, str]] = {
    "ok": mark("disk in order"),
    "low": mark("disk nearly full"),
    "full": mark("disk full"),
    "read_only": mark("disk read-only"),
    "io_error": mark("disk is failing"),
    "salvaged": mark("damaged file set aside"),
}
_DROPPED: Final[dict[str, str]] = {
    "telemetry_full": mark("given up for lack of room: %(n)s readings"),
    "telemetry_age": mark("given up as too old: %(n)s readings"),
}
CLOCK_ERROR_MS_TOLD: Final = 1_000
"""Below this nobody minds."""


def storage_sentence(speech: Speech, verdict: Verdict) -> str:
    """Say what is wrong with a gateway's disk, and what to do."""
    text = _TROUBLES.get(verdict.detail)
    if text is None:
        said = speech.say(
            "It says of its storage: %(state)s. This service does not know that; ask it with "
            "zodra-edge doctor.",
            state=verdict.detail.replace("_", " "),
        )
    else:
        said = speech.say(text)
    if verdict.value is None or verdict.detail not in _ABOUT_ROOM:
        return said
    return f"{said} {speech.say('%(used)s in use.', used=_percent(speech, verdict.value))}"


def notes(speech: Speech, health: HealthReport | None) -> tuple[str, ...]:
    """Say in a few words each how the machine is; only what the gateway told."""
    if health is None:
        return ()
    said = [_disk(speech, health)]
    said.append(speech.say("%(mb)s MB of memory", mb=speech.number(round(health.rss_bytes / 1e6))))
    error_ms = health.clock_error_ms
    known = health.clock_quality is TimeQuality.SYNCED and error_ms is not None
    if known and error_ms is not None and error_ms >= CLOCK_ERROR_MS_TOLD:
        said.append(speech.say("clock off by at most %(span)s", span=speech.span(error_ms / 1000)))
    if health.restarts:
        said.append(
            speech.count(
                "%(n)s start after its first", "%(n)s starts after its first", health.restarts
            )
        )
    if health.part_restarts:
        said.append(
            speech.count(
                "%(n)s part had to be started again",
                "%(n)s times a part had to be started again",
                health.part_restarts,
            )
        )
    said += [_dropped(speech, cause, count) for cause, count in sorted(health.dropped.items())]
    return tuple(said)


def _disk(speech: Speech, health: HealthReport) -> str:
    text = _DISKS.get(health.storage)
    state = health.storage.replace("_", " ") if text is None else speech.say(text)
    if health.disk_used_percent is None:
        return state
    used = _percent(speech, health.disk_used_percent)
    return f"{state}, {speech.say('%(used)s in use', used=used)}"


def _dropped(speech: Speech, cause: str, count: int) -> str:
    text = _DROPPED.get(cause)
    if text is None:
        return f"{cause.replace('_', ' ')}: {speech.number(count)}"
    return speech.say(text, n=speech.number(count))


def _percent(speech: Speech, value: float) -> str:
    # Rounded down: 99.6 % is not yet full, and 84.6 % is not yet what the limit speaks of.
    return f"{speech.number(int(value))}\xa0%"
