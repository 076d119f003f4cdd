"""The only reader of clocks on the gateway, and the judge of how far they can be trusted.

A gateway without a clock chip boots in 1970 or at the time of its last shutdown. Three things are
known all the same: no instant is earlier than the newest one that two sources agreed on (the floor,
kept in a file; `time_floor` decides how it moves), the kernel says whether something disciplines
the clock, and every receipt carries the cloud's time. Comparisons use the monotonic clock, which
counts suspended time where Linux has it.
"""

import ctypes
import math
import re
import secrets
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from zodra_contract.signal import TimeQuality
from zodra_edge.heard import UNKNOWN_ERROR_MS, Heard
from zodra_edge.time_floor import NO_FLOOR, CloudWord, Floor, Move, Told, move

SYNCED_ERROR_MS_MAX: Final = 2_000
"""A cloud's time that agrees within this bound makes the clock trusted."""
DRIFT_PPM: Final = 200
"""Twice what Raspberry Pi boards are specified to, since they are used in the cold and the heat."""
STEP_MS_MIN: Final = 1_000
"""A jump of wall against monotonic clock beyond this makes the cloud's earlier word worthless."""

_BOOT_ID_FILE: Final = Path("/proc/sys/kernel/random/boot_id")
_MONOTONIC: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_TIME_ERROR: Final = 5
_STA_UNSYNC: Final = 0x0040


