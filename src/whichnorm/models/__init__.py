"""The networks, by name or as "package.module:factory", each built with any norm.

A factory is `factory(norm, num_classes, in_channels)`, where `norm(num_channels)` makes a layer; its options are
keywords after these. `image_size` and `dropout` are handed to factories that have such a keyword.
"""

import importlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from whichnorm.errors import ModelError, WhichnormError, in_a_line, nearest
from whichnorm.models.digits_net import digits_net
from whichnorm.models.layers import Dropout, Factory, ImageSize, Norm, sides
from whichnorm.models.lcifar import grouped_cifar, lcifar
from whichnorm.models.mnist_s6 import mnist_s6
from whichnorm.models.residual8 import residual8
from whichnorm.models.session08 import session08
from whichnorm.models.wynet import wynet
from whichnorm.modes import evaluating
from whichnorm.norms import NormSpec, parse_norm

__all__ = [
    "NETWORKS", "Dropout", "Factory", "ImageSize", "Network", "Norm", "build_model", "default_input_shape",
    "load_factory",
]  # fmt: skip

SIGNATURE = "factory(norm, num_classes, in_channels)"


@dataclass(frozen=True)
class Network:
    """A network of this package: its factory, and the side in pixels and channels of the images it was made for."""

    factory: Factory
    image_size: int
    in_channels: int = 3


NETWORKS: Mapping[str, Network] = {
    "digits_net": Network(digits_net, image_size=8, in_channels=1),
    "mnist_s6": Network(mnist_s6, image_size=28, in_channels=1),
    "session08": Network(session08, image_size=32),
    "wynet": Network(wynet, image_size=32),
    "residual8": Network(residual8, image_size=32),
    "grouped_cifar": Network(grouped_cifar, image_size=32),
    "lcifar": Network(lcifar, image_size=32),
}


def build_model(
    name: str | Factory,
    norm: NormSpec | str = "bn",
    num_classes: int = 10,
    in_channels: int = 3,
    *,
    image_size: ImageSize | None = None,
    dropout: float | None = None,
    **options: Any,
) -> nn.Module:
    """Build a network by name, or by a factory of yours, with every norm layer made by `norm`, ready to train.

    One dry forward pass in evaluation mode gives lazy layers their size and checks that logits are (N, num_classes); it
    changes neither modes, running statistics nor the state of random numbers. `image_size` defaults to the network's
    own, 32 for a factory of yours that names none; `dropout` None keeps the network's rate.
    """
    spec = parse_norm(norm) if isinstance(norm, str) else norm
    factory = load_factory(name) if isinstance(name, str) else name
    name = name if isinstance(name, str) else factory_name(name)
    for what, number in (("num_classes", num_classes), ("in_channels", in_channels)):
        if number < 1:
            raise ModelError(f"{what} of network {name!r} is {number}, expected 1 or more")
    parameters = _keywords(factory)
    if image_size is None:
        image_size = _default_image_size(name, parameters)
    if min(sides(image_size)) < 1:
        raise ModelError(f"image size {image_size} of network {name!r} is below 1 pixel")
    _check_options(name, parameters, options)
    arguments = dict(options)
    if "image_size" in parameters:
        arguments["image_size"] = image_size
    if dropout is not None and _has_dropout(name, parameters, dropout):
        arguments["dropout"] = dropout
    model = _call(name, factory, spec, num_classes, in_channels, arguments)
    _dry_forward(name, model, num_classes, (in_channels, *sides(image_size)))
    return model


def default_input_shape(name: str) -> tuple[int, int, int]:
    """Return (channels, height, width) of the images a network is made for; 3 channels for a factory of yours."""
    in_channels = NETWORKS[name].in_channels if name in NETWORKS else 3
    return in_channels, *sides(_default_image_size(name, _keywords(load_factory(name))))


def factory_name(factory: Factory) -> str:
    """Return "module:function" for a factory, for records and messages."""
    return f"{getattr(factory, '__module__', '?')}:{getattr(factory, '__qualname__', type(factory).__name__)}"


def load_factory(name: str) -> Factory:
    """Return the factory of a network of this package, or the one that "package.module:factory" names.

    The current working directory is searched as well, as by `python -m`.
    """
    if ":" not in name:
        if name not in NETWORKS:
            raise ModelError(
                f"unknown network {name!r}{nearest(name, NETWORKS)}; there are {', '.join(NETWORKS)}, "
                "and 'package.module:factory' for your own"
            )
        return NETWORKS[name].factory
    module_name, _, attribute = name.partition(":")
    if not module_name or not attribute.isidentifier():
        raise ModelError(f"network {name!r} is not of the form 'package.module:factory'")
    module = _import(name, module_name)
    if not hasattr(module, attribute):
        public = [member for member in vars(module) if not member.startswith("_")]
        raise ModelError(
            f"network {name!r}: module {module_name!r} ({getattr(module, '__file__', 'no file')}) "
            f"has no {attribute!r}{nearest(attribute, public)}"
        )
    factory: Factory = getattr(module, attribute)
    if not callable(factory):
        raise ModelError(f"network {name!r} is a {type(factory).__name__}, expected a function {SIGNATURE}")
    return factory


