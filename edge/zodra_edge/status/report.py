"""What there is to say about a running gateway, and which of it is a problem. Pure."""

from enum import StrEnum
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from zodra_contract.signal import TimeQuality

NEED_AGE_S_MAX: Final = 60.0
"""A need-moment should be at the cloud within a second; after a minute somebody should know."""
ADVERT_AGE_S_MAX: Final = 120.0
"""Promise 7: a deaf radio is noticed within this."""
UNANSWERED_MAX: Final = 3
"""In a row. No broker of MQTT 3.1.1 says that it dropped a message; its silence is all there is."""
REPLAYS_MIN: Final = 3
"""In a row: a press is sent several times, and one frame that was late is nothing."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class CloudPart(_Value):
    """The conversation with the cloud."""

    host: str
    port: int
    state: str
    """A `LinkState`."""
    since: AwareDatetime
    reason: str = ""
    refusing: str = ""
    failures: int = 0
    last_receipt_at: AwareDatetime | None = None
    unanswered: int = 0
    pace_s: float = 0.0
    """What the cloud asks for between two batches of readings."""


class LanePart(_Value):
    """One lane of the outbox."""

    buffer_id: str
    depth: int
    oldest_age_s: float
    """0 if it is empty."""
    dropped: int
    quarantined: int
    expired: int = 0
    """Readings that grew too old."""
    trouble: str = ""
    """Why the newest writing failed: full, read_only or io_error; empty if it did not."""


class StoragePart(_Value):
    """Where the lanes are kept."""

    state: str = "ok"
    """The worst that is true: io_error, read_only, full, low, salvaged or ok."""
    disk: str = "ok"
    """How full the file system is: ok, filling (70 %), low (85 %) or critical (95 %)."""
    used_percent: float = 0.0
    free_bytes: int = 0
    reserve: bool = True
    """Whether the reserve is in place; without it no reading is kept."""
    aside: tuple[str, ...] = ()
    """Damaged files in the data folder that wait for a person."""
    salvages: tuple[str, ...] = ()
    """What was wrong with those found since the start, and what was saved of them."""


class HomePart(_Value):
    """The home's broker."""

    connected: bool
    reason: str
    messages: int
    strangers: int = 0
    """Topics on which devices speak that the settings do not name."""


class RadioPart(_Value):
    """One adapter."""

    name: str
    scanning: bool
    adverts_per_min: float
    last_advert_age_s: float | None
    strangers: int = 0
    """Advertisers heard within the last minute that are none of the home's devices."""
    stage: str = ""
    """Where it stands on the recovery ladder: docs/radio.md."""
    mode: str = ""
    """`active` or `passive`."""
    mode_reason: str = ""
    alarmed: bool = False
    """It is deaf, and nothing that was tried has helped."""
    certain: bool = False
    """Of an alarm: a quiet home cannot be the reason."""
    fault: str = ""
    """Why the last step failed; empty while it hears."""
    canary_lost: bool = False
    """The expected beacon is not heard, while others are."""
    rungs: dict[str, int] = {}
    """What the ladder did since the start: each step, `alarm` and `recovered`."""
    connections: int = 0
    connections_max: int = 0
    connections_waiting: int = 0
    """Devices that wait for their turn."""


class MemoryPart(_Value):
    """What the agent may hold."""

    budget_bytes: int = 0
    short: bool = False
    """Whether it holds more, and refuses readings until it does not."""


class LightPart(_Value):
    """What one slot's light shows."""

    slot_key: str
    state: str
    reason: str
    at: AwareDatetime
    signal_id: str


class DevicePart(_Value):
    """One device."""

    device_id: str
    family: str
    last_heard_at: AwareDatetime | None = None
    last_heard_age_s: float | None = None
    battery_percent: float | None = None
    rssi_dbm: int | None = None
    adapter: str | None = None
    """The only one that takes it, if the settings say so."""
    heard_by_dbm: dict[str, int] = Field(default_factory=dict)
    """How strongly each adapter last heard it, where there are several."""
    online: bool | None = None
    """What an availability message said, if the device has such."""
    connected: bool | None = None
    """For a device one connects to."""
    practice: bool = False
    """Nothing of it is kept or sent."""
    counter_unknown: bool = False
    """Its counter was lost with a damaged file, so its presses only ask."""
    refused_as_replay: int = 0
    """Frames whose counter is below one accepted before, since it was last heard well."""
    lights: tuple[LightPart, ...] = ()


class RunningPart(_Value):
    """One supervised part of the agent."""

    name: str
    restarts: int = 0
    fault: str = ""
    """Why it is not running now; empty while it runs."""


class FramesPart(_Value):
    """The queue between the transports and the consumer."""

    used: int = 0
    waiting: int = 0
    stayed_home: int = 0
    """Readings that were used and kept in."""
    repeats: dict[str, int] = {}


