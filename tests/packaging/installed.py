"""Run by the Python of a machine where the package is installed, with the package's own files.

Reads a published encrypted advertisement, keeps a press as the agent does, and says what it found.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, "/usr/lib/zodra-edge")

from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality
from zodra_edge.decode import BleAdvert, Family, decode
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.decode.result import Decoded
from zodra_edge.heard import Heard
from zodra_edge.outbox import LightRow, Outbox
from zodra_edge.settings import OutboxLimits

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ADDRESS = "54:48:E6:8F:80:A5"
# bthome.io/encryption: 25.06 degrees and 50.55 % under AES-CCM.
KEY = bytes.fromhex("231d39c1d7cc1ab1aee224cd096db932")
FRAME = bytes.fromhex("41a47266c95f730011223378237214")
SERVICE = "0000fcd2-0000-1000-8000-00805f9b34fb"


def decoded() -> dict[str, float]:
    """Read the advertisement."""
    heard = Heard(AT, 1, "boot", TimeQuality.SYNCED, 1)
    profile = DeviceProfile("s-1", Family.SENSOR, "air", address=ADDRESS, bind_key=KEY)
    found = decode(BleAdvert("hci0", ADDRESS, None, -60, {SERVICE: FRAME}, {}, (), heard), profile)
    assert isinstance(found, Decoded), found
    assert found.authenticated
    return {str(reading.kind): round(reading.value, 2) for reading in found.readings}


async def kept(data_dir: Path, name: str | None) -> list[str]:
    """Keep a need, if one is named, and say which wait."""
    data_dir.mkdir(parents=True, exist_ok=True)
    async with Outbox(data_dir, OutboxLimits()) as outbox:
        if name is not None:
            signal = NeedSignal(
                signal_id=name,
                device_id="btn-kitchen",
                slot_key="button-1",
                kind=SignalKind.PRESS,
                occurred_at=AT,
                time=TimeNote(
                    boot_id="boot", monotonic_ms=1, quality=TimeQuality.SYNCED, error_ms=1
                ),
                authenticated=True,
            )
            light = LightRow("btn-kitchen", "button-1", name, "kept", "", 0)
            await outbox.keep(signal, [], light, AT)
        batch = await outbox.need_batch(0, 100, AT)
    return [] if batch is None else [need.signal_id for _, need in batch.rows]


if __name__ == "__main__":
    folder, *names = sys.argv[1:]
    needs = asyncio.run(kept(Path(folder), names[0] if names else None))
    print(json.dumps({"decoded": decoded(), "needs": needs}))
