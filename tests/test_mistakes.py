"""Mistakes of each arm, those that arms share, and doubtful labels: small cases by hand."""

import builtins
from dataclasses import replace

import numpy as np
import pytest
from predicted import results_of
from sections import FOUR, cells_of, found_by, section_of
from synthetic import digits_test, make_record, make_results, make_study, noise_test

from whichnorm.analyses.mistakes.figures import mistake_grid
from whichnorm.analyses.mistakes.label_issues import (
    LabelDoubt,
    LabelDoubts,
    find_label_issues,
    label_doubts,
    too_many_errors,
)
from whichnorm.analyses.mistakes.measure import mistakes, most_confident, study_mistakes
from whichnorm.analyses.mistakes.shared import answer, who_misses
from whichnorm.errors import MissingExtraError
from whichnorm.render.style import saved

MISTAKES = FOUR[1]
EIGHT = ("bn", "ln", "gn:8", "in", "none", "ln-channel", "ln-element", "bn+l1:0.001")
HOSTILE = ("<script>alert(1)</script>", "$\\frac$ & y", "猫", "tab\there", "", "nine\udcff")


def doubts_of(*rows):
    keys = ("index", "labelled_class", "labelled_softmax", "network_class", "network_softmax")
    return LabelDoubts(doubts=tuple(LabelDoubt(**dict(zip(keys, row, strict=True))) for row in rows))


# ----- an arm's own mistakes


def test_mistakes_are_wrong_and_the_most_confident_come_first():
    labels, predictions = [0, 1, 2, 0, 1], [0, 2, 1, 1, 0]
    chosen = most_confident(list(mistakes(predictions, [0.99, 0.5, 0.9, 0.5, 0.6], labels, "abc")), limit=3)
    assert [m.index for m in chosen] == [2, 4, 1]  # 1 and 3 are equally sure: the earlier image
    assert [(m.true_class, m.predicted_class, m.confidence) for m in chosen] == [
        ("c", "b", 0.9), ("b", "a", 0.6), ("b", "c", 0.5),
    ]  # fmt: skip


def test_the_mistakes_of_an_arm_are_its_first_seeds_most_confident(tmp_path):
    results, labels = make_results(tmp_path), digits_test().labels.tolist()
    first = results.finished("ln")[0]
    found = study_mistakes(results, labels).arms["ln"]
    wrong = [i for i, (p, y) in enumerate(zip(first.test_predictions, labels, strict=True)) if p != y]
    assert (found.seed, found.wrong) == (0, len(wrong))
    assert len(wrong) > len(found.shown) == 10
    assert {m.index for m in found.shown} <= set(wrong)
    confidences = sorted((first.test_confidences[i] for i in wrong), reverse=True)[:10]
    assert [m.confidence for m in found.shown] == confidences


def test_few_mistakes_are_all_shown_and_said_so(tmp_path):
    results, test = results_of(tmp_path, {"bn": [[0, 1, 1]]}, [0, 0, 1])
    (picture,) = section_of(MISTAKES, results, test).pictures
    assert picture.caption == "1 test image of 3 misclassified at seed 0. All of them, in falling order."
    assert picture.alt.endswith("by index. 1: True class a, Predicted class b, Confidence 90.00 %.")


def test_pixels_are_those_of_the_shown_images(tmp_path):
    results, test = make_results(tmp_path), digits_test()
    found = found_by(MISTAKES, results, test)
    assert {m.index for arm in found.arms.values() for m in arm.shown} <= set(found.pixels)
    for index, pixels in found.pixels.items():
        np.testing.assert_array_equal(pixels, test.images[index].numpy())


def test_pixels_stay_sharp_and_colours_are_kept():
    red = np.zeros((3, 4, 6), dtype=np.uint8)
    red[0] = 255
    grey = np.arange(24, dtype=np.uint8).reshape(1, 4, 6)
    figure = mistake_grid("bn", [red, grey], ["a", "b"])
    pictures = [axes.images[0] for axes in figure.axes if axes.images]
    assert [p.get_interpolation() for p in pictures] == ["none", "none"]
    np.testing.assert_array_equal(pictures[0].get_array()[0, 0], [255, 0, 0])
    np.testing.assert_array_equal(pictures[1].get_array(), grey[0])


# ----- images that all arms miss, or one


def test_who_misses_what_with_one_seed_by_hand(tmp_path):
    labels = [0, 0, 0, 0, 0, 0]
    answers = {"bn": [[1, 1, 0, 0, 0, 0]], "ln": [[1, 0, 1, 0, 0, 0]], "in": [[2, 0, 0, 1, 0, 0]]}
    results, _ = results_of(tmp_path, answers, labels)
    found = study_mistakes(results, labels)
    assert found.missed_by_all.images == (0,)
    assert {arm: shared.images for arm, shared in found.missed_only_by.items()} == {"bn": (1,), "ln": (2,), "in": (3,)}
    assert found.missed_by_all.expected == pytest.approx(6 * (1 / 3) ** 3)
    assert found.missed_only_by["ln"].expected == pytest.approx(6 * (1 / 3) * (2 / 3) ** 2)
    assert [shared.number for shared in found.missed_only_by.values()] == [1, 1, 1]


