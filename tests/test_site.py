"""The documents as a site: built without a warning, whole without a network."""

import re
import subprocess
import sys

import pytest
from documents import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert built.returncode == 0, built.stderr
    assert built.stderr == ""
    return folder


def pages(site):
    return {path.stem: path.read_text() for path in site.glob("*.html") if path.stem != "404"}


def test_every_document_is_a_page_in_the_navigation(site):
    index = pages(site)["index"]
    for document in (ROOT / "docs").glob("*.md"):
        assert f'href="{document.stem}.html"' in index or document.stem == "index"


def test_nothing_is_loaded_from_another_machine(site):
    for name, page in pages(site).items():
        loaded = re.findall(r"<(?:script|img|iframe|source)[^>]+?src=\"([^\"]+)\"", page)
        loaded += re.findall(
            r"<link[^>]+?rel=\"(?:stylesheet|preload|icon|shortcut icon)\"[^>]+?href=\"([^\"]+)\"", page
        )
        assert loaded, name
        assert not [address for address in loaded if re.match(r"(?:\w+:)?//", address)], name
    for sheet in site.rglob("*.css"):
        assert not re.findall(r"(?:url\(|@import\s+)[\"']?(?:https?:)?//[^)\"']+", sheet.read_text()), sheet.name


def test_every_picture_and_file_that_a_page_names_is_there(site):
    for name, page in pages(site).items():
        for address in re.findall(r"(?:src|href)=\"([^\"#?]+)", page):
            if not re.match(r"\w+:|//|\.$", address):
                assert (site / address).exists(), f"{name}: {address}"


def test_readers_see_tables_and_no_marks(site):
    for name, page in pages(site).items():
        body = page.split('role="main"', 1)[-1]
        assert "<!-- " not in body.split("<footer", 1)[0], name
        assert "| ---" not in body, name
        assert "|---" not in body, name


def test_the_tools_that_make_the_documents_are_no_part_of_the_site(site):
    assert not (site / "make").exists()
    assert not list(site.glob("*.py"))
