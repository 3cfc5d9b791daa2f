"""Marks in a Markdown file around what results/ says: <!-- STUDY: NAME --> ... <!-- end -->.

A mark is a comment, so that no reader sees it. Marks on lines of their own hold a table or paragraphs, with a blank
line on either side; marks within a line hold a number or a few words.
"""

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping

Facts = Mapping[str, Callable[[], str]]

WIDTH = 120  # of a paragraph's lines
_MARK = re.compile(r"<!--\s+(?P<name>[^<>]+?: [^<>]+?)\s+-->(?P<held>.*?)<!--\s+end\s+-->", re.DOTALL)


def marked(text: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the held text of every mark, with white space as single spaces in the name."""
    for found in _MARK.finditer(text):
        yield " ".join(found["name"].split()), found["held"]


def without_marked(text: str) -> str:
    """Return the text with all that stands between marks taken out."""
    return _MARK.sub("", text)


def filled(text: str, facts: Facts) -> str:
    """Return the text with what its marks hold written anew; an unknown name is a KeyError.

    Words that differ in line breaks only stay as they are.
    """

    def written(found: re.Match[str]) -> str:
        name = " ".join(found["name"].split())
        fact, held = facts[name](), found["held"]
        if fact.split() == held.split():
            return found[0]
        own_lines = held.startswith("\n")
        return f"<!-- {name} -->{_paragraphs(fact) if own_lines else fact}<!-- end -->"

    return _MARK.sub(written, text)


def _paragraphs(fact: str) -> str:
    parts = (part if part.startswith(("|", "-")) else textwrap.fill(part, WIDTH) for part in fact.split("\n\n"))
    return "\n\n" + "\n\n".join(parts) + "\n\n"
