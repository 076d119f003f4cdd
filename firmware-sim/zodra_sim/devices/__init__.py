"""Devices as pure state machines: what they remember, and the bytes they would send.

One module a family. No clock, no randomness, no input or output: instants and random numbers are
arguments, and what is sent is a value.
"""
