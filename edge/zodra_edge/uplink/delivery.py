"""Brings the rows of both lanes up, and lets go of them on their receipts.

A row is under way until its receipt, not until the broker's acknowledgement: brokers were seen to
lose what they had acknowledged. Whatever is not receipted in time is sent again.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Final

from zodra_contract.envelope import (
    MESSAGE_BYTES_MAX,
    MESSAGE_BYTES_UNPACKED_MAX,
    NEED_ROWS_MAX,
    BatchName,
    Receipt,
)
from zodra_contract.outcome import RejectReason
from zodra_contract.signal import TimeQuality
from zodra_edge import link
from zodra_edge.clock import Clock
from zodra_edge.errors import StorageFault
from zodra_edge.link import Lane
from zodra_edge.outbox import NeedRows, Outbox, ReadingRows
from zodra_edge.settings import Settings
from zodra_edge.uplink import compose
from zodra_edge.uplink.hooks import Hooks
from zodra_edge.uplink.window import Window

_UNREADABLE: Final = {RejectReason.MALFORMED, RejectReason.OVERSIZED}
"""Whole-message refusals that one bad row can cause."""
STORAGE_WAIT_S: Final = 1.0
"""Before rows are read again from a disk that would not give them; a press ends the wait."""
LEARN_TIME_S_MAX: Final = 0.5
"""The first health report's receipt comes within a round trip; an old cloud sends none."""

Publish = Callable[[bytes], Awaitable[None]]
"""Hands one message to the broker and waits for its word."""
Sends = set[asyncio.Task[None]]
"""Messages whose word from the broker is still to come."""


