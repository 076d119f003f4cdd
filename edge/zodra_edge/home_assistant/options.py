"""The `[home_assistant]` section. Off unless it says otherwise."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class HomeAssistantOptions(BaseModel):
    """What Home Assistant is shown through the home's broker."""

    model_config = ConfigDict(frozen=True, defer_build=True, extra="forbid")

    enabled: bool = False
    """Whether the gateway and its devices introduce themselves (docs/home-assistant.md). Switched
    off again, all that was introduced is taken away."""
    prefix: Annotated[
        str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,32}(/[A-Za-z0-9_-]{1,32}){0,3}$")
    ] = "homeassistant"
    """Where Home Assistant listens for discovery; its own default."""
    show_home_readings: bool = False
    """Whether readings that stay home, such as a pulse or what a baby monitor hears, are shown
    too. They stay in the home then, but whoever may read the home's broker sees them."""
    expire_after_s: Annotated[int, Field(ge=60, le=7 * 86_400)] = 2 * 3600
    """How long a value is shown of which there is no news; a battery is for 25 hours at least.
    Sensors report every few minutes, or at least once an hour."""
