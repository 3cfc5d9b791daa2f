"""Mistakes that arms share, doubtful labels, differences of confusions and classes: small cases by hand."""

import builtins
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats as scipy_stats
from synthetic import digits_test, failed, make_records, make_results, make_study, noise_test

from whichnorm.analyses.classes.measure import by_difficulty, class_accuracies
from whichnorm.analyses.classes.pictures import classes_picture
from whichnorm.analyses.classes.tables import classes_table
from whichnorm.analyses.confusion import figures as matrices
from whichnorm.analyses.confusion.differences import cell_p_values, confusion_difference, count_votes, marked_cells
from whichnorm.analyses.confusion.pictures import difference_picture, differences_of
from whichnorm.analyses.confusion.tables import difference_table
from whichnorm.analyses.mistakes.label_issues import LabelIssues, find_label_issues
from whichnorm.analyses.mistakes.shared import answer, shared_mistakes
from whichnorm.analyses.mistakes.shared_pictures import shared_pictures
from whichnorm.analyses.mistakes.tables import label_issues_table, shared_mistakes_table
from whichnorm.data.dataset import ImageSet
from whichnorm.errors import MissingExtraError
from whichnorm.render.style import saved

EIGHT = ("bn", "ln", "gn:8", "in", "none", "ln-channel", "ln-element", "bn+l1:0.001")
HOSTILE = ("<script>alert(1)</script>", "$\\frac$ & y", "猫", "tab\there", "", "nine\udcff")


def images_of(labels):
    return ImageSet(torch.zeros(len(labels), 1, 4, 4, dtype=torch.uint8), torch.tensor(labels))


def results_of(tmp_path, answers, labels, confidences=None, names=("a", "b", "c")):
    """A study whose runs answer as given: {arm: [predictions of each seed]}; None for a run that failed."""
    test = images_of(labels)
    study = make_study(seeds=tuple(range(max(map(len, answers.values())))), epochs=1)
    made = {(r.arm, r.seed): r for r in make_records(list(answers), study, test, len(names))}
    records = []
    for arm, of_seeds in answers.items():
        for seed, predictions in enumerate(of_seeds):
            record = made[arm, seed]
            if predictions is None:
                records.append(failed(record, "no gradient"))
                continue
            sure = (confidences or {}).get((arm, seed), [0.9] * len(labels))
            records.append(replace(record, test_predictions=list(predictions), test_confidences=list(sure)))
    return make_results(tmp_path, study=study, records=records, test=test, class_names=names), test


# ----- images that all arms miss, or one


def test_who_misses_what_with_one_seed_by_hand(tmp_path):
    labels = [0, 0, 0, 0, 0, 0]
    answers = {"bn": [[1, 1, 0, 0, 0, 0]], "ln": [[1, 0, 1, 0, 0, 0]], "in": [[2, 0, 0, 1, 0, 0]]}
    results, _ = results_of(tmp_path, answers, labels)
    found = shared_mistakes(results, labels, list(answers))
    assert found.by_all.tolist() == [0]
    assert {arm: found.only_by(arm).tolist() for arm in answers} == {"bn": [1], "ln": [2], "in": [3]}
    assert found.share_by_all().expected == pytest.approx(6 * (1 / 3) ** 3)
    assert found.share_only_by("ln").expected == pytest.approx(6 * (1 / 3) * (2 / 3) ** 2)


def test_with_several_seeds_every_run_of_an_arm_has_to_miss_and_none_of_the_others(tmp_path):
    labels = [0, 0, 0, 0]
    # image 0: all runs miss; 1: all of bn, none of ln; 2: all of bn, one run of ln; 3: one run of bn, none of ln
    answers = {"bn": [[1, 1, 1, 1], [1, 2, 1, 0]], "ln": [[1, 0, 1, 0], [2, 0, 0, 0], [1, 0, 0, 0]]}
    results, test = results_of(tmp_path, answers, labels)
    found = shared_mistakes(results, labels, ["bn", "ln"])
    assert found.by_all.tolist() == [0]
    assert found.only_by("bn").tolist() == [1]
    assert found.only_by("ln").tolist() == []
    assert found.share_by_all().expected == pytest.approx(4 * (3 / 4) * (1 / 4))
    assert found.share_only_by("bn").expected == pytest.approx(4 * (3 / 4) * (2 / 4))
    first, *_ = shared_pictures(results, test)
    assert "misclassified by each of the 5 finished runs of bn and ln" in first.caption
    assert "1 of 4 test images (25.00 %) is missed by every arm" in first.caption


