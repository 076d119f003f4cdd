"""What the dialects share: reading JSON, numbers, units, names and moments into facts."""
