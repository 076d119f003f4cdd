"""The kernel and `bluetoothd` of the guest have the adapters that were plugged in."""

import subprocess
from typing import Any

import pytest

from radio_kernel.inside.airing import ADDRESSES, StillAir
from radio_kernel.inside.system import BLUETOOTH, BLUETOOTHD, adapters, kernel

pytestmark = pytest.mark.long


def test_the_kernel_and_bluez_have_both_adapters(still: StillAir, record_property: Any) -> None:
    said = subprocess.run([BLUETOOTHD, "--version"], capture_output=True, text=True, check=True)
    record_property("kernel", kernel())
    record_property("bluez", said.stdout.strip())
    assert sorted(path.name for path in BLUETOOTH.iterdir()) == ["hci0", "hci1"]
    assert {name: each["Address"] for name, each in adapters().items()} == ADDRESSES
    assert all(each["Powered"] for each in adapters().values())
    assert all(still.controller(name).resets > 0 for name in ADDRESSES)
