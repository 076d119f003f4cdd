"""The service as a process: killed, stopped, started twice, cut off from its broker or database."""

import re
import shutil
import socket
import sqlite3
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from cloud_messages import answer, health, need, needs, reading, telemetry
from cloud_serving import Serving, TalkingGateway, until
from zodra_cloud.app import Cloud
from zodra_cloud.errors import AlreadyServing
from zodra_cloud.fleet import service as fleet
from zodra_cloud.serving import only_one
from zodra_cloud.settings import Settings
from zodra_cloud.store.engine import Database
from zodra_contract.command import CommandOutcome
from zodra_contract.envelope import read_command, read_outcome
from zodra_contract.outcome import SignalState


@pytest.fixture
def serving(tmp_path: Path, sqlite_template: Path) -> Iterator[Serving]:
    """A broker that runs and a home that is set up; the service is started by the test."""
    path = tmp_path / "cloud.db"
    shutil.copy(sqlite_template, path)
    yield from _serving(tmp_path, f"sqlite:///{path}")


@pytest.fixture
def serving_on_both(tmp_path: Path, database_url: str) -> Iterator[Serving]:
    """The same, on SQLite and on PostgreSQL in turn."""
    yield from _serving(tmp_path, database_url)


def _serving(folder: Path, database_url: str) -> Iterator[Serving]:
    made = Serving(folder, database_url)
    try:
        made.set_up()
        made.start_broker()
        yield made
    finally:
        made.close()


@pytest.fixture
def gateway(serving: Serving) -> Iterator[TalkingGateway]:
    talking = TalkingGateway(serving.mqtt_port)
    yield talking
    talking.close()


def rows(database_url: str, query: str) -> list[Any]:
    database = Database.open(database_url)
    try:
        with database.read() as connection:
            return [tuple(row) for row in connection.execute(text(query))]
    finally:
        database.close()


