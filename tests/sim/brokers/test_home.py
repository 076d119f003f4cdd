"""The broker of a home, and gateways that are bound to a household."""

import asyncio
from collections.abc import Iterator

import pytest

from sim.brokers.brokers import KINDS, RunningBroker, cloud, running

SOON_S = 0.4
HOME_USERS = (
    ("gw-1", "home-gateway", None),
    ("baby-nursery", "home-device", None),
    ("z2m", "home-device", ["zigbee2mqtt/#"]),
)
BOUND_USERS = (("gw-1", "gateway", "hh-1"), ("cloud", "cloud", None))


@pytest.fixture(scope="module", params=["amqtt", "mosquitto"])
def home(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningBroker]:
    with running(request.param, tmp_path_factory.mktemp("home"), HOME_USERS) as started:
        yield started


async def test_the_gateway_hears_the_home_and_devices_hear_their_lights(
    home: RunningBroker,
) -> None:
    light = "zodra/gw-1/light/baby-nursery"
    with (
        cloud(home.port, username="gw-1", topics=("zigbee2mqtt/#", "zodra/home/#")) as gateway,
        cloud(home.port, username="baby-nursery", topics=("zodra/+/light/#",)) as baby,
        cloud(home.port, username="z2m", topics=("zodra/+/light/#",)) as zigbee,
    ):
        baby.publish("zodra/home/baby/baby-nursery", b"diaper")
        zigbee.publish("zigbee2mqtt/trv-living", b"heating")
        gateway.wait_for(b"diaper")
        gateway.wait_for(b"heating")
        gateway.publish(light, b"kept")
        assert baby.wait_for(b"kept") == light


async def test_nobody_at_home_speaks_for_another(home: RunningBroker) -> None:
    with (
        cloud(home.port, username="gw-1", topics=("zigbee2mqtt/#", "zodra/home/#")) as gateway,
        cloud(home.port, username="baby-nursery", topics=("zodra/+/light/#",)) as baby,
        cloud(home.port, username="z2m", topics=("zodra/+/light/#",)) as zigbee,
    ):
        baby.publish("zigbee2mqtt/trv-living", b"forged")
        baby.publish("zodra/home/baby/other", b"forged")
        baby.publish("zodra/gw-1/light/baby-nursery", b"forged")
        zigbee.publish("zodra/home/baby/baby-nursery", b"forged")
        gateway.publish("zigbee2mqtt/trv-living/set", b"forged")
        gateway.publish("zodra/gw-2/light/baby-nursery", b"forged")
        zigbee.publish("zigbee2mqtt/trv-living", b"honest")
        gateway.wait_for(b"honest")
        await asyncio.sleep(SOON_S)
        heard = gateway.heard + baby.heard + zigbee.heard
        assert b"forged" not in [payload for _, payload in heard]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_gateway_of_a_household_cannot_name_another(
    kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        running(kind, tmp_path_factory.mktemp("bound"), BOUND_USERS) as broker,
        cloud(broker.port) as ingest,
        cloud(broker.port, username="gw-1", topics=("down/hh-1/gw-1/+",)) as gateway,
    ):
        gateway.publish("up/hh-1/gw-1", b"at home")
        ingest.wait_for(b"at home")
        gateway.publish("up/hh-2/gw-1", b"abroad")
        await asyncio.sleep(SOON_S)
        assert [payload for _, payload in ingest.heard] == [b"at home"]


async def test_what_waited_for_a_gateway_that_was_away_does_not_come_as_retained(
    home: RunningBroker,
) -> None:
    topics = ("zodra/home/#",)
    with cloud(home.port, username="gw-1", topics=topics, client_id="gw") as before:
        before.leave(politely=True)
    with cloud(home.port, username="baby-nursery", topics=("zodra/+/light/#",)) as baby:
        baby.publish("zodra/home/baby/baby-nursery", b"while away")
    with cloud(home.port, username="gw-1", topics=topics, client_id="gw") as after:
        after.wait_for(b"while away")
        assert after.retained == []
