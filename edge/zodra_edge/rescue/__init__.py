"""For a person with a broken gateway: what the outbox holds, out of it and back into it."""

from zodra_edge.rescue.export import export
from zodra_edge.rescue.replay import Held, held, replay, replay_or_ask
from zodra_edge.rescue.salvage import Salvaged, salvage, write_clean

__all__ = [
    "Held",
    "Salvaged",
    "export",
    "held",
    "replay",
    "replay_or_ask",
    "salvage",
    "write_clean",
]