def test_killed_at_any_moment_it_loses_nothing_and_doubles_nothing(
    serving_on_both: Serving,
) -> None:
    serving = serving_on_both
    gateway = TalkingGateway(serving.mqtt_port)
    serving.start()
    last = 60

    def send_what_is_not_receipted(upto: int) -> None:
        """As a gateway's outbox does."""
        for n in range(gateway.upto("buf-n") + 1, upto + 1):
            gateway.send(needs(need(n), buffer_id="buf-n"))
        for first in range(gateway.upto("buf-t") + 1, upto * 20 + 1, 20):
            gateway.send(
                telemetry(*(reading(n) for n in range(first, first + 20)), buffer_id="buf-t")
            )

    try:
        for upto in (last // 3, 2 * last // 3):
            before = len(gateway.receipts)
            send_what_is_not_receipted(upto)
            until(lambda count=before: len(gateway.receipts) > count, "a receipt")  # type: ignore[misc]
            serving.kill("cloud")
            receipted = gateway.upto("buf-n")
            stored = rows(serving.database_url, "SELECT signal_id FROM need_signals")
            assert {(f"p_{n}",) for n in range(1, receipted + 1)} <= set(stored)
            serving.start()
        send_what_is_not_receipted(last)
        until(lambda: gateway.upto("buf-t") == last * 20, "all readings are receipted")
        until(lambda: gateway.upto("buf-n") == last, "all needs are receipted")
    finally:
        gateway.close()
    assert rows(serving.database_url, "SELECT count(*) FROM telemetry") == [(last * 20,)]
    signals = rows(serving.database_url, "SELECT signal_id FROM need_signals")
    assert sorted(signals) == sorted((f"p_{n}",) for n in range(1, last + 1))
    decided = rows(serving.database_url, "SELECT key FROM jobs WHERE kind = 'decide'")
    assert len(decided) == len(set(decided)) == last


def test_a_need_is_decided_and_the_gateway_hears_what_became_of_it(
    serving: Serving, gateway: TalkingGateway
) -> None:
    serving.start()
    gateway.send(needs(need(1)))

    def outcomes() -> list[SignalState]:
        told = [raw for topic, raw in list(gateway.heard) if topic.endswith("/outcome")]
        return [read_outcome(raw).state for raw in told]

    until(lambda: SignalState.REFUSED in outcomes(), "the gateway is told")


def test_bad_messages_are_refused_while_the_rest_goes_on(
    serving: Serving, gateway: TalkingGateway
) -> None:
    serving.start()
    for junk in (b"noise", b"\x28\xb5\x2f\xfd", b'{"lane":"need","version":7}', b"[]" * 50_000):
        gateway.send(junk)
    gateway.send(needs(need(1, device_id="stranger"), need(2)))
    until(lambda: gateway.upto("buf-n") == 2, "the batch is receipted")
    counted = dict(rows(serving.database_url, "SELECT reason, count FROM refusals"))
    assert counted == {"malformed": 3, "newer_version": 1, "unknown_device": 1}


def test_a_command_goes_down_and_its_answer_comes_back(
    serving: Serving, gateway: TalkingGateway
) -> None:
    serving.start()
    database = Database.open(serving.database_url)
    with database.write() as connection:
        asked = fleet.identify(connection, "gw-1", "btn-kitchen", now=datetime.now(UTC))
    until(lambda: any(t.endswith("/command") for t, _ in gateway.heard), "the command arrives")
    command = read_command(next(raw for t, raw in gateway.heard if t.endswith("/command")))
    assert command.command_id == asked.command_id
    gateway.send(answer(command.command_id))

    def outcome() -> str | None:
        with database.read() as connection:
            return fleet.command(connection, "gw-1", command.command_id).outcome

    until(lambda: outcome() == CommandOutcome.DONE, "the answer is stored")
    database.close()


def test_the_broker_may_go_and_come_back(serving: Serving, gateway: TalkingGateway) -> None:
    serving.start()
    gateway.send(needs(need(1)))
    until(lambda: gateway.upto("buf-n") == 1, "the first need is receipted")
    connected = len(serving.events("broker_connected"))
    gateway.ready = False
    serving.kill("broker")
    serving.start_broker()
    until(lambda: gateway.ready, "the gateway is back")
    until(lambda: len(serving.events("broker_connected")) > connected, "the service is back")
    gateway.send(needs(need(2)))
    until(lambda: gateway.upto("buf-n") == 2, "the second need is receipted")


def test_it_stops_in_time_although_a_page_is_open(
    serving: Serving, gateway: TalkingGateway
) -> None:
    serving.start()
    token = serving.sign_in_token()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    opener.open(f"{serving.url}/sign-in", data=f"token={token}".encode(), timeout=5).close()
    with opener.open(f"{serving.url}/events", timeout=30) as stream:
        assert stream.status == 200
        assert stream.readline()
        code = serving.terminate()
    assert code == 0, serving.said()
    assert serving.events("stopped")


def test_a_second_one_in_the_same_folder_is_turned_away(tmp_path: Path) -> None:
    with (
        only_one(tmp_path) as first,
        pytest.raises(AlreadyServing, match="another data_dir"),
        only_one(tmp_path),
    ):
        pass
    with only_one(tmp_path) as again:
        assert again == first
    # It names the session at the broker too: not to be guessed, not to be read, short enough.
    assert re.fullmatch("cloud-[0-9a-f]{16}", first)
    assert (tmp_path / "instance").stat().st_mode & 0o077 == 0


def test_the_session_at_the_broker_has_the_name_that_nobody_else_knows(
    tmp_path: Path, sqlite_template: Path
) -> None:
    shutil.copy(sqlite_template, tmp_path / "cloud.db")
    with socket.create_server(("127.0.0.1", 0)) as broker:
        settings = Settings.model_validate(
            {
                "database_url": f"sqlite:///{tmp_path / 'cloud.db'}",
                "data_dir": tmp_path,
                "broker": {"port": broker.getsockname()[1], "password": "secret"},
                "shop": {
                    "base_url": "https://shop.example",
                    "api_key": "key",
                    "webhook_secret": "whsec_a2V5",
                },
            }
        )
        cloud = Cloud(settings, instance="cloud-of-this-folder")
        cloud.consumer.start()
        said, _ = broker.accept()
        with said:
            greeting = said.recv(1_024)
        cloud.consumer.stop(1)
        cloud.close()
    assert b"\x00\x14cloud-of-this-folder" in greeting


def test_a_locked_database_holds_up_and_loses_nothing(
    serving: Serving, gateway: TalkingGateway
) -> None:
    serving.start()
    holder = sqlite3.connect(serving.folder / "cloud.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    for number in range(1, 11):
        gateway.send(needs(need(number)))
    gateway.send(health())
    until(lambda: bool(serving.events("ingest_held_up")), "the fault is said")
    assert gateway.receipts == []
    holder.execute("ROLLBACK")
    holder.close()
    until(lambda: gateway.upto("buf-n") == 10, "everything is receipted after all")
    assert rows(serving.database_url, "SELECT count(*) FROM need_signals") == [(10,)]
