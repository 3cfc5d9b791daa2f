"""Accuracy per class: small cases by hand, and the arm that is best on a class."""

import numpy as np
import pytest
from predicted import results_of
from scipy import stats as scipy_stats
from sections import FOUR, cells_of, section_of
from synthetic import digits_test, make_results, make_study, noise_test

from whichnorm.analyses.classes.measure import class_differences, study_classes
from whichnorm.analyses.classes.tables import classes_table
from whichnorm.stats import paired_difference

CLASSES = FOUR[3]

# ----- accuracies


def test_a_class_has_wilsons_interval_with_one_seed_and_none_without_images(tmp_path):
    labels = [0] * 10 + [1] * 5
    results, _ = results_of(tmp_path, {"bn": [[0] * 9 + [1] * 6], "ln": [None]}, labels)
    found = study_classes(results, labels)
    assert list(found.arms) == ["bn"]
    first, second, third = found.arms["bn"].accuracy
    want = scipy_stats.binomtest(9, 10).proportion_ci(method="wilson")
    assert first.estimate == 0.9
    assert (first.low, first.high) == pytest.approx((want.low, want.high))
    assert (second.estimate, second.high) == (1.0, 1.0)
    assert third is None
    assert found.by_difficulty == (0, 1)
    assert found.num_images == (10, 5, 0)
    section = CLASSES.section(found, results)
    assert "1 of 3 classes has no test images" in section.pictures[0].caption
    assert section.title == "Accuracy runs from 90.00 % on class a to 100.00 % on class b"
    rows = cells_of(classes_table(found))
    assert [row[:2] for row in rows] == [["a", "10"], ["b", "5"], ["c", "0"]]
    assert rows[0][2].startswith("90.00 % [")
    assert rows[2][2] == "–"


def test_class_accuracies_add_up_to_the_arms_accuracy(tmp_path):
    test = digits_test()
    results = make_results(tmp_path, study=make_study(seeds=(0, 1, 2), epochs=1))
    labels = test.labels.tolist()
    images = np.bincount(labels)
    for found, arm in zip(study_classes(results, labels).arms.values(), results.arms, strict=True):
        mean = np.average([interval.estimate for interval in found.accuracy], weights=images)
        assert mean == pytest.approx(arm.test_accuracy.mean)
        assert all(0 <= i.low <= i.estimate <= i.high <= 1 for i in found.accuracy)


def test_many_classes_are_drawn_in_part_and_said_so(tmp_path):
    test = noise_test(400, 40)
    results = make_results(tmp_path, arms=["bn"], test=test, class_names=[f"k{i}" for i in range(40)],
                           study=make_study(seeds=(0,), epochs=1))  # fmt: skip
    (picture,) = section_of(CLASSES, results, test).pictures
    assert "Only the 30 hardest of 40 classes are drawn" in picture.caption
    assert len(picture.figure.axes[0].get_yticks()) == 30


# ----- the arm that is best on a class


def answering(labels, chances, num_seeds, seed):
    """Predictions of several seeds that are right with the chance of the label."""
    rng = np.random.default_rng(seed)
    right = rng.random((num_seeds, len(labels))) < np.asarray(chances)[labels]
    return np.where(right, labels, (labels + 1) % len(chances)).tolist()


def test_differences_on_a_class_are_those_of_the_paired_comparison_of_its_images(tmp_path):
    labels = np.repeat([0, 1, 2], 60)
    answers = {arm: answering(labels, (0.9, 0.8, 0.7), 4, seed) for seed, arm in enumerate(("bn", "ln", "in"))}
    results, _ = results_of(tmp_path, answers, labels.tolist())
    found = study_classes(results, labels.tolist()).differences
    assert [(one.a, one.b, one.label) for one in found] == [
        (a, b, k) for a, b in (("bn", "ln"), ("bn", "in"), ("ln", "in")) for k in range(3)
    ]
    p_values = []
    for one in found:
        a, b = (np.array(answers[arm])[:, labels == one.label] == one.label for arm in (one.a, one.b))
        p_values.append(paired_difference(a, b).p_value)
        assert one.difference.estimate == pytest.approx(a.mean() - b.mean())
        assert one.difference == paired_difference(a, b).interval()
    np.testing.assert_allclose([one.adjusted_p for one in found], multipletests(p_values, method="holm"))


