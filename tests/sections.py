"""Sections of made-up studies: what an analysis finds and says, without a study's folder."""

from types import SimpleNamespace

from synthetic import digits_test

from whichnorm.analyses import ANALYSES
from whichnorm.analyses.classes import Classes
from whichnorm.analyses.confusion import Confusion
from whichnorm.analyses.curves import Curves
from whichnorm.analyses.mistakes import Mistakes, MistakesOptions
from whichnorm.errors import StudyError
from whichnorm.study.folder import TestSplit

FOUR = (Curves(), Mistakes(), Confusion(), Classes())


def study_of(results, test):
    """Stand for a study whose images are these."""
    labels = tuple(test.labels.tolist())
    return SimpleNamespace(test_split=TestSplit("", results.class_names, labels), splits=SimpleNamespace(test=test))


def options_of(analysis):
    """Return the report's options, but evaluate no network."""
    return MistakesOptions(labels=False) if isinstance(analysis, Mistakes) else analysis.of_report()


def found_by(analysis, results, test=None):
    """Return what an analysis finds in results whose test images are these, by default the digits."""
    return analysis.measure(study_of(results, test or digits_test()), results, options_of(analysis))


def section_of(analysis, results, test=None):
    return analysis.section(found_by(analysis, results, test), results)


def tables_of(section):
    return [*section.tables, *(table for folded in section.folded for table in folded.tables)]


def cells_of(table):
    """Return a table's rows as texts, the notes behind the texts."""
    return [[f"{cell.text} {cell.note}".strip() for cell in row] for row in table.rows]


def found_of_four(results, test):
    """Return what a report is made of: what the four analyses find, and for the others why they have no answer."""
    found = {analysis.name: StudyError("not asked") for analysis in ANALYSES}
    return found | {analysis.name: found_by(analysis, results, test) for analysis in FOUR}
