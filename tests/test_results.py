"""Results from run records made by hand, checked against scipy and against what the verdict may and may not say."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats as scipy_stats

from whichnorm.errors import StudyError
from whichnorm.results.results import summarize, write_results
from whichnorm.specs.names import arm_title
from whichnorm.stats import crossed_interval, given_called, paired_difference
from whichnorm.training.record import SCHEMA, Audit, EpochRow, RunRecord

SEEDS = (0, 1, 2)
TRAIN = [0.7, 0.8, 0.84]
LABELS = [i % 4 for i in range(200)]
STUDY = {
    "data": {"name": "made-up", "val_fraction": 0.1}, "model": {"name": "net"},
    "recipe": {"name": "plain", "batch_size": 32}, "machine": {},
}  # fmt: skip
SETTING = "net on made-up with the recipe plain at batch size 32"


def row(epoch, test_accuracy, **changed):
    values = {
        "epoch": epoch, "learning_rate": 0.1, "seconds": 1.5, "train_loss": 0.5, "train_accuracy": 0.75,
        "val_loss": 0.5, "val_accuracy": 0.625, "test_loss": 0.5, "test_accuracy": test_accuracy,
    }  # fmt: skip
    return EpochRow(**{**values, **changed})


def predictions(wrong):
    """Predict every label but those of the images listed."""
    return [(label + 1) % 4 if i in wrong else label for i, label in enumerate(LABELS)]


def record(arm, seed, wrong, *, best=None, **changed):
    """A run that ends with these test images wrong; `best` is the test accuracy of its first epoch."""
    wrong = set(range(wrong)) if isinstance(wrong, int) else set(wrong)
    accuracy = 1 - len(wrong) / len(LABELS)
    values = {
        "schema": SCHEMA, "arm": arm, "seed": seed, "status": "finished", "reason": "", "warnings": [],
        "epochs": [row(1, 0.25 if best is None else best), row(2, accuracy)],
        "audit": Audit(norm_layers={"GroupNorm(1 group)": 3}, params=1000, norm_params=48, initial_weights="ab",
                       zero_gradient=[]),
        "test_predictions": predictions(wrong), "test_confidences": [0.5] * len(LABELS), "spec": STUDY,
        "environment": {"device": "cpu"}, "evaluate_seconds": 0.5,
    }  # fmt: skip
    return RunRecord(**{**values, **changed})


def failed(arm, seed, reason="the network has no norm layer"):
    return record(arm, seed, 200, status="failed", reason=reason, epochs=[], audit=None, test_predictions=[])


def results_of(*records, study=STUDY, folder="."):
    return summarize(records, study, ("a", "b", "c", "d"), LABELS, Path(folder))


def arm_of(results, name):
    (arm,) = (arm for arm in results.arms if arm.norm == name)
    return arm


def grid(**wrong):
    """Records of several arms, each with a number of wrong test images at each seed from 0."""
    return [record(arm, seed, count) for arm, counts in wrong.items() for seed, count in enumerate(counts)]


# ----- arms


def test_an_arm_has_mean_standard_deviation_and_an_interval_over_seeds_and_test_images():
    wrong = [10, 14, 21]
    arm = arm_of(results_of(*grid(bn=wrong)), "bn")
    values = [0.95, 0.93, 0.895]
    want = crossed_interval([[i >= count for i in range(200)] for count in wrong])
    assert arm.test_accuracy.mean == pytest.approx(np.mean(values))
    assert arm.test_accuracy.std == pytest.approx(np.std(values, ddof=1))
    assert arm.test_accuracy.values == pytest.approx(values)
    assert arm.test_accuracy.ci95 == pytest.approx((want.low, want.high))
    assert arm.seeds == (0, 1, 2)
    assert (arm.params, arm.norm_params) == (1000, 48)
    assert arm.train_seconds.values == (3.0, 3.0, 3.0)
    assert arm.train_accuracy.mean == 0.75
    assert arm.val_accuracy.mean == 0.625


def test_quantities_without_images_have_students_interval():
    runs = [record("bn", seed, 10, epochs=[row(1, 0.95, train_accuracy=value)]) for seed, value in enumerate(TRAIN)]
    found = arm_of(results_of(*runs), "bn").train_accuracy
    low, high = scipy_stats.t.interval(0.95, 2, loc=np.mean(TRAIN), scale=scipy_stats.sem(TRAIN))
    assert found.ci95 == pytest.approx((low, min(high, 1)))
    assert found.std == pytest.approx(np.std(TRAIN, ddof=1))


def test_an_interval_of_accuracies_stays_within_0_and_1():
    arm = arm_of(results_of(*grid(bn=[0, 60])), "bn")
    low, high = arm.test_accuracy.ci95
    assert 0 <= low < arm.test_accuracy.mean < high <= 1.0


def test_seeds_that_agree_on_every_image_have_the_spread_of_the_images():
    low, high = arm_of(results_of(*grid(bn=[20, 20, 20])), "bn").test_accuracy.ci95
    want = scipy_stats.binomtest(180, 200).proportion_ci(0.95, "wilson")
    assert (low, high) == pytest.approx((want.low, want.high), abs=3e-3)


def test_one_seed_has_wilsons_interval_over_the_test_images():
    arm = arm_of(results_of(record("bn", 0, 20)), "bn")
    want = scipy_stats.binomtest(180, 200).proportion_ci(0.95, "wilson")
    assert arm.test_accuracy.ci95 == pytest.approx((want.low, want.high))
    assert arm.test_accuracy.std is None
    assert arm.train_accuracy.ci95 is None
    assert arm.train_seconds.ci95 is None


def test_the_best_epoch_is_kept_apart_from_the_last():
    run = record("bn", 0, 20, best=0.975)
    assert run.best_test.epoch == 1
    arm = arm_of(results_of(run, record("bn", 1, 10)), "bn")
    assert arm.test_accuracy.values == pytest.approx((0.9, 0.95))
    assert arm.best_test_accuracy.values == pytest.approx((0.975, 0.95))


def test_without_a_validation_split_there_is_no_validation_accuracy():
    epochs = [row(1, 0.9, val_loss=None, val_accuracy=None)]
    study = {**STUDY, "data": {"name": "made-up", "val_fraction": 0.0}}
    results = results_of(record("bn", 0, 20, epochs=epochs), study=study)
    assert arm_of(results, "bn").val_accuracy is None
    assert results.curves_split == "test"
    assert results_of(record("bn", 0, 20)).curves_split == "val"


# ----- comparisons


def test_arms_are_compared_by_seed_and_test_image():
    results = results_of(*grid(bn=[10, 14, 21], ln=[12, 18, 24]))
    (found,) = results.comparisons
    tables = [[[i >= count for i in range(200)] for count in counts] for counts in ([10, 14, 21], [12, 18, 24])]
    want = paired_difference(*tables)
    assert (found.a, found.b, found.basis, found.seeds) == ("bn", "ln", "seeds and test images", (0, 1, 2))
    assert found.difference == pytest.approx(0.045 / 3)
    interval = want.interval(0.8 * 0.05)  # the first look's share of the error rate
    assert found.ci95 == pytest.approx((interval.low, interval.high))
    assert found.p_value == pytest.approx(want.p_value / 0.8)
    assert found.chance_a_wins == pytest.approx(given_called(want, 0.04).chance_a_wins)
    assert found.adjusted_p == found.p_value  # one pair


def test_where_each_seed_errs_on_images_of_its_own_it_is_the_paired_t_test():
    """The share of the images comes out negative, which is zero: what is left is Student's test of the differences."""
    wrong = {"bn": [10, 14, 21], "ln": [12, 18, 24]}
    runs = [
        record(arm, seed, range(60 * seed, 60 * seed + counts[seed])) for arm, counts in wrong.items() for seed in SEEDS
    ]
    (found,) = results_of(*runs).comparisons
    test = scipy_stats.ttest_rel([0.95, 0.93, 0.895], [0.94, 0.91, 0.88])
    want = test.confidence_interval(1 - 0.8 * 0.05)
    assert found.ci95 == pytest.approx((want.low, want.high))
    assert found.p_value == pytest.approx(test.pvalue / 0.8)


