"""`zodra demo`: the whole way of a press on one machine, as separate processes.

It starts the parts through their own command lines and imports none of them.
"""
