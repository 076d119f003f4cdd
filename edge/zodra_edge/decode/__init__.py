"""Bytes to readings, one module a family or dialect; pure, and never raises on bytes."""
