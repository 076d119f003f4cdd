"""The command line of `zodra`."""

import asyncio
import contextlib
import locale
import secrets
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final, cast, get_args

import click

from zodra_sim.clock import SystemClock
from zodra_sim.demo.commands import CommandFailed
from zodra_sim.demo.folder import BrokerKind, Folder, FolderError, Language
from zodra_sim.demo.run import Choices, Demo, DemoFailed
from zodra_sim.demo.telling.voice import Voice
from zodra_sim.demo.telling.words import sentence

DATA_ROOT: Final = "demo-data"
ONCE_TIMEOUT_S: Final = 90.0


@click.group()
@click.version_option(package_name="zodra")
def commands() -> None:
    """Zodra on one machine: from a press on the wall to a confirmed order."""


@commands.command()
@click.option(
    "--once",
    is_flag=True,
    help="Use each device once, confirm the quotes on the page, press a second time, wait until "
    "everything is delivered, print the balance and the times, and exit: 0 if all of it worked.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for everything the demo writes. A folder of an earlier demo is continued: same "
    "household, devices, orders and addresses.  [default: a new one in ./demo-data]",
)
@click.option(
    "--broker",
    type=click.Choice(get_args(BrokerKind)),
    default="amqtt",
    show_default=True,
    help="The MQTT broker between gateway and cloud. amqtt comes with Zodra; mosquitto is a Debian "
    "package; nats comes with the development tools.",
)
@click.option(
    "--database",
    default="sqlite",
    show_default=True,
    metavar="sqlite|URL",
    help="Where the cloud keeps its state: sqlite in the data folder, or the address of an empty "
    "PostgreSQL database, such as postgresql+psycopg://me@127.0.0.1/zodra.",
)
@click.option(
    "--language",
    type=click.Choice(get_args(Language)),
    help="Of the account and the pages.  [default: nl if your system speaks Dutch, else en]",
)
@click.option("--keep", is_flag=True, help="Keep the data folder after a --once that worked.")
@click.option(
    "--timeout",
    type=click.FloatRange(5, 3600),
    default=ONCE_TIMEOUT_S,
    show_default=True,
    metavar="SECONDS",
    help="How long the walk of --once may take before it is given up.",
)
def demo(
    once: bool,
    data: Path | None,
    broker: str,
    database: str,
    language: str | None,
    keep: bool,
    timeout: float,
) -> None:
    """Run the whole way of a press on this machine.

    Starts a broker, a shop, the cloud, one gateway and one simulated home as separate processes
    on 127.0.0.1, at free ports, and tells what happens: what was pressed, heard, kept, received,
    quoted, ordered and delivered. Two demos can run side by side.

    \b
    Three links are printed:
      the household's page   where a quote is confirmed, "Order with obligation to pay"
      the operator's page    gateways and how they are, and the balance of every household
      the home               a wall with four devices, to press, wear and warm

    Press the button at home, and watch it become a quote on the household's page. Kill any of the
    processes: it is started again and nothing is lost. Ctrl-C ends everything.

    \b
    Examples:
      zodra demo                                a new demo; stays until Ctrl-C
      zodra demo --once                         one walk through everything, then exit
      zodra demo --data my-home                 come back to the same home tomorrow
      zodra demo --once --broker mosquitto --language nl
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    _check_extras()
    clock = SystemClock()
    started = clock.now().strftime("%Y%m%d-%H%M%S")
    path = data or Path(DATA_ROOT) / f"{started}-{secrets.token_hex(2)}"
    spoken = cast("Language", language or _system_language())
    try:
        folder = Folder.open(
            path,
            broker=cast("BrokerKind", broker),
            database=database,
            language=spoken,
            now=clock.now(),
        )
    except FolderError as fault:
        raise click.ClickException(str(fault)) from fault
    voice = Voice(clock)
    reason = ""
    code = 1
    try:
        code = asyncio.run(Demo(folder, Choices(once, timeout), voice, clock).run())
    except (DemoFailed, CommandFailed) as failed:
        reason = str(failed)
    finally:
        folder.close()
    _say_goodbye(voice, folder, spoken, reason, remove=once and code == 0 and not keep and not data)
    if once and code == 0:
        voice.say(sentence(spoken, "done"))
    sys.exit(code)


def _say_goodbye(voice: Voice, folder: Folder, language: str, reason: str, *, remove: bool) -> None:
    if remove:
        shutil.rmtree(folder.path)
        with contextlib.suppress(OSError):  # Demos beside this one have theirs in there too.
            folder.path.parent.rmdir()
        voice.say(sentence(language, "stopped_removed"))
    else:
        voice.say(sentence(language, "stopped", folder=folder.path))
    if reason:
        voice.say(sentence(language, "failed", reason=reason))
        voice.say(sentence(language, "logs", folder=folder.path / "logs"))


def _system_language() -> Language:
    return "nl" if (locale.getlocale()[0] or "").lower().startswith(("nl", "dutch")) else "en"


def _check_extras() -> None:
    # Looked up without importing: the parts run as processes of their own.
    for extra, package in (("edge", "bleak"), ("cloud", "sqlalchemy"), ("sim", "bumble")):
        if find_spec(package) is None:
            raise click.ClickException(
                f"the demo runs all of Zodra, and the package {package!r} of its part {extra!r} is "
                "not installed: pip install 'zodra[all]'"
            )
