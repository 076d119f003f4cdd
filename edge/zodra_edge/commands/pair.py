"""The command `zodra-edge pair`: from a device that is heard to one of the home."""

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import click

from zodra_edge.commands.device import RESTART
from zodra_edge.commands.options import as_json, config, load_or_say
from zodra_edge.errors import EdgeError, SettingsFault

if TYPE_CHECKING:
    from zodra_edge.decode.profile import Family
    from zodra_edge.pairing.candidates import Candidate
    from zodra_edge.settings import Settings

FAMILIES: Final = ("button", "wearable", "thermostat", "baby_monitor", "sensor")
_POLL_S: Final = 0.1


@dataclass(frozen=True)
class _Wish:
    """What was said on the command line about the new device."""

    device_id: str | None
    family: str | None
    slot_key: str | None
    part: str | None
    key: bytes | None
    practice: bool
    only_print: bool
    as_json: bool


@click.command()
@config
@as_json
@click.option("--add", "where", metavar="WHERE", help="Pair this address or topic, unasked.")
@click.option("--device-id", help="Its name in the settings; proposed if not given.")
@click.option("--family", type=click.Choice(FAMILIES), help="What it is, if that does not show.")
@click.option("--slot", "slot_key", help="Which slot its needs are for.")
@click.option("--part", help="Which of several devices behind a topic it is.")
@click.option(
    "--bind-key-file",
    "key_file",
    type=click.File("r"),
    help="A file with its bind key, or - for standard input. It is never shown or logged.",
)
@click.option(
    "--practice/--armed",
    default=True,
    show_default=True,
    help="In practice its presses are shown, and never sent.",
)
@click.option("--print", "only_print", is_flag=True, help="Show the entry, and change nothing.")
@click.option(
    "--press",
    "press_s",
    type=click.FloatRange(0, 120),
    default=0.0,
    help="Show who begins to speak within so many seconds: press the button meanwhile.",
)
@click.option(
    "--listen",
    "listen_s",
    type=click.FloatRange(0, 60),
    default=2.0,
    show_default=True,
    help="Seconds to listen on the home's broker.",
)
@click.option(
    "--watch",
    "watch_s",
    type=click.FloatRange(0, 3_600),
    help="Instead, show the presses of devices in practice for so many seconds.",
)
def pair(
    config: Path,
    as_json: bool,
    where: str | None,
    device_id: str | None,
    family: str | None,
    slot_key: str | None,
    part: str | None,
    key_file: TextIO | None,
    practice: bool,
    only_print: bool,
    press_s: float,
    listen_s: float,
    watch_s: float | None,
) -> None:
    """Find devices that are heard nearby, and put one in the settings.

    The gateway should run: it is who hears. Bluetooth devices come from its list, strongest first;
    devices on the home's broker are those that announce themselves.

    \b
    From the box to the first order:
      1. zodra-edge pair                 who is there; choose, and press its button once
      2. restart the gateway, so that it knows the device: systemctl restart zodra-edge
      3. zodra-edge pair --watch 60      press, and see it arrive; nothing is sent or bought
      4. zodra-edge device arm DEVICE    then restart: from now on a press counts

    Exit code 0 if it did what was asked, 1 if not.
    """  # noqa: D301 - click takes the backspace itself as the sign for lines that stay as they are
    settings = load_or_say(config)
    if watch_s is not None:
        _watch(settings, watch_s, as_json)
    key = _key(key_file.read(256)) if key_file is not None else None
    wish = _Wish(device_id, family, slot_key, part, key, practice, only_print, as_json)
    try:
        if where is not None:
            _add(config, settings, _find(settings, where, listen_s), wish)
        elif as_json or not sys.stdin.isatty():
            _show(_heard(settings, listen_s, press_s), as_json)
        else:
            _converse(config, settings, wish, listen_s)
    except EdgeError as fault:
        raise click.ClickException(str(fault)) from fault
    sys.exit(0)


