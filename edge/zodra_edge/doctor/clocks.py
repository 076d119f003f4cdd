"""Compares the wall clock with whoever knows better."""

import asyncio
from typing import Final

from zodra_contract.signal import TimeQuality
from zodra_edge.clock import kernel_error_ms, read_floor, wall
from zodra_edge.doctor import judge, sntp
from zodra_edge.doctor.finding import Finding
from zodra_edge.errors import LinkFault
from zodra_edge.settings import Settings
from zodra_edge.status import look

SNTP_S_MAX: Final = 3.0


async def compare(settings: Settings) -> list[Finding]:
    """Ask in turn: a time server if one is set, the running agent, the kernel."""
    floor = read_floor(settings.data_dir / "time-floor")
    offset_ms, source, error_ms = await _best_word(settings)
    return [judge.clock(wall(), floor, offset_ms, source, error_ms)]


async def _best_word(settings: Settings) -> tuple[float | None, str, float]:
    asked = ""
    if settings.network_time is not None:
        host, port = settings.network_time.host, settings.network_time.port
        try:
            async with asyncio.timeout(SNTP_S_MAX):
                ahead_ms, half_ms = await sntp.offset_ms(host, port)
            return ahead_ms, f"{host} (SNTP)", half_ms
        except (LinkFault, TimeoutError):
            asked = f"{host} does not answer, and "
    seen = look(settings.data_dir)
    if seen.running and seen.status and seen.status.clock_quality is TimeQuality.SYNCED:
        # The agent learnt it from the cloud's receipts, or the kernel; it tells the bound, not the
        # difference.
        return 0.0, "what the running agent knows of the cloud's time", seen.status.clock_error_ms
    kernel_ms = kernel_error_ms()
    if kernel_ms is not None:
        return 0.0, "network time, says the kernel", kernel_ms
    return None, f"{asked}nothing on this machine follows network time", 0.0
