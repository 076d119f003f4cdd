"""The imperative shell of the gateway: it executes what the pure rooms decide, and supervises."""

from zodra_edge.agent.gateway import run

__all__ = ["run"]
