"""The conversation with the cloud: connect, send, listen, and begin again politely."""

import asyncio
import math
from collections.abc import Callable, Collection, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from typing import Any, Final

import aiomqtt
import structlog

from zodra_contract import topics
from zodra_contract.command import Command
from zodra_contract.envelope import (
    MESSAGE_BYTES_MAX,
    CommandAnswer,
    Receipt,
    read_command,
    read_outcome,
    read_receipt,
)
from zodra_contract.errors import ContractError
from zodra_edge import link
from zodra_edge.clock import Clock
from zodra_edge.errors import LinkFault
from zodra_edge.link import LinkEvent, LinkState
from zodra_edge.outbox import Outbox
from zodra_edge.settings import Cloud, Settings
from zodra_edge.uplink import compose, connection
from zodra_edge.uplink.delivery import Delivery, Sends
from zodra_edge.uplink.hooks import Hooks, LinkStatus

log = structlog.get_logger()

_NO_NEWS: Final = {"last_receipt_at", "pace_s"}
"""Of the status: a receipt, and a pace that follows the length of a queue, are news to nobody."""

Connect = Callable[[Cloud, str, int], AbstractAsyncContextManager[aiomqtt.Client]]
"""Settings, gateway id and keepalive in seconds to a connection."""


class Uplink:
    """Carries the outbox to the cloud. `run` goes on until it is cancelled."""

    def __init__(
        self,
        settings: Settings,
        outbox: Outbox,
        clock: Clock,
        hooks: Hooks,
        connect: Connect = connection.client,
    ) -> None:
        """Take the parts; nothing happens before `run`."""
        self._settings = settings
        self._address = topics.Address(settings.household_id, settings.gateway_id)
        self._topic = topics.up(self._address)
        self._sender = compose.Sender(settings.gateway_id, clock.boot_id)
        self._packer = compose.Packer()
        self._clock = clock
        self._hooks = hooks
        self._connect = connect
        self._delivery = Delivery(settings, outbox, clock, hooks, self._note)
        self._health_due = asyncio.Event()
        self._reported_s = self._clock.monotonic_s()
        self._answered_s = self._reported_s
        self._heard_s = self._reported_s
        self._online_s = math.inf
        self.status = LinkStatus(LinkState.IDLE, clock.now().at)

    def wake(self) -> None:
        """Say that there may be something to send."""
        self._delivery.wake()

    @property
    def turns(self) -> int:
        """Count how often it looked for what there is to send."""
        return self._delivery.turns

    def report_soon(self) -> None:
        """Say that something changed which the cloud should hear about before the next period."""
        self._health_due.set()

    async def run(self) -> None:
        """Talk to the cloud, and come back after every break."""
        self._step(LinkEvent.START)
        while True:
            fault = await self._one_connection()
            failures = self.status.failures + 1
            is_denied = isinstance(fault, connection.Denied)
            wait_s = self._wait_s(failures, is_denied=is_denied)
            log.warning("uplink_lost", reason=fault.reason, retry_s=round(wait_s, 3))
            self._step(
                LinkEvent.DENIED if is_denied else LinkEvent.LOST,
                reason=fault.reason,
                failures=failures,
            )
            await asyncio.sleep(wait_s)
            self._step(LinkEvent.RETRY_DUE, reason=fault.reason)

    async def _one_connection(self) -> LinkFault:
        self._delivery.reconnect()
        cloud, keepalive_s = self._settings.cloud, self._settings.uplink.keepalive_s
        try:
            async with self._connect(cloud, self._address.gateway_id, keepalive_s) as client:
                self._step(LinkEvent.CONNECTED)
                # Listening ends with the connection. Nothing else does by itself: aiomqtt goes on
                # waiting for an answer, ten seconds, over a connection that is gone.
                await _until_one_ends(self._listen(client), self._talk(client))
        except aiomqtt.MqttError as raised:
            return connection.fault(raised)
        except LinkFault as raised:
            return raised
        return LinkFault("lost", "the connection ended")

    async def _talk(self, client: aiomqtt.Client) -> None:
        """Subscribe; then send, report and watch until one of them fails."""
        await connection.subscribe(client, self._address)
        self._heard_s = self._clock.monotonic_s()
        self._online_s = self._heard_s
        self._step(LinkEvent.SUBSCRIBED, failures=0)
        log.info("uplink_connected")
        sends: Sends = set()
        try:
            await _until_one_ends(
                self._delivery.run(partial(self._publish, client), sends),
                self._report(client),
                self._watch(client),
            )
        finally:
            await _end(sends)

    async def _publish(self, client: aiomqtt.Client, payload: bytes) -> None:
        await connection.publish(client, self._topic, payload)
        self._heard_s = self._clock.monotonic_s()

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            self._heard_s = self._clock.monotonic_s()
            payload = message.payload
            if not isinstance(payload, bytes) or len(payload) > MESSAGE_BYTES_MAX:
                self._hooks.count("down_oversized")
                continue
            try:
                _, what = topics.parse_down(str(message.topic))
                await self._heard(client, what, payload)
            except ContractError:
                self._hooks.count("down_malformed")

    async def _heard(self, client: aiomqtt.Client, what: topics.Down, payload: bytes) -> None:
        match what:
            case topics.Down.RECEIPT:
                await self._receipt(read_receipt(payload))
            case topics.Down.OUTCOME:
                await self._hooks.outcome(read_outcome(payload))
            case topics.Down.COMMAND:
                await self._answer(client, read_command(payload))

    async def _answer(self, client: aiomqtt.Client, command: Command) -> None:
        now = self._clock.now()
        answer = CommandAnswer(
            gateway_id=self._sender.gateway_id,
            boot_id=self._sender.boot_id,
            sent_at=now.at,
            command_id=command.command_id,
            outcome=self._hooks.command(command),
        )
        await self._publish(client, self._packer.pack(answer)[0])

    async def _receipt(self, receipt: Receipt) -> None:
        self._answered_s = self._clock.monotonic_s()
        self._note(last_receipt_at=self._clock.now().at, unanswered=0)
        if receipt.refused is None and receipt.buffer_id is None:
            waited_s = self._clock.monotonic_s() - self._reported_s
            self._clock.hear_cloud(receipt.committed_at, waited_s)
            self._delivery.told_time()
        await self._delivery.settle(receipt)

    async def _watch(self, client: aiomqtt.Client) -> None:
        """Notice a line that died without a word: nothing comes, and nobody says that it broke."""
        keepalive_s = self._settings.uplink.keepalive_s
        while True:
            silent_s = self._clock.monotonic_s() - self._heard_s
            if (wait_s := link.ask_in_s(silent_s, keepalive_s)) > 0:
                await asyncio.sleep(wait_s)
                continue
            await connection.ask(client, self._address, keepalive_s * link.ANSWER_KEEPALIVES)
            self._heard_s = self._clock.monotonic_s()

    async def _report(self, client: aiomqtt.Client) -> None:
        while True:
            self._health_due.clear()
            self._look_for_answer()
            payload, _ = self._packer.pack(self._hooks.health())
            self._reported_s = self._clock.monotonic_s()
            await self._publish(client, payload)
            try:
                async with asyncio.timeout(self._settings.uplink.health_period_s):
                    await self._health_due.wait()
            except TimeoutError:
                continue

    def _look_for_answer(self) -> None:
        """Notice a cloud that is not there while there are no rows that could go unanswered."""
        waited_s = self._clock.monotonic_s() - self._reported_s
        is_ours = self._reported_s >= self._online_s
        overdue = waited_s >= self._settings.uplink.receipt_timeout_s
        if is_ours and overdue and self._answered_s < self._reported_s:
            self._delivery.went_unanswered()

    def _wait_s(self, failures: int, *, is_denied: bool) -> float:
        # A credential that is refused is a person's business, and not over in half a minute.
        wait_s = link.backoff_s if is_denied else link.reconnect_s
        return wait_s(failures, self._hooks.draw(), self._settings.uplink.backoff_s_max)

    def _step(self, event: LinkEvent, reason: str = "", failures: int | None = None) -> None:
        state = link.advance(self.status.state, event)
        since = self.status.since if state is self.status.state else self._clock.now().at
        failures = self.status.failures if failures is None else failures
        self._note(state=state, since=since, reason=reason, failures=failures)

    def _note(self, **changes: object) -> None:
        changed = {name for name, value in changes.items() if getattr(self.status, name) != value}
        if not changed:
            return
        self.status = replace(self.status, **changes)  # type: ignore[arg-type]
        if changed - _NO_NEWS:
            self._hooks.changed()


async def _until_one_ends(*parts: Coroutine[Any, Any, None]) -> None:
    """Run parts until one of them ends, end the others, and raise what it failed with."""
    tasks = {asyncio.create_task(part) for part in parts}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await _end(tasks)


async def _end(tasks: Collection[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
