"""Service due: a thermostat's circuit has heated for as long as its filter should last."""

from zodra_contract.ids import derived_id
from zodra_contract.signal import NeedSignal, SignalKind
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.detect import elapsed
from zodra_edge.detect.elapsed import Elapsed
from zodra_edge.heard import Heard


def detect(
    state: Elapsed, heating: bool, heard: Heard, profile: DeviceProfile
) -> tuple[Elapsed, NeedSignal | None]:
    """Add heating time up, and say when it is enough; then it starts over.

    Args:
        state: heating time so far; start with `Elapsed()`.
        heating: what the thermostat just reported, live; a retained message says nothing here.
        heard: when it was heard.
        profile: of the thermostat, with `service_due_h`.
    """
    limits = profile.limits
    total = elapsed.add(state, heating, heard, limits.gap_s_max)
    if total.total_s < limits.service_due_h * 3600:
        return total, None
    signal = NeedSignal(
        signal_id=derived_id("s", profile.device_id, profile.slot_key, total.since),
        device_id=profile.device_id,
        slot_key=profile.slot_key,
        kind=SignalKind.SERVICE_DUE,
        occurred_at=heard.at,
        time=heard.note(),
        evidence={
            "heating_hours": round(total.total_s / 3600, 3),
            "limit_hours": limits.service_due_h,
        },
        authenticated=True,
    )
    return elapsed.start_over(total), signal
