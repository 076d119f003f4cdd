"""`make radio-kernel`: the radio's code under a real kernel and a real `bluetoothd`.

Boots the guest, shows each test as it ends, and writes them as JUnit too. When the guest's kernel
dies, boots again and goes on; the test under way is tried once more. Ends with 0 if all passed, 1
if not, 2 if there is no guest to run in here.
"""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from radio_kernel.account import Account
from radio_kernel.image import ROOT, NoGuestError, image
from radio_kernel.machine import Machine

WHOLE_S_MAX: Final = 2_400
"""All of it, under emulation on a machine that others keep busy."""
KEPT: Final = ROOT / ".tools" / "radio-kernel.log"
"""What the guest's console said when a run failed."""


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="make radio-kernel", description=__doc__)
    parser.add_argument("--no-kvm", action="store_true", help="emulate at once")
    parser.add_argument("--junit", type=Path, help="write the results to this file as well")
    parser.add_argument("--seconds", type=float, default=WHOLE_S_MAX, help="at most so long")
    parser.add_argument("-k", default="", help="only tests whose name has this word")
    parser.add_argument(
        "--kill-in",
        action="append",
        default=[],
        metavar="WORD",
        help="a control: the kernel dies in the test with this word in its name, once each time "
        "this is given",
    )
    asked = parser.parse_args()
    # A machine that is told to end takes the guest along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="radio-kernel-") as made:
        machine = Machine(_image(), Path(made))
        try:
            return _run(machine, asked)
        except NoGuestError as fault:
            _keep(machine, 0)
            return _refuse(str(fault))
        finally:
            machine.end()


def _image() -> Path:
    try:
        return image()
    except NoGuestError as fault:
        sys.exit(_refuse(str(fault)))


def _refuse(why: str) -> int:
    print(f"radio-kernel cannot run here: {why}", file=sys.stderr)
    return 2


def _run(machine: Machine, asked: argparse.Namespace) -> int:
    began_s = time.monotonic()
    account = Account()
    KEPT.unlink(missing_ok=True)
    while account.may_go_on():
        try:
            _boot(machine, account, asked)
        except NoGuestError as fault:
            if account.boots == 0:
                raise
            account.ended(f"the guest did not boot again: {fault}")
            break
        for told in machine.told(began_s + asked.seconds - time.monotonic()):
            account.take(told)
            if "test" in told:
                _show(told)
        if machine.death is None:
            account.ended(_why_no_more(machine))
            break
        account.died(machine.death)
        _keep(machine, account.boots)
        print(machine.death.told(), flush=True)
        machine.end()
    if not account.is_good():
        _keep(machine, account.boots)
    print(f"{account.told()} ({time.monotonic() - began_s:.0f} s, {machine.accelerator})")
    for death in account.deaths:
        print(f"- {death.told()}")
    for told in account.results():
        if told["outcome"] in ("failed", "missing"):
            why = told["text"].strip().partition("\n")[0]
            print(f"{told['outcome']:7} {told['test']}: {why}")
    if asked.junit is not None:
        _junit(ROOT / asked.junit, account)
    return 0 if account.is_good() else 1


def _boot(machine: Machine, account: Account, asked: argparse.Namespace) -> None:
    began_s = time.monotonic()
    kill_in = asked.kill_in[account.boots] if account.boots < len(asked.kill_in) else ""
    wanted = {"words": asked.k, "only": account.left(), "kill_in": kill_in}
    machine.boot(wanted, try_kvm=not asked.no_kvm)
    account.booted()
    took_s = time.monotonic() - began_s
    print(f"the kernel runs ({machine.accelerator}, {took_s:.0f} s)", flush=True)


def _why_no_more(machine: Machine) -> str:
    if machine.is_silent:
        return "the guest answered no more"
    return "the time was over before this one ended" if machine.is_up() else ""


def _show(told: dict[str, Any]) -> None:
    facts = ", ".join(f"{name} {value}" for name, value in told["facts"].items())
    print(f"{told['outcome']:7} {told['test']} ({told['seconds']} s) {facts}".rstrip(), flush=True)
    if told["outcome"] != "passed":
        print(told["text"], flush=True)


def _keep(machine: Machine, boot: int) -> None:
    if machine.console.exists():
        with KEPT.open("ab") as kept:
            kept.write(f"=== boot {boot}\n".encode() + machine.console.read_bytes())
        print(f"what the guest's console said: {KEPT}", file=sys.stderr)


def _junit(to: Path, account: Account) -> None:
    results = account.results()
    suite = ElementTree.Element("testsuite", name="radio-kernel", tests=str(len(results)))
    for death in account.deaths:
        ElementTree.SubElement(suite, "property", name="the kernel died", value=death.told())
    for told in results:
        file, _, name = told["test"].partition("::")
        case = ElementTree.SubElement(
            suite, "testcase", classname=file, name=name, time=str(told["seconds"])
        )
        for key, value in told["facts"].items():
            ElementTree.SubElement(case, "property", name=key, value=str(value))
        if told["outcome"] != "passed":
            kind = "skipped" if told["outcome"] == "skipped" else "failure"
            ElementTree.SubElement(case, kind, message=told["outcome"]).text = told["text"]
    ElementTree.ElementTree(suite).write(to, encoding="utf-8", xml_declaration=True)


if __name__ == "__main__":
    sys.exit(main())
