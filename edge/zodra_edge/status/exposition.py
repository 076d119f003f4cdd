"""The status as figures for Prometheus: its text format, version 0.0.4. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from zodra_contract.signal import TimeQuality
from zodra_edge.outbox.storage import StorageState
from zodra_edge.status.report import LanePart, Problem, Status, problems

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

STORAGE_STATES: Final = tuple(state.value for state in StorageState)

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system under the data folder."""

    free_bytes: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Metric:
    """One name with its values."""

    name: str
    kind: Literal["gauge", "counter"]
    meaning: str
    values: tuple[tuple[Labels, float], ...]


def exposition(status: Status, disk: Disk | None) -> str:
    """Write the page.

    Args:
        status: of this moment.
        disk: None if it could not be looked at; then its figures are left out.
    """
    return "".join(f"{line}\n" for metric in metrics(status, disk) for line in _lines(metric))


def _lines(metric: Metric) -> Iterator[str]:
    if not metric.values:
        return
    yield f"# HELP {metric.name} {_escaped(metric.meaning)}"
    yield f"# TYPE {metric.name} {metric.kind}"
    for labels, value in metric.values:
        told = ",".join(f'{name}="{_quoted(held)}"' for name, held in labels.items())
        yield (
            f"{metric.name}{{{told}}} {_number(value)}"
            if told
            else (f"{metric.name} {_number(value)}")
        )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def metrics(status: Status, disk: Disk | None) -> Iterator[Metric]:
    """Name every figure; ids of devices and persons are not among them."""
    yield _gauge("zodra_up_seconds", "Time since the agent started.", status.uptime_s)
    yield Metric(
        "zodra_starts_total",
        "counter",
        "Starts of the agent on this data folder, after the first.",
        (({}, status.restarts),),
    )
    yield _gauge("zodra_resident_bytes", "Memory that the agent holds.", status.rss_bytes)
    yield from _outbox(status)
    yield from _ways(status)
    yield from _radio(status)
    trusted = status.clock_quality is TimeQuality.SYNCED
    yield _gauge("zodra_clock_trusted", "1 if the time is trusted.", trusted)
    yield _gauge(
        "zodra_clock_error_seconds", "The most that the clock is off.", status.clock_error_ms / 1000
    )
    if disk is not None:
        yield _gauge("zodra_disk_free_bytes", "Room left for data_dir.", disk.free_bytes)
        yield _gauge("zodra_disk_size_bytes", "Size of that file system.", disk.size_bytes)
    states = dict.fromkeys((*STORAGE_STATES, status.storage.state))
    yield Metric(
        "zodra_storage_state",
        "gauge",
        "1 for the state that the storage is in.",
        tuple(({"state": one}, float(one == status.storage.state)) for one in states),
    )
    yield _gauge(
        "zodra_storage_reserve", "1 while the reserve is in place.", status.storage.reserve
    )
    yield from _counts(status)
    found = problems(status)
    yield Metric(
        "zodra_problem",
        "gauge",
        "1 for each thing that makes the gateway degraded.",
        tuple(({"problem": one.name.lower()}, float(one in found)) for one in Problem),
    )


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return Metric(name, "gauge", meaning, (({}, float(value)),))


def _outbox(status: Status) -> Iterator[Metric]:
    lanes: dict[str, LanePart] = {"need": status.need, "telemetry": status.telemetry}

    def each(name: str, kind: Literal["gauge", "counter"], meaning: str, field: str) -> Metric:
        return Metric(
            name,
            kind,
            meaning,
            tuple(({"lane": lane}, getattr(part, field)) for lane, part in lanes.items()),
        )

    yield each("zodra_outbox_rows", "gauge", "Rows that wait for the cloud's receipt.", "depth")
    yield each(
        "zodra_outbox_oldest_age_seconds",
        "gauge",
        "How long the oldest row has waited; 0 if none waits.",
        "oldest_age_s",
    )
    yield Metric(
        "zodra_outbox_dropped_total",
        "counter",
        "Rows given up, because the lane was full or because they grew too old.",
        tuple(
            ({"lane": lane, "cause": cause}, count)
            for lane, part in lanes.items()
            for cause, count in (("full", part.dropped), ("age", part.expired))
        ),
    )
    yield each(
        "zodra_outbox_quarantined_rows", "gauge", "Rows set aside for a person.", "quarantined"
    )


