"""What runs in the service: need-moments in, decisions, quotes, orders and offers out."""
