"""`org.bluez` on a D-Bus of its own, over the virtual air: a program's real BlueZ code, no radio.

What it is for, and what it cannot show: docs/radio.md.
"""
