"""A network built with any norm, its options checked and one forward pass made."""

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from whichnorm.errors import ModelError, nearest, shortened, shown
from whichnorm.models.factory import Factory, ImageSize, sides
from whichnorm.models.networks import NETWORKS, factory_name, load_factory
from whichnorm.norms import NormSpec, parse_norm
from whichnorm.specs.value_types import Between, fits, in_words, misfit

if TYPE_CHECKING:
    from torch import nn

MAX_NUMBER = 1_000_000  # classes or channels


def build_model(
    name: str | Factory,
    norm: NormSpec | str = "bn",
    num_classes: int = 10,
    in_channels: int = 3,
    *,
    image_size: ImageSize | None = None,
    dropout: float | None = None,
    **options: Any,
) -> "nn.Module":
    """Build a network by name, or by a factory of yours, with every norm layer made by `norm`, ready to train.

    One dry forward pass in evaluation mode gives lazy layers their size and checks that logits are (N, num_classes); it
    changes neither modes, running statistics nor the state of random numbers. `image_size` defaults to the network's
    own, 32 for a factory of yours that names none; `dropout` None keeps the network's rate.
    """
    from whichnorm.models.dry_run import call, dry_forward  # with PyTorch, which a message about arguments waits for

    spec = parse_norm(norm) if isinstance(norm, str) else norm
    factory = load_factory(name) if isinstance(name, str) else name
    name = name if isinstance(name, str) else factory_name(name)
    for what, number in (("num_classes", num_classes), ("in_channels", in_channels)):
        if fault := misfit(number, Annotated[int, Between(1, MAX_NUMBER)], f"{what} of network {shown(name)}"):
            raise ModelError(fault)
    parameters = _keywords(factory)
    if image_size is None:
        image_size = _default_image_size(name, parameters)
    if min(sides(image_size)) < 1:
        raise ModelError(f"image size {image_size} of network {shown(name)} is below 1 pixel")
    _check_options(name, parameters, options)
    arguments = dict(options)
    if "image_size" in parameters:
        arguments["image_size"] = image_size
    if dropout is not None and _has_dropout(name, parameters, dropout):
        arguments["dropout"] = dropout
    model = call(name, factory, spec, num_classes, in_channels, arguments)
    dry_forward(name, model, num_classes, (in_channels, *sides(image_size)))
    return model


def default_input_shape(name: str) -> tuple[int, int, int]:
    """Return (channels, height, width) of the images a network is made for; 3 channels for a factory of yours."""
    in_channels = NETWORKS[name].in_channels if name in NETWORKS else 3
    return in_channels, *sides(_default_image_size(name, _keywords(load_factory(name))))


def _keywords(factory: Factory) -> dict[str, inspect.Parameter]:
    """Return what the factory takes after norm, num_classes and in_channels."""
    try:
        signature = inspect.signature(factory, eval_str=True)
    except NameError:  # an annotation that only a type checker can see
        signature = inspect.signature(factory)
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    first = [key for key, parameter in signature.parameters.items() if parameter.kind in positional][:3]
    return {key: parameter for key, parameter in signature.parameters.items() if key not in first}


def _takes_any(parameters: Mapping[str, inspect.Parameter]) -> bool:
    return any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values())


def _default_image_size(name: str, parameters: Mapping[str, inspect.Parameter]) -> ImageSize:
    if name in NETWORKS:
        return NETWORKS[name].image_size
    default = parameters["image_size"].default if "image_size" in parameters else None
    return default if isinstance(default, int | tuple) else 32


def _check_options(name: str, parameters: Mapping[str, inspect.Parameter], options: Mapping[str, Any]) -> None:
    skipped = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.POSITIONAL_ONLY)
    known = {
        key: parameter
        for key, parameter in parameters.items()
        if parameter.kind not in skipped and key not in ("image_size", "dropout")
    }
    for option, value in options.items():
        if option in known:
            if not fits(value, known[option].annotation):
                kind = type(value).__name__
                expected = in_words(known[option].annotation)
                raise ModelError(
                    f"option {shown(option)} of network {shown(name)} is {shown(value)} ({kind}), expected {expected}"
                )
        elif not _takes_any(parameters):
            offer = f"there are {', '.join(known)}" if known else "it has none"
            raise ModelError(
                f"network {shown(name)} has no option {shown(option)}{nearest(shortened(option), known)}; {offer}"
            )


def _has_dropout(name: str, parameters: Mapping[str, inspect.Parameter], dropout: float) -> bool:
    """Tell whether the factory takes a dropout rate; a rate above 0 that it does not take is an error."""
    if not 0 <= dropout < 1:
        raise ModelError(f"dropout of network {shown(name)} is {dropout}, expected a rate in [0, 1)")
    if "dropout" in parameters or _takes_any(parameters):
        return True
    if dropout > 0:
        raise ModelError(
            f"network {shown(name)} has no keyword 'dropout' for the rate {dropout}: add one or leave it out"
        )
    return False