class Delivery:
    """Both lanes on their way, across all connections."""

    def __init__(
        self,
        settings: Settings,
        outbox: Outbox,
        clock: Clock,
        hooks: Hooks,
        note: Callable[..., None],
    ) -> None:
        """Take the parts.

        Args:
            settings: windows, patience and rates.
            outbox: where the rows are.
            clock: dates what is sent.
            hooks: what is counted, and randomness.
            note: changes fields of the `LinkStatus`.
        """
        self._uplink = settings.uplink
        self._limits = link.SendLimits(
            need_batches_max=settings.uplink.need_batches_max,
            telemetry_batches_max=settings.uplink.telemetry_batches_max,
            receipt_timeout_s=settings.uplink.receipt_timeout_s,
        )
        self._sender = compose.Sender(settings.gateway_id, clock.boot_id)
        self._packer = compose.Packer()
        self._outbox = outbox
        self._clock = clock
        self._hooks = hooks
        self._note = note
        self._windows = {
            Lane.NEED: Window(NEED_ROWS_MAX),
            Lane.TELEMETRY: Window(settings.uplink.telemetry_rows_max),
        }
        self._pace = link.Pace()
        self._wake = asyncio.Event()
        self._told_time = asyncio.Event()
        self._paused_until_s = 0.0
        self._refusals = 0
        self._unanswered = 0
        self.turns = 0
        """Times that it looked for what there is to send."""

    def wake(self) -> None:
        """Say that there may be something to send."""
        self._wake.set()

    def told_time(self) -> None:
        """Say that the cloud has told the time."""
        self._told_time.set()

    def went_unanswered(self) -> None:
        """Count a message that the broker took and for which no receipt came in time."""
        self._unanswered += 1
        self._note(unanswered=self._unanswered)

    def reconnect(self) -> None:
        """Begin a connection."""
        for lane, window in self._windows.items():
            window.reconnect(self._outbox.level(lane))

    async def settle(self, receipt: Receipt) -> None:
        """Do what a receipt says."""
        self._unanswered = 0
        self._pace = link.hear_pace(self._pace, receipt.pace_ms)
        self._note(pace_s=self._pace.asked_s)
        if receipt.refused is not None:
            await self._refused(receipt, receipt.refused)
        elif receipt.buffer_id is not None:
            await self._committed(receipt)
        self._wake.set()

    async def _committed(self, receipt: Receipt) -> None:
        sent_upto = {lane: window.sent_upto for lane, window in self._windows.items()}
        try:
            applied = await self._outbox.apply_receipt(receipt, sent_upto, self._clock.now().at)
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

    async def _refused(self, receipt: Receipt, reason: RejectReason) -> None:
        """Nothing of a message was stored. Every row stays, but one that spoils its batch."""
        self._hooks.count(f"cloud_{reason}")
        if reason in _UNREADABLE and receipt.buffer_id is not None and receipt.batch is not None:
            await self._look_for_bad_row(receipt.buffer_id, receipt.batch, reason)
            return
        for window in self._windows.values():
            if reason is RejectReason.OVERSIZED:
                window.narrow(window.rows)
            window.start_again()
        self._refusals += 1
        self._paused_until_s = self._clock.monotonic_s() + self._backoff_s(self._refusals)
        self._note(refusing=str(reason))

    async def _look_for_bad_row(
        self, buffer_id: str, batch: BatchName, reason: RejectReason
    ) -> None:
        """Halve the batch that could not be read, down to the row; that one goes aside.

        Halving goes at once, and only the lane of the batch waits after a row went aside: the
        longer, the more of them did in a row. A cloud that reads nothing any more, by a fault of
        its own, would otherwise have the whole outbox set aside within a minute.
        """
        lane = next((one for one in Lane if self._outbox.level(one).buffer_id == buffer_id), None)
        if lane is None:
            self._hooks.count("receipt_for_another_buffer")
            return
        window = self._windows[lane]
        if not window.refused(batch):
            self._hooks.count("refusal_came_late")
            return
        self._note(refusing=str(reason))
        if batch.rows == 1:
            wait_s = self._backoff_s(window.set_aside_in_a_row)
            window.paused_until_s = self._clock.monotonic_s() + wait_s
            await self._set_aside(lane, buffer_id, batch.first, reason)

    async def _set_aside(
        self, lane: Lane, buffer_id: str, sequence: int, reason: RejectReason
    ) -> None:
        now = self._clock.now()
        try:
            await self._outbox.set_aside(lane, buffer_id, sequence, reason, now.at)
        except StorageFault:
            self._hooks.count("storage_unreadable")

    async def run(self, publish: Publish, sends: Sends) -> None:
        """Send what there is for as long as the connection lasts.

        Args:
            publish: of this connection.
            sends: gets what is under way to the broker; the caller ends it with the connection.
        """
        await self._learn_time()
        while True:
            self.turns += 1
            self._wake.clear()
            for failed in [task for task in sends if task.done()]:
                sends.discard(failed)
                failed.result()
            now_s = self._clock.monotonic_s()
            choice = link.next_batch(
                now_s >= self._paused_until_s, *self._facts(now_s), self._limits_now()
            )
            match choice:
                case link.Send(lane, _):
                    try:
                        await self._send_batch(publish, lane, sends)
                    except StorageFault:
                        self._hooks.count("storage_unreadable")
                        await self._wait(STORAGE_WAIT_S)
                case link.Resend(lane):
                    self._hooks.count("receipt_overdue")
                    self.went_unanswered()
                    self._windows[lane].start_again()
                case link.Wait(at_most_s):
                    pause_s = self._paused_until_s - now_s
                    if pause_s > 0:
                        await self._wait(pause_s)
                    else:
                        await self._wait_or_retry(at_most_s, now_s)

    def _facts(self, now_s: float) -> tuple[link.LaneFacts, link.LaneFacts]:
        need, telemetry = self._windows[Lane.NEED], self._windows[Lane.TELEMETRY]
        pace_wait_s = link.pace_wait_s(self._pace, now_s)
        return (
            need.facts(self._outbox.level(Lane.NEED), now_s),
            telemetry.facts(self._outbox.level(Lane.TELEMETRY), now_s, pace_wait_s),
        )

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
        if not any(window.narrowed for window in self._windows.values()):
            return self._limits
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

    async def _send_batch(self, publish: Publish, lane: Lane, sends: Sends) -> None:
        window = self._windows[lane]
        now, after = self._clock.now(), window.after
        # Before the wait: a row that is kept meanwhile is not in the batch, and not passed over.
        newest = self._outbox.level(lane).next_sequence - 1
        batch: NeedRows | ReadingRows | None
        if lane is Lane.NEED:
            batch = await self._outbox.need_batch(window.after, window.rows, now.at)
        else:
            batch = await self._outbox.reading_batch(window.after, window.rows, now.at)
        if window.after != after:
            return  # a receipt began the lane anew meanwhile: these are no longer the next rows
        if batch is None:
            window.after = newest
            return
        payload = self._pack(batch)
        if payload is None:
            self._hooks.count("batch_too_large")
            if len(batch.rows) == 1:
                row = batch.rows[0][0]
                await self._set_aside(lane, batch.buffer_id, row, RejectReason.OVERSIZED)
            window.narrow(len(batch.rows))
            return
        first, last, now_s = batch.rows[0][0], batch.rows[-1][0], self._clock.monotonic_s()
        if lane is Lane.TELEMETRY:
            waited = len(batch.rows) if first <= window.waited_upto else 0
            self._pace = link.spend(self._pace, waited, self._uplink.drain_rows_per_s_max, now_s)
        window.send(first, last, len(batch.rows), now_s)
        # Not awaited: while the broker answers, the window goes on filling.
        task = asyncio.ensure_future(publish(payload))
        sends.add(task)
        task.add_done_callback(partial(self._handed_over, sends))

    def _handed_over(self, sends: Sends, task: asyncio.Task[None]) -> None:
        """Let go of a message that the broker has; one that failed is for `run` to notice."""
        if task.cancelled() or task.exception() is None:
            sends.discard(task)
        else:
            self._wake.set()

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

    def _backoff_s(self, attempt: int) -> float:
        return link.backoff_s(attempt, self._hooks.draw(), self._uplink.backoff_s_max)
