"""Out of a damaged file: set aside whole, read row by row, begun again under a new buffer id."""

from zodra_edge.outbox.salvage.steps import salvage, under_way

__all__ = ["salvage", "under_way"]
