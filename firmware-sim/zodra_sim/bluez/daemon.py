"""A private `dbus-daemon` that calls itself the system's."""

import asyncio
import ctypes
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from zodra_sim.errors import SimError

START_S_MAX: Final = 10.0
STOP_S_MAX: Final = 3.0
SOCKET_BYTES_MAX: Final = 107
"""What the path of a Unix socket may have."""
_PR_SET_PDEATHSIG: Final = 1

CONFIG: Final = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
  </policy>
</busconfig>
"""


def is_installed() -> bool:
    """Whether there is a `dbus-daemon` to run."""
    return shutil.which("dbus-daemon") is not None


@asynccontextmanager
async def private_bus(folder: Path) -> AsyncIterator[str]:
    """Run a bus whose socket is in a folder that is there, and give its address.

    Raises:
        SimError: it cannot be started.
    """
    program = shutil.which("dbus-daemon")
    if program is None:
        raise SimError("there is no dbus-daemon here; on Debian: apt-get install dbus-daemon")
    socket, config = folder / "bus", folder / "bus.conf"
    if len(str(socket)) > SOCKET_BYTES_MAX:
        raise SimError(f"{socket} is too long a path for a socket; choose a shorter folder")
    await asyncio.to_thread(socket.unlink, missing_ok=True)
    text = CONFIG.format(socket=socket)
    await asyncio.to_thread(config.write_text, text, encoding="utf-8")
    child = await asyncio.create_subprocess_exec(
        program,
        f"--config-file={config}",
        "--nofork",
        "--nopidfile",
        "--print-address",
        stdout=asyncio.subprocess.PIPE,
        preexec_fn=_dies_with_its_parent,
    )
    try:
        yield await _address(child)
    finally:
        if child.returncode is None:
            child.terminate()
        try:
            async with asyncio.timeout(STOP_S_MAX):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()


async def _address(child: asyncio.subprocess.Process) -> str:
    if child.stdout is None:
        raise SimError("dbus-daemon has no output")
    try:
        async with asyncio.timeout(START_S_MAX):
            said = (await child.stdout.readline()).decode().strip()
    except TimeoutError as late:
        raise SimError("dbus-daemon did not say its address") from late
    if not said:
        raise SimError("dbus-daemon ended at once; see what it wrote")
    return said.partition(",")[0]


def _dies_with_its_parent() -> None:
    # Else a SIGKILL of the simulator leaves a bus behind that nobody knows of.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
