"""Standing deliveries at a cadence: a ledger of what was agreed and done, and what follows."""