def multipletests(p_values, method):
    """Holm's step-down by its definition."""
    assert method == "holm"
    order, adjusted, least = np.argsort(p_values), np.empty(len(p_values)), 0.0
    for rank, k in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[k]))
        adjusted[k] = least
    return adjusted


def test_the_title_names_the_best_arm_only_if_tests_support_it(tmp_path):
    labels = np.repeat([0, 1, 2], 300)
    better, worse = (0.95, 0.95, 0.7), (0.6, 0.6, 0.7)
    answers = {arm: answering(labels, chances, 5, seed)
               for seed, (arm, chances) in enumerate((("bn", better), ("ln", worse), ("in", worse)))}  # fmt: skip
    results, _ = results_of(tmp_path, answers, labels.tolist())
    found = study_classes(results, labels.tolist())
    assert [(one.class_name, one.arm) for one in found.best] == [("a", "bn"), ("b", "bn")]
    section = CLASSES.section(found, results)
    assert section.title == "BatchNorm is best on 2 of 3 classes"
    best = next(table for table in section.folded[0].tables if table.headings[1] == "Best arm")
    assert [row[:2] for row in cells_of(best)] == [["a", "BatchNorm bn"], ["b", "BatchNorm bn"]]
    assert all(one.least_lead > 0.25 and one.adjusted_p < 0.05 for one in found.best)
    two = study_classes(results.only(["ln", "in"]), labels.tolist())
    assert two.best == ()
    section = CLASSES.section(two, results)
    assert section.title.startswith("Accuracy runs from ")
    assert section.sentences == ("No arm is distinguished from all others on any class.",)


def test_arms_that_are_best_on_as_many_classes_are_both_named(tmp_path):
    labels = np.repeat([0, 1, 2], 300)
    answers = {"bn": answering(labels, (0.95, 0.5, 0.7), 5, 0), "ln": answering(labels, (0.5, 0.95, 0.7), 5, 1)}
    results, _ = results_of(tmp_path, answers, labels.tolist())
    section = CLASSES.section(study_classes(results, labels.tolist()), results)
    assert section.title == "BatchNorm and LayerNorm are each best on 1 of 3 classes"


def test_one_seed_supports_no_conclusion_about_classes(tmp_path):
    labels = np.repeat([0, 1, 2], 300)
    answers = {"bn": answering(labels, (0.95,) * 3, 1, 0), "ln": answering(labels, (0.5,) * 3, 1, 1)}
    results, _ = results_of(tmp_path, answers, labels.tolist())
    found = study_classes(results, labels.tolist())
    assert (found.differences, found.best) == ((), ())
    section = CLASSES.section(found, results)
    assert section.title.startswith("Accuracy runs from ")
    assert section.sentences == (
        "Arms without two seeds in common support no conclusion about which of them is better on a class.",
    )


def test_no_more_than_5_percent_of_equal_arms_have_a_best_one():
    labels, rng, alarms = np.repeat(np.arange(4), 40), np.random.default_rng(3), 0
    for _ in range(150):
        correct = {arm: {seed: rng.random(160) < 0.8 for seed in range(3)} for arm in ("bn", "ln")}
        found = class_differences(correct, labels, "abcd")
        alarms += any(one.adjusted_p < 0.05 for one in found)
    assert alarms <= scipy_stats.binom.ppf(0.999, 150, 0.05)


def test_p_values_are_divided_by_the_share_of_their_look():
    labels, rng = np.repeat([0, 1], 200), np.random.default_rng(5)
    correct = {arm: {seed: rng.random(400) < chance for seed in range(4)} for arm, chance in (("bn", 0.9), ("ln", 0.7))}
    whole, third = (class_differences(correct, labels, "ab", share) for share in (1, 1 / 3))
    np.testing.assert_allclose([min(1, 3 * one.adjusted_p) for one in whole], [one.adjusted_p for one in third])
