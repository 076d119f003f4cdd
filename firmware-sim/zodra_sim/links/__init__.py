"""How simulated devices reach the rest of the home."""
