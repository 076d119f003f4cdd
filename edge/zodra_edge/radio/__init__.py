"""Bluetooth through the bleak API alone: adverts heard, and connections to wearables."""

from zodra_edge.radio.adverts import AdapterStatus, Adverts
from zodra_edge.radio.backend import Backends, load
from zodra_edge.radio.gatt import GattStatus, Wearable

__all__ = ["AdapterStatus", "Adverts", "Backends", "GattStatus", "Wearable", "load"]
