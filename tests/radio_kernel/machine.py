"""QEMU, with the guest in it: KVM where that boots, else software emulation."""

import io
import json
import os
import subprocess
import tarfile
import time
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Final

from radio_kernel.deaths import Death, death
from radio_kernel.image import PATH, ROOT, NoGuestError

MEMORY_MB: Final = 640
KVM_S_MAX: Final = 15
"""Until the kernel runs, which takes 2 s; where machines are nested it may hang for ever."""
EMULATED_S_MAX: Final = 180
CODE: Final = (
    "contract", "edge", "firmware-sim", "deploy/gateway/zodra-edge.dbus.conf", "pyproject.toml",
    "tests/radio_kernel", "tests/edge_frames.py", "tests/missing.py",
)  # fmt: skip
SILENT_S_MAX: Final = 300
"""The guest says every few seconds that it lives; the machine below it may be busy."""
_LOOK_S: Final = 0.2
_SAYS_S: Final = 2
"""Until a kernel that dies has said how."""


class Machine:
    """A guest, booted once or more often; each boot finds the disk as it was made."""

    def __init__(self, image: Path, folder: Path) -> None:
        """Take the image, and a folder for what is written."""
        self._image = image
        self._results = folder / "results.jsonl"
        self._code = folder / "code.tar"
        self._said = folder / "qemu.log"
        self.console = folder / "console.log"
        self.accelerator = ""
        self.death: Death | None = None
        self.is_silent = False
        self._child: subprocess.Popen[bytes] | None = None

    def boot(self, asked: dict[str, Any], try_kvm: bool) -> None:
        """Start it, and wait until its kernel runs; what is asked of it is for its tests.

        Raises:
            NoGuestError: it does not boot.
        """
        self.death, self.is_silent = None, False
        _pack(self._code, asked)
        tried = {"tcg": EMULATED_S_MAX}
        if self.accelerator:
            tried = {self.accelerator: EMULATED_S_MAX}
        elif try_kvm and os.access("/dev/kvm", os.R_OK | os.W_OK):
            tried = {"kvm": KVM_S_MAX, **tried}
        for accelerator, seconds in tried.items():
            self._start(accelerator)
            if self._runs(seconds):
                self.accelerator = accelerator
                return
            self.end()
            print(f"the guest does not boot with {accelerator}", flush=True)
        said = self._said.read_text().strip().splitlines()
        raise NoGuestError("\n".join(["no kernel ran", *said[-5:]]))

    def _start(self, accelerator: str) -> None:
        self._results.write_bytes(b"")
        how = ["-accel", "kvm", "-cpu", "host"]
        if accelerator == "tcg":
            how = ["-accel", "tcg,thread=multi", "-cpu", "max"]
        self._child = subprocess.Popen(
            [
                "qemu-system-x86_64", *how, "-m", str(MEMORY_MB), "-smp", "2", "-nodefaults",
                "-display", "none", "-no-reboot",
                "-kernel", str(self._image / "kernel"), "-initrd", str(self._image / "initrd"),
                "-append", "console=ttyS0 panic=-1 quiet mitigations=off",
                "-drive", f"file={self._image / 'disk'},format=raw,if=virtio,snapshot=on",
                "-drive", f"file={self._code},format=raw,if=virtio,readonly=on",
                "-device", "virtio-rng-pci",
                "-serial", f"file:{self.console}", "-serial", f"file:{self._results}",
            ],
            env={**os.environ, "PATH": PATH},
            stdin=subprocess.DEVNULL,
            stderr=self._said.open("ab"),
        )  # fmt: skip

    def _runs(self, seconds: float) -> bool:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s and self.is_up():
            if b"\n" in self._results.read_bytes():
                return True
            time.sleep(_LOOK_S)
        return False

    def is_up(self) -> bool:
        """Say whether QEMU runs."""
        return self._child is not None and self._child.poll() is None

    def told(self, seconds: float) -> Iterator[dict[str, Any]]:
        """Give what the guest tells, until it ends, or dies, or the time is over.

        What is told of a test during which the kernel died is left out: it means nothing.
        """
        end_s = time.monotonic() + seconds
        with self._results.open("rb") as file:
            part, heard_s = b"", time.monotonic()
            while True:
                was_up = self.is_up()
                part += file.read()
                *lines, part = part.split(b"\n")
                told = [json.loads(line) for line in lines]
                heard_s = time.monotonic() if told else heard_s
                self.is_silent = time.monotonic() - heard_s > SILENT_S_MAX
                self.death = self._died()
                yield from _before(self.death, told)
                if not was_up or self.death or self.is_silent or time.monotonic() > end_s:
                    return
                time.sleep(_LOOK_S)

    def _died(self) -> Death | None:
        if death(self._said_so_far(), self.is_silent) is None:
            return None
        time.sleep(_SAYS_S)
        return death(self._said_so_far(), self.is_silent)

    def _said_so_far(self) -> str:
        return self.console.read_text(errors="replace")

    def end(self) -> None:
        """Switch it off."""
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
        if self._child is not None:
            self._child.wait()


def _before(died: Death | None, told: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for each in told:
        if died is not None and each.get("test", "") == died.test != "":
            return
        yield each


def _pack(to: Path, asked: dict[str, Any]) -> None:
    with tarfile.open(to, "w") as packed:
        said = json.dumps(asked).encode()
        info = tarfile.TarInfo("asked.json")
        info.size = len(said)
        packed.addfile(info, io.BytesIO(said))
        for name in CODE:
            packed.add(ROOT / name, name, filter=_wanted)
        # Our own version, and the parsers that we offer.
        metadata = Path(str(distribution("zodra").locate_file("."))).glob("zodra-*.dist-info")
        for folder in metadata:
            packed.add(folder, f"edge/{folder.name}")


def _wanted(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in info.name or ".mypy_cache" in info.name else info
