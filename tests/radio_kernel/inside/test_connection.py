"""Connections over a real kernel, last of all: a kernel may die of a link that is lost.

6.1.192 of Debian 12 did so in three of twelve runs, with a BUG in `hci_chan_del`, and took
`bluetoothd` along; 6.12.20 and later have a repair of it.
"""

import signal

import pytest

from radio_kernel.inside.home import Home
from radio_kernel.inside.system import System
from radio_kernel.inside.waiting import until

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


def test_a_strap_is_connected_heard_beside_the_button_and_again_after_bluetoothd_was_killed(
    home: Home, system: System
) -> None:
    home.beats()
    home.heals()
    assert home.agent.is_connected()
    system.stop_bluez(signal.SIGKILL)
    until(lambda: not home.agent.is_connected())
    system.start_bluez()
    home.beats()
    home.heals()
