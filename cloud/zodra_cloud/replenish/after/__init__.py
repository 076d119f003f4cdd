"""What follows an order: cancelling it, a late promise, money back, and "was it right?"."""
