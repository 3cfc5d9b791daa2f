"""Who was taken for whom, and in which cells two arms differ: small cases by hand, and outside judges."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from predicted import results_of
from scipy import stats as scipy_stats
from sections import FOUR, cells_of, section_of
from sklearn.metrics import confusion_matrix
from synthetic import digits_test, make_results, make_study, noise_test

from whichnorm.analyses.confusion import figures, measure
from whichnorm.analyses.confusion.measure import (
    cell_p_values,
    confusion_counts,
    count_votes,
    frequent_confusions,
    study_confusion,
)
from whichnorm.analyses.confusion.tables import difference_table
from whichnorm.render.style import CALL_COLORS, saved

CONFUSION = FOUR[2]

# ----- the difference of two confusion matrices


def test_a_difference_is_that_of_the_matrices_and_mcnemars_per_cell(tmp_path):
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 3, 900)
    a = np.where(rng.random(900) < 0.1, (labels + 1) % 3, labels)
    b = np.where(rng.random(900) < 0.25, (labels + rng.integers(1, 3, 900)) % 3, labels)
    results, _ = results_of(tmp_path, {"bn": [a.tolist()], "ln": [b.tolist()]}, labels.tolist())
    (found,) = study_confusion(results, labels.tolist()).differences
    p_values = []
    for true in range(3):
        for predicted in range(3):
            of_a, of_b = a[labels == true] == predicted, b[labels == true] == predicted
            assert found.difference[true, predicted] == of_a.sum() - of_b.sum()
            only_a, only_b = int((of_a & ~of_b).sum()), int((of_b & ~of_a).sum())
            p_values.append(scipy_stats.binomtest(only_a, only_a + only_b).pvalue)
    ordered = np.sort(p_values)
    holm = np.minimum(np.maximum.accumulate(ordered * np.arange(9, 0, -1)), 1)  # every cell has enough images here
    np.testing.assert_allclose(np.sort(found.adjusted_p_values.ravel()), holm, rtol=1e-9)
    assert 0 < found.beyond_chance.sum() < 9
    (turned,) = study_confusion(results.only(["ln", "bn"]), labels.tolist()).differences
    assert (turned.a, turned.b) == ("ln", "bn")
    np.testing.assert_array_equal(turned.difference, -found.difference)
    np.testing.assert_allclose(turned.adjusted_p_values, found.adjusted_p_values)


def test_copies_of_a_seed_add_no_evidence():
    rng = np.random.default_rng(5)
    labels = np.repeat([0, 1], 40)
    a, b = rng.integers(0, 2, 80).tolist(), labels.tolist()
    once = cell_p_values(count_votes([a], 2) - count_votes([b], 2), labels)
    thrice = cell_p_values(count_votes([a] * 3, 2) - count_votes([b] * 3, 2), labels)
    np.testing.assert_allclose(thrice, once)


def test_only_seeds_that_both_arms_finished_are_compared(tmp_path):
    answers = {"bn": [[0, 0], [1, 1], None], "ln": [None, [0, 1], [0, 0]]}
    results, _ = results_of(tmp_path, answers, [0, 1])
    (found,) = study_confusion(results, [0, 1]).differences
    assert found.seeds == (1,)
    assert found.difference.tolist() == [[-1, 1, 0], [0, 0, 0], [0, 0, 0]]
    none, _ = results_of(tmp_path, {"bn": [[0, 0], None], "ln": [None, [0, 0]]}, [0, 1])
    assert study_confusion(none, [0, 1]).differences == ()
    title = CONFUSION.section(study_confusion(none, [0, 1]), none).title
    assert title == "Confusion matrices of 2 arms without a seed in common"


def test_no_more_than_5_percent_of_equal_arms_have_a_marked_cell():
    rng = np.random.default_rng(11)
    labels = np.repeat(np.arange(5), 60)
    alarms = 0
    for _ in range(200):
        a, b = (np.where(rng.random(300) < 0.3, rng.integers(0, 5, 300), labels) for _ in range(2))
        alarms += (cell_p_values(count_votes([a], 5) - count_votes([b], 5), labels) <= 0.05).any()
    assert alarms <= scipy_stats.binom.ppf(0.999, 200, 0.05)


def test_one_image_and_equal_arms_differ_nowhere(tmp_path):
    results, _ = results_of(tmp_path, {"bn": [[1]], "ln": [[0]]}, [0])
    found = study_confusion(results, [0])
    assert not found.differences[0].beyond_chance.any()
    assert not difference_table(found.differences[0]).rows
    section = CONFUSION.section(found, results)
    assert "None of 9 cells differs beyond chance" in section.pictures[-1].caption
    assert section.sentences == ("No cell differs beyond chance: BatchNorm − LayerNorm.",)
    assert section.title == "BatchNorm and LayerNorm differ in no cell beyond chance"
    same, _ = results_of(tmp_path, {"bn": [[1]], "ln": [[1]]}, [0])
    assert (study_confusion(same, [0]).differences[0].adjusted_p_values == 1).all()


def test_marked_cells_are_listed_the_surest_first(tmp_path):
    labels = [0] * 40 + [1] * 40
    a, b = [0] * 80, [0] * 40 + [1] * 40
    a[:12] = [2] * 12
    results, _ = results_of(tmp_path, {"bn": [a], "ln": [b]}, labels)
    found = study_confusion(results, labels)
    (difference,) = found.differences
    cells = [(cell.label, cell.prediction) for cell in difference.marked]
    assert cells == [(1, 0), (1, 1), (0, 0), (0, 2)]
    assert {*cells} == {tuple(cell) for cell in np.argwhere(difference.beyond_chance).tolist()}
    assert cells_of(difference_table(difference))[0][:5] == ["b (1)", "a (0)", "40", "0", "+40"]
    assert cells_of(difference_table(difference))[1][:5] == ["b (1)", "b (1)", "0", "40", "−40"]
    section = CONFUSION.section(found, results)
    assert section.title == "BatchNorm and LayerNorm differ beyond chance in 4 of 9 cells"
    assert "Framed: 4 of 9 cells, beyond chance" in section.pictures[-1].caption


@pytest.mark.parametrize(("num_classes", "texts"), [(2, ["+12", "−3"]), (18, ["+12", "−3"]), (20, []), (100, [])])
def test_a_difference_has_numbers_if_they_fit_and_always_frames(num_classes, texts):
    values, marked = np.zeros((num_classes, num_classes)), np.zeros((num_classes, num_classes), dtype=bool)
    values[0, 0], values[1, 0], marked[0, 0] = 12, -3, True
    figure = figures.difference("x", values, marked, [f"{k}" for k in range(num_classes)], ("bn", "ln"))
    figure.draw_without_rendering()
    axes = figure.axes[0]
    assert [t.get_text() for t in axes.texts] == texts
    assert all(t.get_window_extent().width <= axes.get_window_extent().width / num_classes for t in axes.texts)
    assert len(axes.patches) == (2 if num_classes <= 20 else 1)
    low, high = axes.images[0].get_clim()
    assert (low, high) == (-12, 12)


def test_a_cell_is_blue_if_the_first_arm_is_better_in_it():
    values = np.array([[3.0, -3.0], [3.0, -3.0]])  # better, better; worse, worse
    figure = figures.difference("x", values, np.zeros((2, 2), dtype=bool), ["a", "b"], ("bn", "ln"))
    image = figure.axes[0].images[0]
    colors = image.to_rgba(np.asarray(image.get_array()))[..., :3]
    for cell, call in (((0, 0), "better"), ((0, 1), "better"), ((1, 0), "worse"), ((1, 1), "worse")):
        np.testing.assert_allclose(colors[cell], to_rgb(CALL_COLORS[call]), atol=0.01)
    bar = figure.axes[1]
    figure.draw_without_rendering()
    assert bar.get_xlabel() == "← ln better    test images    bn better →"
    assert not [tick for tick in bar.get_xticklabels() if "-" in tick.get_text() or "−" in tick.get_text()]


def test_means_over_seeds_have_a_decimal_below_ten():
    values = np.array([[0.5, -12.5], [0.0, 2.0]])
    figure = figures.difference("x", values, np.zeros((2, 2), dtype=bool), ["a", "b"], ("bn", "ln"))
    assert [t.get_text() for t in figure.axes[0].texts] == ["+0.5", "−12", "+2.0"]


@pytest.mark.parametrize("title", ["ln-channel+l1:0.001 − group-norm:8+l1:0.001: confusion matrices"])
def test_a_long_title_stays_inside_the_figure(title):
    figure = figures.confusion(title, np.eye(3, dtype=np.int64), ["a", "b", "c"])
    figure.draw_without_rendering()
    box = figure._suptitle.get_window_extent()
    assert box.x1 <= figure.bbox.x1
    assert " ".join(figure.get_suptitle().split()) == title


# ----- counting


def test_confusions_are_counted_over_seeds_as_by_hand():
    labels, seeds = [0, 0, 1, 2], [[0, 1, 1, 2], [0, 1, 0, 2]]
    by_hand = np.zeros((4, 4), dtype=int)
    for predictions in seeds:
        for true, predicted in zip(labels, predictions, strict=True):
            by_hand[true, predicted] += 1
    counts = confusion_counts(count_votes(seeds, 4), np.array(labels))
    np.testing.assert_array_equal(counts, by_hand)
    pairs = [
        (pair.true_class, pair.predicted_class, pair.count, pair.of) for pair in frequent_confusions(counts, "abcd")
    ]
    assert pairs == [("a", "b", 2, 4), ("b", "a", 1, 2)]


def test_confusions_are_those_of_scikit_learn_and_counted_once_per_arm(tmp_path, monkeypatch):
    counted = []
    real = measure.count_votes
    monkeypatch.setattr(measure, "count_votes", lambda *args: counted.append(1) or real(*args))
    results, labels = make_results(tmp_path), digits_test().labels.tolist()
    found = study_confusion(results, labels)
    CONFUSION.section(found, results)
    assert len(counted) == 3
    for arm, of_arm in found.arms.items():
        wanted = sum(confusion_matrix(labels, run.test_predictions) for run in results.finished(arm))
        np.testing.assert_array_equal(of_arm.counts, wanted)


@pytest.mark.parametrize(("num_classes", "texts"), [(3, 4), (21, 0)])
def test_a_matrix_has_counts_if_they_fit(num_classes, texts):
    counts = 5 * np.eye(num_classes, dtype=np.int64)
    counts[0, 1] = 2
    axes = figures.confusion("bn", counts, [f"class {i}" for i in range(num_classes)]).axes[0]
    assert [t.get_text() for t in axes.texts] == ["5", "2", "5", "5"][:texts]


@pytest.mark.parametrize(("count", "name"), [(8_888, "a long name "), (88_888, "automobile")])
def test_counts_stay_inside_their_cells(count, name):
    counts = np.full((10, 10), count)
    figure = figures.confusion("bn", counts, [name] * 10)
    figure.draw_without_rendering()
    (axes, _) = figure.axes
    width = axes.get_window_extent().width / 10
    assert len(axes.texts) == 100
    assert all(text.get_window_extent().width <= width for text in axes.texts)


def test_numbers_have_the_contrast_that_text_needs():
    """4.5 to 1, as WCAG 2.1 asks for."""
    values = np.linspace(-40, 40, 81).reshape(9, 9)
    names = [str(k) for k in range(9)]
    drawn = figures.difference("x", values, np.zeros((9, 9), dtype=bool), names, ("bn", "ln"))
    counts = np.arange(81).reshape(9, 9)
    for axes in (drawn.axes[0], figures.confusion("x", counts, names).axes[0]):
        colors = axes.images[0].to_rgba(np.asarray(axes.images[0].get_array()))
        assert len(axes.texts) == 80
        for text in axes.texts:
            column, row = text.get_position()
            back, ink = relative_luminance(colors[row, column, :3]), relative_luminance(text.get_color())
            assert (max(back, ink) + 0.05) / (min(back, ink) + 0.05) >= 4.5


def relative_luminance(color):
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def test_a_single_arms_title_names_its_most_frequent_confusion(tmp_path):
    results, _ = results_of(tmp_path, {"bn": [[1, 1, 0, 2]]}, [0, 0, 0, 2])
    section = CONFUSION.section(study_confusion(results, [0, 0, 0, 2]), results)
    assert section.title == "BatchNorm takes a for b most often: 2 of 3 images"
    none, _ = results_of(tmp_path, {"bn": [[0, 1]]}, [0, 1])
    assert CONFUSION.section(study_confusion(none, [0, 1]), none).title == "BatchNorm takes no class for another"


def test_names_that_are_hostile_or_many_can_be_drawn(tmp_path):
    names = ("<script>alert(1)</script>", "$\\frac$ & y", "猫", "tab\there", "", "nine\udcff")
    test = noise_test(60, 6)
    results = make_results(tmp_path, arms=["none", "in"], test=test, class_names=names, study=make_study(epochs=1))
    for picture in section_of(CONFUSION, results, test).pictures:
        assert saved(picture.figure)["png"].startswith(b"\x89PNG")
        assert picture.alt.isprintable()


def test_titles_say_which_pairs_of_arms_differ(tmp_path):
    labels = [0] * 60 + [1] * 60
    right, wrong, worse = labels, [1] * 20 + labels[20:], [1] * 40 + labels[40:]

    def title(**answers):
        results, _ = results_of(tmp_path, {arm: [said] for arm, said in answers.items()}, labels)
        return CONFUSION.section(study_confusion(results, labels), results).title

    assert title(bn=right, ln=right, none=right) == "No two arms differ beyond chance in which classes they confuse"
    assert title(bn=right, ln=right, none=wrong) == (
        "2 of 3 pairs of arms differ beyond chance in which classes they confuse"
    )
    assert title(bn=right, ln=wrong, none=worse) == "All 3 pairs of arms differ beyond chance, in 2 each of 9 cells"
