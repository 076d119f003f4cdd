"""Writes settings files. The standard library reads TOML and does not write it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Scalar = str | int | float | bool | Path
Inline = Scalar | Mapping[str, Scalar] | Sequence[str]
Table = Mapping[str, Inline]


@dataclass(frozen=True, slots=True)
class Rows:
    """An array of tables."""

    rows: tuple[Table, ...]


Document = Mapping[str, Inline | Table | Rows]


def to_toml(document: Document) -> str:
    """Write a document: its plain values, then its tables, then its arrays of tables."""
    plain: list[str] = []
    tables: list[str] = []
    for key, value in document.items():
        if isinstance(value, Mapping):
            tables.append(f"\n[{key}]\n" + _lines(value))
        elif isinstance(value, Rows):
            tables.extend(f"\n[[{key}]]\n" + _lines(row) for row in value.rows)
        else:
            plain.append(f"{key} = {_value(value)}\n")
    return "".join(plain) + "".join(tables)


def _lines(table: Mapping[str, Inline]) -> str:
    return "".join(f"{key} = {_value(value)}\n" for key, value in table.items())


def _value(value: Inline) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    # JSON's escapes are TOML's, but for two: TOML knows no surrogate pairs, so characters stay as
    # they are; and it wants DEL escaped, which JSON leaves bare.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
