"""All SQL of the households room: its tables, its people, and what a household owns."""

from zodra_cloud.households.repository import owned, people, tables

__all__ = ["owned", "people", "tables"]
