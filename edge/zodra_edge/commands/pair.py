"""The command `zodra-edge pair`: from a device that is heard to one of the home."""

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import click

from zodra_edge.commands.options import Complaint, as_json, config, language, load_or_say
from zodra_edge.commands.taking_up import take_up
from zodra_edge.errors import EdgeError, SettingsFault
from zodra_edge.words import Said, Words, say

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
    words: Words


@click.command()
@config
@as_json
@language
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
    words: Words,
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
      2. zodra-edge pair --watch 60      press, and see it arrive; nothing is sent or bought
      3. zodra-edge device arm DEVICE    from now on a press counts

    A running gateway takes both up at once.

    Exit code 0 if it did what was asked, 1 if not.
    """  # noqa: D301 - click takes the backspace itself as the sign for lines that stay as they are
    settings = load_or_say(config, words)
    try:
        if watch_s is not None:
            _watch(settings, watch_s, as_json, words)
        key = _key(key_file.read(256)) if key_file is not None else None
        wish = _Wish(device_id, family, slot_key, part, key, practice, only_print, as_json, words)
        if where is not None:
            _add(config, settings, _find(settings, where, listen_s), wish)
        elif as_json or not sys.stdin.isatty():
            _show(_heard(settings, listen_s, press_s, words), as_json, words)
        else:
            _converse(config, settings, wish, listen_s)
    except EdgeError as fault:
        raise Complaint(words, fault) from fault
    sys.exit(0)


def _key(text: str) -> bytes:
    from zodra_edge.pairing.candidates import read_key

    key = read_key(text)
    if isinstance(key, Said):
        raise SettingsFault.told(key)
    return key


def _heard(
    settings: "Settings", listen_s: float, press_s: float, words: Words
) -> "tuple[Candidate, ...]":
    from zodra_edge.pairing import ears
    from zodra_edge.pairing.candidates import woken

    before = ears.nearby_devices(settings, listen_s)
    if not press_s:
        return before
    click.echo(words("press_now", seconds=press_s), err=True)
    time.sleep(press_s)
    return woken(before, ears.nearby_devices(settings, 0.0))


def _find(settings: "Settings", where: str, listen_s: float) -> "Candidate":
    from zodra_edge.pairing import ears

    wanted = where.upper() if where.count(":") == 5 else where
    taken = [one.device_id for one in settings.devices if wanted in (one.address, one.topic)]
    if taken and not any(one.part for one in settings.devices if one.topic == wanted):
        raise SettingsFault.told(say("taken_already", where=wanted, device_id=taken[0]))
    for one in ears.nearby_devices(settings, listen_s):
        if one.where == wanted:
            return one
    raise SettingsFault.told(say("not_heard", where=wanted))


def _show(found: "tuple[Candidate, ...]", as_json: bool, words: Words) -> None:
    if as_json:
        rows = [asdict(one) | {"verdict": one.verdict().in_language("en")} for one in found]
        click.echo(json.dumps({"heard": rows}, indent=1, default=str))
        return
    for number, one in enumerate(found, 1):
        signal = f"{one.rssi_dbm} dBm" if one.rssi_dbm is not None else words("on_the_broker")
        about = " ".join(word for word in (one.name, one.model or one.seems) if word)
        reader = one.parser or one.dialect
        click.echo(f"{number:>3}  {one.where}  {signal}  {about}" + (f" ({reader})" * bool(reader)))
        click.echo(f"     {one.verdict().in_language(words.language)}")
    if not found:
        click.echo(words("nobody"))


def _converse(config: Path, settings: "Settings", wish: _Wish, listen_s: float) -> None:
    """Ask a person which device, and what it is called."""
    words = wish.words
    press_s = 0.0
    while True:
        found = _heard(settings, listen_s, press_s, words)
        _show(found, False, words)
        said = click.prompt(words("which"), default="", show_default=False).strip()
        press_s = 10.0 if said == "p" else 0.0
        if said == "q":
            return
        if said.isdigit() and 1 <= int(said) <= len(found):
            break
    one = found[int(said) - 1]
    key = wish.key
    if one.needs_key and key is None:
        key = _key(click.prompt(words("ask_key"), hide_input=True))
    family = wish.family or _guess(one, key)
    if family is None:
        family = click.prompt(words("ask_family"), type=click.Choice(FAMILIES))
    asked = _Wish(
        wish.device_id or click.prompt(words("ask_name"), default=_proposed(one, family)),
        family,
        wish.slot_key or click.prompt(words("ask_slot"), default=_slot(family)),
        wish.part,
        key,
        wish.practice,
        wish.only_print,
        False,
        words,
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

    if (why := refuse_key(one, wish.key)) is not None:
        raise SettingsFault.told(why)
    if not one.can_be_read:
        said = say("cannot_be_paired", where=one.where, verdict=one.verdict())
        raise SettingsFault.told(said)
    family = wish.family or _guess(one, wish.key)
    if family is None:
        said = say("say_family", where=one.where, families=", ".join(FAMILIES))
        raise SettingsFault.told(said)
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
    restart, said = take_up(settings.data_dir)
    if wish.as_json:
        click.echo(json.dumps({"device_id": device_id, "added": values, "restart": restart}))
        return
    click.echo(wish.words("paired", device_id=device_id, config=config))
    click.echo(said.in_language(wish.words.language))
    if wish.practice:
        click.echo(wish.words("practise"))


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


def _watch(settings: "Settings", watch_s: float, as_json: bool, words: Words) -> None:
    """Show presses in practice as they come, until the time is over or Ctrl-C."""
    from zodra_edge.clock import monotonic_s
    from zodra_edge.status import look

    data_dir = settings.data_dir
    now = look(data_dir)
    practised = (
        [] if now.status is None else [d.device_id for d in now.status.devices if d.practice]
    )
    if not now.running or not practised:
        raise SettingsFault.told(say("nobody_practises", data_dir=data_dir))
    # Before the person is told to press: a press that is quicker than the next line counts too.
    seen = set(_presses(data_dir))
    click.echo(words("watching", names=", ".join(practised)), err=True)
    count = 0
    end_s = monotonic_s() + watch_s
    while monotonic_s() < end_s:
        for press in _presses(data_dir):
            if press not in seen:
                seen.add(press)
                count += 1
                _tell(press, as_json, words)
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


def _tell(press: tuple[str, str, str, str], as_json: bool, words: Words) -> None:
    device_id, slot_key, at, _ = press
    if as_json:
        click.echo(json.dumps({"device_id": device_id, "slot_key": slot_key, "at": at}))
    else:
        click.echo(words("rehearsed", device_id=device_id, slot_key=slot_key))
    sys.stdout.flush()
