"""What the figures of a gateway mean: plain values in, a finding out. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from zodra_edge.doctor.finding import Finding, fail, ok, skipped, warn

CLOCK_WARN_MS: Final = 2_000
"""Beyond this a press is not dated with trust; the agent uses the same bound."""
CLOCK_FAIL_MS: Final = 300_000
"""Five minutes: certificates that were just made are then refused, or those that have run out are
taken."""
CERTIFICATE_DAYS_WARN: Final = 21
DISK_WARN_PERCENT: Final = 85.0
DISK_FAIL_PERCENT: Final = 95.0
DISK_FREE_BYTES_WARN: Final = 64 * 1024 * 1024
SYNC_WARN_MS: Final = 250.0
"""A press waits for one sync before its light may say so, and a person for no longer than this."""
PASSIVE_BLUEZ: Final = (5, 63)
"""The first BlueZ with the monitor that passive scanning needs, as bleak's documentation says."""
DAMAGED_STEP: Final = (
    "Restart the agent, which sets the file aside and saves its rows; zodra-edge outbox salvage "
    "shows them before."
)
_TRUST_STEPS: Final = {
    9: "It is not valid yet, so the gateway's clock is behind: timedatectl set-ntp true",
    10: "Have the broker's certificate renewed. If it is valid longer than today, set the "
    "gateway's clock: timedatectl set-ntp true",
    62: "Set cloud.host to a name that the certificate is for.",
    64: "Set cloud.host to a name that the certificate is for, instead of an address.",
}
"""By OpenSSL's number: not yet valid, expired, another host name, another address."""
VOLATILE: Final = frozenset({"tmpfs", "ramfs"})
LAYERED: Final = frozenset({"overlay", "overlayfs", "aufs"})
GROUP_OR_OTHERS: Final = 0o077


def secret_files(modes: Mapping[str, int | None]) -> Finding:
    """Judge who may read the files that hold secrets.

    Args:
        modes: permission bits by path; None where the file could not be looked at.
    """
    name = "secret files"
    open_to_others = sorted(
        path for path, mode in modes.items() if mode is not None and mode & GROUP_OR_OTHERS
    )
    missing = sorted(path for path, mode in modes.items() if mode is None)
    if missing:
        return fail(
            name,
            f"cannot be looked at: {', '.join(missing)}",
            "Put each where the settings name it, for the agent's account alone (mode 0600).",
        )
    if open_to_others:
        shown = ", ".join(f"{path} ({modes[path]:04o})" for path in open_to_others)
        return warn(
            name,
            f"other accounts of this machine may read {shown}",
            f"Close them: chmod 600 {' '.join(open_to_others)}",
        )
    if not modes:
        return ok(name, "the settings name none")
    return ok(name, f"{len(modes)}, for this account only")


def clock(
    now: datetime, floor: datetime, offset_ms: float | None, source: str, error_ms: float
) -> Finding:
    """Judge the wall clock.

    Args:
        now: what it says.
        floor: the newest instant that was ever trusted on this gateway.
        offset_ms: how far it is ahead of network time; None if nobody could be asked.
        source: who was asked.
        error_ms: how surely that is known.
    """
    name = "clock"
    step = "Set the clock and let it be kept: timedatectl set-ntp true"
    if now + timedelta(milliseconds=CLOCK_WARN_MS) < floor:
        return fail(
            name,
            f"says {now:%Y-%m-%d %H:%M} UTC, but it was {floor:%Y-%m-%d %H:%M} here already",
            step,
        )
    if offset_ms is None:
        return skipped(
            name,
            f"says {now:%Y-%m-%d %H:%M} UTC; compared with nothing ({source})",
            "Start the agent, which learns the cloud's time, or set [network_time] host.",
        )
    amount = f"{_ms(abs(offset_ms))} {'ahead of' if offset_ms > 0 else 'behind'} {source}"
    found = f"{amount}, known to within {_ms(error_ms)}"
    if abs(offset_ms) > CLOCK_FAIL_MS:
        return fail(name, found, step)
    if abs(offset_ms) > CLOCK_WARN_MS:
        return warn(name, found, step)
    return ok(name, found)