def _import(name: str, module_name: str) -> ModuleType:
    try:
        with _working_directory_on_path():
            importlib.invalidate_caches()
            return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not (module_name + ".").startswith(error.name + "."):
            raise ModelError(f"network {name!r}: module {module_name!r} needs {error.name!r}, not installed") from error
        raise ModelError(
            f"network {name!r}: no module {error.name!r} here ({Path.cwd()}) or among installed packages; "
            "run in the folder that holds it, or install it"
        ) from error
    except Exception as error:
        raise ModelError(f"network {name!r}: importing {module_name!r} failed with {in_a_line(error)}") from error


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
            if not _fits(value, known[option].annotation):
                kind = type(value).__name__
                expected = _in_words(known[option].annotation)
                raise ModelError(f"option {option!r} of network {name!r} is {value!r} ({kind}), expected {expected}")
        elif not _takes_any(parameters):
            offer = f"there are {', '.join(known)}" if known else "it has none"
            raise ModelError(f"network {name!r} has no option {option!r}{nearest(option, known)}; {offer}")


def _fits(value: object, annotation: Any) -> bool:
    """Tell whether an option's value is of its annotated type; an annotation we do not know fits everything."""
    origin = get_origin(annotation)
    if origin is Literal:
        return any(value == choice and type(value) is type(choice) for choice in get_args(annotation))
    if origin in (UnionType, Union):
        return any(_fits(value, part) for part in get_args(annotation))
    if annotation is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if annotation in (bool, str):
        return isinstance(value, annotation)
    return value is None if annotation is type(None) else True


def _in_words(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Literal:
        return " or ".join(repr(choice) for choice in get_args(annotation))
    if origin in (UnionType, Union):
        return " or ".join(_in_words(part) for part in get_args(annotation))
    words = {bool: "True or False", int: "a whole number", float: "a number", str: "a text", type(None): "None"}
    return words.get(annotation, str(annotation))


def _has_dropout(name: str, parameters: Mapping[str, inspect.Parameter], dropout: float) -> bool:
    """Tell whether the factory takes a dropout rate; a rate above 0 that it does not take is an error."""
    if not 0 <= dropout < 1:
        raise ModelError(f"dropout of network {name!r} is {dropout}, expected a rate in [0, 1)")
    if "dropout" in parameters or _takes_any(parameters):
        return True
    if dropout > 0:
        raise ModelError(f"network {name!r} has no keyword 'dropout' for the rate {dropout}: add one or leave it out")
    return False


def _call(
    name: str, factory: Factory, norm: Norm, num_classes: int, in_channels: int, arguments: dict[str, Any]
) -> nn.Module:
    try:
        model = factory(norm, num_classes, in_channels, **arguments)
    except WhichnormError:  # a norm that does not fit the network says so itself
        raise
    except Exception as error:
        raise ModelError(f"network {name!r} failed with {in_a_line(error)}; expected is {SIGNATURE}") from error
    if not isinstance(model, nn.Module):
        raise ModelError(f"network {name!r} returned a {type(model).__name__}, expected a torch.nn.Module")
    return model


def _dry_forward(name: str, model: nn.Module, num_classes: int, image_shape: tuple[int, int, int]) -> None:
    """Run two black images through the network, and leave everything but lazy layers as it was."""
    shape = "x".join(str(side) for side in image_shape)
    try:
        with evaluating(model), torch.no_grad():
            logits = model(torch.zeros(2, *image_shape))
    except WhichnormError:
        raise
    except Exception as error:
        raise ModelError(
            f"network {name!r} fails on images of {shape} (channels, height, width) with {in_a_line(error)}; "
            "check the image size and the number of channels"
        ) from error
    found = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    if found != (2, num_classes):
        raise ModelError(
            f"network {name!r} gives {found} for 2 images of {shape} (channels, height, width), "
            f"expected (2, {num_classes}): logits of each class"
        )
    unsized = [key for key, value in model.named_parameters() if isinstance(value, UninitializedParameter)]
    if unsized:
        raise ModelError(f"network {name!r} never uses the layer of parameter {unsized[0]!r}: remove it")
