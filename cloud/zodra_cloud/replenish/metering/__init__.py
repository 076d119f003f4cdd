"""Slots that count: their readings, what is left of them, and the need that the cloud foresees."""
