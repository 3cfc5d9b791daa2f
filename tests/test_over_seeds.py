"""Means over seeds in tables and texts, against numpy and by hand."""

import numpy as np
import pytest
from answers import answers_of, corruption_scores_at, results_of, statistics_scores

from whichnorm.analyses.batch_statistics import BatchStatistics
from whichnorm.analyses.corruptions import Corruptions
from whichnorm.analyses.over_seeds import brief, by_arm, mean_cell, seeds_text, signed_points

ARMS = ("bn", "ln", "ln-element", "ln-channel", "gn:2", "gn:8", "in", "none", "bn+l1:0.001")


def test_means_and_deviations_are_those_of_numpy():
    values = [0.5, 0.7, 0.95]
    cell = mean_cell(values)
    assert cell.text == f"{100 * np.mean(values):.2f} %"
    assert cell.note == f"SD {100 * np.std(values, ddof=1):.2f}"
    assert mean_cell([0.5]).note == ""
    assert mean_cell([0.5, None]).text == "–"
    assert mean_cell([]).text == "–"


def test_a_difference_has_its_sign_and_what_rounds_to_zero_a_plus():
    assert [signed_points(value) for value in (0.0123, -0.0123, -0.00001, 0.0)] == ["+1.23", "−1.23", "+0.00", "+0.00"]


@pytest.mark.parametrize(("share", "text"), [
    (0.264, "26 %"), (0.01, "1 %"), (0.0041, "0.4 %"), (0.0, "0 %"), (1.0, "100 %"),
])  # fmt: skip
def test_shares_in_titles_are_short_and_never_nothing_where_there_is_something(share, text):
    assert brief(share) == text


def test_arms_come_in_the_order_of_the_results_and_only_with_answers(tmp_path):
    found = answers_of({"ln": [1], "gn:8": [None], "bn": [2, 3]})
    assert by_arm(results_of(tmp_path, arms=("bn", "gn:8", "ln")), found) == [("bn", [2, 3]), ("ln", [1])]


def test_the_number_of_seeds_is_said():
    assert seeds_text([("bn", [1]), ("ln", [1])], "; dots") == "One seed."
    assert seeds_text([("bn", [1, 2, 3]), ("ln", [1])], "; dots") == "Means over seeds (n = 1 or 3); dots."


@pytest.mark.parametrize("num_seeds", [1, 5, 8])
def test_pictures_have_short_captions_texts_from_their_tables_and_fit_a_phone(tmp_path, num_seeds):
    scores = answers_of({arm: [corruption_scores_at()] * num_seeds for arm in ARMS})
    statistics = answers_of({"bn": [statistics_scores()] * num_seeds, "bn+l1:0.001": [statistics_scores()]})
    results = results_of(tmp_path, arms=ARMS)
    pictures = [
        *Corruptions().section(scores, results).pictures, *BatchStatistics().section(statistics, results).pictures
    ]  # fmt: skip
    assert [picture.name for picture in pictures] == ["corruptions", "batch_statistics", "layer_gaps"]
    for picture in pictures:
        assert len(picture.caption.split()) <= 40
        assert picture.method
        assert picture.figure.get_size_inches()[0] <= 5.2
        labels = [axes.get_xlabel() for axes in picture.figure.axes if axes.axison]
        assert all(labels)
    for number in ("90.00 %", "60.00 %"):
        assert number in pictures[0].alt
    assert "91.00 %" in pictures[1].alt


@pytest.mark.parametrize(("num_seeds", "num_lines", "num_bands"), [(1, 1, 0), (5, 6, 0), (6, 1, 1)])
def test_few_seeds_are_thin_lines_and_many_a_band(tmp_path, num_seeds, num_lines, num_bands):
    found = answers_of({"bn": [corruption_scores_at()] * num_seeds})
    (picture,) = Corruptions().section(found, results_of(tmp_path)).pictures
    first = picture.figure.axes[0]
    assert (len(first.lines), len(first.collections)) == (num_lines, num_bands)
    assert ("thin lines" in picture.caption) == (num_seeds == 5)
    assert ("bands" in picture.caption) == (num_seeds == 6)
