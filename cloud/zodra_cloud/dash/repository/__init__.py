"""All SQL of the dash room: makers and devices, calls, notifications."""

from zodra_cloud.dash.repository import calls, devices, tables, telling

__all__ = ["calls", "devices", "tables", "telling"]
