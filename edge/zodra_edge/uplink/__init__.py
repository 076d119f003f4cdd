"""The only user of the cloud connection: rows up, receipts, commands and outcomes down."""

from zodra_edge.uplink.conversation import Hooks, LinkStatus, Uplink

__all__ = ["Hooks", "LinkStatus", "Uplink"]
