"""The home's own broker: messages of its devices in, lights out."""

from zodra_edge.local_mqtt.conversations import Conversations
from zodra_edge.local_mqtt.home import HomeBroker, HomeStatus, Statement
from zodra_edge.local_mqtt.making import connections

__all__ = ["Conversations", "HomeBroker", "HomeStatus", "Statement", "connections"]
