"""Firmware written for the classic Dash Replenishment API: it knows the verbs, not us."""
