"""The documents that people read, taken apart."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCUMENTS = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def blocks(text: str, language: str) -> list[str]:
    """Return the code blocks of a language."""
    return [code for name, code in _BLOCK.findall(text) if name == language]


def without_blocks(text: str) -> str:
    return _BLOCK.sub("", text)


def prose(text: str) -> str:
    """Return a document without code and comments."""
    return re.sub(r"`[^`]*`|<!--.*?-->", " ", without_blocks(text), flags=re.DOTALL)


def links(text: str) -> list[str]:
    """Return where the links and pictures of a document lead, those to other machines left out."""
    return [link for link in _LINK.findall(without_blocks(text)) if "://" not in link]


def anchors(text: str) -> set[str]:
    """Return the anchors of a document's headings, as code hosts and MkDocs make them."""
    headings = re.findall(r"^#+ (.+)$", without_blocks(text), flags=re.MULTILINE)
    return {re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.lower())) for heading in headings}


def commands(text: str) -> list[str]:
    """Return the whichnorm commands of a document, from its shell blocks and from its lines."""
    lines = [line for block in blocks(text, "sh") for line in block.splitlines()]
    lines += [" ".join(code.split()) for code in re.findall(r"`([^`]*)`", without_blocks(text))]
    plain = [re.sub(r"\s+# .*", "", line) for line in lines]
    return [line for line in plain if re.match(r"whichnorm [a-z]", line)]
