"""Moves orders on, and brings signed order events to the webhook until they are taken."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import httpx2
from standardwebhooks import Webhook

from zodra_sim.clock import Clock
from zodra_sim.logs import logger
from zodra_sim.shop.checkout import Shop
from zodra_sim.shop.documents import FINAL
from zodra_sim.shop.store import Letter

IDLE_S: Final = 0.1
LETTERS_MAX: Final = 256
AT_ONCE_MAX: Final = 8
TIMEOUT_S: Final = 10.0
RETRY_S_MAX: Final = 60.0
GIVE_UP_AFTER: Final = timedelta(hours=1)
FINAL_REFUSALS: Final = frozenset({400, 401, 413})
"""The receiver would say the same again."""


class Courier:
    """The shop's only background work."""

    def __init__(self, shop: Shop, clock: Clock, webhook: Webhook | None) -> None:
        self._shop = shop
        self._clock = clock
        self._webhook = webhook

    async def run(self) -> None:
        """Work until cancelled."""
        # No proxy from the environment: the webhook is on this machine.
        async with httpx2.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
            while True:
                moved = await asyncio.to_thread(self._shop.advance)
                letters = await asyncio.to_thread(self._ready)
                await asyncio.gather(*(self._bring(client, letter) for letter in letters))
                if not moved and not letters:
                    await asyncio.sleep(IDLE_S)

    def _ready(self) -> list[Letter]:
        store = self._shop.store
        faults = store.faults()
        if faults.hold_events or self._webhook is None:
            return []
        letters = store.letters(self._clock.now(), LETTERS_MAX)
        if faults.reverse_events:
            # One at a time, so that the order of arrival is certain.
            letters = [letter for letter in letters if self._has_ended(letter)][-1:]
        if faults.duplicate_events:
            return letters[:1] * 2
        return letters[:AT_ONCE_MAX]

    def _has_ended(self, letter: Letter) -> bool:
        order = self._shop.store.order(letter.order_id)
        return order is not None and order.status in FINAL

    async def _bring(self, client: httpx2.AsyncClient, letter: Letter) -> None:
        answer = await self._post(client, letter)
        again_at = self._again_at(letter, answer)
        logger().info(
            "event_posted",
            event_id=letter.event_id,
            order_id=letter.order_id,
            answer=answer,
            again=again_at is not None,
        )
        await asyncio.to_thread(self._note, letter, answer, again_at)

    async def _post(self, client: httpx2.AsyncClient, letter: Letter) -> str:
        """Post one event; answers the HTTP status, or what went wrong on the way."""
        url = self._shop.settings.webhook_url
        if url is None or self._webhook is None:
            return "no webhook"
        now = self._clock.now()
        headers = {
            "content-type": "application/json",
            "webhook-id": letter.event_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(letter.event_id, now, letter.body),
        }
        try:
            response = await client.post(url, content=letter.body, headers=headers)
        except httpx2.HTTPError as failed:
            return type(failed).__name__
        return str(response.status_code)

    def _again_at(self, letter: Letter, answer: str) -> datetime | None:
        if answer.startswith("2") or answer in {str(status) for status in FINAL_REFUSALS}:
            return None
        now = self._clock.now()
        if now - letter.occurred_at > GIVE_UP_AFTER:
            return None
        first = self._shop.settings.event_retry_s_min
        return now + timedelta(seconds=min(RETRY_S_MAX, first * 2 ** min(letter.attempts, 10)))

    def _note(self, letter: Letter, answer: str, again_at: datetime | None) -> None:
        with self._shop.store.unit():
            self._shop.store.answered(letter.event_id, answer, again_at)
