"""A network described in one call."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from whichnorm.architecture.summary import Architecture
    from whichnorm.norms import NormSpec


def show(
    model: "str | Callable[..., nn.Module]",
    norm: "str | NormSpec" = "bn",
    *,
    num_classes: int = 10,
    input_shape: tuple[int, int, int] | None = None,
    **options: Any,
) -> "Architecture":
    """Describe a network with a norm: layers, parameters, multiply-adds and receptive fields; a picture in a notebook.

    model is a name ("session08"), "package.module:factory" or a factory; input_shape is channels, height and width of
    an image, None the network's own; options are those of the network. Raises WhichnormError for what cannot be built.
    """
    from whichnorm.architecture.summary import describe
    from whichnorm.models import build_model, default_input_shape, factory_name
    from whichnorm.norms import parse_norm

    spec = parse_norm(norm) if isinstance(norm, str) else norm
    name = model if isinstance(model, str) else factory_name(model)
    shape = input_shape or default_input_shape(name)
    network = build_model(model, spec, num_classes, shape[0], image_size=shape[1:], **options)
    return describe(network, name, spec, shape, num_classes)
