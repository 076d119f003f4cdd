"""The parts of the demo: what each is told in its settings file, and how it is started."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from zodra_sim.demo.folder import Folder, write_private
from zodra_sim.demo.supervisor import Answers, Listens, Part, Writes
from zodra_sim.demo.toml import Document, Rows, Table, to_toml

HOUSEHOLD_ID: Final = "hh-demo"
GATEWAY_ID: Final = "gw-demo"
HOST: Final = "127.0.0.1"

BUTTON: Final = "btn-kitchen"
STRAP: Final = "strap-chest"
THERMOSTAT: Final = "trv-living"
BABY: Final = "baby-nursery"

GATEWAY_ADDRESS: Final = "F0:F1:F2:F3:F4:F5"
BUTTON_ADDRESS: Final = "A4:C1:38:00:00:01"
# A static random address: its two top bits are set (Bluetooth Core, vol 6 part B, 1.3.2.1).
STRAP_ADDRESS: Final = "F4:C1:38:00:00:02"

WORN_S: Final = 4
"""A strap of the demo is worn out after seconds, where a real one takes 400 hours."""
HEATING_S: Final = 4
PACK_UNITS: Final = 44
REORDER_UNITS: Final = 8

BROKER: Final = "broker"
HOME_BROKER: Final = "home-broker"
SHOP: Final = "shop"
CLOUD: Final = "cloud"
HOUSEHOLD: Final = "household"
EDGE: Final = "edge"


@dataclass(frozen=True, slots=True)
class Slot:
    """What a slot of the demo's home is bound to in the cloud."""

    device_id: str
    family: str
    slot_key: str
    metering: str
    sku: str | None
    labels: Mapping[str, str]
    """What the household calls the device, by language."""


SLOTS: Final = (
    Slot(
        BUTTON,
        "button",
        "button-1",
        "press",
        "paper-towels-6",
        {"en": "Kitchen button", "nl": "Knop in de keuken"},
    ),
    Slot(STRAP, "wearable", "strap", "usage", "hr-strap", {"en": "Chest strap", "nl": "Borstband"}),
    # Bound to nothing: a filter that is due is a moment for an offer, with consent.
    Slot(
        THERMOSTAT,
        "thermostat",
        "filter",
        "usage",
        None,
        {"en": "Living room thermostat", "nl": "Thermostaat in de woonkamer"},
    ),
    Slot(
        BABY,
        "baby_monitor",
        "diapers",
        "level",
        "diapers-size3-44",
        {"en": "Baby monitor", "nl": "Babyfoon"},
    ),
)


