"""Whether a press may lead to an order without a question: the pause, and devices in practice."""

from zodra_edge.buying.pause import Pause

__all__ = ["Pause"]
