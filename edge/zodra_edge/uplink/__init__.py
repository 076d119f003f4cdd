"""The only user of the cloud connection: rows up, receipts, commands and outcomes down."""

from zodra_edge.uplink.conversation import Uplink
from zodra_edge.uplink.hooks import Hooks, LinkStatus

__all__ = ["Hooks", "LinkStatus", "Uplink"]
