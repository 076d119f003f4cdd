"""The first packet of an MQTT 3.1.1 client, read before a broker sees it. Pure."""

from dataclasses import dataclass
from typing import Final

_START: Final = b"\x00\x04MQTT\x04"
"""Protocol name and level of MQTT 3.1.1 (specification, 3.1.2.1 and 3.1.2.2)."""
_FLAGS_AT: Final = len(_START)
_CLIENT_ID_AT: Final = _FLAGS_AT + 3

_HAS_USERNAME: Final = 0x80
_HAS_PASSWORD: Final = 0x40
_HAS_WILL: Final = 0x04


@dataclass(frozen=True, slots=True)
class Connect:
    """What a client says of itself."""

    client_id: bytes
    username: str
    password: str
    keep_alive_s: int
    """0 means that the client asks for no limit."""
    will_topic: str | None
    """Where the broker is to publish on the client's behalf when the connection breaks."""
    body: bytes
    """The packet after its fixed header."""

    def renamed(self, client_id: bytes) -> bytes:
        """Spell the whole packet again with another client id."""
        rest = self.body[_CLIENT_ID_AT + 2 + len(self.client_id) :]
        body = self.body[:_CLIENT_ID_AT] + len(client_id).to_bytes(2, "big") + client_id + rest
        return b"\x10" + encode_length(len(body)) + body


def parse(body: bytes) -> Connect | None:
    """Read a CONNECT packet's body; None if it is none, or comes without name and password."""
    if not body.startswith(_START) or len(body) < _CLIENT_ID_AT:
        return None
    flags = body[_FLAGS_AT]
    if not flags & _HAS_USERNAME or not flags & _HAS_PASSWORD:
        return None
    fields: list[bytes] = []
    at = _CLIENT_ID_AT
    for _ in range(5 if flags & _HAS_WILL else 3):
        length = int.from_bytes(body[at : at + 2], "big")
        field = body[at + 2 : at + 2 + length]
        if len(body) < at + 2 + length:
            return None
        fields.append(field)
        at += 2 + length
    try:
        username, password = fields[-2].decode(), fields[-1].decode()
        will_topic = fields[1].decode() if flags & _HAS_WILL else None
    except UnicodeDecodeError:
        return None
    keep_alive_s = int.from_bytes(body[_FLAGS_AT + 1 : _FLAGS_AT + 3], "big")
    return Connect(fields[0], username, password, keep_alive_s, will_topic, body)


def encode_length(length: int) -> bytes:
    """Spell a remaining length: seven bits a byte, lowest first."""
    encoded = bytearray()
    while True:
        length, low = divmod(length, 128)
        encoded.append(low | (0x80 if length else 0))
        if not length:
            return bytes(encoded)