def test_with_several_seeds_every_run_of_an_arm_has_to_miss_and_none_of_the_others(tmp_path):
    labels = [0, 0, 0, 0]
    # image 0: all runs miss; 1: all of bn, none of ln; 2: all of bn, one run of ln; 3: one run of bn, none of ln
    answers = {"bn": [[1, 1, 1, 1], [1, 2, 1, 0]], "ln": [[1, 0, 1, 0], [2, 0, 0, 0], [1, 0, 0, 0]]}
    results, test = results_of(tmp_path, answers, labels)
    found = found_by(MISTAKES, results, test)
    assert found.missed_by_all.images == (0,)
    assert {arm: shared.images for arm, shared in found.missed_only_by.items()} == {"bn": (1,), "ln": ()}
    assert found.missed_by_all.expected == pytest.approx(4 * (3 / 4) * (1 / 4))
    assert found.missed_only_by["bn"].expected == pytest.approx(4 * (3 / 4) * (2 / 4))
    section = MISTAKES.section(found, results)
    assert section.title == "Both arms miss 1 of 4 test images in every run"
    assert "each of the 5 finished runs of BatchNorm and LayerNorm misclassifies it" in section.pictures[0].method
    assert "1 of 4 test images (25.00 %) is missed by every arm" in section.pictures[0].caption


def test_independent_mistakes_are_as_many_as_expected(tmp_path):
    rng = np.random.default_rng(0)
    labels = [0] * 20_000
    answers = {arm: [(rng.random(20_000) < share).astype(int).tolist()] for arm, share in (("bn", 0.3), ("ln", 0.2))}
    results, _ = results_of(tmp_path, answers, labels)
    shared = study_mistakes(results, labels).missed_by_all
    assert shared.expected == pytest.approx(1200, rel=0.05)
    assert abs(shared.number - shared.expected) < 4 * np.sqrt(1200)


def test_several_runs_answer_by_majority_and_then_by_confidence():
    assert answer([1, 2, 2], [0.99, 0.5, 0.6]) == (2, pytest.approx(0.55))
    assert answer([1, 2], [0.4, 0.6]) == (2, 0.6)
    assert answer([2, 1], [0.5, 0.5]) == (1, 0.5)


def test_the_surest_come_first_and_equal_ones_by_index(tmp_path):
    confidences = {("bn", 0): [0.5, 0.9, 0.7, 0.7], ("ln", 0): [0.5, 0.5, 0.7, 0.7]}
    results, _ = results_of(tmp_path, {"bn": [[1] * 4], "ln": [[2] * 4]}, [0] * 4, confidences)
    who = who_misses(results, [0] * 4)
    assert who.surest(np.arange(4), ["bn", "ln"], limit=3) == [1, 2, 3]
    assert who.surest(np.arange(4), ["bn"], limit=2) == [1, 2]
    assert who.surest(np.array([0, 3]), ["bn"], limit=2) == [3, 0]


def test_a_single_finished_arm_shares_nothing(tmp_path):
    results, test = results_of(tmp_path, {"bn": [[1, 0]], "ln": [None]}, [0, 0])
    found = found_by(MISTAKES, results, test)
    assert (found.missed_by_all, found.missed_only_by) == (None, {})
    section = MISTAKES.section(found, results)
    assert [picture.name for picture in section.pictures] == ["bn_mistakes"]
    assert section.tables == ()
    assert section.title == "BatchNorm misses 1 of 2 test images"
    assert section.sentences == ("LayerNorm: no finished run.",)


def test_arms_without_mistakes_have_no_pictures_but_counts(tmp_path):
    alone, test = results_of(tmp_path, {"bn": [[0, 1]]}, [0, 1])
    assert section_of(MISTAKES, alone, test).title == "BatchNorm misses no test image"
    results, test = results_of(tmp_path, {"bn": [[0, 1]], "ln": [[0, 1]]}, [0, 1])
    section = section_of(MISTAKES, results, test)
    assert section.pictures == ()
    assert section.title == "No test image is missed by both arms"
    assert section.sentences[0] == "BatchNorm: seed 0 classified all 2 test images rightly: no mistakes to show."
    assert cells_of(section.tables[0])[0] == ["every arm", "0", "0.00 %", "0"]


