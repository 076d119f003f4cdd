"""Commands that look into a gateway while it runs, and leave it as it was."""

import json
import urllib.request

import pytest

from edge_broker import cloud, free_port, until
from edge_gateway import Gateway, free_udp_port
from zodra_contract.topics import Address


@pytest.fixture
def gateway(broker_port: int, gateway_id: str, tmp_path_factory: pytest.TempPathFactory) -> Gateway:
    made = Gateway(gateway_id, tmp_path_factory.mktemp("gateway"), broker_port, free_udp_port())
    made.write_settings()
    for name in ("password", "key"):
        (made.folder / name).chmod(0o600)
    return made


async def test_a_running_gateway_is_examined_exported_and_scraped(gateway: Gateway) -> None:
    port = free_port()
    gateway.config.write_text(gateway.config.read_text() + f"[metrics]\nport = {port}\n")
    agent = gateway.start()
    try:
        address = Address("hh-1", gateway.gateway_id)
        async with cloud(gateway.broker_port, address) as heard:
            heard.answers = False
            await until(lambda: gateway.is_up(agent.pid))
            gateway.press(4711)
            await until(lambda: heard.needs())
            examined = json.loads(gateway.cli("doctor", "--json").stdout)
            found = {one["name"]: one for one in examined["findings"]}
            working = ("settings", "secret files", "cloud broker", "home broker", "outbox need")
            assert {found[name]["verdict"] for name in working} == {"ok"}
            assert f"process {agent.pid}" in found["agent"]["found"]
            assert "says the running agent" in found["radio"]["found"]
            assert "1 rows wait" in found["outbox need"]["found"]
            page = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
            assert 'zodra_outbox_rows{lane="need"} 1\n' in page
            assert "zodra_cloud_online 1\n" in page
            (need,) = [
                row
                for row in map(json.loads, gateway.cli("outbox", "export").stdout.splitlines())
                if row["lane"] == "need"
            ]
            assert need["signal_id"] == heard.needs()[0][1]
            replayed = gateway.cli("outbox", "quarantine", "replay", "--all")
            assert replayed.stdout == "0 rows go again now\n"
            assert gateway.status()["pid"] == agent.pid
            assert gateway.status()["restarts"] == 0
            assert gateway.status()["cloud"]["failures"] == 0
    finally:
        agent.terminate()
        assert agent.wait(20) == 0
