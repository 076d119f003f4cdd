"""What the gateway and the cloud promise each other: messages, ids and topics.

This package does no I/O, reads no clock and draws no randomness. It is the whole base install.
"""
