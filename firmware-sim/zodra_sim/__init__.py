"""Zodra's simulator: it pretends to be devices, a home, a shop and the brokers between them.

It never imports the gateway's or the cloud's code: an encoder and a decoder that share code share
their bugs as well.
"""