def test_every_pair_of_arms_is_compared_once():
    results = results_of(*grid(bn=[10, 14], ln=[12, 18], **{"gn:2": [1, 2], "in": [3, 4]}))
    pairs = [(c.a, c.b) for c in results.comparisons]
    assert pairs == [("bn", "ln"), ("bn", "gn:2"), ("bn", "in"), ("ln", "gn:2"), ("ln", "in"), ("gn:2", "in")]


def test_arms_are_paired_by_seed_whatever_the_order_of_their_records():
    records = grid(bn=[10, 14, 21], ln=[12, 18, 24])
    mixed = [records[i] for i in (2, 0, 1, 3, 5, 4)]
    (want,), (found,) = results_of(*records).comparisons, results_of(*mixed).comparisons
    assert found.difference == pytest.approx(want.difference)
    assert found.ci95 == pytest.approx(want.ci95)


def test_only_seeds_that_both_arms_finished_are_compared():
    records = [record("bn", seed, wrong) for seed, wrong in ((0, 10), (1, 14), (2, 21), (3, 100))]
    records += [record("ln", seed, wrong) for seed, wrong in ((1, 18), (2, 24), (0, 12))] + [failed("ln", 3)]
    results = results_of(*records)
    (found,) = results.comparisons
    assert sorted(found.seeds) == [0, 1, 2]
    assert found.difference == pytest.approx(0.045 / 3)
    assert arm_of(results, "bn").seeds == (0, 1, 2, 3)
    assert arm_of(results, "bn").test_accuracy.mean == pytest.approx(1 - 145 / 800)


