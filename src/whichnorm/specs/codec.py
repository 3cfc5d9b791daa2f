"""Frozen dataclasses as JSON values and back: the one codec of every JSON file and every --json."""

import math
import types
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

NOT_ENCODED = "not encoded"  # in a field's metadata: pixels, and others that a program does not want

T = TypeVar("T")


def encode(value: Any) -> Any:
    """Return JSON values: objects for dataclasses, lists for tuples and arrays, None for what is not finite."""
    if is_dataclass(value) and not isinstance(value, type):
        kept = (one for one in fields(value) if NOT_ENCODED not in one.metadata)
        return {one.name: encode(getattr(value, one.name)) for one in kept}
    if hasattr(value, "tolist"):  # an array or a scalar of numpy
        return encode(value.tolist())
    if isinstance(value, dict | types.MappingProxyType):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)  # such as a path, or a norm in its text form


def decode(value: Any, kind: type[T]) -> T:
    """Return JSON values as an object of a type; a ValueError for values of another type."""
    found: T = _decoded(value, kind)
    return found


def _decoded(value: Any, kind: Any) -> Any:
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(**{field.name: _decoded(value[field.name], hints[field.name]) for field in fields(kind)})
    if get_origin(kind) is tuple:
        return tuple(_decoded(item, get_args(kind)[0]) for item in value)
    if get_origin(kind) is dict:
        return {key: _decoded(item, get_args(kind)[1]) for key, item in value.items()}
    if get_origin(kind) is types.UnionType:
        return None if value is None else _decoded(value, get_args(kind)[0])
    if not isinstance(value, int | float if kind is float else kind) or isinstance(value, bool):
        raise ValueError(f"{value!r} is no {kind.__name__}")
    return value
