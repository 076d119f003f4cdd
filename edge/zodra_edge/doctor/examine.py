"""Runs all checks side by side, each within a time limit."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from zodra_edge.doctor import agent, clocks, cloud, home, judge, own_files, radio, store
from zodra_edge.doctor.finding import Finding, fail, ok, skipped
from zodra_edge.errors import SettingsFault
from zodra_edge.service.credentials import secret_files
from zodra_edge.settings import Settings, load

LIMIT_S: Final = 20.0
LISTEN_S: Final = 5.0
STEP_SHARE: Final = 0.3
"""Of the limit, for each of the three steps of the way to the cloud."""
SETTINGS: Final = "settings"


@dataclass(frozen=True, slots=True)
class Check:
    """Some findings that are made together, in the order in which they are shown."""

    names: tuple[str, ...]
    run: Callable[[], Awaitable[list[Finding]]]


Progress = Callable[[tuple[str, ...]], None]
"""Told what is still under way, at the start and each time that something ends."""


def nobody(_: tuple[str, ...]) -> None:
    """Show no progress."""


async def examine(
    config: Path,
    *,
    listen_s: float = LISTEN_S,
    limit_s: float = LIMIT_S,
    progress: Progress = nobody,
) -> tuple[Finding, ...]:
    """Examine the gateway of one settings file. Reads only; the agent may run meanwhile.

    Args:
        config: the settings file.
        listen_s: how long to listen to the radio at most.
        limit_s: the longest that any check may take.
        progress: see `Progress`.
    """
    checks = [Check(("secret files",), partial(own_files.secrets, config))]
    try:
        settings = load(config)
    except SettingsFault as fault:
        first = fail(
            SETTINGS,
            str(fault),
            judge.settings_step(os.access(config, os.R_OK), str(fault)),
        )
        unknown = [skipped(name, "the settings cannot be used") for name in _names(_checks(None))]
        named = checks if secret_files(config) else []
        return (first, *await _all(named, limit_s, progress), *unknown)
    count = len(settings.devices)
    first = ok(SETTINGS, f"{config}, {count} device{'' if count == 1 else 's'}")
    found = await _all([*checks, *_checks(settings, listen_s, limit_s)], limit_s, progress)
    return (first, *found)


def _names(checks: list[Check]) -> list[str]:
    return [name for check in checks for name in check.names]


def _checks(
    settings: Settings | None, listen_s: float = LISTEN_S, limit_s: float = LIMIT_S
) -> list[Check]:
    table: list[tuple[tuple[str, ...], Callable[[Settings], Awaitable[list[Finding]]]]] = [
        (("agent",), agent.state),
        (("clock",), clocks.compare),
        (
            ("dns", "connection", "cloud broker"),
            partial(cloud.way, step_s=limit_s * STEP_SHARE),
        ),
        (("home broker",), home.broker),
        (("storage", "disk space"), own_files.disk),
        (("outbox need", "outbox telemetry", "quarantine"), store.files),
        (("radio",), partial(radio.hears, listen_s=listen_s)),
        (("bluez",), radio.bluez),
    ]

    async def nothing() -> list[Finding]:
        return []

    return [
        Check(names, nothing if settings is None else partial(run, settings))
        for names, run in table
    ]


async def _all(checks: list[Check], limit_s: float, progress: Progress) -> list[Finding]:
    waiting = {check.names: None for check in checks}
    progress(tuple(name for names in waiting for name in names))

    async def one(check: Check) -> list[Finding]:
        try:
            async with asyncio.timeout(limit_s):
                return await check.run()
        except TimeoutError:
            return [_late(name, limit_s) for name in check.names]
        finally:
            del waiting[check.names]
            progress(tuple(name for names in waiting for name in names))

    # A fault in one check must not hide what the others found.
    done = await asyncio.gather(*(one(check) for check in checks), return_exceptions=True)
    return [
        finding
        for check, result in zip(checks, done, strict=True)
        for finding in (_broken(check, result) if isinstance(result, BaseException) else result)
    ]


def _late(name: str, limit_s: float) -> Finding:
    return fail(
        name,
        f"no answer within {limit_s:.0f} s",
        "Try again with a longer --limit; if it hangs each time, that is the trouble.",
    )


def _broken(check: Check, fault: BaseException) -> list[Finding]:
    return [
        fail(
            check.names[0],
            f"the check itself broke: {type(fault).__name__}: {fault}",
            "Please report this line to the makers of Zodra.",
        )
    ]
