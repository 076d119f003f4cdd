"""Import of a library without what its package brings along.

xiaomi-ble's package loads a client for the maker's cloud, and with it aiohttp; habluetooth's, of
which the parsers want two types, a manager of adapters. Together that was 11 MB of a gateway's
memory, for nothing. So the packages are entered without running their `__init__`, which runs as
soon as anybody asks for more than was taken here.
"""

import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Final

_TYPES: Final = ("BluetoothServiceInfo", "BluetoothServiceInfoBleak")


@cache
def library(module: str) -> ModuleType:
    """Import a module of a library, once for the life of the process.

    Raises:
        ImportError: it is not installed.
    """
    if _enter("habluetooth"):
        models = import_module("habluetooth.models")
        for name in _TYPES:
            setattr(sys.modules["habluetooth"], name, getattr(models, name))
    _enter(module.partition(".")[0])
    return import_module(module)


def _enter(package: str) -> bool:
    """Make a package known without running it; False if it runs already, or is not there."""
    if package in sys.modules:
        return False
    spec = find_spec(package)
    if spec is None or spec.loader is None:
        return False
    entered = module_from_spec(spec)

    def whole(name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        vars(entered).pop("__getattr__", None)
        if spec.loader is not None:
            spec.loader.exec_module(entered)
        return getattr(entered, name)

    vars(entered)["__getattr__"] = whole
    sys.modules[package] = entered
    return True
