"""Slots that say how much is left: their pace, their season, and how sure one can be of both."""
