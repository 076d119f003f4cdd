"""Connections over a real kernel, last of all: this one may die of a link that is lost.

Kernel 6.1.192 of Debian 12 did so in three of twelve runs, with a BUG in `hci_chan_del`, and took
`bluetoothd` along.
"""

import signal

import pytest

from radio_kernel.inside.home import Home
from radio_kernel.inside.system import System

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


def test_a_strap_is_connected_and_heard_while_the_button_is(home: Home) -> None:
    home.beats()
    home.heals()
    assert home.agent.is_connected()


def test_a_strap_is_connected_again_after_bluetoothd_was_killed(home: Home, system: System) -> None:
    home.beats()
    system.stop_bluez(signal.SIGKILL)
    system.start_bluez()
    home.beats()
    home.heals()
