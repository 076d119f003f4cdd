"""Races that were found by reading, each made to happen on purpose."""

import asyncio
import random
from pathlib import Path

from faults import worlds
from faults.simgateway import SimGateway, inline_writer
from faults.simlink import SimLink, Weather
from zodra_contract.envelope import BatchName, Receipt
from zodra_contract.topics import Address
from zodra_edge.link import Lane
from zodra_edge.outbox import Outbox
from zodra_edge.settings import Settings
from zodra_edge.uplink.delivery import Delivery


async def test_a_need_kept_while_the_last_one_leaves_is_not_passed_over(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {
            "gateway_id": "gw-1",
            "household_id": "hh-1",
            "data_dir": tmp_path,
            "cloud": {"host": "cloud", "port": 1883},
        }
    )
    draw = random.Random(1)

    def connect() -> SimLink:
        return SimLink(draw, Weather.fine, Address("hh-1", "gw-1"), lambda *_: None)

    async def lost(_: bytes) -> None:
        """Nothing ever comes back."""

    home = SimGateway(settings, (), draw, connect, lambda: 0.0, lambda _: None)
    writer = inline_writer(draw, lambda: 0.0)
    async with Outbox(tmp_path, settings.outbox, writer) as outbox:
        delivery = Delivery(settings, outbox, home.clock, home._hooks(), lambda **_: None)
        await outbox.keep(worlds.signal("p_1"), [], worlds.light("p_1"), worlds.AT)
        receipt = Receipt(
            buffer_id=outbox.level(Lane.NEED).buffer_id, upto=1, committed_at=worlds.AT
        )
        # All three in one transaction: the row leaves, the batch finds nothing, a row comes.
        await asyncio.gather(
            outbox.apply_receipt(receipt, {Lane.NEED: 1, Lane.TELEMETRY: 0}, worlds.AT),
            delivery._send_batch(lost, Lane.NEED, set()),
            outbox.keep(worlds.signal("p_2"), [], worlds.light("p_2"), worlds.AT),
        )
        level = outbox.level(Lane.NEED)
        assert (level.depth, level.next_sequence) == (1, 3)
        assert delivery._windows[Lane.NEED].facts(level, 0).unsent >= 1


async def test_a_batch_that_is_read_while_its_lane_begins_anew_does_not_pass_over_what_comes_before(
    tmp_path: Path,
) -> None:
    settings = Settings.model_validate(
        {
            "gateway_id": "gw-1",
            "household_id": "hh-1",
            "data_dir": tmp_path,
            "cloud": {"host": "cloud", "port": 1883},
        }
    )
    draw = random.Random(1)
    home = SimGateway(settings, (), draw, _no_link, lambda: 0.0, lambda _: None)
    sent: list[bytes] = []

    async def lost(payload: bytes) -> None:
        sent.append(payload)

    writer = inline_writer(draw, lambda: 0.0)
    async with Outbox(tmp_path, settings.outbox, writer) as outbox:
        delivery = Delivery(settings, outbox, home.clock, home._hooks(), lambda **_: None)
        window = delivery._windows[Lane.NEED]
        for name in ("p_1", "p_2"):
            await outbox.keep(worlds.signal(name), [], worlds.light(name), worlds.AT)
            window.facts(outbox.level(Lane.NEED), 0)
            reading = asyncio.ensure_future(delivery._send_batch(lost, Lane.NEED, set()))
            if name == "p_2":
                await asyncio.sleep(0)
                assert window.refused(BatchName(1, 1)), "the refusal of p_1 comes meanwhile"
            await reading
        await asyncio.sleep(0)
        assert (len(sent), window.after) == (1, 0)
        assert window.facts(outbox.level(Lane.NEED), 0).unsent == 2


def _no_link() -> SimLink:
    raise AssertionError