def test_arms_without_a_common_seed_are_not_compared_and_cannot_be_told_apart():
    results = results_of(record("bn", 0, 0), record("ln", 1, 150))
    assert results.comparisons == ()
    assert results.verdict.choice == "cannot tell"
    assert "Cannot tell BatchNorm and LayerNorm apart" in results.verdict.text


def test_one_seed_is_compared_over_the_test_images_and_calls_nothing():
    results = results_of(record("bn", 0, range(40)), record("ln", 0, range(20, 100)))
    (found,) = results.comparisons
    assert (found.basis, found.seeds) == ("test images", (0,))
    a_only, b_only, n = 60, 20, 200
    std = np.sqrt((a_only + b_only) / n - 0.2**2) / np.sqrt(n)
    assert found.difference == pytest.approx(0.2)
    assert found.ci95 == pytest.approx((0.2 - 1.96 * std, 0.2 + 1.96 * std), abs=0.008)
    assert found.call == "cannot tell"
    assert found.p_value is found.adjusted_p is found.chance_a_wins is found.seeds_needed is None


def test_a_verdict_from_one_seed_says_what_it_lacks_and_how_many_are_enough():
    results = results_of(record("bn", 0, 10), record("ln", 0, 100))
    assert results.verdict.choice == "cannot tell"
    assert results.verdict.level == ("ln",)
    assert "one common seed says nothing of the noise between seeds" in results.verdict.text
    assert "supports no conclusion: give 3 seeds or more." in results.verdict.text


def test_a_verdict_from_several_seeds_says_nothing_of_one():
    text = results_of(*grid(bn=[10, 11, 12], ln=[100, 101, 102])).verdict.text
    assert "n = 3 seeds" in text
    assert "one common seed" not in text


def test_one_common_seed_among_several_is_compared_over_the_test_images():
    results = results_of(*grid(bn=[10, 11, 12]), record("ln", 1, 100), failed("ln", 0))
    (found,) = results.comparisons
    assert (found.basis, found.seeds, found.call) == ("test images", (1,), "cannot tell")
    assert "one common seed says nothing" in results.verdict.text


# ----- verdicts


