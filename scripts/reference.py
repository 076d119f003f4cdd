"""Write docs/reference.md from the code itself; `tests/docs` fails when the two differ.

Usage: python scripts/reference.py [--check]
"""

import ast
import importlib
import sys
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "reference.md"

COMMANDS = {
    "zodra": "zodra_sim.demo.cli:commands",
    "zodra-edge": "zodra_edge.cli:cli",
    "zodra-cloud": "zodra_cloud.cli:cli",
    "zodra-sim": "zodra_sim.cli:commands",
}
SETTINGS = {
    "The gateway: `zodra-edge run --config gateway.toml`": "edge/zodra_edge/settings/__init__.py",
    "Home Assistant: `[home_assistant]` in the same file": (
        "edge/zodra_edge/home_assistant/options.py"
    ),
    "The gateway's adapters: `[radio]` in the same file": "edge/zodra_edge/settings/radio.py",
    "Rules for a device of the home's broker: `[[devices.readings]]` and others in the same file": (
        "edge/zodra_edge/decode/mqtt/rules.py"
    ),
    "The service: `zodra-cloud serve --config cloud.toml`": "cloud/zodra_cloud/settings.py",
    "The service's shop: `[shop]` in the same file": "cloud/zodra_cloud/shops.py",
    "A home, for the service: `zodra-cloud set-up --home home.toml`": "cloud/zodra_cloud/home.py",
    "A device model, for the service: `zodra-cloud dash model`": "cloud/zodra_cloud/dash/models.py",
    "The broker: `zodra-sim broker --config broker.toml`": (
        "firmware-sim/zodra_sim/brokers/settings.py"
    ),
    "The simulated household: `zodra-sim household --config household.toml`": (
        "firmware-sim/zodra_sim/household/settings.py"
    ),
    "The shop: `zodra-sim shop run --config shop.toml`": "firmware-sim/zodra_sim/shop/settings.py",
    "What can be wrong with the shop: `zodra-sim shop fault`": (
        "firmware-sim/zodra_sim/shop/faults.py"
    ),
}
CLOSED_LISTS = [
    ("contract/zodra_contract/signal.py", ["SignalKind", "TimeQuality"]),
    ("contract/zodra_contract/outcome.py", ["SignalState", "RejectReason"]),
    ("contract/zodra_contract/command.py", ["CommandKind", "CommandOutcome"]),
    ("contract/zodra_contract/reading.py", ["ReadingKind"]),
    ("edge/zodra_edge/decode/result.py", ["DecodeRefusal"]),
    ("edge/zodra_edge/decode/spoken.py", ["Dialect"]),
    ("cloud/zodra_cloud/fleet/policy.py", ["GatewayState"]),
    ("cloud/zodra_cloud/replenish/policy/needs.py", ["Verdict", "Reason"]),
    (
        "cloud/zodra_cloud/replenish/states.py",
        ["QuoteState", "OrderState", "OrderNews", "Ending", "Answer"],
    ),
    ("cloud/zodra_cloud/replenish/hooks.py", ["WaitReason"]),
    ("cloud/zodra_cloud/replenish/agreements/terms.py", ["AgreementRefusal"]),
    ("cloud/zodra_cloud/replenish/models.py", ["ConfirmRefusal", "CancelAnswer"]),
    (
        "cloud/zodra_cloud/payments/states.py",
        ["PaymentState", "PaymentEvent", "RefundState", "MandateState"],
    ),
    ("cloud/zodra_cloud/payments/port.py", ["PaymentRefusal", "PaymentFault"]),
    (
        "cloud/zodra_cloud/subscriptions/policy/ledger/states.py",
        ["Status", "CycleState"],
    ),
    ("cloud/zodra_cloud/subscriptions/policy/refusals.py", ["Why"]),
    ("cloud/zodra_cloud/channels/policy.py", ["Fault"]),
    ("cloud/zodra_cloud/channels/models.py", ["LetterKind"]),
    ("cloud/zodra_cloud/law/labels.py", ["Control", "Channel"]),
    ("cloud/zodra_cloud/law/policy/period.py", ["Exclusion"]),
    ("cloud/zodra_cloud/law/policy/withdrawing.py", ["NotPossible", "Refusal"]),
    ("cloud/zodra_cloud/offers/policy.py", ["OfferReason"]),
    ("cloud/zodra_cloud/api/models.py", ["Scope"]),
    ("cloud/zodra_cloud/api/problems.py", ["Code", "Next"]),
    ("cloud/zodra_cloud/dash/models.py", ["DetailCode", "NotificationKind"]),
    ("firmware-sim/zodra_sim/brokers/settings.py", ["Kind"]),
    ("firmware-sim/zodra_sim/brokers/access.py", ["Role"]),
]
BOUNDS = {
    "ge": "from {}",
    "gt": "above {}",
    "le": "to {}",
    "lt": "below {}",
    "min_length": "at least {} long",
    "max_length": "at most {} long",
}


def first_sentence(text: str | None) -> str:
    """Take what a table has room for."""
    if not text:
        return ""
    return " ".join(text.split("\n\n")[0].split()).replace("|", "\\|")


