"""The networks by name, and those of the user's own as "package.module:factory"; each is imported when asked for."""

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from whichnorm.errors import ModelError, in_a_line, nearest, shortened, shown
from whichnorm.files import place
from whichnorm.models.factory import SIGNATURE, Factory


@dataclass(frozen=True)
class Network:
    """A network of this package: its factory, and the side in pixels and channels of the images it was made for."""

    name: str  # of the factory
    image_size: int
    in_channels: int = 3
    module: str = ""  # in whichnorm.models; "" is the one with the factory's name

    @property
    def factory(self) -> Factory:
        found: Factory = getattr(importlib.import_module(f"whichnorm.models.{self.module or self.name}"), self.name)
        return found


NETWORKS: Mapping[str, Network] = {
    network.name: network
    for network in (
        Network("digits_net", image_size=8, in_channels=1),
        Network("mnist_s6", image_size=28, in_channels=1),
        Network("session08", image_size=32),
        Network("wynet", image_size=32),
        Network("residual8", image_size=32),
        Network("grouped_cifar", image_size=32, module="lcifar"),
        Network("lcifar", image_size=32),
    )
}


def factory_name(factory: Factory) -> str:
    """Return "module:function" for a factory, for records and messages."""
    return f"{getattr(factory, '__module__', '?')}:{getattr(factory, '__qualname__', type(factory).__name__)}"


def check_name(name: str) -> None:
    """Raise ModelError for a name that is neither a network of this package nor of the form of one's own."""
    module, colon, attribute = name.partition(":")
    if not colon and name not in NETWORKS:
        raise ModelError(
            f"unknown network {shown(name)}{nearest(shortened(name), NETWORKS)}; there are {', '.join(NETWORKS)}, "
            "and 'package.module:factory' for your own"
        )
    if colon and not (module and attribute.isidentifier()):
        raise ModelError(f"network {shown(name)} is not of the form 'package.module:factory'")


def load_factory(name: str) -> Factory:
    """Return the factory of a network of this package, or the one that "package.module:factory" names.

    The current working directory is searched as well, as by `python -m`.
    """
    check_name(name)
    if name in NETWORKS:
        return NETWORKS[name].factory
    module_name, _, attribute = name.partition(":")
    module = _import(name, module_name)
    if not hasattr(module, attribute):
        public = [member for member in vars(module) if not member.startswith("_")]
        raise ModelError(
            f"network {shown(name)}: module {shown(module_name)} ({getattr(module, '__file__', 'no file')}) "
            f"has no {shown(attribute)}{nearest(shortened(attribute), public)}"
        )
    factory: Factory = getattr(module, attribute)
    if not callable(factory):
        raise ModelError(f"network {shown(name)} is a {type(factory).__name__}, expected a function {SIGNATURE}")
    return factory


def _import(name: str, module_name: str) -> ModuleType:
    try:
        with _working_directory_on_path():
            importlib.invalidate_caches()
            return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not (module_name + ".").startswith(error.name + "."):
            raise ModelError(
                f"network {shown(name)}: module {shown(module_name)} needs {error.name!r}, not installed"
            ) from error
        raise ModelError(
            f"network {shown(name)}: no module {shown(error.name)} here ({place(Path.cwd())}) or among installed "
            "packages; run in the folder that holds it, or install it"
        ) from error
    except Exception as error:
        raise ModelError(
            f"network {shown(name)}: importing {shown(module_name)} failed with {in_a_line(error)}"
        ) from error


@contextmanager
def _working_directory_on_path() -> Iterator[None]:
    folder = str(Path.cwd())
    if folder in sys.path or "" in sys.path:
        yield
        return
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)
