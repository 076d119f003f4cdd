"""All SQL of the room."""

from zodra_cloud.law.repository import records, tables, withdrawals

__all__ = ["records", "tables", "withdrawals"]
