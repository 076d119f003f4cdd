"""Stripe, over its REST interface and our one outgoing client (docs/decisions/0013-payments.md)."""
