"""From options classes to arguments of the command line, and back."""

import argparse
from collections.abc import Collection
from typing import Any, TypeVar

from whichnorm.errors import SpecError, shown
from whichnorm.specs.options import Choice, choices, make

FOLDER = "the folder of a study or a sweep, their --out"
Group = argparse._ArgumentGroup
Arguments = argparse.ArgumentParser | Group
T = TypeVar("T")


def add_options(parser: Arguments, kind: type, but: Collection[str] = ()) -> dict[str, Arguments]:
    """Add the options of a class `but` some keywords, and return the groups that they are in by their titles.

    The groups have the order of the class's GROUPS. Given a group in place of a parser, all are in that one. What is
    not given on the command line is None, so that a command can tell.
    """
    asked = [choice for choice in choices(kind) if choice.keyword not in but]
    titles = dict.fromkeys(choice.option.group for choice in asked)
    ordered = sorted(titles, key=[*getattr(kind, "GROUPS", ()), *titles].index)
    groups = {title: _group(parser, title) for title in ordered}
    for choice in asked:
        _add(groups[choice.option.group], choice)
    return groups


def _group(parser: Arguments, title: str) -> Arguments:
    return parser.add_argument_group(title) if title and isinstance(parser, argparse.ArgumentParser) else parser


def _add(parser: Arguments, choice: Choice) -> None:
    asked = choice.option
    named: dict[str, Any] = {"dest": choice.keyword, "help": _help(choice)}
    if asked.choices:
        parser.add_argument(choice.flag, choices=asked.choices, **named)
    elif asked.parse is None:
        parser.add_argument(choice.flag, action="store_true", default=None, **named)
    else:
        action = "append" if asked.repeated else "store"
        parser.add_argument(choice.flag, action=action, metavar=asked.metavar or choice.keyword.upper(), **named)


def _help(choice: Choice) -> str:
    """Return the help text with the default, where there is one that it does not name itself."""
    text, default = choice.option.help, choice.default
    if choice.option.parse and default not in (None, ()) and "(default" not in text:
        text += f" (default {choice.option.write(default)})"
    return text.replace("%", "%%")  # argparse takes a single one for a placeholder


def read_options(args: argparse.Namespace, kind: type[T]) -> T:
    """Return the options that were given on the command line, the others at their defaults."""
    given = ((choice, getattr(args, choice.keyword, None)) for choice in choices(kind))
    return make(kind, {choice.keyword: _read(choice, text) for choice, text in given if text is not None})


def _read(choice: Choice, text: Any) -> Any:
    asked = choice.option
    if asked.repeated:
        return asked.repeated([_parsed(choice, one) for one in text])
    if asked.parse is None:
        return text if asked.choices else not choice.default
    return _parsed(choice, text)


def _parsed(choice: Choice, text: str) -> Any:
    """Read a text, and say in an error whose it is."""
    assert choice.option.parse
    try:
        return choice.option.parse(text)
    except SpecError as error:
        raise SpecError(f"{choice.flag} {shown(text)}: {error}") from None
