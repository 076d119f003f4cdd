"""What the guest's console says of a kernel that died, and of the test that was under way.

The guest writes into the kernel's own log which test begins and ends, so that the console has both
in the order in which they happened.
"""

import re
from dataclasses import dataclass
from typing import Final

_DIED: Final = re.compile(
    r"kernel BUG at \S+|[^\n\]]*\[#\d+\]|Kernel panic - not syncing: [^\r\n]*"
)
"""What a kernel says that goes no further with what it did: a BUG, an oops, or its end."""
_STANDS: Final = re.compile(
    r"(?:soft|hard) LOCKUP|soft lockup|blocked for more than \d+ seconds"
    r"|rcu\w*[^\n]* stall|scheduling while atomic"
)
"""It may say this too where the machine below is busy, and go on."""
_STAMP: Final = re.compile(r"^.*?\[ *\d+\.\d+\] ")
_RIP: Final = re.compile(r"RIP: 0010:([\w.]+)\+0x")
_CALLED: Final = re.compile(r"\]\s+([\w.]+)\+0x[0-9a-f]+/0x")
_HOW_IT_SAYS: Final = (
    "dump_stack", "panic", "vpanic", "show_", "__schedule", "schedule", "__list_", "refcount_",
    "die", "exc_", "asm_exc_", "do_error_trap", "__warn", "report_bug", "handle_bug",
)  # fmt: skip
"""What finds or tells the fault, and does not have it."""
_MARK: Final = re.compile(r"radio-kernel (begins|ended): ([^\r\n]+)")


@dataclass(frozen=True)
class Death:
    """A kernel's end: what it said, in which of its functions, and during which test."""

    what: str
    function: str
    test: str

    def told(self) -> str:
        """Tell it."""
        during = f"during {self.test}" if self.test else "between the tests"
        return f"the kernel died in {self.function}, {during} ({self.what})"


def death(console: str, silent: bool = False) -> Death | None:
    """Find how the kernel died; of one that answers no more, what it stands at counts too."""
    found = _DIED.search(console) or (_STANDS.search(console) if silent else None)
    if found is None:
        return None
    line = console[console.rfind("\n", 0, found.start()) + 1 :].splitlines()[0]
    said = _STAMP.sub("", line).strip()
    return Death(said, _function(console[found.start() :]), _under_way(console, found))


def _function(after: str) -> str:
    rip = _RIP.search(after)
    called = [*([rip[1]] if rip else []), *(each[1] for each in _CALLED.finditer(after))]
    return next((name for name in called if not name.startswith(_HOW_IT_SAYS)), "unknown")


def _under_way(console: str, found: re.Match[str]) -> str:
    marks = [*_MARK.finditer(console, 0, found.start())]
    return marks[-1][2] if marks and marks[-1][1] == "begins" else ""
