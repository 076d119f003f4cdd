"""All SQL of the ingest room: its tables, what it writes, and what other rooms read."""

from zodra_cloud.ingest.repository import intake, signals, tables

__all__ = ["intake", "signals", "tables"]
