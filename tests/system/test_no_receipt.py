"""A broker that takes everything and lets nothing through: `zodra-edge status` says so in words.

MQTT 3.1.1 has no word for it. mosquitto answers to what its access list forbids as if all were
well, and a cloud that is not there looks the same from a home.
"""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge_broker import client_of, cloud, free_port, mosquitto, until
from zodra_contract.topics import Address

ACCESS = Path(__file__).parents[2] / "deploy/broker/cloud.acl"
SENTENCE = "no receipt comes for what is sent"
TOPIC = "zigbee2mqtt/living"


@dataclass
class Gateway:
    """`gw-1` of `hh-1`, which logs in as whom the settings name."""

    folder: Path
    cloud_port: int
    home_port: int

    def write_settings(self, account: str) -> None:
        (self.folder / "gateway.toml").write_text(
            'gateway_id = "gw-1"\nhousehold_id = "hh-1"\ndata_dir = "data"\n'
            f'[cloud]\nhost = "127.0.0.1"\nport = {self.cloud_port}\nusername = "{account}"\n'
            f'[home_mqtt]\nhost = "127.0.0.1"\nport = {self.home_port}\n'
            "[uplink]\nbackoff_s_max = 0.2\nreceipt_timeout_s = 0.3\n"
            "[outbox]\nlinger_s = 0.05\n"
            '[[devices]]\ndevice_id = "trv-living"\nfamily = "thermostat"\nslot_key = "battery"\n'
            f'topic = "{TOPIC}"\n'
        )

    def command(self, name: str) -> list[str]:
        config = str(self.folder / "gateway.toml")
        return [sys.executable, "-m", "zodra_edge", name, "--config", config]

    async def page(self) -> str:
        """What a person reads who asks how the gateway is."""
        ran = await asyncio.to_thread(
            subprocess.run, self.command("status"), capture_output=True, text=True, check=False
        )

        return ran.stdout

    async def says(self, words: str, *, gone: bool = False) -> str:
        """Ask until the page has these words, or has them no more."""
        async with asyncio.timeout(30):
            while (words in (page := await self.page())) is gone:
                await asyncio.sleep(0.1)
        return page


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    made = Gateway(tmp_path, free_port(), free_port())
    access = tmp_path / "cloud.acl"
    access.write_text(ACCESS.read_text() + "\nuser tester\ntopic readwrite #\n")
    with contextlib.ExitStack() as stack:
        for name, port, rules in (
            ("cloud", made.cloud_port, access),
            ("home", made.home_port, None),
        ):
            folder = tmp_path / name
            folder.mkdir()
            stack.enter_context(mosquitto(folder, port, access=rules))
        yield made


@contextlib.asynccontextmanager
async def running(gateway: Gateway) -> AsyncIterator[None]:
    """The agent with a reading to send."""
    with (gateway.folder / "log").open("ab") as log:
        child = subprocess.Popen(gateway.command("run"), stderr=log)
    try:
        await gateway.says("home broker  connected")
        async with client_of(gateway.home_port) as home:
            await home.publish(TOPIC, b'{"local_temperature": 20.5}', qos=1)
        yield
    finally:
        child.kill()
        child.wait(10)


async def test_a_gateway_whose_topic_is_not_its_accounts_is_told_that_no_receipt_comes(
    gateway: Gateway,
) -> None:
    gateway.write_settings(account="gw-2")
    async with cloud(gateway.cloud_port, Address("hh-1", "gw-1")) as served:
        async with running(gateway):
            page = await gateway.says(SENTENCE)
        assert "degraded" in page
        assert "1 waiting for a receipt" in page
        assert served.heard == [], "the broker let nothing through"


async def test_a_gateway_whose_cloud_is_away_is_told_so_until_it_comes(gateway: Gateway) -> None:
    gateway.write_settings(account="gw-1")
    async with running(gateway):
        page = await gateway.says(SENTENCE)
        assert "1 waiting for a receipt" in page
        async with cloud(gateway.cloud_port, Address("hh-1", "gw-1")) as served:
            await until(lambda: served.heard)
            page = await gateway.says(SENTENCE, gone=True)
        assert "0 waiting for a receipt" in page
