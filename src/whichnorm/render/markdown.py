"""The report as GitHub-flavoured Markdown, with its figures as files beside it: ready to be a project's README."""

import re
from collections.abc import Iterator
from urllib.parse import quote

from whichnorm.render.content import Code, Content, Section
from whichnorm.render.picture import Picture
from whichnorm.render.table import Cell, Table


def render(content: Content) -> str:
    """Return the Markdown text: the page's words and numbers in the page's order."""
    parts = [f"# {escape(content.question)}", f"*{escape(content.size)}*", f"**{escape(content.answer)}**"]
    if content.beside:
        parts.extend(_picture(content.beside))
    parts.append("\n".join(f"- **{escape(point.label)}**: {escape(point.text)}" for point in content.points))
    parts += ["## The statistics", "\n".join(f"- {escape(sentence)}" for sentence in content.statistics)]
    for section in content.sections:
        parts.extend(_section(section, content.figure))
    parts += ["---", escape(content.footer)]
    return "\n\n".join(filter(None, parts)) + "\n"


def escape(text: str) -> str:
    """Return text of any origin so that Markdown shows it as it is, on one line: never as markup, HTML or a link."""
    text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*_\[\]|~$])", r"\\\1", text).replace("://", "&#58;//")
    text = re.sub(r"(?i)\bwww\.", lambda match: f"{match[0][:-1]}&#46;", text).replace("@", "&#64;")
    return re.sub(r"^(\d*)([-+#.)]+)(?=\s|$)", r"\1\\\2", text)  # a list, a heading or a rule at the start


def _section(section: Section, shown: str) -> Iterator[str]:
    """Yield a section's blocks; the picture of the name `shown` stands beside the answer."""
    yield f"## {escape(section.title)}"
    yield from map(escape, section.sentences)
    yield from map(_block, section.code)
    for table in section.tables:
        yield from _table(table)
    for picture in section.pictures:
        if picture.name != shown:
            yield from _picture(picture)
    for folded in section.folded:
        yield f"<details>\n<summary>{_html(folded.summary)}</summary>"
        yield from map(escape, folded.sentences)
        for table in folded.tables:
            yield from _table(table)
        yield "</details>"


def _picture(picture: Picture) -> Iterator[str]:
    yield f"![{escape(picture.alt)}](figures/{quote(picture.name)}.png)"
    yield escape(picture.caption)
    if picture.method:
        yield f"<details>\n<summary>How this was made</summary>\n\n{escape(picture.method)}\n\n</details>"


def _table(table: Table) -> Iterator[str]:
    """Yield a caption, then the table; GitHub wants a line of dashes, with a colon where numbers are."""
    dashes = ["--:" if place >= table.numeric_from else "---" for place in range(len(table.headings))]
    rows = [map(escape, table.headings), dashes, *(map(_cell, row) for row in table.rows)]
    yield escape(table.caption)
    yield "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(cell: Cell) -> str:
    return "<br>".join(filter(None, [escape(cell.text), escape(cell.note)]))


def _block(code: Code) -> str:
    """Return a fenced block; the fence is longer than any run of backticks in it."""
    longest = max(map(len, re.findall(r"`+", code.text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{code.language}\n{code.text}\n{fence}"


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
