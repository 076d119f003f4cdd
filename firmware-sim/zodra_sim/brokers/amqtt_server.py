"""amqtt as a program of its own: its files, and the process that serves them."""

import asyncio
import json
import logging
import signal
from pathlib import Path
from typing import Any, Final

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from zodra_sim.brokers.amqtt_gate import Gate, MendedBroker
from zodra_sim.brokers.errors import BrokerFault
from zodra_sim.brokers.files import private_file, private_folder
from zodra_sim.brokers.settings import BrokerSettings
from zodra_sim.logs import configure

MEMORY_KIB: Final = 8192
"""Argon2's cost for one log-in. The passwords of gateways are drawn at random, 256 bits; a
dictionary does not help against them, and a reconnecting fleet should not wait for the hash."""
FORGET_SESSION_S: Final = 7 * 24 * 3600


def prepare(settings: BrokerSettings) -> Path:
    """Write amqtt's files and return the path of its configuration.

    The configuration also serves the plain program `amqtt -c`, then without the limit on sizes.
    """
    folder = private_folder(settings.data_dir)
    hasher = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=MEMORY_KIB, parallelism=1),))
    passwords = "".join(
        f"{user.username}:{hasher.hash(user.password())}\n" for user in settings.users
    )
    granted = {
        user.username: {
            "publish": list(user.grants.publish),
            "subscribe": list(user.grants.subscribe),
        }
        for user in settings.users
    }
    password_file = private_file(folder / "passwords", passwords)
    access_file = private_file(folder / "access.json", json.dumps(granted, indent=1))
    config = {
        "listeners": {
            "default": {
                "type": "tcp",
                "bind": f"{settings.host}:{settings.port}",
                "max_connections": settings.connections_max,
            }
        },
        "session_expiry_interval": FORGET_SESSION_S,
        "plugins": {
            "amqtt.plugins.authentication.FileAuthPlugin": {"password_file": str(password_file)},
            "zodra_sim.brokers.amqtt_access.AccessPlugin": {"access_file": str(access_file)},
        },
    }
    # JSON is YAML, which is what amqtt reads.
    return private_file(folder / "amqtt.yaml", json.dumps(config, indent=1))


def run(settings: BrokerSettings) -> None:
    """Serve until the process is asked to end.

    Raises:
        BrokerFault: the port is taken, or the address is none of this machine's.
    """
    config = json.loads(prepare(settings).read_text())
    _quieten()
    asyncio.run(_serve(settings, config))


async def _serve(settings: BrokerSettings, config: dict[str, Any]) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, ended.set)
    # The gate listens in amqtt's place.
    config["listeners"]["default"]["type"] = "external"
    broker = MendedBroker(config)
    await broker.start()
    lines = (settings.data_dir / "passwords").read_text().splitlines()
    hashes = dict(line.split(":", 1) for line in lines)
    granted = {user.username: user.grants for user in settings.users}
    gate = Gate(broker, hashes, granted, settings.packet_bytes_max, settings.connections_max)
    try:
        server = await asyncio.start_server(gate.admit, settings.host, settings.port)
    except OSError as failed:
        raise BrokerFault(f"cannot listen on {settings.host}:{settings.port}: {failed}") from failed
    await ended.wait()
    server.close()
    await broker.shutdown()


def _quieten() -> None:
    configure("broker")
    for library in ("amqtt", "transitions"):
        logging.getLogger(library).setLevel(logging.WARNING)
    logging.getLogger("amqtt.broker").addFilter(_expected_away)


def _expected_away(record: logging.LogRecord) -> bool:
    """Drop what amqtt reports with a stack trace whenever a client leaves without acknowledging."""
    return not record.getMessage().startswith("Task failed and will be skipped")