def _ms(value: float) -> str:
    if value < 10_000:
        return f"{value:.0f} ms"
    return f"{value / 1000:.0f} s" if value < 7_200_000 else f"{value / 3_600_000:.0f} h"


def certificate(ends_at: datetime, whose: str, version: str, now: datetime) -> Finding:
    """Judge the certificate that ends first among those that were checked."""
    days = (ends_at - now).days
    found = f"{version}, trusted; {whose} is valid until {ends_at:%Y-%m-%d}, {days} days left"
    if days < CERTIFICATE_DAYS_WARN:
        return warn(
            "connection", found, "Have it renewed before that day; no gateway connects after it."
        )
    return ok("connection", found)


def trust_step(verify_code: int) -> str:
    """Say what to do about a certificate, by OpenSSL's reason for not trusting it."""
    return _TRUST_STEPS.get(
        verify_code, "Name the certificate of whoever made it in cloud.ca_file, if you trust them."
    )


def settings_step(is_there: bool, fault: str) -> str:
    """Say what to do about settings that cannot be used.

    Args:
        is_there: whether the settings file itself can be read.
        fault: what is wrong, as the settings say it.
    """
    if not is_there:
        return (
            "Write one, or name the right one with --config; docs/reference.md lists every setting."
        )
    if "cannot read" in fault:
        return "Put the file where the settings name it, readable for the agent's account alone."
    return "Correct the file; docs/reference.md lists every setting and what it may be."


def space(free_bytes: int, total_bytes: int) -> Finding:
    """Judge how full the card is."""
    name = "disk space"
    used = 100.0 * (1 - free_bytes / total_bytes) if total_bytes else 100.0
    found = f"{free_bytes / 1e6:,.0f} MB free, {used:.0f} % used"
    step = "Free some space, or move data_dir to a larger disk."
    if used >= DISK_FAIL_PERCENT:
        return fail(name, found, step)
    if used >= DISK_WARN_PERCENT or free_bytes < DISK_FREE_BYTES_WARN:
        return warn(name, found, step)
    return ok(name, found)


