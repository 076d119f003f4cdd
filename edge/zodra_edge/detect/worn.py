"""Worn out: a strap has been on the skin for as long as its electrodes should last.

The evidence is hours, and nothing about whoever wore it.
"""

from zodra_contract.ids import derived_id
from zodra_contract.signal import NeedSignal, SignalKind
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.detect import elapsed
from zodra_edge.detect.elapsed import Elapsed
from zodra_edge.heard import Heard


def detect(
    state: Elapsed, worn: bool, heard: Heard, profile: DeviceProfile, authenticated: bool
) -> tuple[Elapsed, NeedSignal | None]:
    """Add time with skin contact up, and say when it is enough; then it starts over.

    Args:
        state: time worn so far; start with `Elapsed()`.
        worn: whether the strap reports skin contact now.
        heard: when it was heard.
        profile: of the wearable, with `worn_out_h`.
        authenticated: whether the wearable proved itself.
    """
    limits = profile.limits
    total = elapsed.add(state, worn, heard, limits.contact_gap_s_max)
    if total.total_s < limits.worn_out_h * 3600:
        return total, None
    signal = NeedSignal(
        signal_id=derived_id("w", profile.device_id, profile.slot_key, total.since),
        device_id=profile.device_id,
        slot_key=profile.slot_key,
        kind=SignalKind.WORN_OUT,
        occurred_at=heard.at,
        time=heard.note(),
        evidence={
            "worn_hours": round(total.total_s / 3600, 3),
            "limit_hours": limits.worn_out_h,
        },
        authenticated=authenticated,
    )
    return elapsed.start_over(total), signal
