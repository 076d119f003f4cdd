"""Bluetooth through bleak: adapters that are kept hearing, and connections to devices."""

from zodra_edge.radio.adapter import Adapter, AdapterStatus
from zodra_edge.radio.adverts import Adverts, Arrivals, Home
from zodra_edge.radio.backend import Backends, load
from zodra_edge.radio.gatt import Connection, GattStatus
from zodra_edge.radio.scan import Scan
from zodra_edge.radio.slots import Slots

__all__ = [
    "Adapter",
    "AdapterStatus",
    "Adverts",
    "Arrivals",
    "Backends",
    "Connection",
    "GattStatus",
    "Home",
    "Scan",
    "Slots",
    "load",
]