@pytest.mark.parametrize("arms", [EIGHT[:2], EIGHT])
def test_pictures_of_hostile_names_and_grey_images_can_be_drawn(tmp_path, arms):
    test = noise_test(60, len(HOSTILE), channels=1)
    labels = test.labels.numpy()
    rng = np.random.default_rng(1)
    answers = {arm: [np.where(rng.random(60) < 0.5, (labels + 1) % 6, labels).tolist()] for arm in arms}
    for of_seeds in answers.values():
        of_seeds[0][0] = 1  # image 0 is missed by all
    results, _ = results_of(tmp_path, answers, labels.tolist(), names=HOSTILE)
    found = study_mistakes(results, labels.tolist(), doubts_of((0, HOSTILE[0], 1 / 6, HOSTILE[5], 1 / 6)))
    pixels = {index: image.numpy() for index, image in enumerate(test.images)}
    pictures = MISTAKES.section(replace(found, pixels=pixels), results).pictures
    assert [picture.name for picture in pictures[:2]] == ["missed_by_all", "label_issues"]
    for picture in pictures[:3]:
        assert saved(picture.figure)["png"].startswith(b"\x89PNG")
    notes = [text.get_text().split("\n") for axes in pictures[0].figure.axes for text in axes.texts]
    assert 1 <= len(notes) <= 10
    assert [note for note in notes if note[0] == "true: <script>alert… ?"]
    assert all(len(note) == 1 + len(arms) for note in notes)


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
    found = label_doubts(probabilities, labels, "abc").doubts
    indices = [doubt.index for doubt in found]
    assert sorted(indices) == list(WRONG)
    own = [doubt.labelled_softmax for doubt in found]
    assert own == probabilities[indices, np.array(labels)[indices]].tolist()
    assert own == sorted(own)  # the least probable label first
    assert [doubt.labelled_class for doubt in found] == ["abc"[labels[i]] for i in indices]
    assert [doubt.network_class for doubt in found] == ["abc"[i % 3] for i in indices]


@pytest.mark.parametrize(("probabilities", "labels"), [([[0.9, 0.1]], [0]), ([[0.9, 0.1], [0.8, 0.2]], [0, 0])])
def test_few_images_and_absent_classes_are_no_fault(probabilities, labels):
    pytest.importorskip("cleanlab")
    assert find_label_issues(np.array(probabilities), labels) == []


def test_without_cleanlab_the_extra_is_named_and_the_picture_is_still_made(monkeypatch, tmp_path):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("cleanlab"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"whichnorm\[labels\]") as missing:
        find_label_issues(*planted())
    results, _ = results_of(tmp_path, {"bn": [[1]], "ln": [[1]]}, [0])
    found = study_mistakes(results, [0], reason=str(missing.value))
    section = MISTAKES.section(replace(found, pixels={0: np.zeros((1, 4, 4), dtype=np.uint8)}), results)
    assert [picture.name for picture in section.pictures] == ["missed_by_all", "bn_mistakes", "ln_mistakes"]
    assert section.sentences == (
        "Doubted labels are not looked for: cleanlab is not installed (pip install 'whichnorm[labels]').",
    )
    assert (found.label_candidates, found.doubted_labels) == (None, None)


def test_candidates_are_those_that_every_arm_misses(tmp_path):
    results, _ = results_of(tmp_path, {"bn": [[1, 1, 0]], "ln": [[1, 0, 0]]}, [0, 0, 0])
    doubts = doubts_of(*((index, "a", 0.02, "b", 0.97) for index in (2, 1, 0)))
    found = study_mistakes(results, [0, 0, 0], doubts)
    assert [doubt.index for doubt in found.label_candidates] == [0]
    assert found.doubted_labels == 3
    pixels = dict.fromkeys(range(3), np.zeros((1, 4, 4), dtype=np.uint8))
    section = MISTAKES.section(replace(found, pixels=pixels), results)
    pictures = {picture.name: picture for picture in section.pictures}
    assert "doubts 3 labels of 3, 1 of them on images that every arm misses" in pictures["label_issues"].caption
    assert "A question mark follows a doubted label" in pictures["missed_by_all"].caption
    table = next(table for table in section.folded[0].tables if table.caption.startswith("Labels that"))
    assert cells_of(table) == [["0", "a", "2.00 %", "b", "97.00 %"]]


@pytest.mark.parametrize(("errors", "shown"), [((0.05, 0.11), True), ((0.05, 0.25), False)])
def test_networks_that_err_more_often_than_labels_do_are_not_asked(tmp_path, errors, shown):
    """A mean of 8 % is below the 10 % of wrong labels that test sets have at most, one of 15 % is not."""
    study, test = make_study(), digits_test()
    pairs = zip(("bn", "ln"), errors, strict=True)
    records = [make_record(arm, seed, test, study, 10, error) for arm, error in pairs for seed in study.seeds]
    said = too_many_errors(make_results(tmp_path, study=study, records=records))
    assert (said == "") == shown
    assert shown or "% of the test images, and above 10 % nearly all doubts are mistakes of their own" in said


def test_images_of_one_class_have_no_doubtful_labels():
    pytest.importorskip("cleanlab")
    assert find_label_issues(np.full((4, 3), 1 / 3), [1, 1, 1, 1]) == []
