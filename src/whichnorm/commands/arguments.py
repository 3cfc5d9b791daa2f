"""From options classes to arguments of the command line, and back."""

import argparse
from typing import Any, TypeVar

from whichnorm.specs.options import Option, options_of

Arguments = argparse.ArgumentParser | argparse._ArgumentGroup
T = TypeVar("T")


def add_options(parser: argparse.ArgumentParser, kind: type) -> None:
    """Add every option of a class, in the groups that they name; what is not given is None."""
    groups: dict[str, Arguments] = {"": parser}
    for one, found in options_of(kind):
        if found.group not in groups:
            groups[found.group] = parser.add_argument_group(found.group)
        _add(groups[found.group], one.name, found.name(one), found)


def _add(parser: Arguments, name: str, flag: str, found: Option) -> None:
    if found.parse is None and not found.choices:
        parser.add_argument(flag, dest=name, action="store_true", default=None, help=found.help)
    elif found.choices:
        parser.add_argument(flag, dest=name, choices=found.choices, help=found.help)
    else:
        parser.add_argument(flag, dest=name, metavar=found.metavar or name.upper(), help=found.help)


def read_options(args: argparse.Namespace, kind: type[T]) -> T:
    """Return the options that were given on the command line, the others at their defaults."""
    given: dict[str, Any] = {}
    for one, found in options_of(kind):
        text = getattr(args, one.name)
        if text is None:
            continue
        given[one.name] = not one.default if text is True else found.parse(text) if found.parse else text
    return kind(**given)
