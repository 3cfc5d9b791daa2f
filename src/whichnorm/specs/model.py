"""Which network a study trains."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from whichnorm.specs.checked import Checked
from whichnorm.specs.codec import NOT_ENCODED
from whichnorm.specs.json_files import MAX_INT
from whichnorm.specs.require import require
from whichnorm.specs.value_types import Between, misfit

OptionValue = bool | Annotated[int, Between(-MAX_INT, MAX_INT)] | Annotated[float, Between()] | str


@dataclass(frozen=True, kw_only=True)
class ModelSpec(Checked):
    """Which network: a name of `whichnorm.models` or "package.module:factory", and its options."""

    name: str = "digits_net"
    options: tuple[tuple[str, bool | int | float | str], ...] = ()
    factory: Callable[..., Any] | None = field(  # in place of a name to look up
        default=None, compare=False, metadata={NOT_ENCODED: True}
    )
    source: str = ""  # hash of the source of a network of the user's own: an edited one is another network

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in self.options:
            taken = ("name", "norm", "num_classes", "in_channels", "image_size", "dropout")
            require(name not in taken, f"model option {name!r} is set by the study itself; leave it out")
            fault = misfit(value, OptionValue, f"model option {name!r}")
            require(not fault, fault)
