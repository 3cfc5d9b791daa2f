"""A network described in one call, and shown in a notebook."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from rich.console import Console
from torch import nn

from whichnorm.architecture.summary import Architecture, describe
from whichnorm.architecture.svg import draw
from whichnorm.architecture.table import print_architecture
from whichnorm.errors import SpecError
from whichnorm.models import build_model, default_input_shape, factory_name
from whichnorm.norms import NormSpec, parse_norm
from whichnorm.specs.data import MAX_IMAGE_SIZE
from whichnorm.specs.value_types import Between, misfit


@dataclass(frozen=True, kw_only=True)
class ShownArchitecture(Architecture):
    """A network that prints as the table of its layers, and is a picture in a notebook."""

    def __str__(self) -> str:
        console = Console(width=120, force_terminal=False, force_jupyter=False, no_color=True)
        with console.capture() as captured:
            print_architecture(self, console)
        return captured.get()

    def _repr_svg_(self) -> str:
        return draw(self)


def describe_network(
    model: str | Callable[..., nn.Module],
    norm: str | NormSpec,
    num_classes: int,
    input_shape: tuple[int, int, int] | None,
    options: dict[str, Any],
) -> tuple[nn.Module, ShownArchitecture]:
    """Build a network and return it with its description; see `whichnorm.show`."""
    spec = parse_norm(norm) if isinstance(norm, str) else norm
    name = model if isinstance(model, str) else factory_name(model)
    side = Annotated[int, Between(1, MAX_IMAGE_SIZE)]
    if fault := misfit(input_shape, tuple[side, side, side] | None, "input_shape"):
        raise SpecError(fault)
    shape = input_shape or default_input_shape(name)
    network = build_model(model, spec, num_classes, shape[0], image_size=shape[1:], **options)
    return network, ShownArchitecture(**vars(describe(network, name, spec, shape, num_classes)))
