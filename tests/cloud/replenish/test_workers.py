"""Many workers on one PostgreSQL: each need is decided once, whichever of them is killed when."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from decide_load import prepare
from postgresql_server import PostgresqlServer
from zodra_cloud.store.engine import Database

NEEDS = 600
WITHIN_S = 60.0
CONFIG = """
database_url = "{url}"
data_dir = "data"
[broker]
password_file = "secret"
[shop]
base_url = "http://127.0.0.1:9"
api_key_file = "secret"
webhook_secret_file = "secret"
private_address_allowed = true
"""


def start(config: Path, name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "zodra_cloud", "work"),
            *("--config", str(config), "--name", name),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def count(database: Database, query: str) -> int:
    with database.read() as connection:
        found: int = connection.exec_driver_sql(query).scalar_one()
    return found


def test_workers_that_are_killed_lose_nothing_and_do_nothing_twice(
    postgresql: PostgresqlServer, tmp_path: Path
) -> None:
    name = f"workers_{os.getpid()}"
    url = postgresql.create(name, template="zodra_template")
    prepare(url, NEEDS)
    (tmp_path / "secret").write_text("a secret\n")
    config = tmp_path / "cloud.toml"
    config.write_text(CONFIG.format(url=url))
    database = Database.open(url)
    running = [start(config, name) for name in ("a", "b")]
    kills = 0
    try:
        deadline = time.monotonic() + WITHIN_S
        while (done := count(database, "SELECT count(*) FROM decisions")) < NEEDS:
            assert time.monotonic() < deadline, f"{done} of {NEEDS} decided"
            if done > kills * NEEDS // 3:
                kills += 1
                running[0].kill()
                running[0].wait()
                running[0] = start(config, "a")
            time.sleep(0.01)
        asked = "SELECT count(*) FROM jobs WHERE kind = 'quote'"
        undone = "SELECT count(*) FROM jobs WHERE kind = 'decide' AND state <> 'done'"
        assert kills > 0
        assert count(database, "SELECT count(*) FROM quotes") == NEEDS
        assert (count(database, asked), count(database, undone)) == (NEEDS, 0)
        running[1].send_signal(signal.SIGTERM)
        assert running[1].wait(WITHIN_S) == 0
    finally:
        for each in running:
            each.kill()
            each.wait()
        database.close()
        postgresql.drop(name)