def test_independent_mistakes_are_as_many_as_expected(tmp_path):
    rng = np.random.default_rng(0)
    labels = [0] * 20_000
    answers = {arm: [(rng.random(20_000) < share).astype(int).tolist()] for arm, share in (("bn", 0.3), ("ln", 0.2))}
    results, _ = results_of(tmp_path, answers, labels)
    share = shared_mistakes(results, labels, ["bn", "ln"]).share_by_all()
    assert share.expected == pytest.approx(1200, rel=0.05)
    assert abs(share.number - share.expected) < 4 * np.sqrt(1200)


def test_several_runs_answer_by_majority_and_then_by_confidence():
    assert answer([1, 2, 2], [0.99, 0.5, 0.6]).prediction == 2
    assert answer([1, 2, 2], [0.99, 0.5, 0.6]).confidence == pytest.approx(0.55)
    assert answer([1, 2], [0.4, 0.6]).prediction == 2
    assert answer([2, 1], [0.5, 0.5]).prediction == 1


def test_the_surest_come_first_and_equal_ones_by_place(tmp_path):
    confidences = {("bn", 0): [0.5, 0.9, 0.7, 0.7], ("ln", 0): [0.5, 0.5, 0.7, 0.7]}
    results, _ = results_of(tmp_path, {"bn": [[1] * 4], "ln": [[2] * 4]}, [0] * 4, confidences)
    found = shared_mistakes(results, [0] * 4, ["bn", "ln"])
    assert found.surest(found.by_all, ["bn", "ln"], limit=3) == [1, 2, 3]
    assert found.surest(found.by_all, ["bn"], limit=2) == [1, 2]


@pytest.mark.parametrize("arms", [("bn",), ()])
def test_fewer_than_two_finished_arms_share_nothing(tmp_path, arms):
    answers = {arm: [[1, 0]] if arm in arms else [None] for arm in ("bn", "ln")}
    results, test = results_of(tmp_path, answers, [0, 0])
    assert shared_pictures(results, test) == []
    assert shared_mistakes_table(shared_mistakes(results, [0, 0], ["bn", "ln"])) is None


def test_arms_without_mistakes_have_no_pictures_but_counts(tmp_path):
    results, test = results_of(tmp_path, {"bn": [[0, 1]], "ln": [[0, 1]]}, [0, 1])
    assert shared_pictures(results, test) == []
    table = shared_mistakes_table(shared_mistakes(results, [0, 1], ["bn", "ln"]))
    assert [cell.text for cell in table.rows[0]] == ["every arm", "0", "0.00 %", "0"]


@pytest.mark.parametrize("arms", [EIGHT[:2], EIGHT])
def test_pictures_of_hostile_names_and_grey_images_can_be_drawn(tmp_path, arms):
    test = noise_test(60, len(HOSTILE), channels=1)
    labels = test.labels.numpy()
    rng = np.random.default_rng(1)
    answers = {arm: [np.where(rng.random(60) < 0.5, (labels + 1) % 6, labels).tolist()] for arm in arms}
    for of_seeds in answers.values():
        of_seeds[0][0] = 1  # image 0 is missed by all
    results, _ = results_of(tmp_path, answers, labels.tolist(), names=HOSTILE)
    issues = LabelIssues(indices=(0,), probabilities=np.full((60, 6), 1 / 6))
    pictures = [*shared_pictures(results, test, issues=issues), classes_picture(results, test)]
    assert {"missed_by_all", "label_issues", "class_accuracy"} <= {picture.name for picture in pictures}
    for picture in (pictures[0], pictures[-1]):
        assert saved(picture.figure)["png"].startswith(b"\x89PNG")
    notes = [axes.get_title(loc="left").split("\n") for axes in pictures[0].figure.axes]
    assert [note for note in notes if note[0] == "true: <script>alert(1… ?"]
    assert all(len(note) == 1 + len(arms) for note in notes if note != [""])


# ----- likely wrong labels


WRONG = (7, 17, 30, 42, 61, 90, 100, 130, 205)


def planted(num_images=300, num_classes=3, wrong=WRONG):
    """Sure and right probabilities for every image but those with a wrong label."""
    truth = np.arange(num_images) % num_classes
    rng = np.random.default_rng(0)
    probabilities = 0.9 * np.eye(num_classes)[truth] + 0.1 * rng.dirichlet(np.ones(num_classes), size=num_images)
    labels = truth.copy()
    labels[list(wrong)] = (truth[list(wrong)] + 1) % num_classes
    return probabilities, labels.tolist()


def test_planted_wrong_labels_are_found_and_no_others():
    pytest.importorskip("cleanlab")
    probabilities, labels = planted()
    issues = find_label_issues(probabilities, labels)
    assert sorted(issues.indices) == list(WRONG)
    own = probabilities[list(issues.indices), np.array(labels)[list(issues.indices)]]
    assert (np.diff(own) >= 0).all()  # the least probable label first
    assert issues.among(np.array([205, 3, 100])) == [i for i in issues.indices if i in (100, 205)]


