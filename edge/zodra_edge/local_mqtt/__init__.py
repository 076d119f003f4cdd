"""The home's own broker: messages of its devices in, lights out."""

from zodra_edge.local_mqtt.home import HomeBroker, HomeStatus

__all__ = ["HomeBroker", "HomeStatus"]
