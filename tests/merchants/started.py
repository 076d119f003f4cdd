"""Starts each shop once for a test process."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from merchants import peers
from merchants.medusa import medusa
from merchants.peers import OscarProcess, Peer
from merchants.woo_double import woocommerce
from missing import give_up

MEDUSA = "MEDUSA_FOLDER"
"""Names the folder that `scripts/merchants.sh` filled."""


class Started:
    """Starts a shop when the first test asks for it, and ends them all."""

    def __init__(self, folder: Callable[[str], Path]) -> None:
        self._folder = folder
        self._open = ExitStack()
        self._peers: dict[str, Peer] = {}
        self._oscar: OscarProcess | None = None

    def __call__(self, name: str) -> Peer:
        if name not in self._peers:
            self._peers[name] = self._open.enter_context(self._start(name))
        return self._peers[name]

    def _start(self, name: str) -> AbstractContextManager[Peer]:
        if name == "ucp":
            return peers.ucp(self._folder(name))
        if name == "woocommerce":
            return woocommerce()
        if name == "medusa":
            if MEDUSA not in os.environ:
                give_up("Medusa is brought by make merchants")
            return medusa(Path(os.environ[MEDUSA]), self._folder(name))
        return peers.oscar(self.oscar(), plugin=name == "oscar-plugin")

    def oscar(self) -> OscarProcess:
        """The one django-oscar that runs, with and without our plug-in."""
        if self._oscar is None:
            self._oscar = self._open.enter_context(OscarProcess(self._folder("oscar")))
        return self._oscar

    def close(self) -> None:
        self._open.close()
