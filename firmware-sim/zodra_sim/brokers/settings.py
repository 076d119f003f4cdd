"""What a broker is started with: one frozen value, read once from a TOML file."""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from zodra_contract.envelope import MESSAGE_BYTES_MAX
from zodra_contract.ids import Id
from zodra_sim.brokers.access import Grants, Role, grants
from zodra_sim.brokers.errors import BadSettings

PASSWORD_CHARACTERS_MIN = 8
HEADER_BYTES_MAX = 1024
"""Topic and header of an MQTT message on top of its payload; our topics are at most 140 bytes."""


class Kind(StrEnum):
    """Which broker."""

    AMQTT = "amqtt"
    MOSQUITTO = "mosquitto"
    NATS = "nats"


TopicFilter = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_#+/-]{1,200}$")]


class User(BaseModel):
    """One client of the broker."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    username: Id
    """For a gateway: its gateway id."""
    password_file: Path
    """Holds the password on its first line; relative to the settings file."""
    role: Role
    """`gateway`, `cloud`, `home-gateway` or `home-device`; decides about the topics."""
    household_id: Id | None = None
    """Gateways only: the household that the gateway may name in a topic; any if left out."""
    topics: tuple[TopicFilter, ...] = Field(default=(), max_length=32)
    """Devices at home only: what it may publish on, instead of the topics that end in its name."""

    @property
    def grants(self) -> Grants:
        """What this client may do."""
        return grants(self.role, self.username, self.household_id, self.topics)

    def password(self) -> str:
        """Read the password.

        Raises:
            BadSettings: the file is missing, or its first line is too short.
        """
        try:
            secret = self.password_file.read_text().split("\n", 1)[0].strip()
        except OSError as failed:
            raise BadSettings(f"password_file of {self.username}: {failed}") from failed
        if len(secret) < PASSWORD_CHARACTERS_MIN:
            raise BadSettings(
                f"password_file of {self.username} ({self.password_file}): the first line must "
                f"hold at least {PASSWORD_CHARACTERS_MIN} characters"
            )
        return secret


class BrokerSettings(BaseModel):
    """Everything a broker needs to know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind = Kind.AMQTT
    """`amqtt`, `mosquitto` or `nats`."""
    host: str = "127.0.0.1"
    """The address to listen on."""
    port: int = Field(ge=1, le=65535)
    """The port for MQTT."""
    data_dir: Path
    """The broker's own files: configuration, credentials, what it stores. Relative to the file."""
    message_bytes_max: int = Field(default=MESSAGE_BYTES_MAX, ge=1024, le=16 * 1024 * 1024)
    """The largest payload; a client that sends more loses its connection or the message."""
    connections_max: int = Field(default=1000, ge=1, le=100_000)
    """Clients at the same time; one more is turned away."""
    program: Path | None = None
    """The broker's program, if it is not where programs usually are."""
    users: tuple[User, ...] = Field(min_length=1, max_length=10_000)
    """Everybody who may connect; nobody else may."""

    @property
    def packet_bytes_max(self) -> int:
        """The largest MQTT packet: payload, topic and header."""
        return self.message_bytes_max + HEADER_BYTES_MAX

    @field_validator("users")
    @classmethod
    def _one_of_each(cls, users: tuple[User, ...]) -> tuple[User, ...]:
        names = [user.username for user in users]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"users named twice: {', '.join(sorted(twice))}")
        return users

    @model_validator(mode="after")
    def _roles_fit(self) -> Self:
        for user in self.users:
            if user.household_id is not None and user.role is not Role.GATEWAY:
                raise ValueError(f"{user.username}: only a gateway has a household_id here")
            if user.topics and user.role is not Role.HOME_DEVICE:
                raise ValueError(f"{user.username}: only a home-device has topics of its own")
        return self


def load(path: Path, kind: Kind | None = None) -> BrokerSettings:
    """Read the settings file; paths in it are relative to it.

    Args:
        path: a TOML file.
        kind: instead of the file's own.

    Raises:
        BadSettings: the file cannot be read, or a value in it cannot be used; the text says which.
    """
    try:
        raw = tomllib.loads(path.read_text())
        if kind is not None:
            raw["kind"] = kind
        settings = BrokerSettings.model_validate(raw)
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as failed:
        raise BadSettings(f"{path}: {failed}") from failed
    here = path.resolve().parent
    users = tuple(
        user.model_copy(update={"password_file": here / user.password_file})
        for user in settings.users
    )
    return settings.model_copy(update={"data_dir": here / settings.data_dir, "users": users})
