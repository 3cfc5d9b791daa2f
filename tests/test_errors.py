"""The words of messages: names that are near, inputs cut to a length, counts."""

import pytest
import torch

from whichnorm.errors import SpecError, count, in_a_line, nearest, shortened, shown


def test_the_nearest_name_is_given_where_one_is_near():
    assert nearest("Sesion08", ["session08", "wynet"]) == " (did you mean 'session08'?)"
    assert nearest("something else", ["session08", "wynet"]) == ""


@pytest.mark.parametrize("length", [0, 1, 59, 60, 61, 10**6])
def test_a_text_is_cut_to_the_limit_and_shows_that_it_was(length):
    text = "x" * length
    cut = shortened(text, limit=60)
    assert len(cut) == min(length, 60)
    assert cut == text if length <= 60 else cut == "x" * 59 + "…"


def test_an_error_is_one_line_of_bounded_length():
    assert in_a_line(ValueError("one\n  two")) == "ValueError: one two"
    assert in_a_line(SpecError("x" * 1000), limit=300) == f"SpecError: {'x' * 299}…"


def test_the_stack_that_pytorch_adds_to_an_error_is_left_out():
    text = "sizes differ\nException raised from check at Shape.cpp:12 (most recent call first):\nframe #0: c10"
    assert in_a_line(RuntimeError(text)) == "RuntimeError: sizes differ"
    with pytest.raises(RuntimeError) as caught:
        torch.zeros(2, 3) @ torch.zeros(2, 3)
    assert "cannot be multiplied" in in_a_line(caught.value)


@pytest.mark.parametrize(
    "value", ["x" * 10**6, ["a"] * 1000, 10**4000, 10**6000, {"a": {"b": "c" * 100}}, "\udcff\n" * 90],
    ids=["text", "list", "number", "long number", "dict", "bytes"],
)  # fmt: skip
def test_what_a_message_repeats_is_one_line_of_at_most_60_characters(value):
    assert 0 < len(shown(value)) <= 60
    assert shown(value).isprintable()


def test_counts_have_their_plural_and_separate_thousands():
    assert [count(n, "seed") for n in (0, 1, 2, 1200)] == ["0 seeds", "1 seed", "2 seeds", "1,200 seeds"]
