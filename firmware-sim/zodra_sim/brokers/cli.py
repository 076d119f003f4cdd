"""`zodra-sim broker`: one broker, in the foreground."""

import os
from pathlib import Path

import click

from zodra_sim.brokers import mosquitto, nats
from zodra_sim.brokers.errors import BrokerFault
from zodra_sim.brokers.settings import BrokerSettings, Kind, load


@click.command()
@click.option(
    "--config",
    "config_path",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Settings in TOML: port, data folder and users; see docs/brokers.md.",
)
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in Kind]),
    help="Which broker, instead of the settings' own.",
)
def broker(config_path: Path, kind: str | None) -> None:
    """Run an MQTT broker on this machine until it is asked to end.

    Writes the broker's own configuration and credentials into the data folder, readable for their
    owner only, and then becomes the broker: ending this process ends it.
    """
    try:
        settings = load(config_path, Kind(kind) if kind else None)
        _become(settings)
    except BrokerFault as fault:
        raise click.ClickException(str(fault)) from fault


def _become(settings: BrokerSettings) -> None:
    if settings.kind is Kind.AMQTT:
        from zodra_sim.brokers import amqtt_server

        amqtt_server.run(settings)
        return
    command = (mosquitto if settings.kind is Kind.MOSQUITTO else nats).prepare(settings)
    # Taking its place rather than starting a child: a SIGKILL to this process then leaves no
    # broker behind that still holds the port.
    os.execv(command[0], command)  # noqa: S606
