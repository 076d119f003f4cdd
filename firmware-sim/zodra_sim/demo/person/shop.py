"""The demo's shop, asked over its own interface by whoever runs it."""

from pathlib import Path
from typing import Any, Final

import httpx2

TIMEOUT_S: Final = 5.0


class ShopAway(Exception):
    """The shop did not answer, or not as expected; asking again may help."""


class Shop:
    """Holds and releases the shop's parcels."""

    def __init__(self, base_url: str, api_key_file: Path) -> None:
        key = api_key_file.read_text(encoding="utf-8").strip()
        self._client = httpx2.AsyncClient(
            base_url=base_url,
            timeout=TIMEOUT_S,
            headers={"Authorization": f"Bearer {key}"},
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def hold(self) -> None:
        """Keep every parcel where it is, so that orders stay open."""
        await self._ask("POST", "/faults", {"hold_parcels": True})

    async def let_go(self) -> None:
        """Let the parcels travel."""
        await self._ask("POST", "/faults", {"hold_parcels": False})

    async def _ask(self, method: str, path: str, body: dict[str, object] | None = None) -> Any:
        try:
            answer = await self._client.request(method, path, json=body)
            answer.raise_for_status()
            return answer.json()
        except (httpx2.HTTPError, ValueError) as fault:
            raise ShopAway(f"{method} {path}: {fault or type(fault).__name__}") from fault
