"""Options said once: a frozen dataclass whose fields carry what the command line and the docs need of them."""

from collections.abc import Callable, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any

OPTION = "option"  # the key of an Option in a field's metadata


@dataclass(frozen=True, kw_only=True)
class Option:
    """How a field is given on a command line; `parse` reads its text, and raises SpecError for one that is wrong.

    A field without a parser is a flag: giving it turns its default, a truth value, round. `flag` is its name there,
    "--no-labels" for a field `labels`; "" takes the field's own.
    """

    help: str
    group: str = ""
    metavar: str = ""
    parse: Callable[[str], Any] | None = None
    choices: Sequence[str] = ()
    flag: str = ""

    def name(self, of: "Field[Any]") -> str:
        """Return the name on the command line: "--data-dir"."""
        return self.flag or f"--{of.name.replace('_', '-')}"


def option(default: Any, help: str, **more: Any) -> Any:
    """Return a field of an options class, with its default and what `Option` holds of it."""
    return field(default=default, metadata={OPTION: Option(help=help, **more)})


def options_of(kind: type) -> list[tuple["Field[Any]", Option]]:
    """Return the fields of an options class that a command line has, in their order."""
    return [(one, one.metadata[OPTION]) for one in fields(kind) if OPTION in one.metadata]
