"""What the shop is started with: one frozen value, read once from a TOML file."""

import tomllib
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zodra_sim.shop.errors import BadSettings

SECRET_CHARACTERS_MIN: Final = 8
DATABASE: Final = "shop.db"


class ShopSettings(BaseModel):
    """Everything the shop needs to know. Paths are relative to the settings file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: int = Field(ge=1, le=65535)
    """The port for HTTP."""
    data_dir: Path
    """Where the shop keeps its SQLite file."""
    api_key_file: Path
    """Its first line is the key that clients send as `Authorization: Bearer <key>`."""
    admin_token_file: Path | None = None
    """The key for `/faults`; the API key if left out."""
    webhook_url: str | None = Field(default=None, pattern="^https?://")
    """Where order events go; nowhere if left out."""
    webhook_secret_file: Path | None = None
    """Its first line is `whsec_` and base64, as in Standard Webhooks."""
    catalogue_file: Path | None = None
    """Instead of the catalogue that comes with the shop."""
    session_ttl_s: float = Field(default=900, gt=0, le=86_400)
    """How long a quoted price holds."""
    shipped_after_s: float = Field(default=20, ge=0, le=31_536_000)
    """From placed to shipped."""
    delivered_after_s: float = Field(default=20, ge=0, le=31_536_000)
    """From shipped to delivered."""
    event_retry_s_min: float = Field(default=1, gt=0, le=60)
    """The first wait after an event was not taken; each further wait doubles, up to 60 s."""
    keyless_percent: int = Field(default=0, ge=0, le=100)
    """The share of references, by their CRC-32, for which the shop makes a new order whatever the
    key, the reference or the session says."""

    @property
    def base_url(self) -> str:
        """Where clients find the shop."""
        return f"http://{self.host}:{self.port}"

    @property
    def database(self) -> Path:
        """The shop's SQLite file."""
        return self.data_dir / DATABASE

    @property
    def admin_key_path(self) -> Path:
        """The file that holds the key for `/faults`."""
        return self.admin_token_file or self.api_key_file


def load(path: Path) -> ShopSettings:
    """Read the settings file.

    Raises:
        BadSettings: the file cannot be read, or a value in it cannot be used; the text says which.
    """
    try:
        settings = ShopSettings.model_validate(tomllib.loads(path.read_text()))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as failed:
        raise BadSettings(f"{path}: {failed}") from failed
    if settings.webhook_url and settings.webhook_secret_file is None:
        raise BadSettings(f"{path}: webhook_url needs webhook_secret_file")
    here = path.resolve().parent
    absolute = {
        name: here / value
        for name in ShopSettings.model_fields
        if isinstance(value := getattr(settings, name), Path)
    }
    return settings.model_copy(update=absolute)


def secret(path: Path) -> str:
    """Read the first line of a secret's file.

    Raises:
        BadSettings: the file is missing, or its first line is too short.
    """
    try:
        line = path.read_text().split("\n", 1)[0].strip()
    except OSError as failed:
        raise BadSettings(f"secret: {failed}") from failed
    if len(line) < SECRET_CHARACTERS_MIN:
        raise BadSettings(
            f"{path}: the first line must hold at least {SECRET_CHARACTERS_MIN} characters"
        )
    return line
