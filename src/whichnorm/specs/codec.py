"""Frozen dataclasses as JSON values and back: the one codec of every JSON file and every --json."""

import math
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from whichnorm.errors import SpecError, nearest, shortened, shown
from whichnorm.norms import NormSpec, parse_norm
from whichnorm.specs.arm import ArmSpec, parse_arm

NOT_ENCODED = "not encoded"  # in a field's metadata: pixels, and others that a program does not want
FORMERLY = "formerly"  # in a field's metadata: the names that it has in older files

TEXT_FORMS: dict[type, Callable[[str], Any]] = {NormSpec: parse_norm, ArmSpec: parse_arm, Path: Path}
"""Types that are written as their text, with the reader of it."""

EXPECTED = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", types.NoneType: "null"}
T = TypeVar("T")


def encode(value: Any) -> Any:
    """Return JSON values: objects for dataclasses, lists for tuples and arrays, None for what is not finite."""
    if isinstance(value, tuple(TEXT_FORMS)):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: encode(getattr(value, one.name)) for one in fields(value) if NOT_ENCODED not in one.metadata}
    if hasattr(value, "tolist"):  # an array or a scalar of numpy
        return encode(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def decode(value: Any, kind: type[T], where: str = "values") -> T:
    """Return JSON values, as `read_json` gives them, as an object of a type; `where` begins the message.

    What a dataclass has a default for may be left out, and a field may have a name that it had formerly. Pairs whose
    first is a text may be an object. Raises SpecError for a field that is unknown, missing or of another type, and
    for values that the object itself refuses.
    """
    found: T = _Reader(where).value(value, kind, "")
    return found


class _Reader:
    """Reads the fields of one object; `where` is the file and the fields that lead to it."""

    def __init__(self, where: str) -> None:
        self.where = where

    def value(self, value: Any, kind: Any, name: str) -> Any:
        """Return the value of a field, or of a part of one, in its type."""
        origin = get_origin(kind)
        if kind is Any:
            return value
        if origin in _OF_ORIGIN:
            return _OF_ORIGIN[origin](self, value, kind, name)
        if read := next((read for base, read in TEXT_FORMS.items() if issubclass(kind, base)), None):
            return self.of_text(value, kind, name, read)
        if is_dataclass(kind):
            return _Reader(f"{self.where}, {name}" if name else self.where).record(value, kind)
        return self.plain(value, kind, name)

    def record(self, value: Any, kind: Any) -> Any:
        if not isinstance(value, dict):
            raise SpecError(f"{self.where}: found {_found(value)}, expected a JSON object")
        given: dict[str, Any] = {}
        for name, item in value.items():
            field, hint = self.field(name, kind)
            if field in given:
                raise SpecError(f"{self.where}: field {field!r} is given twice, also under a former name")
            given[field] = self.value(item, hint, name)
        for one in fields(kind):
            if one.name not in given and one.default is MISSING and one.default_factory is MISSING:
                raise SpecError(f"{self.where}: field {one.name!r} is missing")
        try:
            return kind(**given)
        except (SpecError, ValueError) as error:  # what the object itself refuses
            raise SpecError(f"{self.where}: {error}") from None

    def field(self, name: str, kind: Any) -> tuple[str, Any]:
        """Return the present name of a field, and its type."""
        known = _known_fields(kind)
        if name not in known:
            offer = shortened(", ".join(one.name for one in fields(kind)), 150)
            hint = nearest(shortened(name), known)
            raise SpecError(f"{self.where}: unknown field {shown(name)}{hint}; there are {offer}")
        return known[name]

    def one_of(self, value: Any, kind: Any, name: str) -> Any:
        """Return a value in the first of several types that it fits."""
        kinds = [one for one in get_args(kind) if one is not types.NoneType]
        if value is None and len(kinds) < len(get_args(kind)):
            return None
        for one in kinds:
            try:
                return self.value(value, one, name)
            except SpecError:
                if len(kinds) == 1 and one not in EXPECTED:  # it says what is wrong inside
                    raise
        raise self.wrong(value, kind, name)

    def of_literal(self, value: Any, kind: Any, name: str) -> Any:
        if not any(value == one and type(value) is type(one) for one in get_args(kind)):
            raise self.wrong(value, kind, name)
        return value

    def sequence(self, value: Any, kind: Any, name: str) -> Any:
        """Return an array whose items are all of one type."""
        of_item = get_args(kind)[0]
        if isinstance(value, dict) and _is_named_pair(of_item):
            value = [list(pair) for pair in value.items()]
        if not isinstance(value, list):
            raise self.wrong(value, kind, name)
        make = list if get_origin(kind) is list else tuple
        if set(map(type, value)) <= {of_item} & set(EXPECTED):  # tens of thousands of predictions at once
            return make(value)
        return make(self.value(item, of_item, f"{name}[{place}]") for place, item in enumerate(value))

    def of_tuple(self, value: Any, kind: Any, name: str) -> Any:
        kinds = get_args(kind)
        if kinds[-1] is ...:
            return self.sequence(value, kind, name)
        if not isinstance(value, list) or len(value) != len(kinds):
            raise self.wrong(value, kind, name)
        return tuple(
            self.value(item, one, f"{name}[{i}]") for i, (item, one) in enumerate(zip(value, kinds, strict=True))
        )

    def mapping(self, value: Any, kind: Any, name: str) -> Any:
        if not isinstance(value, dict):
            raise self.wrong(value, kind, name)
        of_key, of_item = get_args(kind)
        keys = [self.key(key, of_key, name) for key in value]
        items = [self.value(item, of_item, f"{name}[{shown(key, 30)}]") for key, item in value.items()]
        return dict(zip(keys, items, strict=True))

    def key(self, text: str, kind: Any, name: str) -> Any:
        """Return the key of a mapping, which JSON has as text."""
        try:
            key = kind(text)
        except (ValueError, OverflowError):
            key = None
        if key is None or (kind is float and not math.isfinite(key)):
            raise self.wrong(text, kind, f"a key of {name}")
        return key

    def of_text(self, value: Any, kind: Any, name: str, read: Callable[[str], Any]) -> Any:
        if not isinstance(value, str):
            raise self.wrong(value, str, name)
        try:
            found = read(value)
        except SpecError as error:
            raise SpecError(f"{self.where}: field {name!r}: {error}") from None
        if not isinstance(found, kind):
            raise self.wrong(value, kind, name)
        return found

    def plain(self, value: Any, kind: Any, name: str) -> Any:
        if kind not in EXPECTED:
            raise TypeError(f"field {name!r} of {self.where}: the codec reads no {kind}")
        if type(value) is not kind and not (kind is float and type(value) is int):
            raise self.wrong(value, kind, name)
        return value

    def wrong(self, value: Any, kind: Any, name: str) -> SpecError:
        """Return what to say of a value that is not of its type."""
        what = f"field {shown(name)} is {shown(value)}" if name else f"found {_found(value)}"
        return SpecError(f"{self.where}: {what}, expected {shortened(_in_words(kind), 120)}")


_OF_ORIGIN: dict[Any, Callable[[_Reader, Any, Any, str], Any]] = {
    Union: _Reader.one_of,
    types.UnionType: _Reader.one_of,
    Literal: _Reader.of_literal,
    tuple: _Reader.of_tuple,
    list: _Reader.sequence,
    Sequence: _Reader.sequence,
    dict: _Reader.mapping,
    Mapping: _Reader.mapping,
}
_FOUND = {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "an array", dict: "an object"}


@cache
def _known_fields(kind: Any) -> dict[str, tuple[str, Any]]:
    """Return the fields that a file may have, by their names and former names, with their types."""
    hints = get_type_hints(kind)
    kept = [one for one in fields(kind) if NOT_ENCODED not in one.metadata]
    return {name: (one.name, hints[one.name]) for one in kept for name in (one.name, *one.metadata.get(FORMERLY, ()))}


def _is_named_pair(kind: Any) -> bool:
    return get_origin(kind) is tuple and len(get_args(kind)) == 2 and get_args(kind)[0] is str


def _found(value: Any) -> str:
    """Say what kind of JSON value something is."""
    return _FOUND.get(type(value), "null")


def _in_words(kind: Any) -> str:
    """Say which JSON value a type wants."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(map(_in_words, arguments))
    if origin is Literal:
        return " or ".join(map(repr, arguments))
    if origin is tuple and arguments[-1] is not ...:
        return f"an array of {len(arguments)}"
    if origin in (tuple, list, Sequence):
        return "an array"
    return EXPECTED.get(kind, "a JSON object")
