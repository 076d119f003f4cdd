"""The examples of the description: real calls and what they were answered.

They are in `examples.json`, by operation. A test makes the same calls anew and compares, so that
none of them is of yesterday; `EXAMPLES=write` before that test writes them.
"""

import json
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).with_name("examples.json")
_JSON: Final = "application/json"


def add_to(described: dict[str, Any]) -> None:
    """Put an example beside each body and each part of an address of a description.

    A change that is answered with what reading gives shows the reading's example.
    """
    examples = json.loads(FILE.read_text())
    operations = [each for methods in described["paths"].values() for each in methods.values()]
    kept = described["components"]["examples"]
    read: dict[str, str] = {}
    for operation in operations:
        name = operation["operationId"]
        example = examples.get(name, {})
        if "answer" in example:
            kept[name] = {"summary": operation["summary"], "value": example["answer"]}
            read.setdefault(_schema_of(operation), name)
    for operation in operations:
        name = operation["operationId"]
        _complete(operation, examples.get(name, {}), name if name in kept else read)


def _complete(operation: dict[str, Any], example: dict[str, Any], shown: Any) -> None:
    for given in operation.get("parameters", ()):
        if given["in"] == "path" and given["name"] in example.get("path", {}):
            given["example"] = example["path"][given["name"]]
    if "request" in example and "requestBody" in operation:
        operation["requestBody"]["content"][_JSON]["example"] = example["request"]
    answer = operation["responses"]["200"]["content"].get(_JSON)
    name = shown if isinstance(shown, str) else shown.get(_schema_of(operation))
    if answer is not None and name is not None:
        answer["examples"] = {name: {"$ref": f"#/components/examples/{name}"}}


def _schema_of(operation: dict[str, Any]) -> str:
    return str(operation["responses"]["200"]["content"].get(_JSON, {}).get("schema"))
