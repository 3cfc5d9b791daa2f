"""Whether a value is of the type that its annotation says and within its range, and both in words."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from math import inf
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from whichnorm.errors import shown

WORDS: dict[Any, str] = {
    bool: "True or False", int: "a whole number", float: "a number", str: "a text", NoneType: "None", Path: "a path",
    Callable: "a function", Mapping: "a dict", dict: "a dict",
}  # fmt: skip
LISTS = (Sequence, tuple, list)


@dataclass(frozen=True)
class Between:
    """The finite numbers from `low` to `high`; `above` and `below` leave out that end itself. A part of Annotated."""

    low: float = -inf
    high: float = inf
    above: bool = False
    below: bool = False

    def __contains__(self, number: float) -> bool:
        from_low = self.low < number if self.above else self.low <= number
        return from_low and (number < self.high if self.below else number <= self.high) and -inf < number < inf

    def __str__(self) -> str:
        if self.low == -inf:
            return "a finite number"
        if not self.above and not self.below and self.high < inf:
            return f"{self.low:,} to {self.high:,}"
        low = f"above {self.low:,}" if self.above else f"{self.low:,} or more"
        high = f" and {'below' if self.below else 'at most'} {self.high:,}"
        return low + (high if self.high < inf else "")


Count = Annotated[int, Between(0, 10**15)]
Fraction = Annotated[float, Between(0, 1)]
Seconds = Annotated[float, Between(0, 10**9)]
Magnitude = Annotated[float, Between(0, 1e50)]  # what float32 and products of it can hold


def fits(value: object, annotation: Any) -> bool:
    """Tell whether a value is of an annotated type and range; an annotation we do not know fits everything.

    A truth value is no number, and a text is no sequence.
    """
    return not misfit(value, annotation, "")


def misfit(value: object, annotation: Any, name: str) -> str:
    """Say what of a value, called `name`, is not as annotated, of a list its first such item; "" where all is."""
    alike = [kind for kind in _alternatives(annotation) if _is_a(value, kind)]
    if not alike:
        return f"{name} is {shown(value)} ({type(value).__name__}), expected {in_words(annotation)}"
    faults = [next(filter(None, _inside(value, kind, name)), "") for kind in alike]
    return "" if "" in faults else faults[0]


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (UnionType, Union) else (annotation,)


def _is_a(value: object, kind: Any) -> bool:
    """Tell whether a value is of a type, whatever it holds."""
    origin = get_origin(kind)
    if origin is Annotated:
        return _is_a(value, get_args(kind)[0])
    if origin is Literal:
        return any(value == choice and type(value) is type(choice) for choice in get_args(kind))
    if kind in (int, float):
        return isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
    if origin in LISTS:
        return isinstance(value, Sequence) and not isinstance(value, str)
    if origin in (Mapping, dict):
        return isinstance(value, Mapping)
    if origin is Callable:
        return callable(value)
    known = isinstance(kind, type) and (kind in WORDS or is_dataclass(kind))
    return isinstance(value, kind) if known else True


def _inside(value: Any, kind: Any, name: str) -> Iterator[str]:
    """Yield what is wrong with a value of a type: with its range, and with the items of a list or a dict."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        yield from _inside(value, parts[0], name)
        if value not in parts[1]:
            yield f"{name} is {shown(value)}, expected {parts[1]}"
    elif origin is tuple and parts[-1] is not ...:
        if len(value) != len(parts):
            yield f"{name} is {shown(value)}, expected {len(parts)} items"
        pairs = enumerate(zip(value, parts, strict=False))
        yield from (misfit(item, part, f"{name}[{i}]") for i, (item, part) in pairs)
    elif origin in LISTS and parts:
        yield from (misfit(item, parts[0], f"{name}[{i}]") for i, item in enumerate(value))
    elif origin in (Mapping, dict) and parts:
        yield from (misfit(item, parts[1], f"{name}[{shown(key, 30)}]") for key, item in value.items())


def in_words(annotation: Any) -> str:
    """Say what a type is: "a whole number or None"."""
    origin = get_origin(annotation)
    if origin is Literal:
        return " or ".join(repr(choice) for choice in get_args(annotation))
    if origin is Annotated:
        return in_words(get_args(annotation)[0])
    if origin in (UnionType, Union):
        return " or ".join(map(in_words, get_args(annotation)))
    if origin in LISTS:
        return "a list"
    return WORDS.get(origin or annotation) or str(getattr(annotation, "__name__", annotation))
