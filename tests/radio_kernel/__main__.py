"""`make radio-kernel`: the radio's code under a real kernel and a real `bluetoothd`.

Boots the guest, shows each test as it ends, and writes them as JUnit too. Ends with 0 if all
passed, 1 if not, 2 if there is no guest to run in here.
"""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

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
    asked = parser.parse_args()
    # A machine that is told to end takes the guest along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="radio-kernel-") as made:
        machine = Machine(_image(), Path(made))
        try:
            return _run(machine, asked)
        except NoGuestError as fault:
            _keep(machine)
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
    machine.boot(asked.k, try_kvm=not asked.no_kvm)
    print(
        f"the kernel runs ({machine.accelerator}, {time.monotonic() - began_s:.0f} s)", flush=True
    )
    expected: list[str] = []
    results: list[dict[str, Any]] = []
    ended = None
    for told in machine.told(asked.seconds):
        expected += told.get("tests", [])
        ended = told.get("ended", ended)
        if "test" in told:
            results.append(told)
            _show(told)
    results += [_missing(name) for name in expected if name not in {r["test"] for r in results}]
    good = ended == 0 and bool(results) and all(r["outcome"] == "passed" for r in results)
    took_s = time.monotonic() - began_s
    passed = sum(r["outcome"] == "passed" for r in results)
    print(f"{passed} of {len(results)} passed in {took_s:.0f} s ({machine.accelerator})")
    if asked.junit is not None:
        _junit(ROOT / asked.junit, results)
    if machine.has_died():
        print("the guest's kernel died: what is missing may run next time")
    if not good:
        _keep(machine)
    return 0 if good else 1


def _missing(name: str) -> dict[str, Any]:
    text = "the guest ended, or its time was over, before this one ended"
    return {"test": name, "outcome": "missing", "seconds": 0.0, "facts": {}, "text": text}


def _show(told: dict[str, Any]) -> None:
    facts = ", ".join(f"{name} {value}" for name, value in told["facts"].items())
    print(f"{told['outcome']:7} {told['test']} ({told['seconds']} s) {facts}".rstrip(), flush=True)
    if told["outcome"] != "passed":
        print(told["text"], flush=True)


def _keep(machine: Machine) -> None:
    if machine.console.exists():
        shutil.copyfile(machine.console, KEPT)
        print(f"what the guest's console said: {KEPT}", file=sys.stderr)


def _junit(to: Path, results: list[dict[str, Any]]) -> None:
    suite = ElementTree.Element("testsuite", name="radio-kernel", tests=str(len(results)))
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
