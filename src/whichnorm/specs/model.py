"""Which network a study trains."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from whichnorm.specs.codec import NOT_ENCODED
from whichnorm.specs.require import require


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """Which network: a name of `whichnorm.models` or "package.module:factory", and its options."""

    name: str = "digits_net"
    options: tuple[tuple[str, bool | int | float | str], ...] = ()
    factory: Callable[..., Any] | None = field(  # in place of a name to look up
        default=None, compare=False, metadata={NOT_ENCODED: True}
    )
    source: str = ""  # hash of the source of a network of the user's own: an edited one is another network

    def __post_init__(self) -> None:
        for name, _ in self.options:
            taken = ("name", "norm", "num_classes", "in_channels", "image_size", "dropout")
            require(name not in taken, f"model option {name!r} is set by the study itself; leave it out")
