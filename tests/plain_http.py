"""What a call to a process of our own on loopback needs of TLS: nothing."""

import ssl

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody. Without one, httpx reads the machine's certificates for every call: 26 ms of the
processor, where the call itself takes one."""
