"""What a letter says, once, and its two renderings: plain text and HTML. Pure.

The pieces come from shops and settings too, so every one is taken as text: a title with markup or
line breaks in it stays a title.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from enum import StrEnum
from html import escape
from typing import Any, Final

TEXT_CHARS_MAX: Final = 60_000
"""Of one block: general terms are long, and a letter is no archive."""
TITLE_CHARS_MAX: Final = 200

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u0085\u2028\u2029]")
_SPACE: Final = re.compile(r"\s+")

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;color:#1c2321;background:#fff;max-width:40em;"
    "margin:1.5em auto;padding:0 1em}h1{font-size:1.4em}h2{font-size:1.1em;margin-top:1.6em}"
    "table{border-collapse:collapse}th,td{text-align:left;vertical-align:top;"
    "padding:.25em 1em .25em 0}th{font-weight:600}.form{border:1px solid #999;padding:.8em 1em;"
    "white-space:pre-line}.terms{white-space:pre-wrap}"
)


class BlockKind(StrEnum):
    """How a block is laid out."""

    HEADING = "heading"
    TEXT = "text"
    ROWS = "rows"
    LINK = "link"
    FORM = "form"
    TERMS = "terms"


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a letter."""

    kind: BlockKind
    text: str = ""
    rows: tuple[tuple[str, str], ...] = ()
    url: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """A whole letter; what was stored is what is sent, however often and however late."""

    subject: str
    language: str
    blocks: tuple[Block, ...]
    document_name: str = ""
    """File name of the attached document; empty for none."""
    document_title: str = ""
    document: tuple[Block, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Write it as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Content":
        """Read what `to_json` wrote."""
        return cls(
            **{
                **stored,
                "blocks": _blocks(stored["blocks"]),
                "document": _blocks(stored["document"]),
            }
        )

    def sha256(self) -> str:
        """Give the hash of everything it says, 64 hexadecimal characters."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def heading(text: str) -> Block:
    """Make a heading."""
    return Block(BlockKind.HEADING, one_line(text))


def paragraph(text: str) -> Block:
    """Make a paragraph."""
    return Block(BlockKind.TEXT, one_line(text))


def rows(*pairs: tuple[str, str]) -> Block:
    """Make a table of names and values; those without a value are left out."""
    kept = tuple((one_line(name), one_line(value)) for name, value in pairs if value)
    return Block(BlockKind.ROWS, rows=kept)


def link(text: str, url: str) -> Block:
    """Make a link to one of our pages."""
    return Block(BlockKind.LINK, one_line(text), url=one_line(url))


def form(text: str) -> Block:
    """Make a form to fill in by hand; its lines stay lines."""
    return Block(BlockKind.FORM, many_lines(text))


def terms(text: str) -> Block:
    """Make a long text, whose lines stay lines."""
    return Block(BlockKind.TERMS, many_lines(text))


def one_line(text: str) -> str:
    """Take line breaks and control characters out of a text."""
    return _SPACE.sub(" ", _CONTROL.sub(" ", text)).strip()[:TEXT_CHARS_MAX]


def many_lines(text: str) -> str:
    """Take control characters out of a text, and keep its lines."""
    return _CONTROL.sub(" ", text.replace("\r\n", "\n")).strip()[:TEXT_CHARS_MAX]


def as_text(title: str, blocks: tuple[Block, ...]) -> str:
    """Render as plain text."""
    parts = [one_line(title), *(_text(block) for block in blocks)]
    return "\n\n".join(part for part in parts if part) + "\n"


def as_html(title: str, language: str, blocks: tuple[Block, ...]) -> str:
    """Render as a whole HTML document that loads nothing from anywhere."""
    body = "\n".join(_html(block) for block in blocks)
    shown = escape(one_line(title))
    return (
        f'<!doctype html>\n<html lang="{escape(language)}">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{shown}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{shown}</h1>\n"
        f"{body}\n</body>\n</html>\n"
    )


def _text(block: Block) -> str:
    if block.kind is BlockKind.ROWS:
        return "\n".join(f"{name}: {value}" for name, value in block.rows)
    if block.kind is BlockKind.HEADING:
        return f"{block.text}\n{'-' * len(block.text)}"
    if block.kind is BlockKind.LINK:
        return f"{block.text}:\n{block.url}"
    return block.text


def _html(block: Block) -> str:
    shown = escape(block.text)
    if block.kind is BlockKind.ROWS:
        lines = (
            f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
            for name, value in block.rows
        )
        return f"<table>{''.join(lines)}</table>"
    if block.kind is BlockKind.LINK:
        return f'<p><a href="{escape(block.url)}">{shown}</a></p>'
    if block.kind in (BlockKind.FORM, BlockKind.TERMS):
        return f'<div class="{block.kind}">{shown}</div>'
    return f"<h2>{shown}</h2>" if block.kind is BlockKind.HEADING else f"<p>{shown}</p>"


def _blocks(stored: list[dict[str, Any]]) -> tuple[Block, ...]:
    return tuple(
        Block(
            BlockKind(each["kind"]),
            each["text"],
            tuple((str(name), str(value)) for name, value in each["rows"]),
            each["url"],
        )
        for each in stored
    )
