"""Shops to order from: one port, its UCP-shaped connector, and the events that shops send."""