def _ways(status: Status) -> Iterator[Metric]:
    cloud = status.cloud
    yield _gauge("zodra_cloud_online", "1 while the cloud is connected.", cloud.state == "online")
    yield _gauge("zodra_cloud_failures", "Attempts in a row that failed.", cloud.failures)
    if cloud.last_receipt_at is not None:
        age_s = (status.written_at - cloud.last_receipt_at).total_seconds()
        yield _gauge(
            "zodra_cloud_receipt_age_seconds", "Time since the last receipt.", max(0.0, age_s)
        )
    if status.home_mqtt is not None:
        yield _gauge(
            "zodra_home_broker_connected",
            "1 while the home's broker is connected.",
            status.home_mqtt.connected,
        )


def _radio(status: Status) -> Iterator[Metric]:
    def each(name: str, meaning: str, values: Iterable[float]) -> Metric:
        names = [{"adapter": radio.name} for radio in status.radio]
        return Metric(name, "gauge", meaning, tuple(zip(names, values, strict=True)))

    yield each(
        "zodra_adapter_scanning",
        "1 while the adapter scans.",
        [radio.scanning for radio in status.radio],
    )
    yield each(
        "zodra_adapter_silence_seconds",
        "Time since anything was heard, or since the start if nothing was.",
        [
            status.uptime_s if radio.last_advert_age_s is None else radio.last_advert_age_s
            for radio in status.radio
        ],
    )
    yield each(
        "zodra_adapter_adverts_per_minute",
        "Advertisements heard in the last minute.",
        [radio.adverts_per_min for radio in status.radio],
    )
    yield each(
        "zodra_adapter_deaf",
        "1 while the adapter hears nothing, and nothing that was tried has helped.",
        [radio.alarmed for radio in status.radio],
    )
    yield each(
        "zodra_adapter_passive",
        "1 while the adapter scans passively.",
        [radio.mode == "passive" for radio in status.radio],
    )
    yield each(
        "zodra_adapter_connections",
        "Devices connected through the adapter.",
        [radio.connections for radio in status.radio],
    )
    yield each(
        "zodra_adapter_connections_waiting",
        "Devices that wait for their turn to be connected.",
        [radio.connections_waiting for radio in status.radio],
    )
    yield Metric(
        "zodra_adapter_rungs_total",
        "counter",
        "What was done because the adapter heard nothing, by rung.",
        tuple(
            ({"adapter": radio.name, "rung": rung}, count)
            for radio in status.radio
            for rung, count in sorted(radio.rungs.items())
        ),
    )


def _counts(status: Status) -> Iterator[Metric]:
    frames = status.frames
    yield Metric(
        "zodra_frames_used_total", "counter", "Frames that were used.", (({}, frames.used),)
    )
    yield _gauge("zodra_frames_waiting", "Frames between radio and agent.", frames.waiting)
    yield Metric(
        "zodra_readings_stayed_home_total",
        "counter",
        "Readings that were used and kept in the home.",
        (({}, frames.stayed_home),),
    )
    for name, meaning, counts in (
        ("zodra_refusals_total", "What was turned away or lost, by reason.", status.refusals),
        ("zodra_repeats_total", "Frames that said nothing new, by reason.", frames.repeats),
    ):
        values = tuple(({"reason": reason}, count) for reason, count in sorted(counts.items()))
        yield Metric(name, "counter", meaning, values)
    yield Metric(
        "zodra_part_restarts_total",
        "counter",
        "How often a part of the agent had to be started again.",
        tuple(({"part": part.name}, part.restarts) for part in status.parts),
    )