@pytest.mark.parametrize("order", [("bn", "ln", "in"), ("in", "ln", "bn"), ("ln", "bn", "in")])
def test_the_arm_that_is_better_than_every_other_is_chosen_in_any_order(order):
    wrong = {"bn": [10, 12, 11], "ln": [30, 33, 31], "in": [60, 61, 62]}
    verdict = results_of(*grid(**{arm: wrong[arm] for arm in order})).verdict
    assert verdict.choice == "bn"
    assert (
        verdict.answer
        == f"Use BatchNorm for {SETTING}: it is better than LayerNorm and InstanceNorm. Next best: LayerNorm."
    )
    assert (verdict.next_best, verdict.level) == ("ln", ())
    assert [text.split(":")[0] for text in verdict.evidence] == ["BatchNorm − LayerNorm", "BatchNorm − InstanceNorm"]


def test_figures_in_the_verdict_are_of_the_best_arm_less_the_other():
    results = results_of(*grid(ln=[30, 32, 31], bn=[10, 12, 11]))
    (found,) = results.comparisons
    low, high = 100 * found.ci95[0], 100 * found.ci95[1]
    assert found.difference == pytest.approx(-0.1)
    (text,) = results.verdict.evidence
    assert text.startswith(
        f"BatchNorm − LayerNorm: +10.00 points of test accuracy [{-high:+.2f}, {-low:+.2f}], n = 3 seeds, p "
    )
    middle, *ends = (100 * value for value in found.turned().if_called)
    assert f", and {middle:+.2f} [{ends[0]:+.2f}, {ends[1]:+.2f}] given that it was found; " in text
    assert text.endswith("; a new run of BatchNorm beats one of LayerNorm with a probability of 0.98.")


def test_nothing_is_chosen_where_the_best_two_cannot_be_told_apart():
    verdict = results_of(*grid(bn=[10, 20, 15], ln=[20, 10, 17], **{"in": [100, 101, 103]})).verdict
    assert verdict.choice == "cannot tell"
    assert verdict.answer == f"Cannot tell BatchNorm and LayerNorm apart for {SETTING}. InstanceNorm is worse."
    assert (verdict.next_best, verdict.level) == ("", ("ln",))


def test_nothing_is_chosen_where_every_run_is_alike():
    results = results_of(*grid(bn=[20, 20, 20], ln=[20, 20, 20]))
    assert results.verdict.choice == "cannot tell"
    assert results.comparisons[0].call == "cannot tell"
    assert (results.comparisons[0].p_value, results.comparisons[0].chance_a_wins) == (1.0, 0.5)


def test_two_seeds_that_differ_by_two_test_images_do_not_make_a_winner():
    """Equal differences have no spread, which would make every one of them significant: one image is the least."""
    assert results_of(*grid(bn=[18, 18], ln=[20, 20])).verdict.choice == "cannot tell"


def test_one_arm_has_no_comparison_and_no_choice():
    results = results_of(*grid(bn=[10, 11]))
    assert results.comparisons == ()
    assert results.verdict.choice == "cannot tell"
    assert "BatchNorm is the only arm; there is nothing to compare it with" in results.verdict.text


@pytest.mark.parametrize("records", [(), (failed("bn", 0), failed("ln", 0))], ids=["no runs", "all failed"])
def test_without_a_finished_run_there_is_no_arm_and_no_choice(records):
    results = results_of(*records)
    assert results.arms == results.comparisons == ()
    assert results.verdict.choice == "cannot tell"
    assert "no run finished" in results.verdict.text
    json.dumps(results.to_dict(), allow_nan=False)


# ----- faults


def test_a_failed_run_is_left_out_of_its_arm_and_reported():
    results = results_of(*grid(bn=[10, 11]), failed("bn", 2, reason='a, "quoted" reason'), *grid(ln=[100, 101, 102]))
    assert arm_of(results, "bn").seeds == (0, 1)
    assert not results.ok
    assert [(r.arm, r.seed) for r in results.faults] == [("bn", 2)]
    assert results.to_dict()["faults"] == [
        {"norm": "bn", "seed": 2, "status": "failed", "reason": 'a, "quoted" reason'}
    ]
    assert results.verdict.choice == "cannot tell"
    assert results.verdict.answer == (
        f"Cannot tell for {SETTING}: BatchNorm is better where it trains, but 1 of its 3 runs did not finish; with "
        "these counted as guesses, it cannot be distinguished from LayerNorm."
    )
    assert results.verdict.evidence[0] == ("1 of 3 runs of BatchNorm did not finish: up to 86 % of its runs may not.")