def _key(text: str) -> bytes:
    from zodra_edge.pairing.candidates import read_key

    key = read_key(text)
    if key is None:
        raise click.ClickException("a bind key has 32 hexadecimal digits, or 24 for older Xiaomi")
    return key


def _heard(settings: "Settings", listen_s: float, press_s: float) -> "tuple[Candidate, ...]":
    from zodra_edge.pairing import ears
    from zodra_edge.pairing.candidates import woken

    before = ears.nearby_devices(settings, listen_s)
    if not press_s:
        return before
    click.echo(f"Press the button now; listening for {press_s:.0f} s.", err=True)
    time.sleep(press_s)
    return woken(before, ears.nearby_devices(settings, 0.0))


def _find(settings: "Settings", where: str, listen_s: float) -> "Candidate":
    from zodra_edge.pairing import ears

    wanted = where.upper() if where.count(":") == 5 else where
    taken = [one.device_id for one in settings.devices if wanted in (one.address, one.topic)]
    if taken and not any(one.part for one in settings.devices if one.topic == wanted):
        raise SettingsFault(f"{wanted} is in the settings already, as {taken[0]}")
    for one in ears.nearby_devices(settings, listen_s):
        if one.where == wanted:
            return one
    raise SettingsFault(
        f"{wanted} is not heard. Is the gateway running (zodra-edge status), and the device near "
        "it? Press the device once, and ask again within a minute"
    )


def _show(found: "tuple[Candidate, ...]", as_json: bool) -> None:
    if as_json:
        rows = [asdict(one) | {"verdict": one.verdict()} for one in found]
        click.echo(json.dumps({"heard": rows}, indent=1, default=str))
        return
    for number, one in enumerate(found, 1):
        signal = f"{one.rssi_dbm} dBm" if one.rssi_dbm is not None else "on the broker"
        about = " ".join(word for word in (one.name, one.model or one.seems) if word)
        reader = one.parser or one.dialect
        click.echo(f"{number:>3}  {one.where}  {signal}  {about}" + (f" ({reader})" * bool(reader)))
        click.echo(f"     {one.verdict()}")
    if not found:
        click.echo(
            "Nobody is heard who is not in the settings. The gateway must run to hear (zodra-edge "
            "status); press the new device once, and look again."
        )


def _converse(config: Path, settings: "Settings", wish: _Wish, listen_s: float) -> None:
    """Ask a person which device, and what it is called."""
    press_s = 0.0
    while True:
        found = _heard(settings, listen_s, press_s)
        _show(found, False)
        said = click.prompt(
            "Which one? A number, Enter to look again, p to press its button, q to leave",
            default="",
            show_default=False,
        ).strip()
        press_s = 10.0 if said == "p" else 0.0
        if said == "q":
            return
        if said.isdigit() and 1 <= int(said) <= len(found):
            break
    one = found[int(said) - 1]
    key = wish.key
    if one.needs_key and key is None:
        key = _key(click.prompt("Its bind key (not shown)", hide_input=True))
    family = wish.family or _guess(one, key)
    if family is None:
        family = click.prompt("What is it?", type=click.Choice(FAMILIES))
    asked = _Wish(
        wish.device_id or click.prompt("Its name", default=_proposed(one, family)),
        family,
        wish.slot_key or click.prompt("The slot its needs are for", default=_slot(family)),
        wish.part,
        key,
        wish.practice,
        wish.only_print,
        False,
    )
    _add(config, settings, one, asked)


def _guess(one: "Candidate", key: bytes | None) -> str | None:
    from zodra_edge.pairing.candidates import guess_family

    family = guess_family(one, key)
    return None if family is None else family.value


def _proposed(one: "Candidate", family: str) -> str:
    from zodra_edge.pairing.candidates import name_for

    return name_for(one, _family(family))


def _slot(family: str) -> str:
    from zodra_edge.pairing.candidates import SLOTS

    return SLOTS[_family(family)]


