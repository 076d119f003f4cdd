"""The JSON API of the home: what one can do to the devices, and what is true of them."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from zodra_sim.devices.button import PressKind
from zodra_sim.devices.wearable import Activity
from zodra_sim.household.home import Home

CHANGES_MAX: Final = 50
UNITS_MAX: Final = 1_000
LASTS_S_MAX: Final = 30 * 24 * 3600
LASTS_H_MAX: Final = 30 * 24

Seconds = Annotated[float, Field(ge=0, le=LASTS_S_MAX, allow_inf_nan=False)]
Hours = Annotated[float, Field(ge=0, le=LASTS_H_MAX, allow_inf_nan=False)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Lasting(_Body):
    """How long something goes on: real seconds, or simulated hours."""

    seconds: Seconds | None = None
    hours: Hours | None = None


class Wearing(Lasting):
    """How long, and doing what."""

    activity: Activity = Activity.REST


class Changing(_Body):
    """How many diapers are changed, one after the other."""

    count: Annotated[int, Field(ge=1, le=CHANGES_MAX)] = 1


class Refilling(_Body):
    """How many diapers are put on the shelf; one pack unless said."""

    units: Annotated[int, Field(ge=1, le=UNITS_MAX)] | None = None


def routes(home: Home) -> APIRouter:
    """Make the routes of one home."""
    router = APIRouter(prefix="/api")

    @router.post("/devices/{device_id}/press", status_code=202)
    async def press(
        device_id: str,
        kind: PressKind = PressKind.PRESS,
        button: Annotated[int, Query(ge=0, le=15)] = 0,
    ) -> dict[str, Any]:
        return await home.press(device_id, kind, button)

    @router.post("/devices/{device_id}/wear", status_code=202)
    async def wear(device_id: str, body: Wearing) -> dict[str, Any]:
        return home.wear(device_id, body.seconds, body.hours, body.activity)

    @router.post("/devices/{device_id}/heat", status_code=202)
    async def heat(device_id: str, body: Lasting) -> dict[str, Any]:
        return home.heat(device_id, body.seconds, body.hours)

    @router.post("/devices/{device_id}/cry", status_code=202)
    async def cry(device_id: str, body: Lasting) -> dict[str, Any]:
        return home.cry(device_id, body.seconds, body.hours)

    @router.post("/devices/{device_id}/change-diaper", status_code=202)
    async def change_diaper(device_id: str, body: Changing | None = None) -> dict[str, Any]:
        return home.change_diaper(device_id, (body or Changing()).count)

    @router.post("/devices/{device_id}/refill", status_code=202)
    async def refill(device_id: str, body: Refilling | None = None) -> dict[str, Any]:
        return home.refill(device_id, (body or Refilling()).units)

    @router.get("/state")
    async def state() -> dict[str, Any]:
        return home.state()

    @router.get("/truth")
    async def truth(after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0) -> dict[str, Any]:
        return {"rows": home.truth(after)}

    return router
