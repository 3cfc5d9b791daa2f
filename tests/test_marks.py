"""Marks around measured numbers: found, filled, taken out."""

import pytest

from docs.make.marks import filled, marked, without_marked

FACTS = {
    "study: number": lambda: "0.50",
    "study: table": lambda: "| a |\n| --- |\n| 1 |",
    "study: text": lambda: "word " * 40,
}
INLINE = "It is <!-- study: number -->0.40<!-- end --> points."
TABLE = "<!-- study: table -->\n\n| a |\n| --- |\n| 0 |\n\n<!-- end -->"


def test_a_number_in_a_line_is_written_anew():
    assert filled(INLINE, FACTS) == "It is <!-- study: number -->0.50<!-- end --> points."


def test_a_table_stays_between_blank_lines():
    assert filled(TABLE, FACTS) == TABLE.replace("| 0 |", "| 1 |")


def test_a_paragraph_is_wrapped():
    text = filled("<!-- study: text -->\n\nold\n\n<!-- end -->", FACTS)
    assert text.count("word") == 40
    assert max(map(len, text.splitlines())) <= 120


def test_what_differs_in_line_breaks_only_stays():
    text = INLINE.replace("0.40", "\n0.50").replace("study: number", "study:\nnumber")
    assert filled(text, FACTS) == text


@pytest.mark.parametrize("text", [INLINE, TABLE, INLINE + "\n\n" + TABLE])
def test_filling_twice_changes_nothing_more(text):
    once = filled(text, FACTS)
    assert filled(once, FACTS) == once


def test_an_unknown_name_is_an_error():
    with pytest.raises(KeyError, match="study: other"):
        filled("<!-- study: other -->1<!-- end -->", FACTS)


def test_a_plain_comment_is_no_mark():
    assert filled("<!-- a note --> and 3", FACTS) == "<!-- a note --> and 3"


def test_marks_are_listed_and_taken_out():
    text = f"{INLINE}\n\n{TABLE}"
    assert [name for name, _ in marked(text)] == ["study: number", "study: table"]
    assert "0" not in without_marked(text)
