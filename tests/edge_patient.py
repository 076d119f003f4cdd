"""A gateway to examine: its settings, its outbox, and an agent that says how it is."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge_broker import PASSWORD, USER
from zodra_contract.signal import NeedSignal, SignalKind, TimeNote, TimeQuality
from zodra_edge.clock import boot_id, monotonic_s, wall
from zodra_edge.doctor import Finding, examine
from zodra_edge.outbox import LightRow, Outbox
from zodra_edge.settings import OutboxLimits
from zodra_edge.status import CloudPart, LanePart, Status, write

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


ADDRESS = "A4:C1:38:00:00:01"


@dataclass
class Patient:
    """A gateway's folder, written as a test wants it."""

    folder: Path
    gateway_id: str
    port: int
    cloud: str = ""
    rest: str = ""
    host: str = "127.0.0.1"

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    def write(self) -> Path:
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o600)
        self.data_dir.mkdir(exist_ok=True)
        config = self.folder / "gateway.toml"
        config.write_text(
            f'gateway_id = "{self.gateway_id}"\nhousehold_id = "hh-1"\ndata_dir = "data"\n'
            f'[cloud]\nhost = "{self.host}"\nport = {self.port}\nusername = "{USER}"\n'
            f'password_file = "password"\n{self.cloud}\n{self.rest}\n'
        )
        return config

    async def examine(self, listen_s: float = 0.3, limit_s: float = 20) -> dict[str, Finding]:
        findings = await examine(self.write(), listen_s=listen_s, limit_s=limit_s)
        names = [finding.name for finding in findings]
        assert len(names) == len(set(names))
        return {finding.name: finding for finding in findings}


async def fill(data_dir: Path) -> None:
    signal = NeedSignal(
        signal_id="p_1",
        device_id="btn-kitchen",
        slot_key="button-1",
        kind=SignalKind.PRESS,
        occurred_at=AT,
        time=TimeNote(boot_id="b", monotonic_ms=1, quality=TimeQuality.SYNCED, error_ms=1),
        authenticated=True,
    )
    async with Outbox(data_dir, OutboxLimits()) as outbox:
        await outbox.keep(signal, [], LightRow("btn-kitchen", "button-1", "p_1", "kept", "", 0), AT)


def running(data_dir: Path, **changed: Any) -> Status:
    lane = LanePart(buffer_id="b", depth=0, oldest_age_s=0, dropped=0, quarantined=0)
    values: dict[str, Any] = {
        "gateway_id": "gw",
        "household_id": "hh-1",
        "pid": 1,
        "boot_id": boot_id(),
        "written_at": wall(),
        "written_monotonic_s": monotonic_s(),
        "started_at": wall(),
        "uptime_s": 60,
        "restarts": 0,
        "rss_bytes": 1,
        "clock_quality": TimeQuality.SYNCED,
        "clock_error_ms": 40,
        "cloud": CloudPart(host="h", port=1, state="online", since=wall()),
        "need": lane,
        "telemetry": lane,
        **changed,
    }
    status = Status(**values)
    write(data_dir, status)
    return status
