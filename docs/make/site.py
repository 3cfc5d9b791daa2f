"""A hook of MkDocs: the pages link files outside docs/, as they do on a code host; the site gets copies of these.

A link to a study's folder leads to its report in Markdown, which is kept with its figures.
"""

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)(?P<path>[^)#\s]+)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """Add the files outside docs/ that pages link to, and those that these link to in turn."""
    waiting = [Path(file.abs_src_path) for file in files.documentation_pages() if file.abs_src_path]
    while waiting:
        source = waiting.pop()
        for target in _targets(source):
            address = _address(target)
            if target.is_relative_to(config.docs_dir) or files.get_file_from_path(address):
                continue
            files.append(File.generated(config, address, abs_src_path=str(target)))
            if target.suffix == ".md":
                waiting.append(target)
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Point links at the copies, and take out the marks around numbers."""
    source = Path(page.file.abs_src_path or "")
    here = os.path.dirname(page.file.src_uri)

    def pointed(found: re.Match[str]) -> str:
        return os.path.relpath(_address(_target(source, found["path"])), here or ".")

    return _LINK.sub(pointed, _COMMENT.sub("", markdown))


def _targets(source: Path) -> list[Path]:
    return [_target(source, found["path"]) for found in _LINK.finditer(source.read_text())]


def _target(source: Path, link: str) -> Path:
    """Return the file that a link leads to; the folder of a study or of its report stands for the report."""
    target = (source.parent / link).resolve()
    pages = (target / "report" / "README.md", target / "README.md")
    return next((page for page in pages if page.exists()), target)


def _address(target: Path) -> str:
    """Return where a file is in the site: docs/ is its root, and the repository's other files lie beside."""
    docs = ROOT / "docs"
    return (target.relative_to(docs) if target.is_relative_to(docs) else target.relative_to(ROOT)).as_posix()
