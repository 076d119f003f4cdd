"""For a person with a broken gateway: what the outbox holds, out of it and back into it."""

from zodra_edge.rescue.export import export
from zodra_edge.rescue.replay import Held, Replayed, held, replay
from zodra_edge.rescue.salvage import Salvaged, salvage, write_clean

__all__ = [
    "Held",
    "Replayed",
    "Salvaged",
    "export",
    "held",
    "replay",
    "salvage",
    "write_clean",
]
