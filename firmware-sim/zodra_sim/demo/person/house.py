"""The simulated home, as its page's own JSON interface shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx2

TIMEOUT_S: Final = 5.0


class HomeAway(Exception):
    """The simulated home did not answer, or not as expected; asking again may help."""


@dataclass(frozen=True, slots=True)
class Light:
    """The last word on one need, as the device's light shows it."""

    device_id: str
    slot_key: str
    signal_id: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that was done to a device: the ground truth."""

    number: int
    at: datetime
    device_id: str
    what: str
    detail: Mapping[str, Any]


class House:
    """Presses, wears and warms the devices of the simulated home."""

    def __init__(self, base_url: str, token_file: Path) -> None:
        token = token_file.read_text(encoding="utf-8").strip()
        self._client = httpx2.AsyncClient(
            base_url=base_url,
            timeout=TIMEOUT_S,
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def link(self) -> str:
        """Make a one-time link to the home's page."""
        return str((await self._ask("POST", "/api/sign-in-links"))["url"])

    async def press(self, device_id: str) -> None:
        """Press the button once."""
        await self._ask("POST", f"/api/devices/{device_id}/press")

    async def wear(self, device_id: str, seconds: float) -> None:
        """Wear the strap for some time."""
        await self._ask("POST", f"/api/devices/{device_id}/wear", {"seconds": seconds})

    async def heat(self, device_id: str, seconds: float) -> None:
        """Let the thermostat heat for some time."""
        await self._ask("POST", f"/api/devices/{device_id}/heat", {"seconds": seconds})

    async def change_diapers(self, device_id: str, count: int) -> None:
        """Change this many diapers."""
        await self._ask("POST", f"/api/devices/{device_id}/change-diaper", {"count": count})

    async def refill(self, device_id: str, units: int) -> None:
        """Put a new pack of diapers in."""
        await self._ask("POST", f"/api/devices/{device_id}/refill", {"units": units})

    async def diapers_left(self, device_id: str) -> int:
        """Tell what the baby monitor's stock is."""
        return int((await self._device(device_id))["facts"]["remaining_units"])

    async def state(self) -> Mapping[str, Any]:
        """Read the whole state of the home."""
        return await self._ask("GET", "/api/state")

    async def pressed(self, device_id: str) -> int:
        """Tell how often a button was ever pressed."""
        return int((await self._device(device_id)).get("pressed") or 0)

    async def lights(self) -> tuple[Light, ...]:
        """Read what every light shows, the newest first."""
        return tuple(
            Light(
                device["device_id"],
                light["slot_key"],
                light["signal_id"],
                light["state"],
                light.get("reason") or "",
            )
            for device in (await self.state())["devices"]
            for light in device["lights"]
        )

    async def acts(self) -> tuple[Act, ...]:
        """Read everything that was ever done to the devices, oldest first."""
        rows = (await self._ask("GET", "/api/truth?after=0"))["rows"]
        return tuple(
            Act(
                int(row["n"]),
                datetime.fromisoformat(row["at"]),
                row["device_id"],
                row["what"],
                row["detail"],
            )
            for row in rows
        )

    async def _device(self, device_id: str) -> Mapping[str, Any]:
        for device in (await self.state())["devices"]:
            if device["device_id"] == device_id:
                found: Mapping[str, Any] = device
                return found
        raise HomeAway(f"the home has no device {device_id}")

    async def _ask(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> Mapping[str, Any]:
        try:
            answer = await self._client.request(method, path, json=body)
            answer.raise_for_status()
            parsed: Any = answer.json()
        except (httpx2.HTTPError, ValueError) as fault:
            raise HomeAway(f"{method} {path}: {fault or type(fault).__name__}") from fault
        if not isinstance(parsed, dict):
            raise HomeAway(f"{method} {path} answered no object")
        return parsed
