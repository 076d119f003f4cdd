"""Listens, or asks the agent that listens already."""

import asyncio
import shutil
from pathlib import Path
from typing import Final

from zodra_edge.clock import Clock, monotonic_s
from zodra_edge.doctor import judge
from zodra_edge.doctor.finding import Finding, fail, ok, skipped, warn
from zodra_edge.errors import RadioFault
from zodra_edge.ladder import Mode
from zodra_edge.radio import Adverts, Home, Scan, load
from zodra_edge.radio.planning import plan_of
from zodra_edge.settings import Radio, RadioAdapter, Settings
from zodra_edge.status import RadioPart, look

NAME: Final = "radio"
LOOK_S: Final = 0.1
CLOSE_S_MAX: Final = 3.0
BLUETOOTHCTL_S_MAX: Final = 3.0
_DBUS: Final = (Path("/run/dbus/system_bus_socket"), Path("/var/run/dbus/system_bus_socket"))


async def hears(settings: Settings, listen_s: float) -> list[Finding]:
    """Say whether an adapter is there and hears the home."""
    if settings.radio is None:
        return [skipped(NAME, "the settings have no [radio] section")]
    seen = look(settings.data_dir)
    if seen.running and seen.status is not None:
        # One adapter, one scanner: the agent's own is asked instead of disturbed.
        status = seen.status
        heard = [_as_the_agent_hears(radio) for radio in status.radio]
        return heard + judge.pinned(
            (d.device_id, d.adapter, d.heard_by_dbm) for d in status.devices
        )
    try:
        named = settings.radio.adapters or (None,)
        return [await _listen(settings, settings.radio, one, listen_s) for one in named]
    except RadioFault as fault:
        return [
            fail(
                NAME,
                str(fault),
                "See that an adapter is there and switched on: bluetoothctl list; rfkill list",
            )
        ]


def _as_the_agent_hears(radio: RadioPart) -> Finding:
    if not radio.scanning:
        return fail(
            NAME,
            f"{radio.name} does not scan, says the running agent",
            "See why in its log: journalctl -u zodra-edge",
        )
    if radio.last_advert_age_s is None or radio.last_advert_age_s > 120:
        return warn(
            NAME,
            f"{radio.name} scans and has heard nothing for two minutes or since its start, says "
            "the running agent",
            "Press a button beside the gateway; if still nothing is heard, look at the antenna.",
        )
    return ok(
        NAME,
        f"{radio.name} hears {radio.adverts_per_min:.0f} advertisements a minute, says the "
        "running agent",
    )


async def _listen(
    settings: Settings, radio: Radio, one: RadioAdapter | None, listen_s: float
) -> Finding:
    by_address = {p.address.upper(): p for p in settings.profiles() if p.address is not None}
    mine = {
        where: each
        for where, each in by_address.items()
        if one is None or each.adapter in (None, one.name)
    }
    backends = await load(radio, one.options if one else None)
    home = Home(
        profiles=by_address,
        clock=Clock(settings.data_dir / "time-floor"),
        deliver=lambda _: None,
        count=lambda _: None,
    )
    adverts = Adverts(one.name if one else "the adapter", home)
    scan = Scan(adverts, plan_of(radio, one, settings.profiles()))
    began_s = monotonic_s()
    try:
        await scan.open(backends, one.name if one and radio.backend is None else None)
        while monotonic_s() - began_s < listen_s:
            await asyncio.sleep(LOOK_S)
            if mine and all(adverts.rssi_dbm(each) is not None for each in mine):
                break
        own = {each.device_id: adverts.rssi_dbm(where) for where, each in mine.items()}
        heard = round(adverts.status().adverts_per_min)
        name = f"{NAME} {one.name}" if one else NAME
        return judge.hearing(heard, monotonic_s() - began_s, own, name)
    finally:
        await scan.close()
        await asyncio.wait((asyncio.ensure_future(backends.close()),), timeout=CLOSE_S_MAX)


async def bluez(settings: Settings) -> list[Finding]:
    """Ask BlueZ for its version."""
    name = "bluez"
    if settings.radio is None:
        return [skipped(name, "the settings have no [radio] section")]
    if settings.radio.backend is not None:
        return [skipped(name, f"not used: radio.backend is {settings.radio.backend}")]
    if not any(path.exists() for path in _DBUS):
        return [
            fail(
                name,
                "no system D-Bus here, through which BlueZ is spoken to",
                "Install and start it: apt-get install bluez; systemctl start bluetooth",
            )
        ]
    program = shutil.which("bluetoothctl")
    if program is None:
        return [skipped(name, "bluetoothctl is not installed, so its version is not known")]
    child = await asyncio.create_subprocess_exec(
        program, "--version", stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(BLUETOOTHCTL_S_MAX):
            said, _ = await child.communicate()
    except TimeoutError:
        child.kill()
        return [skipped(name, "bluetoothctl does not answer")]
    plans = [
        plan_of(settings.radio, one, settings.profiles())
        for one in settings.radio.adapters or (None,)
    ]
    # Where it was left to the agent, an old BlueZ makes it scan actively.
    passive = any(one.chosen and one.mode is Mode.PASSIVE for one in plans)
    return [judge.bluez(said.decode(errors="replace"), passive)]