def is_call(node: ast.expr | None, name: str) -> bool:
    """Tell whether an expression calls a function of this name."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) == name


def unwrapped(kind: ast.expr, aliases: dict[str, ast.expr]) -> tuple[ast.expr, list[ast.Call]]:
    """Take `Annotated` off a type, also behind the module's own names for types."""
    bounds: list[ast.Call] = []
    while True:
        if isinstance(kind, ast.Name) and kind.id in aliases:
            kind = aliases[kind.id]
        elif isinstance(kind, ast.Subscript) and ast.unparse(kind.value) == "Annotated":
            assert isinstance(kind.slice, ast.Tuple)
            bounds += [each for each in kind.slice.elts if isinstance(each, ast.Call)]
            kind = kind.slice.elts[0]
        else:
            return kind, bounds


def field(
    here: ast.AnnAssign, said: str, aliases: dict[str, ast.expr]
) -> tuple[str, str, str, str]:
    """Read name, type with bounds, default and meaning of one setting."""
    kind, calls = unwrapped(here.annotation, aliases)
    default = "required" if here.value is None else f"`{ast.unparse(here.value)}`"
    name = ast.unparse(here.target)
    if isinstance(here.value, ast.Call) and is_call(here.value, "Field"):
        calls = [*calls, here.value]
        keywords = {each.arg: each.value for each in here.value.keywords}
        default = "required"
        if "default" in keywords:
            default = f"`{ast.unparse(keywords['default'])}`"
        elif "default_factory" in keywords:
            default = f"`{ast.unparse(keywords['default_factory'])}()`"
        name = str(ast.literal_eval(keywords["alias"])) if "alias" in keywords else name
    text = f"`{ast.unparse(kind).replace('|', 'or')}`"
    text = "the name of a file" if name.endswith("_file") else text
    limits = [
        BOUNDS[each.arg].format(ast.unparse(each.value))
        for call in calls
        for each in call.keywords
        if each.arg in BOUNDS
    ]
    return name, ", ".join([text, *limits]), default, said


def fields(node: ast.ClassDef, tree: ast.Module) -> list[tuple[str, str, str, str]]:
    """Read the annotated fields of a class, after those of its private base."""
    found: list[tuple[str, str, str, str]] = []
    for base in tree.body:
        names = {ast.unparse(each) for each in node.bases}
        if isinstance(base, ast.ClassDef) and base.name in names and base.name.startswith("_"):
            found += fields(base, tree)
    aliases = {
        each.targets[0].id: each.value
        for each in tree.body
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name)
    }
    for here, after in zip(node.body, [*node.body[1:], None], strict=True):
        if not isinstance(here, ast.AnnAssign) or not isinstance(here.target, ast.Name):
            continue
        said = ""
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            said = first_sentence(str(after.value.value))
        found.append(field(here, said, aliases))
    return [row for row in found if not row[0].startswith("_")]


def classes(path: str) -> list[ast.ClassDef]:
    """Read the classes of a module in their order."""
    tree = ast.parse((ROOT / path).read_text())
    return [node for node in tree.body if isinstance(node, ast.ClassDef)]


def settings_section(path: str) -> list[str]:
    """Make a table for each part of a settings file."""
    tree = ast.parse((ROOT / path).read_text())
    lines: list[str] = []
    for node in classes(path):
        is_value = any(is_call(each, "dataclass") for each in node.decorator_list)
        rows = [] if is_value else fields(node, tree)
        if not rows or node.name.startswith("_"):
            continue
        lines += [f"#### {node.name}", "", first_sentence(ast.get_docstring(node)), ""]
        lines += ["| name | type | default | meaning |", "|---|---|---|---|"]
        lines += [f"| `{n}` | {k} | {d} | {s} |" for n, k, d, s in rows]
        lines.append("")
    return lines


def closed_list(node: ast.ClassDef) -> list[str]:
    """Make a table of an enumeration and what is said under each name."""
    lines = [f"### {node.name}", "", first_sentence(ast.get_docstring(node)), ""]
    lines += ["| value | meaning |", "|---|---|"]
    for here, after in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(here, ast.Assign) and isinstance(here.value, ast.Constant):
            said = ""
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                said = first_sentence(str(after.value.value))
            lines.append(f"| `{here.value.value}` | {said} |")
    return [*lines, ""]


def command_section(name: str, command: click.Command, parent: click.Context | None) -> list[str]:
    """Describe a command, its options and its subcommands."""
    context = click.Context(command, info_name=name, parent=parent)
    lines = [f"### `{context.command_path}`", "", first_sentence(command.help), ""]
    shown = [p for p in command.params if not (isinstance(p, click.Option) and p.hidden)]
    if shown:
        lines += ["| option | meaning |", "|---|---|"]
        for parameter in shown:
            record = parameter.get_help_record(context)
            if record:
                lines.append(
                    f"| `{record[0].replace('|', ' or ')}` | {first_sentence(record[1])} |"
                )
            elif isinstance(parameter, click.Argument):
                lines.append(f"| `{parameter.human_readable_name}` | argument |")
        lines.append("")
    if isinstance(command, click.Group):
        for sub in command.list_commands(context):
            child = command.get_command(context, sub)
            if child is not None and not child.hidden:
                lines += command_section(sub, child, context)
    return lines


