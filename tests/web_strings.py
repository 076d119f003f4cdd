"""Finds every text that people can read: in templates by Babel, in Python by its calls."""

import ast
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from jinja2.ext import babel_extract

WEB = Path(__file__).parents[1] / "cloud" / "zodra_cloud" / "web"


def in_templates() -> Iterator[str]:
    for template in sorted((WEB / "templates").rglob("*.html")):
        options = {"trimmed": "false", "newstyle_gettext": "true", "silent": "false"}
        found = babel_extract(
            BytesIO(template.read_bytes()), ("_", "gettext", "ngettext"), [], options
        )
        for _line, _function, message, _comments in found:
            first = message if isinstance(message, str) else (message or ("",))[0]
            assert first, f"{template}: a text that is not a constant"
            yield first


def in_python() -> Iterator[str]:
    for module in sorted(WEB.rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text())):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            first = node.args[0]
            if name in ("say", "count", "mark") and isinstance(first, ast.Constant):
                assert isinstance(first.value, str)
                yield first.value


def all_messages() -> set[str]:
    return {*in_templates(), *in_python()}
