"""A shop to order from: a small catalogue behind the UCP-shaped checkout surface of many shops.

A process and a database of its own, so that it can be slow, vanish or lie while the rest goes on.
"""
