"""One name for each norm: in what people read, no norm has a second name, and text forms stand where they are typed."""

import itertools
import re

import pytest
from reports import found_in
from sections import found_of_four
from synthetic import digits_test, make_results

from whichnorm.report import make_content
from whichnorm.specs.names import arm_title, difference_title, enclosed, named

ARMS = ("bn", "ln", "gn:8", "ln-channel")
TEXT_FORM = re.compile(rf"(?<![\w:-])({'|'.join(sorted(ARMS, key=len, reverse=True))})(?![\w:-]| layer)")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The content of a page of a small study."""
    results, test = make_results(tmp_path_factory.mktemp("study"), arms=ARMS), digits_test()
    return make_content(results, {**found_in(results, test), **answers_of_four(results, test)})


def answers_of_four(results, test):
    answered = found_of_four(results, test)
    return {name: found for name, found in answered.items() if not isinstance(found, Exception)}


def prose(page):
    """Yield what is read: sentences, titles, captions, alternative texts, and headings and rows of tables."""
    yield from (page.answer, *(point.text for point in page.points), *page.statistics[:-1])  # the last explains forms
    for section in page.sections:
        yield from (section.title, *section.sentences)
        for picture in section.pictures:
            yield from (picture.alt, picture.caption, picture.method)
        for part in (section, *section.folded):
            yield from getattr(part, "sentences", ())
            for table in part.tables:
                yield from (table.caption, *table.headings)
                yield from (cell.text for cell in itertools.chain.from_iterable(table.rows))


def test_what_is_read_names_each_norm_by_its_one_name(page):
    said = [text for text in prose(page) if text]
    assert len(said) > 300
    assert not [text for text in said if TEXT_FORM.search(text)]
    assert not [text for text in said if re.search(r"LayerNorm over|over C", text)]
    for arm in ARMS:
        assert sum(arm_title(arm) in text for text in said) > 10


def test_the_text_forms_stand_beside_the_names_where_they_can_be_looked_up(page):
    accuracy = next(section for section in page.sections if section.anchor == "accuracy").tables[0]
    assert [(row[0].text, row[0].note) for row in accuracy.rows] == [(arm_title(arm), arm) for arm in ARMS]
    assert all(f"{arm} is {arm_title(arm)}" in page.statistics[-1] for arm in ARMS)


def test_results_name_their_norms_in_python_as_the_page_does(tmp_path):
    results = make_results(tmp_path, arms=ARMS)
    assert not TEXT_FORM.search(repr(results).rpartition(" In ")[0])
    assert not TEXT_FORM.search(results.verdict.text)
    assert arm_title("ln") in repr(results)


@pytest.mark.parametrize(
    ("arms", "list_of_names", "inside"),
    [
        (["bn"], "BatchNorm", "BatchNorm"),
        (["gn:2"], "GroupNorm, 2 groups", "GroupNorm, 2 groups,"),
        (["bn", "ln"], "BatchNorm and LayerNorm", "BatchNorm and LayerNorm"),
        (["gn:2", "ln"], "GroupNorm, 2 groups, and LayerNorm", "GroupNorm, 2 groups, and LayerNorm"),
    ],
)
def test_names_with_commas_stay_clear_in_a_sentence(arms, list_of_names, inside):
    assert named(arms) == list_of_names
    assert enclosed(arms) == inside


def test_a_difference_is_named_by_its_arms():
    assert difference_title("bn+l1:0.001", "gn:1") == "BatchNorm + L1 0.001 − GroupNorm, 1 group"
