"""The way to the cloud under TLS: a certificate that is trusted, and one that is not."""

import gc
from pathlib import Path

import pytest

from edge_broker import free_port, mosquitto, until
from edge_certificates import write_certificate
from zodra_edge.link import LinkState
from zodra_edge.settings import Cloud

from .test_uplink import edge, settings


async def test_a_certificate_that_is_trusted_carries_the_conversation(
    tmp_path: Path, data_dir: Path, gateway_id: str
) -> None:
    port = free_port()
    trusted = write_certificate(tmp_path, "broker")
    wanted = settings(port, gateway_id, data_dir)
    cloud = Cloud(host="127.0.0.1", port=port, tls=True, ca_file=trusted)
    with mosquitto(tmp_path, port, certificate=trusted):
        async with edge(wanted.model_copy(update={"cloud": cloud})) as made:
            await until(lambda: made.uplink.status.state is LinkState.ONLINE)


# paho leaves the socket of a failed handshake to the collector, here and in the product.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_certificate_that_is_not_trusted_is_named_as_the_reason(
    tmp_path: Path, data_dir: Path, gateway_id: str
) -> None:
    port = free_port()
    other = write_certificate(tmp_path, "other")
    wanted = settings(port, gateway_id, data_dir)
    cloud = Cloud(host="127.0.0.1", port=port, tls=True, ca_file=other)
    with mosquitto(tmp_path, port, certificate=write_certificate(tmp_path, "broker")):
        async with edge(wanted.model_copy(update={"cloud": cloud})) as made:
            await until(lambda: made.uplink.status.reason == "certificate_not_trusted")
            assert made.uplink.status.state is not LinkState.ONLINE
    gc.collect()