def _family(text: str) -> "Family":
    from zodra_edge.decode.profile import Family

    return Family(text)


def _add(config: Path, settings: "Settings", one: "Candidate", wish: _Wish) -> None:
    from zodra_edge.commands import settings_file
    from zodra_edge.pairing.candidates import refuse_key

    if why := refuse_key(one, wish.key):
        raise SettingsFault(why)
    if not one.can_be_read:
        raise SettingsFault(f"{one.where} {one.verdict()}; a package may bring a parser for it")
    family = wish.family or _guess(one, wish.key)
    if family is None:
        raise SettingsFault(f"what {one.where} is does not show; say it with --family")
    device_id = wish.device_id or _proposed(one, family)
    values = _values(one, wish, device_id, family)
    text = settings_file.entry(values)
    if wish.only_print:
        click.echo(json.dumps(values) if wish.as_json else text, nl=wish.as_json)
        return
    kept = None
    try:
        if wish.key is not None:
            kept = settings_file.write_key(config, device_id, wish.key, settings.data_dir)
        settings_file.add_device(config, text)
    except SettingsFault:
        if kept is not None:
            (config.resolve().parent / kept).unlink(missing_ok=True)
        raise
    if wish.as_json:
        click.echo(json.dumps({"device_id": device_id, "added": values, "restart": True}))
        return
    click.echo(f"{device_id} is in {config}. {RESTART}")
    if wish.practice:
        click.echo("Then press it, and see it arrive: zodra-edge pair --watch 60")


def _values(one: "Candidate", wish: _Wish, device_id: str, family: str) -> dict[str, str | bool]:
    values: dict[str, str | bool] = {
        "device_id": device_id,
        "family": family,
        "slot_key": wish.slot_key or _slot(family),
    }
    if one.via == "bluetooth":
        values["address"] = one.where
        if one.parser == "connection" and family != "wearable":
            values["connect"] = True
    else:
        values |= {"topic": one.where, "dialect": one.dialect}
    if wish.part is not None:
        values["part"] = wish.part
    if wish.key is not None:
        values["bind_key_file"] = f"{device_id}.key"
    if wish.practice:
        values["practice"] = True
    return values


def _watch(settings: "Settings", watch_s: float, as_json: bool) -> None:
    """Show presses in practice as they come, until the time is over or Ctrl-C."""
    from zodra_edge.clock import monotonic_s
    from zodra_edge.status import look

    data_dir = settings.data_dir
    now = look(data_dir)
    practised = (
        [] if now.status is None else [d.device_id for d in now.status.devices if d.practice]
    )
    if not now.running or not practised:
        raise click.ClickException(
            "no gateway runs here that has a device in practice; pair one, and restart the gateway"
        )
    click.echo(f"Press now: {', '.join(practised)}. Nothing is sent.", err=True)
    seen = set(_presses(data_dir))
    count = 0
    end_s = monotonic_s() + watch_s
    while monotonic_s() < end_s:
        for press in _presses(data_dir):
            if press not in seen:
                seen.add(press)
                count += 1
                _tell(press, as_json)
        time.sleep(_POLL_S)
    sys.exit(0 if count else 1)


def _presses(data_dir: Path) -> list[tuple[str, str, str, str]]:
    from zodra_edge.feedback import PRACTICE
    from zodra_edge.status import look

    status = look(data_dir).status
    return [
        (device.device_id, light.slot_key, light.at.isoformat(), light.signal_id)
        for device in (status.devices if status is not None else ())
        for light in device.lights
        if light.state == PRACTICE
    ]


def _tell(press: tuple[str, str, str, str], as_json: bool) -> None:
    device_id, slot_key, at, _ = press
    if as_json:
        click.echo(json.dumps({"device_id": device_id, "slot_key": slot_key, "at": at}))
    else:
        click.echo(f"{device_id} {slot_key}: heard, kept nowhere, nothing is bought")
    sys.stdout.flush()