def test_a_failed_run_takes_no_lead_away_that_is_large_enough():
    right = {"bn": [2, 3, 1, 2, 3, 2, 1, 2, 3], "ln": [139, 141, 140, 142, 139, 140, 141, 140, 139, 140]}
    results = results_of(*grid(**right), failed("bn", 9))
    assert (results.verdict.kind, results.verdict.choice) == ("best", "bn")
    assert results.verdict.with_failures.kind == "best"
    assert "With runs that did not finish counted as guesses, BatchNorm is the best as well." in results.verdict.text
    assert results.verdict.failures[0].bound == pytest.approx(scipy_stats.beta.ppf(0.95, 2, 9))


def test_where_the_other_arm_fails_the_best_is_named_all_the_same():
    results = results_of(*grid(bn=[10, 11, 12], ln=[100, 101]), failed("ln", 2))
    assert results.verdict.choice == "bn"
    assert results.verdict.evidence[0].startswith("1 of 3 runs of LayerNorm did not finish")


def test_a_diverged_run_does_not_count_as_finished():
    lost = record("bn", 1, 150, status="diverged", reason="the loss was not finite in epoch 2")
    results = results_of(record("bn", 0, 10), lost)
    assert arm_of(results, "bn").test_accuracy.values == pytest.approx((0.95,))
    assert [r.status for r in results.faults] == ["diverged"]
    assert [r.seed for r in results.finished("bn")] == [0]


def test_a_run_that_stayed_at_chance_counts_and_is_reported():
    results = results_of(record("bn", 0, 10), record("bn", 1, 150, warnings=["still at chance", "and more"]))
    assert arm_of(results, "bn").seeds == (0, 1)
    assert results.to_dict()["faults"][0]["reason"] == "still at chance; and more"


def test_a_study_without_a_fault_is_ok():
    results = results_of(*grid(bn=[10, 11]))
    assert results.ok
    assert results.faults == ()
    assert results.finished("ln") == ()


# ----- files


def test_the_json_has_the_promised_keys():
    found = results_of(*grid(bn=[10, 11, 12], ln=[100, 101, 105])).to_dict()
    assert {"arms", "comparisons", "verdict"} <= set(found)
    for arm in found["arms"]:
        assert {"norm", "params", "seeds", "test_accuracy", "train_accuracy", "train_seconds"} <= set(arm)
        assert set(arm["test_accuracy"]) == {"mean", "std", "ci95", "values"}
        assert arm["train_seconds"] == 3.0
        assert arm["seeds"] == [0, 1, 2]
    (comparison,) = found["comparisons"]
    assert {
        "a", "b", "difference", "ci95", "basis", "seeds", "p_value", "adjusted_p", "chance_a_wins", "call", "own_call",
        "simultaneous", "equivalence_p", "same", "chance_beyond", "if_called", "seeds_needed",
    } <= set(comparison)  # fmt: skip
    assert comparison["call"] == "better"
    assert set(found["verdict"]) == {
        "kind",
        "choice",
        "next_best",
        "level",
        "failures",
        "with_failures",
        "text",
    }
    assert found["num_test_images"] == 200
    assert found["environments"] == [{"device": "cpu"}]


@pytest.mark.parametrize(
    "records",
    [
        [record("bn", 0, 10)],
        [record("bn", 0, 0), record("ln", 0, 200)],
        grid(bn=[0, 0], ln=[200, 200]),
        grid(bn=[20, 20, 20], ln=[20, 20, 20], **{"in": [20, 20, 20]}),
        [record("bn", 0, 10), record("bn", 1, 12), record("ln", 1, 10), record("in", 7, 10)],
        [record("bn", 0, 10), failed("ln", 0)],
        [record("bn", 0, 20, epochs=[row(1, 0.9, val_loss=None, val_accuracy=None, train_loss=None)])],
    ],
    ids=[
        "one run",
        "all right and all wrong",
        "no spread",
        "identical arms",
        "few common seeds",
        "a failure",
        "no validation",
    ],
)
def test_the_json_is_valid_and_reads_back(records):
    found = results_of(*records).to_dict()
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text) == found