def storage(kind: str, read_only: bool, sync_ms: Sequence[float]) -> Finding:
    """Judge whether what is written stays written.

    Args:
        kind: of the file system, as mount(8) calls it; empty if unknown.
        read_only: whether it is mounted so.
        sync_ms: how long each of a few small writes took to be on disk.
    """
    name = "storage"
    if read_only:
        return fail(
            name,
            "data_dir is on a file system that is mounted read-only",
            "Look for disk errors with dmesg, then mount it for writing again.",
        )
    middle = sorted(sync_ms)[len(sync_ms) // 2]
    found = f"writable; a synced write took {middle:.1f} ms, at most {max(sync_ms):.1f} ms"
    if kind in VOLATILE:
        return fail(
            name,
            f"{found}; but {kind} is memory, and forgets all at a restart",
            "Put data_dir on a disk.",
        )
    if kind in LAYERED:
        return warn(
            name,
            f"{found}; on {kind}, which may be thrown away with its container or at a restart",
            "Put data_dir on a volume or partition of its own.",
        )
    if middle > SYNC_WARN_MS:
        return warn(name, found, "The card is slow or worn; use one made for endurance.")
    return ok(name, f"{found} ({kind})" if kind else found)


def bluez(version_text: str, passive: bool) -> Finding:
    """Judge the version of BlueZ against what the scanning mode needs."""
    name = "bluez"
    digits = [word for word in version_text.split() if word[:1].isdigit()]
    try:
        version = tuple(int(part) for part in digits[-1].split(".")[:2])
    except (IndexError, ValueError):
        return skipped(name, f"bluetoothctl said {version_text.strip()!r:.60}")
    if passive and version < PASSIVE_BLUEZ:
        return fail(
            name,
            f"{digits[-1]}, but passive scanning needs 5.63",
            'Set radio.scanning_mode = "active", or upgrade BlueZ.',
        )
    return ok(name, digits[-1])


def hearing(
    adverts: int, listened_s: float, own: Mapping[str, int | None], name: str = "radio"
) -> Finding:
    """Judge what was heard.

    Args:
        adverts: how many advertisements.
        listened_s: in what time.
        own: signal strength in dBm by device of this home; None for those not heard.
        name: of the check.
    """
    if not adverts:
        return warn(
            name,
            f"nothing heard in {listened_s:.1f} s",
            "Press a button beside the gateway while this runs; if still nothing is heard, look "
            "at the antenna and the adapter.",
        )
    heard = [f"{device} at {dbm} dBm" for device, dbm in sorted(own.items()) if dbm is not None]
    words = f"{adverts} advertisements in {listened_s:.1f} s"
    if heard:
        words += f", of this home {', '.join(heard)}"
    return ok(name, words)


def pinned(devices: Iterable[tuple[str, str | None, Mapping[str, int]]]) -> list[Finding]:
    """Judge devices that only one adapter may take.

    Args:
        devices: its name, its adapter, and how strongly each adapter last heard it, in dBm.
    """
    findings = []
    for device_id, adapter, heard in devices:
        others = sorted((dbm, name) for name, dbm in heard.items() if name != adapter)
        if adapter is None or adapter in heard or not others:
            continue
        dbm, name = others[-1]
        findings.append(
            warn(
                f"radio {adapter}",
                f"{device_id} is taken from {adapter} alone, which does not hear it; {name} does, "
                f"at {dbm} dBm",
                f'Move it or the adapter, or set adapter = "{name}" for it in the settings.',
            )
        )
    return findings


def outbox(
    lane: str,
    depth: int,
    buffer_id: str,
    complaints: Sequence[str],
    sampled: int,
    damaged: int,
    finished: bool,
) -> Finding:
    """Judge one lane's file.

    Args:
        lane: which one.
        depth: rows that wait for a receipt.
        buffer_id: of the file.
        complaints: of SQLite about the file's structure.
        sampled: rows whose checksum was compared.
        damaged: how many of them do not match.
        finished: whether SQLite got through in the time there was.
    """
    name = f"outbox {lane}"
    found = f"{depth} rows wait (buffer {buffer_id})"
    if complaints:
        return fail(
            name,
            f"{found}; the file is damaged: {complaints[0]}",
            DAMAGED_STEP,
        )
    if damaged:
        return warn(
            name,
            f"{found}; {damaged} of {sampled} rows looked at were changed on disk",
            "The agent sets them aside when their turn comes; the card may be wearing out.",
        )
    if not finished:
        return warn(
            name,
            f"{found}; {sampled} checksums match, but the structure was not read through in time",
            "Run this again when the gateway is less busy, or with a longer --limit.",
        )
    return ok(name, f"{found}, structure sound, {sampled} checksums match")


def quarantine(depths: Mapping[str, int]) -> Finding:
    """Judge what was set aside."""
    held = {lane: depth for lane, depth in depths.items() if depth}
    if not held:
        return ok("quarantine", "empty")
    told = ", ".join(f"{depth} of {lane}" for lane, depth in held.items())
    return warn(
        "quarantine",
        f"rows that the cloud will not take: {told}",
        "See why with: zodra-edge outbox quarantine list",
    )


def set_aside(files: Sequence[str]) -> Finding:
    """Judge damaged files that the agent put out of its way; for when there are any."""
    return warn(
        "set aside",
        f"damaged and salvaged before: {', '.join(files[:3])}",
        f"See that nothing is missing: zodra-edge outbox salvage {files[0]}; then move it away.",
    )