@dataclass(frozen=True, slots=True)
class Parts:
    """Every process of the demo, in the order of starting."""

    folder: Folder
    once: bool

    @property
    def cloud_url(self) -> str:
        """Where the household's and the operator's pages are."""
        return f"http://{HOST}:{self.folder.settings.ports.cloud}"

    @property
    def shop_url(self) -> str:
        """Where the shop answers."""
        return f"http://{HOST}:{self.folder.settings.ports.shop}"

    @property
    def home_url(self) -> str:
        """Where the home's devices can be pressed."""
        return f"http://{HOST}:{self.folder.settings.ports.home_page}"

    def config(self, name: str) -> Path:
        """Name the settings file of one part."""
        return self.folder.path / "config" / f"{name}.toml"

    def write(self) -> None:
        """Write every settings file afresh; the secrets stay as they are."""
        for name, document in (
            (BROKER, self._broker()),
            (HOME_BROKER, self._home_broker()),
            (SHOP, self._shop()),
            (CLOUD, self._cloud()),
            (HOUSEHOLD, self._household()),
            (EDGE, self._edge()),
        ):
            write_private(self.config(name), to_toml(document))

    def waves(self) -> tuple[tuple[Part, ...], ...]:
        """List the parts in groups; a group starts when the one before it is ready."""
        ports = self.folder.settings.ports
        broker = self._part(BROKER, "zodra-sim", "broker", Listens(ports.broker))
        home_broker = self._part(HOME_BROKER, "zodra-sim", "broker", Listens(ports.home_broker))
        shop = self._part(SHOP, "zodra-sim", "shop run", Answers(f"{self.shop_url}/healthz"))
        cloud = self._part(CLOUD, "zodra-cloud", "serve", Answers(f"{self.cloud_url}/healthz"))
        home = Answers(f"{self.home_url}/healthz")
        household = self._part(HOUSEHOLD, "zodra-sim", "household", home)
        edge = self._part(EDGE, "zodra-edge", "run", Writes(self.edge_status))
        return ((broker, home_broker, shop), (cloud, household), (edge,))

    def farewells(self) -> tuple[tuple[Part, ...], ...]:
        """List the parts in groups for a stop; nobody loses one that it talks to while it runs."""
        by_name = {part.name: part for wave in self.waves() for part in wave}
        groups = ((EDGE,), (HOUSEHOLD, CLOUD), (SHOP, BROKER, HOME_BROKER))
        return tuple(tuple(by_name[name] for name in group) for group in groups)

    @property
    def edge_status(self) -> Path:
        """Name the file in which the gateway says how it is."""
        return self.folder.path / EDGE / "status.json"

    def _part(
        self, name: str, command: str, subcommands: str, ready: Listens | Answers | Writes
    ) -> Part:
        argv = (program(command), *subcommands.split(), "--config", str(self.config(name)))
        return Part(name, argv, self.folder.log(name), ready)

    def _broker(self) -> Document:
        return {
            "kind": self.folder.settings.broker,
            "host": HOST,
            "port": self.folder.settings.ports.broker,
            "data_dir": self.folder.path / BROKER,
            "users": Rows(
                (
                    {
                        "username": "cloud",
                        "password_file": self.folder.secret("broker-cloud.password"),
                        "role": "cloud",
                    },
                    {
                        "username": GATEWAY_ID,
                        "password_file": self.folder.secret("broker-gateway.password"),
                        "role": "gateway",
                        "household_id": HOUSEHOLD_ID,
                    },
                )
            ),
        }

    def _home_broker(self) -> Document:
        return {
            "kind": "amqtt",
            "host": HOST,
            "port": self.folder.settings.ports.home_broker,
            "data_dir": self.folder.path / HOME_BROKER,
            "users": Rows(
                (
                    {
                        "username": GATEWAY_ID,
                        "password_file": self.folder.secret("home-gateway.password"),
                        "role": "home-gateway",
                    },
                    {
                        "username": "home-devices",
                        "password_file": self.folder.secret("home-devices.password"),
                        "role": "home-device",
                        "topics": ["zigbee2mqtt/#", "zodra/home/#"],
                    },
                )
            ),
        }

    def _shop(self) -> Document:
        return {
            "host": HOST,
            "port": self.folder.settings.ports.shop,
            "data_dir": self.folder.path / SHOP,
            "api_key_file": self.folder.secret("shop-api.key"),
            "webhook_url": f"{self.cloud_url}/merchants/ucp/events",
            "webhook_secret_file": self.folder.secret("shop-webhook.secret", "webhook"),
            # The walk of --once holds the parcels itself until it is done with the open order.
            "shipped_after_s": 0.5 if self.once else 20,
            "delivered_after_s": 0.5 if self.once else 20,
        }

    def _cloud(self) -> Document:
        ports = self.folder.settings.ports
        return {
            "database_url": self.folder.settings.database_url,
            "data_dir": self.folder.path / CLOUD,
            "web": {"host": HOST, "port": ports.cloud, "public_url": self.cloud_url},
            "broker": {
                "host": HOST,
                "port": ports.broker,
                "username": "cloud",
                "password_file": self.folder.secret("broker-cloud.password"),
                "tls": False,
            },
            "shop": {
                "base_url": self.shop_url,
                "api_key_file": self.folder.secret("shop-api.key"),
                "webhook_secret_file": self.folder.secret("shop-webhook.secret", "webhook"),
                "private_address_allowed": True,
            },
            # So that docs/dash.md can be walked with everything on one machine.
            "dash": {"private_address_allowed": True},
        }

    def _household(self) -> Document:
        ports = self.folder.settings.ports
        return {
            "home_id": "home-demo",
            "data_dir": self.folder.path / HOUSEHOLD,
            "language": self.folder.settings.language,
            "air": {"host": HOST, "port": ports.air},
            "mqtt": {
                "host": HOST,
                "port": ports.home_broker,
                "username": "home-devices",
                "password_file": self.folder.secret("home-devices.password"),
            },
            "control": {
                "host": HOST,
                "port": ports.home_page,
                "token_file": self.folder.secret("home-control.token"),
            },
            "devices": Rows(tuple(self._home_device(slot) for slot in SLOTS)),
        }

    def _home_device(self, slot: Slot) -> Table:
        own: dict[str, Table] = {
            BUTTON: {
                "address": BUTTON_ADDRESS,
                "bind_key_file": self.folder.secret("btn-kitchen.key", "bind_key"),
            },
            STRAP: {"address": STRAP_ADDRESS},
            THERMOSTAT: {"report_period_s": 1.0},
            BABY: {"report_period_s": 2.0},
        }
        label = slot.labels[self.folder.settings.language]
        named: Table = {"device_id": slot.device_id, "family": slot.family, "label": label}
        return {**named, **own[slot.device_id]}

    def _edge(self) -> Document:
        ports = self.folder.settings.ports
        return {
            "gateway_id": GATEWAY_ID,
            "household_id": HOUSEHOLD_ID,
            "data_dir": self.folder.path / EDGE,
            "cloud": {
                "host": HOST,
                "port": ports.broker,
                "username": GATEWAY_ID,
                "password_file": self.folder.secret("broker-gateway.password"),
                "tls": False,
            },
            "home_mqtt": {
                "host": HOST,
                "port": ports.home_broker,
                "username": GATEWAY_ID,
                "password_file": self.folder.secret("home-gateway.password"),
            },
            "radio": {
                "backend": "zodra_sim.radio.backend:create",
                "options": {"air": f"{HOST}:{ports.air}", "address": GATEWAY_ADDRESS},
                "scanning_mode": "active",
            },
            "uplink": {"health_period_s": 5, "backoff_s_max": 2},
            "devices": Rows(self._edge_devices()),
        }

    def _edge_devices(self) -> tuple[Table, ...]:
        return (
            {
                "device_id": BUTTON,
                "family": "button",
                "slot_key": "button-1",
                "address": BUTTON_ADDRESS,
                "bind_key_file": self.folder.secret("btn-kitchen.key", "bind_key"),
            },
            {
                "device_id": STRAP,
                "family": "wearable",
                "slot_key": "strap",
                "address": STRAP_ADDRESS,
                "worn_out_h": WORN_S / 3600,
            },
            {
                "device_id": THERMOSTAT,
                "family": "thermostat",
                "slot_key": "filter",
                "topic": f"zigbee2mqtt/{THERMOSTAT}",
                "service_due_h": HEATING_S / 3600,
            },
            {
                "device_id": BABY,
                "family": "baby_monitor",
                "slot_key": "diapers",
                "topic": f"zodra/home/baby/{BABY}",
                "pack_units": PACK_UNITS,
                "reorder_units": REORDER_UNITS,
            },
        )


def program(name: str) -> str:
    """Find a command beside the Python that runs this, where the installer put all of them."""
    return str(Path(sys.executable).with_name(name))