@pytest.mark.parametrize(("probabilities", "labels"), [([[0.9, 0.1]], [0]), ([[0.9, 0.1], [0.8, 0.2]], [0, 0])])
def test_few_images_and_absent_classes_are_no_fault(probabilities, labels):
    pytest.importorskip("cleanlab")
    assert find_label_issues(np.array(probabilities), labels).indices == ()


def test_without_cleanlab_the_extra_is_named_and_the_picture_is_still_made(monkeypatch, tmp_path):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("cleanlab"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"whichnorm\[labels\]") as missing:
        find_label_issues(*planted())
    results, test = results_of(tmp_path, {"bn": [[1]], "ln": [[1]]}, [0])
    first, *others = shared_pictures(results, test, note=str(missing.value))
    assert first.name == "missed_by_all"
    assert first.caption.endswith("Likely wrong labels are not looked for: cleanlab is not installed "
                                  "(pip install 'whichnorm[labels]').")  # fmt: skip
    assert others == []


def test_pictured_candidates_are_those_that_every_arm_misses(tmp_path):
    results, test = results_of(tmp_path, {"bn": [[1, 1, 0]], "ln": [[1, 0, 0]]}, [0, 0, 0])
    issues = LabelIssues(indices=(2, 1, 0), probabilities=np.tile([0.02, 0.97, 0.01], (3, 1)))
    pictures = {p.name: p for p in shared_pictures(results, test, issues=issues)}
    assert "doubts 3 labels of 3" in pictures["label_issues"].caption
    assert "1 of them on images that every arm misses" in pictures["label_issues"].caption
    table = label_issues_table(shared_mistakes(results, [0] * 3, ["bn", "ln"]), issues, ("a", "b", "c"))
    assert [[cell.text for cell in row] for row in table.rows] == [["0", "a", "2.00 %", "b", "97.00 %"]]


# ----- the difference of two confusion matrices


def test_a_difference_is_that_of_the_matrices_and_mcnemars_per_cell(tmp_path):
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 3, 900)
    a = np.where(rng.random(900) < 0.1, (labels + 1) % 3, labels)
    b = np.where(rng.random(900) < 0.25, (labels + rng.integers(1, 3, 900)) % 3, labels)
    results, _ = results_of(tmp_path, {"bn": [a.tolist()], "ln": [b.tolist()]}, labels.tolist())
    found = confusion_difference(results, labels.tolist(), "bn", "ln")
    p_values = []
    for true in range(3):
        for predicted in range(3):
            of_a, of_b = a[labels == true] == predicted, b[labels == true] == predicted
            assert found.difference[true, predicted] == of_a.sum() - of_b.sum()
            only_a, only_b = int((of_a & ~of_b).sum()), int((of_b & ~of_a).sum())
            p_values.append(scipy_stats.binomtest(only_a, only_a + only_b).pvalue)
    ordered = np.sort(p_values)
    holm = np.minimum(np.maximum.accumulate(ordered * np.arange(9, 0, -1)), 1)  # every cell has enough images here
    np.testing.assert_allclose(np.sort(found.p_values.ravel()), holm, rtol=1e-9)
    assert 0 < found.beyond_chance.sum() < 9
    turned = confusion_difference(results, labels.tolist(), "ln", "bn")
    np.testing.assert_array_equal(turned.difference, -found.difference)
    np.testing.assert_allclose(turned.p_values, found.p_values)


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
    found = confusion_difference(results, [0, 1], "bn", "ln")
    assert found.seeds == (1,)
    assert found.difference.tolist() == [[-1, 1, 0], [0, 0, 0], [0, 0, 0]]
    none, _ = results_of(tmp_path, {"bn": [[0, 0], None], "ln": [None, [0, 0]]}, [0, 1])
    assert confusion_difference(none, [0, 1], "bn", "ln") is None


def test_no_more_than_5_percent_of_equal_arms_have_a_marked_cell():
    rng = np.random.default_rng(11)
    labels = np.repeat(np.arange(5), 60)
    alarms = 0
    for _ in range(200):
        a, b = (np.where(rng.random(300) < 0.3, rng.integers(0, 5, 300), labels) for _ in range(2))
        alarms += (cell_p_values(count_votes([a], 5) - count_votes([b], 5), labels) <= 0.05).any()
    assert alarms <= scipy_stats.binom.ppf(0.999, 200, 0.05)


def test_one_image_and_equal_arms_differ_nowhere(tmp_path):
    results, test = results_of(tmp_path, {"bn": [[1]], "ln": [[0]]}, [0])
    found = confusion_difference(results, [0], "bn", "ln")
    assert not found.beyond_chance.any()
    assert difference_table(found, results.class_names) is None
    (picture,) = [difference_picture(results, found) for found in differences_of(results, test)]
    assert "None of 9 cells differs beyond chance" in picture.caption
    same, _ = results_of(tmp_path, {"bn": [[1]], "ln": [[1]]}, [0])
    assert (confusion_difference(same, [0], "bn", "ln").p_values == 1).all()


