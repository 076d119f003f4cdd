"""The plug-in's order events: signed, sent from the real shop, taken in by the real route."""

import base64
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from merchants import peers
from merchants.peers import OscarProcess, Peer
from merchants.test_contract import ordered, place, quoted
from shop_process import free_port
from zodra_cloud.kit.clock import SystemClock
from zodra_cloud.merchants.port import ShopOrder, ShopOrderState
from zodra_cloud.merchants.routes import router

SECRET = "whsec_" + base64.b64encode(b"o" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"x" * 32).decode()


class Receiver:
    """Our own route, served; remembers what it took in."""

    def __init__(self, secrets: list[str]) -> None:
        self.told: list[ShopOrder] = []
        self.event_ids: list[str] = []
        app = FastAPI()
        app.include_router(router(SystemClock(), secrets, self._hear))
        self.port = free_port()
        self._server = uvicorn.Server(
            uvicorn.Config(app, host="127.0.0.1", port=self.port, log_level="error")
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()

    def _hear(self, told: ShopOrder, event_id: str, _now: datetime) -> bool:
        self.told.append(told)
        self.event_ids.append(event_id)
        return True

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with closing(Receiver([SECRET])) as served:
        yield served


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[OscarProcess]:
    folder: Path = tmp_path_factory.mktemp("oscar-events")
    url = f"http://127.0.0.1:{receiver.port}/merchants/ucp/events"
    with OscarProcess(folder, OSCAR_EVENTS_URL=url, OSCAR_EVENTS_SECRET=SECRET) as started:
        yield started


@pytest.fixture(scope="module")
def peer(shop: OscarProcess) -> Iterator[Peer]:
    with peers.oscar(shop, plugin=True) as behind_proxy:
        yield behind_proxy


def test_an_order_is_told_from_placed_to_cancelled_and_the_telling_is_what_a_search_says(
    shop: OscarProcess, peer: Peer, receiver: Receiver
) -> None:
    connector = peer.connect(20.0)
    order = ordered(place(connector, quoted(connector, peer, "o_told"), "o_told"))
    assert ordered(connector.cancel(order.order_id)).state is ShopOrderState.CANCELLED
    # Sent by a shop with the wrong secret, an event is refused, and refused for good.
    shop.environment["OSCAR_EVENTS_SECRET"] = OTHER
    shop.sql("UPDATE zodra_oscar_event SET due_at = NULL WHERE revision > 1")
    shop.manage("zodra_events", "--once")
    assert receiver.told == []
    # Again with the right one, the later event first.
    shop.environment["OSCAR_EVENTS_SECRET"] = SECRET
    shop.sql("UPDATE zodra_oscar_event SET due_at = datetime('2020-01-01', -revision || ' days')")
    shop.manage("zodra_events", "--once")
    assert [(each.order_id, each.reference) for each in receiver.told] == [
        (order.order_id, "o_told")
    ] * 2
    states = [each.state for each in receiver.told]
    assert states[0] is ShopOrderState.CANCELLED
    assert set(states) == {ShopOrderState.PLACED, ShopOrderState.CANCELLED}
    assert {each.total for each in receiver.told} == {order.total}
    assert len(set(receiver.event_ids)) == 2
    # What a search says has the same revision, so whichever comes last changes nothing.
    found = ordered(connector.find("o_told"))
    assert found.revision == max(each.revision for each in receiver.told)
    assert shop.sql("SELECT count(*) FROM zodra_oscar_event WHERE due_at IS NOT NULL") == [(0,)]
    connector.close()
