"""Looks whether the agent runs, and what it says about itself."""

from zodra_edge.buying.pause import since
from zodra_edge.clock import boot_id
from zodra_edge.doctor.finding import Finding, ok, warn
from zodra_edge.settings import Settings
from zodra_edge.status import look, problems

NAME = "agent"


async def state(settings: Settings) -> list[Finding]:
    """Read the status file, see whether its writer lives, and whether anything may be bought."""
    return [*_state(settings), *_buying(settings)]


def _buying(settings: Settings) -> list[Finding]:
    name = "buying"
    if (paused := since(settings.data_dir)) is not None:
        at = paused.isoformat(timespec="minutes")
        switch = "Switch it on again: zodra-edge buying resume"
        return [warn(name, f"paused since {at}: each need is sent, and only asks", switch)]
    practice = [device.device_id for device in settings.devices if device.practice]
    if practice:
        arm = f"When it works: zodra-edge device arm {practice[0]}"
        return [warn(name, f"in practice, so never sent: {', '.join(practice[:5])}", arm)]
    return []


def _state(settings: Settings) -> list[Finding]:
    seen = look(settings.data_dir)
    start = "Start it: systemctl start zodra-edge, or zodra-edge run in a terminal."
    if seen.status is None:
        return [warn(NAME, "has never run on this data_dir", start)]
    if not seen.running:
        same_boot = seen.status.boot_id == boot_id()
        when = f"{seen.age_s:.0f} s ago" if same_boot else "before the last restart"
        return [warn(NAME, f"does not run; it last wrote its status {when}", start)]
    found = problems(seen.status)
    words = f"runs as process {seen.status.pid} for {seen.status.uptime_s:.0f} s"
    if found:
        told = "; ".join(str(problem) for problem in found)
        return [warn(NAME, f"{words}, and says: {told}", "See more with: zodra-edge status")]
    return [ok(NAME, f"{words}, and is healthy")]
