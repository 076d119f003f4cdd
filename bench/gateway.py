"""The parts of `python -m bench` that measure the gateway, each as rows of the table."""

import argparse
import sys

from bench import edge_appends, edge_backlog, edge_latency, edge_outage, edge_rate, edge_wear

Rows = list[tuple[str, str]]
STRICT = "[outbox]\nlinger_s = 0.0\n"
"""Every reading is synced before it is sent."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def lost_and_doubled(figures: dict[str, float]) -> str:
    return f"{figures['lost']:,.0f} / {figures['doubled']:,.0f}"


def rate(asked: argparse.Namespace) -> Rows:
    rows: Rows = []
    for what, per_message, extra in (
        ("five readings a message", 5, ""),
        ("one reading a message", 1, ""),
        ("one a message, synced before sent", 1, STRICT),
    ):
        readings = asked.readings if per_message == 5 else asked.readings // 3
        say(f"the gateway alone: {readings:,} readings from one mosquitto to another; {what}")
        figures = edge_rate.measure(readings, per_message, extra)
        rows += [
            (f"gateway, {what}: readings/s to the receipt", f"{figures['readings_per_s']:,.0f}"),
            (f"gateway, {what}: lost / doubled", lost_and_doubled(figures)),
        ]
        if per_message == 5:
            first, last = figures["rss_mb_first"], figures["rss_mb_last"]
            name = "gateway, memory in the first / last tenth of that"
            rows.append((name, f"{first:.0f} / {last:.0f} MB"))
    return rows


def latency(asked: argparse.Namespace) -> Rows:
    rows: Rows = []
    for what, extra in (("", ""), (", synced before sent", STRICT)):
        say(f"100 readings a second for {asked.seconds:.0f} s from broker to broker{what}")
        figures = edge_latency.measure(100.0, asked.seconds, extra)
        spans = f"{figures['p50_ms']:.1f} / {figures['p99_ms']:.1f} ms"
        rows += [
            (f"gateway at 100 readings/s{what}: broker to broker, p50 / p99", spans),
            (f"gateway at 100 readings/s{what}: lost / doubled", lost_and_doubled(figures)),
        ]
        spans = f"{figures['bridge_p50_ms']:.1f} / {figures['bridge_p99_ms']:.1f} ms"
        rows.append(("— mosquitto's own bridge, in the same run, p50 / p99", spans))
    return rows


def backlog(asked: argparse.Namespace) -> Rows:
    say(f"presses while {asked.backlog:,} readings drain, and without: about a minute")
    figures = edge_backlog.measure(asked.backlog)
    return [
        (
            f"press to the cloud's receipt behind {asked.backlog:,} readings, p50 / p99",
            f"{figures['backlog_p50_ms']:.0f} / {figures['backlog_p99_ms']:.0f} ms",
        ),
        (
            "— with no backlog, in the same run, p50 / p99",
            f"{figures['alone_p50_ms']:.0f} / {figures['alone_p99_ms']:.0f} ms",
        ),
        ("— ratio of the p99", f"{figures['ratio_p99']:.2f}"),
        ("— presses behind the backlog", f"{figures['backlog_presses']:,.0f}"),
        ("— presses without a receipt", f"{figures['presses_without_receipt']:,.0f}"),
        ("— the backlog drained in", f"{figures['drained_s']:.1f} s"),
    ]


def appends(_: argparse.Namespace) -> Rows:
    return [row for callers in edge_appends.CALLERS for row in _appends(callers)]


def _appends(callers: int) -> Rows:
    say(f"durable need-moments: {callers:,} callers")
    figures = edge_appends.measure(callers=callers)
    own, alone = f"{figures['cpu_us']:.1f}", f"{figures['alone_cpu_us']:.1f}"
    return [
        (
            f"outbox: durable need-moments/s, {callers:,} callers",
            f"{figures['appends_per_s']:,.0f}",
        ),
        ("— sqlite3 alone, same rows and syncs", f"{figures['alone_per_s']:,.0f}"),
        ("— ratio", f"{figures['ratio']:.2f}"),
        ("— processor for one; sqlite3 alone", f"{own}; {alone} µs"),
        ("— need-moments a sync", f"{figures['presses_a_sync']:.0f}"),
        ("— a caller waits, p50 / p99", f"{figures['p50_ms']:.1f} / {figures['p99_ms']:.1f} ms"),
    ]


def outage(_: argparse.Namespace) -> Rows:
    say("20 s without uplink at 300 readings a second")
    figures = edge_outage.measure()
    return [
        ("gateway, uplink away for 20 s at 300/s: caught up in", f"{figures['caught_up_s']:.2f} s"),
        ("gateway, uplink away: lost / doubled", lost_and_doubled(figures)),
    ]


def wear(_: argparse.Namespace) -> Rows:
    say("bytes written: single presses, then readings, in five gateways")
    figures = edge_wear.measure()
    return [
        ("gateway, bytes written a need-moment", f"{figures['bytes_a_press']:,.0f}"),
        ("— in the median", f"{figures['bytes_a_press_median']:,.0f}"),
        *(
            (
                f"gateway, bytes written a reading at {number}/s, cloud answers / is silent",
                f"{figures[f'bytes_a_reading_at_{number}']:,.0f} / "
                f"{figures[f'bytes_a_reading_unanswered_at_{number}']:,.0f}",
            )
            for number in (5, 300)
        ),
    ]


def many(asked: argparse.Namespace) -> Rows:
    from bench import edge_many

    say(f"300 devices of all parsers, in stretches of {asked.seconds:.0f} s")
    figures = edge_many.measure(asked.seconds)
    number = f"{figures['devices']:.0f} devices of {figures['parsers']:.0f} parsers"
    return [
        row
        for name in ("silent", "repeating", "fresh")
        for row in (
            (f"gateway, {number} {name}: processor", f"{figures[f'{name}_cpu_percent']:.1f} %"),
            (f"gateway, {number} {name}: memory", f"{figures[f'{name}_rss_mb']:.1f} MB"),
        )
    ]


def idle(asked: argparse.Namespace) -> Rows:
    # Beside the others, so that a radio's libraries are imported where they are measured.
    from bench import edge_idle

    say(f"four families and 50 buttons, in stretches of {asked.seconds:.0f} s")
    figures = edge_idle.measure(asked.seconds)
    stretches = [name.removesuffix("_cpu_percent") for name in figures if "_cpu_percent" in name]
    return [
        row
        for name in stretches
        for row in (
            (f"gateway, 50 buttons {name}: processor", f"{figures[f'{name}_cpu_percent']:.1f} %"),
            (f"gateway, four families {name}: memory", f"{figures[f'{name}_rss_mb']:.0f} MB"),
        )
    ]
