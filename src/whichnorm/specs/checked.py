"""Dataclasses that check themselves by the annotations of their fields."""

from dataclasses import dataclass, fields
from functools import cache
from typing import Any, get_type_hints

from whichnorm.errors import SpecError
from whichnorm.specs.options import OPTION
from whichnorm.specs.value_types import misfit


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A base that refuses values of another type, or out of the range that Annotated gives, by a SpecError.

    The message has the field's name, of an option its keyword: "val is nan, expected 0 or more and below 1".
    """

    def __post_init__(self) -> None:
        for name, called, kind in _annotated(type(self)):  # type: ignore[arg-type]
            if fault := misfit(getattr(self, name), kind, called):
                raise SpecError(fault)


@cache
def _annotated(kind: Any) -> tuple[tuple[str, str, Any], ...]:
    """Return the name of every field, what messages call it and its annotation."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple((one.name, _called(one), hints[one.name]) for one in fields(kind))


def _called(field: Any) -> str:
    option = field.metadata.get(OPTION)
    return str((option and option.keyword) or field.name)
