"""Families that a well-kept library reads; each module here is its parser.

The libraries keep counters and last values between calls, and log what they read. Each frame gets a
fresh instance, so that nothing an earlier frame did decides about this one; `python -m bench
decode` finds no difference. `logs` silences them.
"""