def test_marked_cells_are_listed_the_surest_first(tmp_path):
    labels = [0] * 40 + [1] * 40
    a, b = [0] * 80, [0] * 40 + [1] * 40
    a[:12] = [2] * 12
    results, _ = results_of(tmp_path, {"bn": [a], "ln": [b]}, labels)
    found = confusion_difference(results, labels, "bn", "ln")
    assert marked_cells(found) == [(1, 0), (1, 1), (0, 0), (0, 2)]
    first = difference_table(found, results.class_names).rows[0]
    assert [cell.text for cell in first][:5] == ["b (1)", "a (0)", "40", "0", "+40"]


@pytest.mark.parametrize(("num_classes", "texts"), [(2, ["+12", "−3"]), (20, ["+12", "−3"]), (100, [])])
def test_a_difference_has_numbers_up_to_twenty_classes_and_always_frames(num_classes, texts):
    values, marked = np.zeros((num_classes, num_classes)), np.zeros((num_classes, num_classes), dtype=bool)
    values[0, 0], values[1, 0], marked[0, 0] = 12, -3, True
    figure = matrices.difference("x", values, marked, [f"{k}" for k in range(num_classes)], ("bn", "ln"))
    axes = figure.axes[0]
    assert [t.get_text() for t in axes.texts] == texts
    assert len(axes.patches) == (2 if texts else 1)
    low, high = axes.images[0].get_clim()
    assert (low, high) == (-12, 12)


def test_means_over_seeds_have_a_decimal_below_ten():
    values = np.array([[0.5, -12.5], [0.0, 2.0]])
    figure = matrices.difference("x", values, np.zeros((2, 2), dtype=bool), ["a", "b"], ("bn", "ln"))
    assert [t.get_text() for t in figure.axes[0].texts] == ["+0.5", "−12", "+2.0"]


# ----- accuracy per class


def test_a_class_has_wilsons_interval_with_one_seed_and_none_without_images(tmp_path):
    labels = [0] * 10 + [1] * 5
    results, test = results_of(tmp_path, {"bn": [[0] * 9 + [1] * 6], "ln": [None]}, labels)
    (found,) = class_accuracies(results, labels, ["bn", "ln"])
    want = scipy_stats.binomtest(9, 10).proportion_ci(method="wilson")
    assert found.intervals[0].estimate == 0.9
    assert (found.intervals[0].low, found.intervals[0].high) == pytest.approx((want.low, want.high))
    assert (found.intervals[1].estimate, found.intervals[1].high) == (1.0, 1.0)
    assert found.intervals[2] is None
    assert by_difficulty([found]) == [0, 1]
    assert "1 of 3 classes have no test images" in classes_picture(results, test).caption
    table = classes_table(results, [found], labels)
    assert [cell.text for cell in table.rows[0]] == ["a", "10", "90.00 %"]
    assert [cell.text for cell in table.rows[2]] == ["c", "0", "–"]


def test_class_accuracies_add_up_to_the_arms_accuracy(tmp_path):
    test = digits_test()
    results = make_results(tmp_path, study=make_study(seeds=(0, 1, 2), epochs=1))
    labels = test.labels.tolist()
    images = np.bincount(labels)
    for found, arm in zip(class_accuracies(results, labels, ["bn", "gn:8", "ln"]), results.arms, strict=True):
        mean = np.average([interval.estimate for interval in found.intervals], weights=images)
        assert mean == pytest.approx(arm.test_accuracy.mean)
        assert all(0 <= i.low <= i.estimate <= i.high <= 1 for i in found.intervals)


def test_no_finished_arm_has_no_classes(tmp_path):
    results, test = results_of(tmp_path, {"bn": [None]}, [0, 1])
    assert classes_picture(results, test) is None
    assert classes_table(results, [], [0, 1]) is None


def test_many_classes_are_drawn_in_part_and_said_so(tmp_path):
    test = noise_test(400, 40)
    results = make_results(tmp_path, arms=["bn"], test=test, class_names=[f"k{i}" for i in range(40)],
                           study=make_study(seeds=(0,), epochs=1))  # fmt: skip
    picture = classes_picture(results, test)
    assert "Only the 30 hardest of 40 classes are drawn" in picture.caption
    assert len(picture.figure.axes[0].get_yticks()) == 30


def test_images_of_one_class_have_no_doubtful_labels():
    pytest.importorskip("cleanlab")
    assert find_label_issues(np.full((4, 3), 1 / 3), [1, 1, 1, 1]).indices == ()
