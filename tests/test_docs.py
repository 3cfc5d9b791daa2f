"""The documents say what the records say."""

import re
from pathlib import Path

import pytest

from whichnorm.reproduce import NAMES
from whichnorm.reproduce.published import find_published
from whichnorm.reproduce.side_by_side import side_by_side
from whichnorm.reproduce.text import markdown_table
from whichnorm.training.record import read_record

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def records_of(name):
    return [read_record(path) for path in sorted((ROOT / "results" / "reproductions" / name / "runs").glob("*.json"))]


@pytest.mark.parametrize("name", NAMES)
def test_the_table_of_a_reproduction_is_that_of_its_records(name):
    records = records_of(name)
    published = find_published(name)
    arms = {record.arm for record in records}
    assert {arm.norm for arm in published.arms if arm.params} <= arms <= {arm.norm for arm in published.arms}
    for record in records:
        assert record.status == "finished"
        assert len(record.epochs) == 20
        assert record.spec["recipe"]["name"] == name
        assert record.spec["data"]["train_limit"] is None
        assert record.spec["data"]["val_fraction"] == 0
    table = markdown_table(side_by_side(published, records, len(records[0].test_predictions)))
    assert table in (ROOT / "docs" / "reproductions.md").read_text()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_linked_file_is_there(document):
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text())
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert not missing
