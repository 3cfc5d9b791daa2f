"""Whether a value that was given in Python is of the type that its annotation says, and that type in words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from whichnorm.specs.json_files import MAX_DIGITS

WORDS: dict[Any, str] = {
    bool: "True or False", int: "a whole number", float: "a number", str: "a text", NoneType: "None", Path: "a path",
    Callable: "a function", Mapping: "a dict", dict: "a dict",
}  # fmt: skip


def fits(value: object, annotation: Any) -> bool:
    """Tell whether a value is of an annotated type; an annotation we do not know fits everything.

    A truth value is no number, and a text is no sequence. Whole numbers have at most 18 digits.
    """
    origin = get_origin(annotation)
    if origin is Literal:
        return any(value == choice and type(value) is type(choice) for choice in get_args(annotation))
    if origin in (UnionType, Union):
        return any(fits(value, part) for part in get_args(annotation))
    if annotation in (int, float):
        accepted = (int,) if annotation is int else (int, float)
        return isinstance(value, accepted) and not isinstance(value, bool) and abs(value) < 10**MAX_DIGITS
    if origin in (Sequence, tuple, list):
        return isinstance(value, Sequence) and not isinstance(value, str) and _all_fit(value, get_args(annotation))
    if origin in (Mapping, dict):
        return isinstance(value, Mapping)
    if origin is Callable:
        return callable(value)
    known = isinstance(annotation, type) and (annotation in WORDS or is_dataclass(annotation))
    return isinstance(value, annotation) if known else True


def _all_fit(values: Sequence[object], parts: Sequence[Any]) -> bool:
    return all(fits(value, parts[0]) for value in values) if parts else True


def in_words(annotation: Any) -> str:
    """Say what a type is: "a whole number or None"."""
    origin = get_origin(annotation)
    if origin is Literal:
        return " or ".join(repr(choice) for choice in get_args(annotation))
    if origin in (UnionType, Union):
        return " or ".join(map(in_words, get_args(annotation)))
    if origin in (Sequence, tuple, list):
        return "a list"
    return WORDS.get(origin or annotation) or str(getattr(annotation, "__name__", annotation))
