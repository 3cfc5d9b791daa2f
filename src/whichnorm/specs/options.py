"""Options said once: a frozen dataclass whose fields carry what Python, the command line and the docs need of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from typing import Any, TypeVar, get_type_hints

from whichnorm.errors import SpecError, nearest, shortened, shown

OPTION, PART, CHANGES = "option", "part", "changes"  # keys of a field's metadata
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Option:
    """How a field is given on a command line; `parse` reads its text, and raises SpecError for one that is wrong.

    A field without a parser is a flag: giving it turns its default, a truth value, round. `flag` is its name there,
    "--no-labels" for a field `labels`; "" takes the keyword's. `keyword` is its name in Python; "" takes the field's.
    `write` is the inverse of `parse`. One that is given once for every item has in `repeated` what makes one value of
    these; `write` then gives the items. `needs` is the keyword of a flag without which it has no meaning. `part` names
    it in a folder's name: "train" makes "train-500" of 500. `in_python` says what a value is in
    Python, where that differs.
    """

    help: str
    group: str = ""
    metavar: str = ""
    parse: Callable[[str], Any] | None = None
    write: Callable[[Any], Any] = str
    choices: Sequence[str] = ()
    flag: str = ""
    keyword: str = ""
    repeated: Callable[[Any], Any] | None = None
    needs: str = ""
    part: str = ""
    in_python: str = ""


def option(default: Any, help: str, **more: Any) -> Any:
    """Return a field of an options class, with its default and what `Option` holds of it."""
    return field(default=default, metadata={OPTION: Option(help=help, **more)})


def again(kind: type, name: str, default: Any, default_text: str) -> Any:
    """Return the field of another options class with another default, and what its help says of that."""
    found: Option = kind.__dataclass_fields__[name].metadata[OPTION]  # type: ignore[attr-defined]
    help = f"{found.help.partition(' (default')[0]}{default_text}"
    return field(default=default, metadata={OPTION: replace(found, help=help)})


def part(kind: type) -> Any:
    """Return a field that is an object of another class, whose own options belong to this one's."""
    return field(default_factory=kind, metadata={PART: kind})


def changes_of(kind: type, but: Sequence[str] = ()) -> Any:
    """Return a field of changes to an object of another class: values of its options that are given, `but` some."""
    return field(default_factory=dict, metadata={PART: kind, CHANGES: but})


@dataclass(frozen=True, kw_only=True)
class Choice:
    """An option with its place: the names of the fields that lead to it, its type and its default."""

    path: tuple[str, ...]
    kind: Any
    default: Any
    option: Option

    @property
    def keyword(self) -> str:
        """The name in Python: "data_dir"."""
        return self.option.keyword or self.path[-1]

    @property
    def flag(self) -> str:
        """The name on the command line: "--data-dir"."""
        return self.option.flag or f"--{self.keyword.replace('_', '-')}"

    def of(self, options: Any) -> Any:
        """Return the value that options have for it."""
        for name in self.path:
            options = options.get(name) if isinstance(options, Mapping) else getattr(options, name)
        return options


def choices(kind: type) -> tuple[Choice, ...]:
    """Return all options of a class, those of its parts among them, in their order."""
    return tuple(_choices(kind, ()))


def _choices(kind: type, path: tuple[str, ...]) -> Iterator[Choice]:
    hints = get_type_hints(kind)
    for one in fields(kind):
        here = (*path, one.name)
        if CHANGES in one.metadata:
            for choice in choices(one.metadata[PART]):
                if choice.keyword not in one.metadata[CHANGES]:
                    yield replace(choice, path=(*here, *choice.path), kind=choice.kind | None, default=None)
        elif PART in one.metadata:
            yield from _choices(one.metadata[PART], here)
        elif OPTION in one.metadata:
            yield Choice(path=here, kind=hints[one.name], default=_default(one), option=one.metadata[OPTION])


def _default(of: "Field[Any]") -> Any:
    return of.default if of.default_factory is MISSING else of.default_factory()


def make(kind: type[T], given: Mapping[str, Any]) -> T:
    """Return options from values by their keywords, the others at their defaults.

    Raises SpecError for a keyword that there is not, and for an option without the one that it needs.
    """
    known = {choice.keyword: choice for choice in choices(kind)}
    for keyword, value in given.items():
        if keyword not in known:
            raise unknown(keyword, known)
        if known[keyword].option.needs in known:  # else what is needed is known in another way
            _check_needs(known[keyword], value, given)
    found: T = _made(kind, {known[keyword].path: value for keyword, value in given.items()})
    return found


def unknown(keyword: str, known: Mapping[str, Any]) -> SpecError:
    """Return what to say of a keyword that there is not."""
    return SpecError(
        f"unknown option {shown(keyword)}{nearest(shortened(keyword), known)}; there are {', '.join(known)}"
    )


def _check_needs(choice: Choice, value: Any, given: Mapping[str, Any]) -> None:
    needed = choice.option.needs
    if value != choice.default and not given.get(needed):
        flag = f"--{needed.replace('_', '-')}"
        raise SpecError(
            f"{choice.flag} {shortened(str(choice.option.write(value)))}: has a meaning with {flag} only; add that, or "
            "leave it out"
        )


def _made(kind: type, values: Mapping[tuple[str, ...], Any]) -> Any:
    """Make an object of values by their paths, its parts first."""
    arguments: dict[str, Any] = {path[0]: value for path, value in values.items() if len(path) == 1}
    for one in fields(kind):
        inner = {path[1:]: value for path, value in values.items() if path[0] == one.name and len(path) > 1}
        if CHANGES in one.metadata:
            arguments[one.name] = {name: value for (name,), value in inner.items() if value is not None}
        elif inner:
            arguments[one.name] = _made(one.metadata[PART], inner)
    return kind(**arguments)
