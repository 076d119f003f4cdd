"""The rules of subscriptions, as values and pure functions."""
