"""A gateway's folder, its cloud, and what its lights are told."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import pytest

from edge_broker import Cloud, client_of, cloud
from edge_gateway import Gateway, free_udp_port
from zodra_contract.topics import Address


@pytest.fixture
def gateway(broker_port: int, gateway_id: str, tmp_path: Path) -> Gateway:
    made = Gateway(gateway_id, tmp_path, broker_port, free_udp_port())
    made.write_settings()
    return made


@pytest.fixture
async def their_cloud(gateway: Gateway) -> AsyncIterator[Cloud]:
    async with cloud(gateway.broker_port, Address("hh-1", gateway.gateway_id)) as served:
        yield served


@pytest.fixture
async def lights(gateway: Gateway) -> AsyncIterator[list[dict[str, str]]]:
    """What the home's lights are told, as it comes."""
    seen: list[dict[str, str]] = []

    async def listen(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            assert not message.retain
            seen.append(json.loads(message.payload))

    async with client_of(gateway.broker_port) as client:
        await client.subscribe(f"zodra/{gateway.gateway_id}/light/#", qos=1)
        task = asyncio.create_task(listen(client))
        yield seen
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
