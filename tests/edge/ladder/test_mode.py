"""How an adapter listens, by what the home's devices send."""

import pytest

from edge_frames import BUTTON, PLAIN_BUTTON, ZIGBEE_BUTTON
from zodra_edge.decode.profile import DeviceProfile
from zodra_edge.ladder import Mode, plan

CASES = [
    pytest.param([BUTTON], None, False, Mode.PASSIVE, "no device", id="encryption counter"),
    pytest.param(
        [BUTTON, ZIGBEE_BUTTON], None, False, Mode.PASSIVE, "no device", id="not by radio"
    ),
    pytest.param(
        [BUTTON, PLAIN_BUTTON], None, False, Mode.ACTIVE, "btn-kitchen", id="in the clear"
    ),
    pytest.param(
        [PLAIN_BUTTON, PLAIN_BUTTON],
        None,
        False,
        Mode.ACTIVE,
        "btn-kitchen and 1 more",
        id="several",
    ),
    pytest.param([BUTTON], None, True, Mode.ACTIVE, "beacon", id="a beacon is expected"),
    pytest.param([], None, False, Mode.ACTIVE, "is named yet", id="nobody yet"),
    pytest.param([PLAIN_BUTTON], Mode.PASSIVE, False, Mode.PASSIVE, "settings", id="by hand"),
    pytest.param([BUTTON], Mode.ACTIVE, False, Mode.ACTIVE, "settings", id="by hand, active"),
]


@pytest.mark.parametrize(("profiles", "wish", "canary", "mode", "why"), CASES)
def test_the_mode_and_its_reason(
    profiles: list[DeviceProfile], wish: Mode | None, canary: bool, mode: Mode, why: str
) -> None:
    made = plan(profiles, wish, canary)
    assert made.mode is mode
    assert why in made.reason
    assert made.chosen is (wish is not None)
