"""Functions that take the options of a class as keyword arguments."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from inspect import Parameter
from textwrap import fill
from typing import Any, TypeVar

from whichnorm.specs.options import Choice, choices, make, unknown

R = TypeVar("R")


def takes(kind: type, positional: Sequence[str] = ()) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Give a function, in place of its parameter `options` of this class, the class's options as keyword arguments.

    inspect.signature, help() and completion show them with types and defaults; those that are `positional` may be
    given without their name. An unknown keyword, and a value that the class refuses, is a SpecError. `options` may also
    be given as the one object that it is.
    """
    known = {choice.keyword: choice for choice in choices(kind)}

    def decorate(function: Callable[..., R]) -> Callable[..., R]:
        signature = _signature(function, known, positional)

        @wraps(function)
        def called(*args: Any, **keywords: Any) -> R:
            if "options" in keywords:
                return function(*args, **keywords)
            for keyword in keywords:
                if keyword not in signature.parameters:
                    raise unknown(keyword, signature.parameters)
            bound = signature.bind(*args, **keywords).arguments
            given = {keyword: value for keyword, value in bound.items() if keyword in known}
            others = {keyword: value for keyword, value in bound.items() if keyword not in known}
            return function(options=make(kind, given), **others)

        called.__signature__ = signature  # type: ignore[attr-defined]
        called.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
        called.__doc__ = f"{inspect.getdoc(function)}\n\nOptions:\n{_described(known.values())}"
        return called

    return decorate


def _signature(
    function: Callable[..., Any], known: Mapping[str, Choice], positional: Sequence[str]
) -> inspect.Signature:
    """Return the function's signature with the options in place of `options`."""
    own = inspect.signature(function)
    others = [one for one in own.parameters.values() if one.name != "options"]
    kinds = {name: Parameter.POSITIONAL_OR_KEYWORD if name in positional else Parameter.KEYWORD_ONLY for name in known}
    of_options = [
        Parameter(name, kinds[name], default=choice.default, annotation=choice.kind) for name, choice in known.items()
    ]
    first = [one for one in others if one.kind is not Parameter.KEYWORD_ONLY]
    last = [one for one in others if one.kind is Parameter.KEYWORD_ONLY]
    return own.replace(parameters=[*first, *sorted(of_options, key=lambda one: one.kind), *last])


def _described(options: Iterable[Choice]) -> str:
    """Return a paragraph per option: its keyword and its help, which of a flag that turns something off says so."""
    return "\n".join(fill(_text(one), 110, initial_indent="  ", subsequent_indent="      ") for one in options)


def _text(one: Choice) -> str:
    here = f"; in Python {one.option.in_python}" if one.option.in_python else ""
    return f"{one.keyword}: {'False: ' if one.default is True else ''}{one.option.help}{here}"
