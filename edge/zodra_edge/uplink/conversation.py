"""The conversation with the cloud: connect, send, hear receipts, and begin again politely.

A row is under way until its receipt, not until the broker's acknowledgement: brokers were seen to
lose what they had acknowledged. Whatever is not receipted in time is sent again.
"""

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Final

import aiomqtt
import structlog

from zodra_contract import topics
from zodra_contract.command import Command
from zodra_contract.envelope import (
    MESSAGE_BYTES_MAX,
    MESSAGE_BYTES_UNPACKED_MAX,
    NEED_ROWS_MAX,
    CommandAnswer,
    Receipt,
    read_command,
    read_outcome,
    read_receipt,
)
from zodra_contract.errors import ContractError
from zodra_contract.outcome import RejectReason
from zodra_contract.signal import TimeQuality
from zodra_edge import link
from zodra_edge.clock import Clock
from zodra_edge.errors import LinkFault, StorageFault
from zodra_edge.link import Lane, LinkEvent, LinkState
from zodra_edge.outbox import NeedRows, Outbox, ReadingRows
from zodra_edge.settings import Cloud, Settings
from zodra_edge.uplink import compose, connection
from zodra_edge.uplink.hooks import Hooks, LinkStatus
from zodra_edge.uplink.window import Window

_UNREADABLE: Final = {RejectReason.MALFORMED, RejectReason.OVERSIZED}
"""Whole-message refusals that one bad row can cause."""
STORAGE_WAIT_S: Final = 1.0
"""Before rows are read again from a disk that would not give them; a press ends the wait."""
LEARN_TIME_S_MAX: Final = 0.5
"""The first health report's receipt comes within a round trip; an old cloud sends none."""

log = structlog.get_logger()

