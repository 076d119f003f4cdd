"""Advertisers that are none of the home's devices: who they seem to be, bounded. Pure."""

from zodra_edge.nearby.strangers import Pool, Stranger, Strangers

__all__ = ["Pool", "Stranger", "Strangers"]
