"""Many households with one press to decide each, for tests of workers and for the benchmark."""

import json
import time
from collections.abc import Iterable
from typing import Any

from zodra_cloud.store.engine import Database
from zodra_cloud.store.migrate import migrate

HOUSEHOLDS_AT_ONCE = 2_000


def prepare(url: str, needs: int) -> None:
    """Store as many households, each with a bound button, a consent and one press to decide."""
    database = Database.open(url)
    migrate(database)
    for first in range(0, needs, HOUSEHOLDS_AT_ONCE):
        store(database, range(first, min(needs, first + HOUSEHOLDS_AT_ONCE)))
    if database.dialect == "postgresql":
        with database.write() as connection:
            connection.exec_driver_sql("ANALYZE")
    database.close()


def store(database: Database, numbers: Iterable[int]) -> None:
    """Store some of these households with their needs, in one unit of work."""
    ids = [f"hh-{number}" for number in numbers]
    _insert(database, [*_homes(ids), *_presses(ids, "p_1")])


def press_again(database: Database, ids: list[str], signal_id: str) -> None:
    """Store one more press of each of these households' buttons."""
    _insert(database, _presses(ids, signal_id))


def _insert(database: Database, what: list[tuple[str, list[tuple[Any, ...]]]]) -> None:
    with database.write() as connection:
        for sql, rows in what:
            connection.exec_driver_sql(
                sql if database.dialect == "sqlite" else sql.replace("?", "%s"), rows
            )


def _homes(ids: list[str]) -> list[tuple[str, list[tuple[Any, ...]]]]:
    at_ms = int(time.time() * 1_000)
    return [
        (
            "INSERT INTO households (household_id, language, time_zone, created_at)"
            " VALUES (?, 'nl', 'Europe/Amsterdam', ?)",
            [(each, at_ms) for each in ids],
        ),
        (
            "INSERT INTO devices (household_id, device_id, family, label, created_at)"
            " VALUES (?, 'btn', 'button', 'btn', ?)",
            [(each, at_ms) for each in ids],
        ),
        (
            "INSERT INTO slots (household_id, device_id, slot_key, metering, sku, quantity,"
            " currency, staleness_limit_s, updated_at)"
            " VALUES (?, 'btn', 'b-1', 'press', 'towels', 1, 'EUR', 86400, ?)",
            [(each, at_ms) for each in ids],
        ),
        (
            "INSERT INTO consents (household_id, purpose, granted, person_id, recorded_at,"
            " notice_version, language, method)"
            " VALUES (?, 'replenish', 1, 'u-1', ?, '1', 'nl', 'page')",
            [(each, at_ms) for each in ids],
        ),
    ]


def _presses(ids: list[str], signal_id: str) -> list[tuple[str, list[tuple[Any, ...]]]]:
    at_ms = int(time.time() * 1_000)
    return [
        (
            "INSERT INTO need_signals (household_id, signal_id, gateway_id, device_id, slot_key,"
            " kind, occurred_at, received_at, boot_id, monotonic_ms, quality, error_ms, evidence,"
            " authenticated, state, reason, state_at, round)"
            " VALUES (?, ?, 'gw-1', 'btn', 'b-1', 'press', ?, ?, 'boot', 1, 'synced', 20,"
            " '{\"event\":\"press\"}', 1, 'received', '', ?, 1)",
            [(each, signal_id, at_ms, at_ms, at_ms) for each in ids],
        ),
        (
            "INSERT INTO jobs (kind, key, household_id, payload, state, due_at, lease_token,"
            " failures) VALUES ('decide', ?, ?, ?, 'ready', ?, 0, 0)",
            [
                (
                    f"decide:{each}:{signal_id}",
                    each,
                    json.dumps({"signal_id": signal_id}),
                    at_ms - 10**6 + number,
                )
                for number, each in enumerate(ids)
            ],
        ),
    ]