Connect = Callable[[Cloud, str], AbstractAsyncContextManager[aiomqtt.Client]]
"""Settings and gateway id to a connection."""


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
        self._limits = link.SendLimits(
            need_batches_max=settings.uplink.need_batches_max,
            telemetry_batches_max=settings.uplink.telemetry_batches_max,
            receipt_timeout_s=settings.uplink.receipt_timeout_s,
        )
        self._address = topics.Address(settings.household_id, settings.gateway_id)
        self._sender = compose.Sender(settings.gateway_id, clock.boot_id)
        self._packer = compose.Packer()
        self._outbox = outbox
        self._clock = clock
        self._hooks = hooks
        self._connect = connect
        self._windows = {
            Lane.NEED: Window(NEED_ROWS_MAX),
            Lane.TELEMETRY: Window(settings.uplink.telemetry_rows_max),
        }
        self._wake = asyncio.Event()
        self._health_due = asyncio.Event()
        self._told_time = asyncio.Event()
        self._reported_s = self._clock.monotonic_s()
        self._paused_until_s = 0.0
        self._refusals = 0
        self.status = LinkStatus(LinkState.IDLE, clock.now().at)

    def wake(self) -> None:
        """Say that there may be something to send."""
        self._wake.set()

    def report_soon(self) -> None:
        """Say that something changed which the cloud should hear about before the next period."""
        self._health_due.set()

    async def run(self) -> None:
        """Talk to the cloud, and come back after every break."""
        self._step(LinkEvent.START)
        while True:
            fault = await self._one_connection()
            failures = self.status.failures + 1
            wait_s = self._backoff_s(failures)
            log.warning("uplink_lost", reason=fault.reason, retry_s=round(wait_s, 3))
            self._step(
                LinkEvent.DENIED if isinstance(fault, connection.Denied) else LinkEvent.LOST,
                reason=fault.reason,
                failures=failures,
            )
            await asyncio.sleep(wait_s)
            self._step(LinkEvent.RETRY_DUE, reason=fault.reason)

    async def _one_connection(self) -> LinkFault:
        for window in self._windows.values():
            window.start_again()
        try:
            async with self._connect(self._settings.cloud, self._address.gateway_id) as client:
                self._step(LinkEvent.CONNECTED)
                await connection.subscribe(client, self._address)
                self._step(LinkEvent.SUBSCRIBED, failures=0)
                log.info("uplink_connected")
                await self._talk(client)
        except aiomqtt.MqttError as raised:
            return connection.fault(raised)
        except LinkFault as raised:
            return raised
        return LinkFault("lost", "the connection ended")

    async def _talk(self, client: aiomqtt.Client) -> None:
        """Listen, send and report until one of them fails; raise what it failed with."""
        sends: set[asyncio.Task[None]] = set()
        parts = {
            asyncio.create_task(self._listen(client)),
            asyncio.create_task(self._send(client, sends)),
            asyncio.create_task(self._report(client)),
        }
        try:
            # Any end of any part is the end of the connection: listening only ends with it.
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in done:
                part.result()
        finally:
            for task in (*parts, *sends):
                task.cancel()
            await asyncio.gather(*parts, *sends, return_exceptions=True)

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
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
        await client.publish(topics.up(self._address), self._packer.pack(answer)[0], qos=1)

    async def _receipt(self, receipt: Receipt) -> None:
        now = self._clock.now()
        self._note(last_receipt_at=now.at, unanswered=0)
        if receipt.refused is not None:
            await self._refused(receipt.refused, receipt.buffer_id)
            return
        if receipt.buffer_id is None:
            self._clock.hear_cloud(
                receipt.committed_at, self._clock.monotonic_s() - self._reported_s
            )
            self._told_time.set()
            return
        sent_upto = {lane: window.sent_upto for lane, window in self._windows.items()}
        try:
            applied = await self._outbox.apply_receipt(receipt, sent_upto, now.at)
        except StorageFault:
            # The rows stay, are sent again and receipted again; the cloud knows them.
            self._hooks.count("receipt_not_applied")
            return
        if applied is None:
            self._hooks.count("receipt_for_another_buffer")
            return
        for rejection in receipt.rejected:
            self._hooks.count(f"cloud_{rejection.reason}")
        later = [str(row.reason) for row in receipt.rejected if row.reason.retry]
        window = self._windows[applied.lane]
        sent_s = window.receipted(receipt.upto, is_held=bool(later))
        if later:
            window.hold(self._clock.monotonic_s() + self._backoff_s(window.held_tries + 1))
        if sent_s is not None:
            self._clock.hear_cloud(receipt.committed_at, self._clock.monotonic_s() - sent_s)
        self._refusals = 0
        self._note(refusing=later[0] if later else "")
        self._wake.set()

    async def _refused(self, reason: RejectReason, buffer_id: str | None) -> None:
        """Nothing of a message was stored. Every row stays, but one that spoils its batch."""
        self._hooks.count(f"cloud_{reason}")
        for lane, window in self._windows.items():
            if reason in _UNREADABLE and buffer_id == self._outbox.level(lane).buffer_id:
                bad = window.narrow()
                if bad is not None:
                    await self._set_aside(lane, buffer_id, bad, reason)
            window.start_again()
        self._pause(reason)

    async def _set_aside(
        self, lane: Lane, buffer_id: str, sequence: int, reason: RejectReason
    ) -> None:
        now = self._clock.now()
        try:
            await self._outbox.set_aside(lane, buffer_id, sequence, reason, now.at)
        except StorageFault:
            self._hooks.count("storage_unreadable")

    def _pause(self, reason: RejectReason) -> None:
        self._refusals += 1
        self._paused_until_s = self._clock.monotonic_s() + self._backoff_s(self._refusals)
        self._note(refusing=str(reason))
        self._wake.set()

    async def _send(self, client: aiomqtt.Client, sends: set[asyncio.Task[None]]) -> None:
        await self._learn_time()
        while True:
            self._wake.clear()
            for failed in [task for task in sends if task.done()]:
                sends.discard(failed)
                failed.result()
            now_s = self._clock.monotonic_s()
            choice = link.next_batch(
                now_s >= self._paused_until_s,
                self._windows[Lane.NEED].facts(self._outbox.level(Lane.NEED), now_s),
                self._windows[Lane.TELEMETRY].facts(self._outbox.level(Lane.TELEMETRY), now_s),
                self._limits_now(),
            )
            match choice:
                case link.Send(lane, _):
                    try:
                        await self._send_batch(client, lane, sends)
                    except StorageFault:
                        self._hooks.count("storage_unreadable")
                        await self._wait(STORAGE_WAIT_S)
                case link.Resend(lane):
                    self._hooks.count("receipt_overdue")
                    self._note(unanswered=self.status.unanswered + 1)
                    self._windows[lane].start_again()
                case link.Wait(at_most_s):
                    pause_s = self._paused_until_s - now_s
                    if pause_s > 0:
                        await self._wait(pause_s)
                    else:
                        await self._wait_or_retry(at_most_s, now_s)

    async def _learn_time(self) -> None:
        # Needs from before the first time sync wait for it, a moment: without a date that can be
        # believed they would become questions to the household instead of quotes.
        if (
            self._clock.now().quality is TimeQuality.SYNCED
            or self._outbox.level(Lane.NEED).depth == 0
        ):
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEARN_TIME_S_MAX):
                await self._told_time.wait()

    def _limits_now(self) -> link.SendLimits:
        return replace(
            self._limits,
            need_batches_max=self._batches(Lane.NEED, self._limits.need_batches_max),
            telemetry_batches_max=self._batches(Lane.TELEMETRY, self._limits.telemetry_batches_max),
        )

    def _batches(self, lane: Lane, wide: int) -> int:
        return 1 if self._windows[lane].narrowed else wide

    async def _wait_or_retry(self, at_most_s: float | None, now_s: float) -> None:
        """Wait; or send a row again that the cloud wanted later, once all behind it went out."""
        for window in self._windows.values():
            retry_s = window.retry_in_s(now_s)
            if retry_s == 0:
                window.retry()
                return
            if retry_s is not None:
                at_most_s = retry_s if at_most_s is None else min(at_most_s, retry_s)
        await self._wait(at_most_s)

    async def _wait(self, at_most_s: float | None) -> None:
        try:
            async with asyncio.timeout(at_most_s):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _send_batch(
        self, client: aiomqtt.Client, lane: Lane, sends: set[asyncio.Task[None]]
    ) -> None:
        window = self._windows[lane]
        now = self._clock.now()
        # Before the wait: a row that is kept meanwhile is not in the batch, and not passed over.
        newest = self._outbox.level(lane).next_sequence - 1
        batch: NeedRows | ReadingRows | None
        if lane is Lane.NEED:
            batch = await self._outbox.need_batch(window.after, window.rows, now.at)
        else:
            batch = await self._outbox.reading_batch(window.after, window.rows, now.at)
        if batch is None:
            window.after = newest
            return
        payload = self._pack(batch)
        if payload is None:
            self._hooks.count("batch_too_large")
            if len(batch.rows) == 1:
                row = batch.rows[0][0]
                await self._set_aside(lane, batch.buffer_id, row, RejectReason.OVERSIZED)
            window.narrow()
            return
        window.send(batch.rows[0][0], batch.rows[-1][0], len(batch.rows), self._clock.monotonic_s())
        # Not awaited: while the broker answers, the window goes on filling.
        task = asyncio.create_task(
            client.publish(topics.up(self._address), payload, qos=1), name=f"send-{lane}"
        )
        task.add_done_callback(lambda _: self._wake.set())
        sends.add(task)

    def _pack(self, batch: NeedRows | ReadingRows) -> bytes | None:
        now = self._clock.now()
        message = (
            compose.need_batch(self._sender, batch, now)
            if isinstance(batch, NeedRows)
            else compose.telemetry_batch(self._sender, batch, now)
        )
        payload, unpacked = self._packer.pack(message)
        fits = len(payload) <= MESSAGE_BYTES_MAX and unpacked <= MESSAGE_BYTES_UNPACKED_MAX
        return payload if fits else None

    async def _report(self, client: aiomqtt.Client) -> None:
        while True:
            self._health_due.clear()
            payload, _ = self._packer.pack(self._hooks.health())
            self._reported_s = self._clock.monotonic_s()
            await client.publish(topics.up(self._address), payload, qos=1)
            try:
                async with asyncio.timeout(self._settings.uplink.health_period_s):
                    await self._health_due.wait()
            except TimeoutError:
                continue

    def _backoff_s(self, attempt: int) -> float:
        return link.backoff_s(attempt, self._hooks.draw(), self._settings.uplink.backoff_s_max)

    def _step(self, event: LinkEvent, reason: str = "", failures: int | None = None) -> None:
        state = link.advance(self.status.state, event)
        since = self.status.since if state is self.status.state else self._clock.now().at
        failures = self.status.failures if failures is None else failures
        self._note(state=state, since=since, reason=reason, failures=failures)

    def _note(self, **changes: object) -> None:
        before = self.status
        self.status = replace(before, **changes)  # type: ignore[arg-type]
        if replace(self.status, last_receipt_at=before.last_receipt_at) != before:
            self._hooks.changed()
