"""What a proof holds, and how anybody can check that it was not changed. Pure.

Every part has a hash, and the whole has one over the hashes of the parts. The whole's hash is also
in the confirmation that the household got by mail, which is out of our reach from then on: who
changes the proof and all its hashes still disagrees with that letter.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

VERSION: Final = "zodra-proof-1"
PARTS_MAX: Final = 50


def canonical(value: Any) -> bytes:
    """Write a JSON value as the bytes that are hashed: sorted keys, no spaces, ASCII."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    ).encode()


def sha256_of(value: Any) -> str:
    """Hash a JSON value, 64 hexadecimal characters."""
    return hashlib.sha256(canonical(value)).hexdigest()


def seal(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Make a proof of its parts, each a JSON value under a name."""
    hashes = {name: sha256_of(part) for name, part in parts.items()}
    return {
        "version": VERSION,
        "parts": dict(parts),
        "sha256": hashes,
        "whole_sha256": sha256_of({"version": VERSION, "sha256": hashes}),
    }


def faults_of(proof: Any) -> list[str]:
    """Say everything that is wrong with a proof; nothing if it is as it was made."""
    if not isinstance(proof, dict) or proof.get("version") != VERSION:
        return [f"this is no proof of the form {VERSION}"]
    parts, hashes = proof.get("parts"), proof.get("sha256")
    if not isinstance(parts, dict) or not isinstance(hashes, dict) or len(parts) > PARTS_MAX:
        return ["its parts or their hashes are missing"]
    faults = [f"part {name!r} has no hash" for name in sorted(parts.keys() - hashes.keys())]
    faults += [f"part {name!r} is missing" for name in sorted(hashes.keys() - parts.keys())]
    for name in sorted(parts.keys() & hashes.keys()):
        try:
            same = sha256_of(parts[name]) == hashes[name]
        except (TypeError, ValueError):
            same = False
        if not same:
            faults.append(f"part {name!r} is not what its hash says")
    if sha256_of({"version": VERSION, "sha256": hashes}) != proof.get("whole_sha256"):
        faults.append("the hash of the whole is not that of its parts' hashes")
    return faults + _disagreements(parts)


def _disagreements(parts: Mapping[str, Any]) -> list[str]:
    """Compare what two parts say of the same thing."""
    shown, snapshot = parts.get("shown"), parts.get("snapshot")
    if not isinstance(shown, dict) or not isinstance(snapshot, dict):
        return ["it lacks what was shown, or the quote"]
    if shown.get("snapshot_sha256") != sha256_of(snapshot):
        return ["the quote is not the one that was shown"]
    return []
