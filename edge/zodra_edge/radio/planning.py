"""How each adapter of the settings listens."""

from collections.abc import Iterable

from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.ladder import Mode, Plan, plan
from zodra_edge.settings import Radio, RadioAdapter


def plan_of(
    settings: Radio, adapter: RadioAdapter | None, profiles: Iterable[DeviceProfile]
) -> Plan:
    """Choose how one adapter listens; None is the one that is used when none is named."""
    said = (adapter and adapter.scanning_mode) or settings.scanning_mode
    wish = None if said == "auto" else Mode(said)
    mine = [one for one in profiles if adapter is None or one.adapter in (None, adapter.name)]
    return plan(mine, wish, has_canary=canary_of(settings, adapter) is not None)


def canary_of(settings: Radio, adapter: RadioAdapter | None) -> str | None:
    """Name the beacon that one adapter expects to hear."""
    return (adapter and adapter.canary) or settings.canary
