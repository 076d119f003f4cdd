"""The secrets that sign notifications, unreadable in a copy of the database.

They cannot be hashed, since they are needed to sign. With a key in a file beside the settings
(`dash.secrets_key_file`) they are stored under AES-256-GCM, each bound to its maker. What was
stored before there was a key stays readable until it is replaced.
"""

import base64
import binascii
import hashlib
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SEALED: Final = "sealed1:"
NONCE_BYTES: Final = 12


class Seal:
    """Seals and opens.

    Args:
        key: of the service, any text of 32 characters or more; None stores secrets as they are.
    """

    def __init__(self, key: str | None = None) -> None:
        self._cipher = None
        if key is not None:
            # The text of a file, not the key itself: a person may have typed it.
            self._cipher = AESGCM(hashlib.sha256(b"zodra maker secrets\0" + key.encode()).digest())

    def close(self, client_id: str, secret: str) -> str:
        """Give what is stored of a maker's secret."""
        if self._cipher is None:
            return secret
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, secret.encode(), client_id.encode())
        return SEALED + base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, client_id: str, stored: str) -> str | None:
        """Give a maker's secret back; None if it was sealed with a key that is not ours."""
        if not stored.startswith(SEALED):
            return stored
        if self._cipher is None:
            return None
        try:
            raw = base64.urlsafe_b64decode(stored.removeprefix(SEALED))
            nonce, sealed = raw[:NONCE_BYTES], raw[NONCE_BYTES:]
            return self._cipher.decrypt(nonce, sealed, client_id.encode()).decode()
        except (InvalidTag, ValueError, binascii.Error):
            return None
