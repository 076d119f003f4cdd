"""Readings to need signals: one module a rule, each a pure function of memory and event."""