class _Timex(ctypes.Structure):
    """The head of `struct timex` of adjtimex(2); the rest is only reserved here."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


def kernel_error_ms() -> int | None:
    """Ask the kernel for the bound on the clock's error.

    Returns:
        The bound, or None if nothing disciplines the clock or this is no Linux.
    """
    try:
        answer = _Timex()
        state: int = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(answer))
    except (OSError, AttributeError):
        return None
    if state in (-1, _TIME_ERROR) or answer.status & _STA_UNSYNC:
        return None
    return math.ceil(int(answer.maxerror) / 1000)


def boot_id() -> str:
    """Name this boot of the machine; drawn anew where the kernel does not say."""
    try:
        text = _BOOT_ID_FILE.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        text = ""
    return text if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text) else secrets.token_hex(16)


def monotonic_s() -> float:
    """Read the clock for durations and deadlines of this boot."""
    return time.clock_gettime(_MONOTONIC)


def wall() -> datetime:
    """Read the wall clock as it is, trusted or not."""
    return datetime.now(UTC)


class Clock:
    """Says what time it is, and how surely."""

    def __init__(self, floor_file: Path) -> None:
        """Take the floor from its file; one that cannot be read is no floor."""
        self._floor_file = floor_file
        self.boot_id = boot_id()
        self._floor = Floor(read_floor(floor_file))
        self._started_s = monotonic_s()
        self._step_base_ms = self._wall_minus_monotonic_ms()
        self._cloud: tuple[float, int] | None = None
        self._agrees_since_s: float | None = None
        self._contradicted = False
        self._kernel_error_ms: int | None = None
        self._quality = TimeQuality.UNSYNCED
        self._error_ms = UNKNOWN_ERROR_MS
        self.check()

    def now(self) -> Heard:
        """Read all clocks at once."""
        at = datetime.now(UTC)
        if at < self._floor.at:
            at = self._floor.at + timedelta(seconds=monotonic_s() - self._started_s)
        return Heard(
            at=at,
            monotonic_ms=time.clock_gettime_ns(_MONOTONIC) // 1_000_000,
            boot_id=self.boot_id,
            quality=self._quality,
            error_ms=self._error_ms,
        )

    def monotonic_s(self) -> float:
        """Read the clock for durations and deadlines."""
        return monotonic_s()

    def check(self) -> None:
        """Judge the clock again; call it every few seconds."""
        shift_ms = self._wall_minus_monotonic_ms()
        if abs(shift_ms - self._step_base_ms) > STEP_MS_MIN:
            self._cloud = None
            self._agrees_since_s = None
            self._contradicted = False
        self._step_base_ms = shift_ms
        self._kernel_error_ms = kernel_error_ms()
        held = (self._kernel_error_ms, self._cloud_error_ms())
        bounds = [bound for bound in held if bound is not None]
        below_floor = datetime.now(UTC) < self._floor.at
        self._error_ms = UNKNOWN_ERROR_MS if below_floor else min(bounds, default=UNKNOWN_ERROR_MS)
        trusted = self._error_ms <= SYNCED_ERROR_MS_MAX
        self._quality = TimeQuality.SYNCED if trusted else TimeQuality.UNSYNCED

    def hear_cloud(self, committed_at: datetime, waited_s: float) -> None:
        """Learn from a receipt.

        Args:
            committed_at: the cloud's clock at its commit.
            waited_s: how long ago the message was sent that the receipt answers, so the commit
                happened between then and now.
        """
        early_ms = (committed_at - datetime.now(UTC)).total_seconds() * 1000
        late_ms = early_ms + waited_s * 1000
        bound_ms = math.ceil(max(abs(early_ms), abs(late_ms)))
        self._note_agreement(early_ms, late_ms, bound_ms)
        held_ms = self._cloud_error_ms()
        contradicts = held_ms is not None and (early_ms > held_ms or late_ms < -held_ms)
        if held_ms is None or contradicts or bound_ms <= held_ms:
            self._cloud = (monotonic_s(), bound_ms)
            self.check()

    def save_floor(self) -> Move:
        """Move the floor as far as may be, and say what became of it.

        Raises:
            OSError: the disk refuses; it is moved in memory all the same.
        """
        cloud = CloudWord.NOTHING
        if self._contradicted:
            cloud = CloudWord.CONTRADICTS
        elif _is_close(self._cloud_error_ms()):
            cloud = CloudWord.AGREES
        now_s = monotonic_s()
        since_s = self._agrees_since_s
        told = Told(
            at=datetime.now(UTC) - timedelta(milliseconds=min(self._error_ms, SYNCED_ERROR_MS_MAX)),
            monotonic_s=now_s,
            trusted=self._quality is TimeQuality.SYNCED,
            cloud=cloud,
            kernel=_is_close(self._kernel_error_ms),
            agreed_s=0.0 if since_s is None else now_s - since_s,
        )
        self._floor, moved = move(self._floor, told)
        if moved is Move.FELL:
            self.check()
        if moved in (Move.ROSE, Move.FELL):
            fresh = self._floor_file.with_suffix(".new")
            fresh.write_text(self._floor.at.isoformat(), encoding="ascii")
            fresh.replace(self._floor_file)
        return moved

    def _note_agreement(self, early_ms: float, late_ms: float, bound_ms: int) -> None:
        # A receipt that was long under way says little: it neither agrees nor contradicts.
        self._contradicted = early_ms > SYNCED_ERROR_MS_MAX or late_ms < -SYNCED_ERROR_MS_MAX
        if self._contradicted:
            self._agrees_since_s = None
        elif bound_ms <= SYNCED_ERROR_MS_MAX and self._agrees_since_s is None:
            self._agrees_since_s = monotonic_s()

    def _cloud_error_ms(self) -> int | None:
        if self._cloud is None:
            return None
        heard_s, bound_ms = self._cloud
        return bound_ms + math.ceil((monotonic_s() - heard_s) * DRIFT_PPM / 1000)

    @staticmethod
    def _wall_minus_monotonic_ms() -> float:
        return time.time() * 1000 - monotonic_s() * 1000


def _is_close(error_ms: int | None) -> bool:
    return error_ms is not None and error_ms <= SYNCED_ERROR_MS_MAX


def read_floor(path: Path) -> datetime:
    """Read the newest instant ever trusted here; the earliest there is if there is no such file."""
    try:
        floor = datetime.fromisoformat(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return NO_FLOOR
    return floor if floor.tzinfo is not None else floor.replace(tzinfo=UTC)