def test_the_csv_has_a_line_per_run_and_reads_back():
    reason = 'failed, with "quotes"\nand a second line'
    records = [record("bn", 0, 10, best=0.975), record("bn+l1:0.001", 3, 20), failed("gn:2", 0, reason)]
    rows = list(csv.DictReader(io.StringIO(results_of(*records).to_csv())))
    assert [(r["norm"], int(r["seed"]), r["status"]) for r in rows] == [
        ("bn", 0, "finished"), ("bn+l1:0.001", 3, "finished"), ("gn:2", 0, "failed")
    ]  # fmt: skip
    assert float(rows[0]["test_accuracy"]) == records[0].last.test_accuracy
    assert (float(rows[0]["best_test_accuracy"]), int(rows[0]["best_test_epoch"])) == (0.975, 1)
    assert (float(rows[0]["train_accuracy"]), float(rows[0]["val_accuracy"])) == (0.75, 0.625)
    assert (int(rows[0]["params"]), float(rows[0]["train_seconds"])) == (1000, 3.0)
    assert rows[2]["reason"] == reason
    assert rows[2]["test_accuracy"] == rows[2]["params"] == rows[2]["best_test_epoch"] == ""


def test_both_files_are_written_into_the_studys_folder(tmp_path):
    results = results_of(*grid(bn=[10, 11], ln=[20, 30]), folder=tmp_path / "new" / "study")
    write_results(results)
    assert sorted(p.name for p in results.folder.iterdir()) == ["results.csv", "results.json"]
    assert json.loads((results.folder / "results.json").read_text()) == results.to_dict()
    assert (results.folder / "results.csv").read_text() == results.to_csv()


def test_a_folder_that_is_a_file_is_an_error_in_one_line(tmp_path):
    (tmp_path / "study").write_text("a file")
    results = results_of(*grid(bn=[10, 11]), folder=tmp_path / "study")
    with pytest.raises(StudyError, match="cannot be written") as caught:
        write_results(results)
    assert "\n" not in str(caught.value)


# ----- titles


@pytest.mark.parametrize(
    ("arm", "title"),
    [
        ("bn", "BatchNorm"),
        ("gn:8", "GroupNorm, 8 groups"),
        ("gn:c16", "GroupNorm, 16 channels per group"),
        ("bn:noaffine", "BatchNorm, no affine"),
        ("none", "no normalization"),
        ("bn+l1:0.001", "BatchNorm + L1 0.001"),
        ("ln:noaffine+l1:0.5+l2:0.25", "LayerNorm, no affine + L1 0.5 + L2 0.25"),
    ],
)
def test_arms_have_titles_for_people(arm, title):
    assert arm_title(arm) == title


def test_an_arm_at_chance_is_not_recommended_however_it_compares():
    stuck = {"warnings": ["still at chance after epoch 1 of 4: training accuracy 25.0%"]}
    runs = [record(arm, seed, wrong + seed, **stuck) for arm, wrong in (("bn", 100), ("gn:8", 150)) for seed in SEEDS]
    results = results_of(*runs)
    assert results.comparisons[0].call == "better"
    assert results.verdict.choice == "cannot tell"
    assert results.verdict.next_best == ""
    assert "even the best arm, BatchNorm, stayed at chance" in results.verdict.text


def test_an_arm_that_learned_is_recommended_and_the_one_at_chance_is_named():
    stuck = {"warnings": ["still at chance after epoch 1 of 4: training accuracy 25.0%"]}
    results = results_of(*grid(bn=[10, 11, 12]), *[record("gn:8", seed, 150 + seed, **stuck) for seed in SEEDS])
    assert results.verdict.choice == "bn"
    assert "3 of 3 finished runs of GroupNorm, 8 groups, stayed at chance." in results.verdict.text