class UnreadPart(_Value):
    """Frames of one source that nothing could be made of; the last of them."""

    where: str
    """A topic of the home's broker, or a Bluetooth address."""
    reason: str
    detail: str
    raw: str
    """Its begin: text as it is, other bytes in hexadecimal."""
    raw_bytes: int
    """How long it was."""
    count: int
    last_at: AwareDatetime


class Status(_Value):
    """Everything."""

    version: int = 1
    gateway_id: str
    household_id: str
    pid: int
    boot_id: str
    written_at: AwareDatetime
    written_monotonic_s: float
    started_at: AwareDatetime
    uptime_s: float
    restarts: int
    """Of the agent on this data folder."""
    rss_bytes: int
    clock_quality: TimeQuality
    clock_error_ms: int
    cloud: CloudPart
    need: LanePart
    telemetry: LanePart
    storage: StoragePart = StoragePart()
    memory: MemoryPart = MemoryPart()
    home_mqtt: HomePart | None = None
    radio: tuple[RadioPart, ...] = ()
    devices: tuple[DevicePart, ...] = ()
    parts: tuple[RunningPart, ...] = ()
    frames: FramesPart = FramesPart()
    buying_paused_since: AwareDatetime | None = None
    """While buying is paused, each need only asks."""
    refusals: dict[str, int] = {}
    """By reason, since the start."""
    not_understood: tuple[UnreadPart, ...] = ()
    """The latest first."""


class Problem(StrEnum):
    """What makes a gateway degraded, the worst first."""

    STORAGE_BROKEN = "the disk cannot be read or written; presses cannot be kept"
    STORAGE_READ_ONLY = "the disk is read-only; presses cannot be kept"
    STORAGE_FULL = "the disk is full; no readings are kept, and presses only while there is room"
    STORAGE_LOW = "the disk is nearly full"
    SALVAGED = "a damaged file was set aside; what was whole in it has been saved"
    MEMORY = "the agent needs more memory than it may have; readings are refused, presses are kept"
    CLOUD_REFUSES = "the cloud refuses what this gateway sends"
    UNANSWERED = (
        "no receipt comes for what is sent: the cloud is down, or its broker drops what is not "
        "this account's topic"
    )
    CREDENTIAL = "the cloud's broker refuses this gateway's credential"
    OFFLINE = "the cloud cannot be reached; needs are kept here until it can"
    NEED_WAITS = "a need-moment has waited for the cloud for more than a minute"
    HOME_MQTT = "the home's broker cannot be reached"
    NOT_SCANNING = "the Bluetooth adapter does not scan"
    DEAF = "the Bluetooth adapter has heard nothing for two minutes"
    CANARY = "the beacon that is expected is not heard, while others are: see to its battery"
    COUNTER_UNKNOWN = (
        "a device's counter was lost: its presses only ask, until it is learned anew "
        "(zodra-edge device relearn)"
    )
    REPLAYS = (
        "a device's frames are refused as recordings of old ones: if its battery was changed, "
        "zodra-edge device relearn"
    )
    QUARANTINE = "rows were set aside that the cloud will not take"
    CLOCK = "the time is not trusted yet"


def problems(status: Status) -> tuple[Problem, ...]:
    """Name everything that is wrong, the worst first."""
    online = status.cloud.state == "online"
    denied = status.cloud.state == "refused"
    deaf = any(
        radio.alarmed or (radio.last_advert_age_s or status.uptime_s) > ADVERT_AGE_S_MAX
        for radio in status.radio
    )
    found = {
        Problem.STORAGE_BROKEN: status.storage.state == "io_error",
        Problem.STORAGE_READ_ONLY: status.storage.state == "read_only",
        Problem.STORAGE_FULL: status.storage.state == "full",
        Problem.STORAGE_LOW: status.storage.disk == "critical",
        Problem.SALVAGED: bool(status.storage.aside),
        Problem.MEMORY: status.memory.short,
        Problem.CLOUD_REFUSES: online and bool(status.cloud.refusing),
        Problem.UNANSWERED: online and status.cloud.unanswered >= UNANSWERED_MAX,
        Problem.CREDENTIAL: denied or status.cloud.reason == "not_authorised",
        Problem.OFFLINE: not online and not denied and status.cloud.reason != "not_authorised",
        Problem.NEED_WAITS: status.need.oldest_age_s > NEED_AGE_S_MAX,
        Problem.HOME_MQTT: status.home_mqtt is not None and not status.home_mqtt.connected,
        Problem.NOT_SCANNING: any(not radio.scanning for radio in status.radio),
        Problem.DEAF: deaf,
        Problem.CANARY: any(radio.canary_lost for radio in status.radio),
        Problem.COUNTER_UNKNOWN: any(device.counter_unknown for device in status.devices),
        Problem.REPLAYS: any(device.refused_as_replay >= REPLAYS_MIN for device in status.devices),
        Problem.QUARANTINE: status.need.quarantined + status.telemetry.quarantined > 0,
        Problem.CLOCK: status.clock_quality is not TimeQuality.SYNCED,
    }
    return tuple(problem for problem, present in found.items() if present)
