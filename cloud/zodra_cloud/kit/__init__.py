"""Small tools that every cloud room may use: the clock, money, changes, the broker's port."""