def load(dotted: str) -> click.Command:
    """Import a click command by `module:name`."""
    module, _, name = dotted.partition(":")
    found = getattr(importlib.import_module(module), name)
    assert isinstance(found, click.Command), dotted
    return found


def diagram(title: str, table: dict[tuple[str, str], str], begins: list[str]) -> list[str]:
    """Draw a transition table; states that nothing leaves are ends."""
    sources = {state for state, _event in table}
    ends = sorted(set(table.values()) - sources, key=str)
    by_pair: dict[tuple[str, str], list[str]] = {}
    for (state, event), target in table.items():
        by_pair.setdefault((state, target), []).append(event)
    return [
        f"### {title}",
        "",
        "```mermaid",
        "stateDiagram-v2",
        *(f"    [*] --> {state}" for state in begins),
        *(
            f"    {state} --> {target}: {', '.join(events)}"
            for (state, target), events in by_pair.items()
        ),
        *(f"    {state} --> [*]" for state in ends),
        "```",
        "",
    ]


def _moving(table: dict[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """Leave out what moves nothing, which would fill the picture."""
    return {key: target for key, target in table.items() if key[0] != target}


def states_section() -> list[str]:
    """Draw the tables that quotes, orders, follow-ups and payments move by."""
    states = importlib.import_module("zodra_cloud.replenish.states")
    paying = importlib.import_module("zodra_cloud.payments.states")
    subscribing = importlib.import_module("zodra_cloud.subscriptions.policy.ledger.states")
    withdrawing = importlib.import_module("zodra_cloud.law.policy.withdrawing")
    writing = importlib.import_module("zodra_cloud.channels.models")
    drawn = [
        ("A quote", states.QUOTE_TRANSITIONS, ["question", "requested"]),
        ("An order", states.ORDER_TRANSITIONS, ["confirmed"]),
        ('"Was it right?"', states.FOLLOW_UP_TRANSITIONS, ["due"]),
        ("A payment", paying.PAYMENT_TRANSITIONS, ["due"]),
        ("A refund", paying.REFUND_TRANSITIONS, ["wanted"]),
        ("A mandate", paying.MANDATE_TRANSITIONS, ["requested"]),
        ("A subscription", _moving(subscribing.TRANSITIONS), ["draft"]),
        ("A delivery of a subscription", subscribing.CYCLE_TRANSITIONS, ["planned"]),
        ("A withdrawal", withdrawing.WITHDRAWAL_TRANSITIONS, ["declared"]),
        ("A letter", writing.LETTER_TRANSITIONS, ["waiting", "kept"]),
    ]
    lines = ["## States", "", "Drawn from the tables that the service moves by.", ""]
    for title, table, begins in drawn:
        plain = {(str(state), str(event)): str(target) for (state, event), target in table.items()}
        lines += diagram(title, plain, begins)
    return lines


def reference() -> str:
    """Compose the page."""
    lines = [
        "# Reference",
        "",
        "Written by `scripts/reference.py` from the code; a test fails when they differ.",
        "",
        "## Commands",
        "",
    ]
    for name, dotted in COMMANDS.items():
        lines += command_section(name, load(dotted), None)
    lines += ["## Settings", ""]
    for title, path in SETTINGS.items():
        lines += [f"### {title}", "", *settings_section(path)]
    lines += [
        "## Topics",
        "",
        "| topic | who sends | what |",
        "|---|---|---|",
        "| `up/{household}/{gateway}` | gateway | need batch, telemetry batch, health report, answer to a command |",
        "| `down/{household}/{gateway}/receipt` | cloud | proof of its commit, with rejected rows by name |",
        "| `down/{household}/{gateway}/command` | cloud | a request to the gateway |",
        "| `down/{household}/{gateway}/outcome` | cloud | what became of a need |",
        "| `zodra/{gateway}/light/{device}` | gateway, on the home's broker | what the device's light shows |",
        "| `zodra/home/baby/{device}` | baby monitor, on the home's broker | [our schema](baby-monitor.md) |",
        "| `zodra/home/wearable/{device}` | wearable, on the home's broker | [our schema](mqtt-dialects.md) |",
        "| `zigbee2mqtt/{name}` and others | devices of many kinds, on the home's broker | [their dialects](mqtt-dialects.md) |",
        "",
        "## Closed lists",
        "",
    ]
    lines[-2:-2] = states_section()
    for path, names in CLOSED_LISTS:
        by_name = {node.name: node for node in classes(path)}
        for name in names:
            lines += closed_list(by_name[name])
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    """Write the page, or say whether it is up to date."""
    text = reference()
    if "--check" in sys.argv:
        if TARGET.exists() and TARGET.read_text() == text:
            return 0
        sys.stderr.write("docs/reference.md is behind the code; run: make docs\n")
        return 1
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
