"""Everything that is measured, from one run, as one table: `make bench`.

Each figure that depends on a database stands beside what that database alone does in the same
run, since machines differ and a ratio differs less. Nothing here passes or fails.
"""

import argparse
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from bench import (
    baseline,
    broker_rate,
    decide_rate,
    gateway,
    ingest_rate,
    press_way,
    quote_latency,
    wire,
)
from postgresql_server import PostgresqlMissing, PostgresqlServer

Rows = list[tuple[str, str]]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def press(asked: argparse.Namespace) -> Rows:
    say(f"the way of {asked.presses} presses: six processes, one home")
    return [(name, str(value)) for name, value in press_way.table(press_way.measure(asked.presses))]


def ingest_rows(name: str, figures: dict[str, Any], alone: float) -> Rows:
    rate = figures["readings_per_s"]
    return [
        (f"{name}: readings/s, received to receipted", f"{rate:,.0f}"),
        (f"{name}: the database alone, rows/s", f"{alone:,.0f}"),
        (f"{name}: ratio", f"{rate / alone:.2f}"),
        (
            f"{name}: publish to receipt, p50 / p99",
            f"{figures['readings_p50_ms']:.0f} / {figures['readings_p99_ms']:.0f} ms",
        ),
        (f"{name}: need-moments/s, received to receipted", f"{figures['needs_per_s']:,.0f}"),
        (f"{name}: memory of the service", f"{figures['service_rss_mb']:.0f} MB"),
    ]


def ingest_sqlite(asked: argparse.Namespace) -> Rows:
    say(f"ingest on SQLite: {asked.seconds} s a lane")
    with tempfile.TemporaryDirectory(prefix="zodra-bench-") as folder:
        figures = ingest_rate.measure(f"sqlite:///{folder}/cloud.db", asked.broker, asked.seconds)
    return ingest_rows("ingest, SQLite FULL", figures, baseline.sqlite_rows_per_s(3))


def ingest_postgresql(asked: argparse.Namespace) -> Rows:
    say(f"ingest on PostgreSQL: {asked.seconds} s a lane")
    try:
        with PostgresqlServer(durable=True) as server:
            figures = ingest_rate.measure(server.create("ingest"), asked.broker, asked.seconds)
            alone = baseline.postgresql_rows_per_s(server.create("alone"), 3)
    except PostgresqlMissing as missing:
        return [("ingest, PostgreSQL", f"not measured: {missing}")]
    return ingest_rows("ingest, PostgreSQL", figures, alone)


def brokers(asked: argparse.Namespace) -> Rows:
    say(f"the brokers alone: {asked.broker_messages} messages of 128 bytes at QoS 1 through each")
    rows: Rows = []
    for kind in broker_rate.KINDS:
        figures = broker_rate.measure(kind, asked.broker_messages)
        lost = figures["messages_sent"] - figures["messages_received"]
        rows += [
            (f"{kind}: messages/s, QoS 1 to QoS 1", f"{figures['messages_per_s']:,.0f}"),
            (f"{kind}: messages that did not come", f"{lost:,.0f}"),
            (f"{kind}: memory at rest", f"{figures['rss_mb']:.0f} MB"),
            (f"{kind}: listening after", f"{figures['start_s']:.1f} s"),
        ]
    return rows


def wire_format(_: argparse.Namespace) -> Rows:
    say("the wire: batches of 100 readings")
    figures = wire.measure()
    plain, packed = figures["bytes_per_row"], figures["bytes_per_row_zstd"]
    return [
        ("wire: rows/s read and validated", f"{figures['rows_per_s']:,.0f}"),
        ("wire: bytes a row, JSON / zstd", f"{plain:.0f} / {packed:.0f}"),
    ]


def decoding(_: argparse.Namespace) -> Rows:
    # The parsers' libraries are for this part alone.
    from bench import decode_rate

    say("decode: published advertisements of real products, and strangers")
    return [
        (f"adverts/s a core, {what}", f"{rate:,.0f}")
        for what, rate in decode_rate.measure().items()
    ]


def forecasts(asked: argparse.Namespace) -> Rows:
    # numpy is for the forecasts alone; without it the other parts are measured all the same.
    from bench import forecast

    say(f"forecasts: {asked.homes} homes a family, {asked.seeds} seeds from {asked.seed}")
    return forecast.measure(asked.seed, asked.seeds, asked.homes)


def decisions(asked: argparse.Namespace) -> Rows:
    say(f"decisions: {asked.needs} needs, end to end in the store")
    return [*decide_rate.sqlite(asked.needs), *decide_rate.postgresql(asked.needs)]


def quotes(asked: argparse.Namespace) -> Rows:
    rate, seconds = asked.rate, asked.quote_seconds
    say(f"quotes: {rate} needs/s for {seconds:.0f} s, of {quote_latency.HOMES} homes")
    return [
        *quote_latency.sqlite(rate, seconds),
        *quote_latency.postgresql(rate, seconds, asked.workers),
    ]


PARTS: dict[str, Callable[[argparse.Namespace], Rows]] = {
    "press": press,
    "edge": gateway.rate,
    "latency": gateway.latency,
    "backlog": gateway.backlog,
    "appends": gateway.appends,
    "outage": gateway.outage,
    "wear": gateway.wear,
    "idle": gateway.idle,
    "many": gateway.many,
    "sqlite": ingest_sqlite,
    "postgresql": ingest_postgresql,
    "brokers": brokers,
    "wire": wire_format,
    "decode": decoding,
    "forecast": forecasts,
    "decide": decisions,
    "quote": quotes,
}


def machine() -> str:
    cores, python = os.cpu_count(), platform.python_version()
    return f"{platform.system()} {platform.machine()}, {cores} cores, Python {python}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(PARTS)}; all if none")
    parser.add_argument("--presses", type=int, default=20)
    parser.add_argument("--readings", type=int, default=150_000)
    parser.add_argument("--backlog", type=int, default=600_000)
    parser.add_argument("--broker-messages", type=int, default=10_000)
    parser.add_argument("--homes", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=100)
    parser.add_argument("--needs", type=int, default=20_000)
    parser.add_argument("--rate", type=int, default=200, help="needs a second that want a quote")
    parser.add_argument("--quote-seconds", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=2, help="beside serve, for the quotes")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--broker", default="mosquitto", choices=["amqtt", "mosquitto", "nats"])
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(
            f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}"
        )
    print(f"{machine()}, broker {asked.broker}")
    rows = [row for name in asked.parts or PARTS for row in measured(name, asked)]
    show(rows, f"\n{machine()}, broker {asked.broker}\n")


def measured(name: str, asked: argparse.Namespace) -> Rows:
    """Measure one part and show it at once; one that fails is a row, and the others go on."""
    try:
        rows = PARTS[name](asked)
    except Exception as fault:
        traceback.print_exc()
        rows = [(name, f"not measured: {type(fault).__name__}: {fault}")]
    show(rows)
    return rows


def show(rows: Rows, title: str = "") -> None:
    width = max(len(name) for name, _ in rows)
    print(title, flush=True)
    for name, value in rows:
        print(f"  {name:<{width}}  {value:>16}", flush=True)


if __name__ == "__main__":
    main()
