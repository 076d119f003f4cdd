"""The ledger of a subscription: its events, their tables, and the state that they fold to."""
