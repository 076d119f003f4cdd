"""Looks at settings, secrets and the disk under data_dir."""

import os
from pathlib import Path
from typing import Final

from zodra_edge.clock import monotonic_s
from zodra_edge.doctor import judge
from zodra_edge.doctor.aside import aside
from zodra_edge.doctor.finding import Finding, fail
from zodra_edge.service.credentials import secret_files
from zodra_edge.settings import Settings

SYNCS: Final = 5
SYNC_BYTES: Final = 4096
_MOUNTS: Final = Path("/proc/self/mountinfo")


async def secrets(config: Path) -> list[Finding]:
    """Look at who may read the files with secrets."""
    return [judge.secret_files({str(path): _mode(path) for path in secret_files(config)})]


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        return None


async def disk(settings: Settings) -> list[Finding]:
    """Try to write where the agent writes, and see how much room there is."""
    return await aside(lambda: _disk(settings.data_dir))


def _disk(data_dir: Path) -> list[Finding]:
    folder = data_dir if data_dir.exists() else _nearest(data_dir)
    try:
        held = os.statvfs(folder)
        room = judge.space(held.f_bavail * held.f_frsize, held.f_blocks * held.f_frsize)
        read_only = bool(held.f_flag & os.ST_RDONLY)
        times = [] if read_only else _sync_times(folder)
    except OSError as fault:
        return [
            fail(
                "storage",
                f"{folder} cannot be written to: {fault.strerror}",
                f"See who owns it and whether its disk is well: ls -ld {folder}; dmesg | tail",
            )
        ]
    return [judge.storage(_kind(folder), read_only, times), room]


def _nearest(path: Path) -> Path:
    return next(parent for parent in path.resolve().parents if parent.exists())


def _sync_times(folder: Path) -> list[float]:
    trial = folder / f".doctor-{os.getpid()}"
    times = []
    try:
        with trial.open("wb", buffering=0) as file:
            for _ in range(SYNCS):
                began_s = monotonic_s()
                file.write(bytes(SYNC_BYTES))
                os.fsync(file.fileno())
                times.append((monotonic_s() - began_s) * 1000)
    finally:
        trial.unlink(missing_ok=True)
    return times


def _kind(folder: Path) -> str:
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    where = str(folder.resolve())
    best, kind = "", ""
    for line in lines:
        place, _, rest = line.partition(" - ")
        mounted = place.split(" ")[4].replace("\\040", " ")
        inside = where == mounted or where.startswith(mounted.rstrip("/") + "/")
        if inside and len(mounted) >= len(best):
            best, kind = mounted, rest.split(" ")[0]
    return kind
