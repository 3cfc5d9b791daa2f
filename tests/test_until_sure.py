"""Adding seeds until a study is sure: which arms go on, when it ends, and that a stopped one goes on."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from shortcuts import records_alone
from synthetic import make_results, make_study

import whichnorm
from whichnorm.errors import SpecError, StudyError
from whichnorm.results.comparisons import Comparison, rule_of
from whichnorm.results.results import Results, summarize
from whichnorm.results.until_sure import affordable, ending, is_futile, next_look, open_pairs
from whichnorm.specs import texts
from whichnorm.specs.arm import parse_arm
from whichnorm.specs.study import StudySpec, UntilSure, grid
from whichnorm.stats import CrossedMean, PairedDifference, chance_settled, looks

PLAN = UntilSure(goal="all", margin=0.005, max_seeds=9)
BEST = UntilSure(goal="best", margin=0.005, max_seeds=9)
SMALL = {"norms": ["bn", "ln"], "epochs": 1, "train_limit": 200, "threads": 1, "latency": False}


def compared(a: str, b: str, *, settled: bool) -> Comparison:
    return Comparison(
        a=a, b=b, difference=0.01, ci95=(-0.02, 0.04), basis="seeds and test images", seeds=(0, 1, 2),
        call="better" if settled else "cannot tell",
    )  # fmt: skip


def grown(study: StudySpec, *comparisons: Comparison) -> StudySpec | None:
    results = make_results(Path())
    return next_look(study, replace(results, comparisons=comparisons))


def a_study(until_sure=PLAN, **changes) -> StudySpec:
    arms = tuple(map(parse_arm, ("bn", "gn:8", "ln")))
    return replace(make_study(), arms=arms, seeds=(0, 1, 2), until_sure=until_sure, **changes)


def open_study(until_sure=BEST, *, accuracies=(0.9, 0.895, 0.6), num_seeds=5, num_images=400, max_seeds=20):
    """A study of three arms and its results, of runs that are right on images at random."""
    rng, seeds = np.random.default_rng(0), tuple(range(num_seeds))
    study = replace(a_study(replace(until_sure, max_seeds=max_seeds)), seeds=seeds)
    labels = np.arange(num_images) % 2
    records = [
        replace(one, arm=str(arm), seed=seed, test_predictions=(labels ^ (rng.random(num_images) > accuracy)).tolist(),
                test_confidences=[0.5] * num_images)
        for arm, accuracy in zip(study.arms, accuracies, strict=True) for seed in seeds
        for one in make_results(Path()).records[:1]
    ]  # fmt: skip
    shared = study.shared_dict("0123456789ab")
    return study, summarize(records, shared, ("a", "b"), labels.tolist(), Path(), rule_of(study))


def test_for_the_best_arm_only_those_that_may_be_it_get_more_seeds():
    study, results = open_study()
    assert (results.verdict.kind, results.verdict.level) == ("cannot tell", ("bn",))
    after = next_look(study, results)
    assert after.seeds == tuple(range(looks(20)[2]))
    assert dict(after.ended) == {"ln": 5}


def test_for_every_difference_the_worst_arm_ends_too_once_its_comparisons_are_settled():
    study, results = open_study(PLAN)
    assert dict(next_look(study, results).ended) == {"ln": 5}
    assert {(c.a, c.b) for c in open_pairs(study, results)} == {("bn", "gn:8")}


def test_it_is_over_where_the_best_is_named_though_others_are_level():
    accuracies = (0.98, 0.6, 0.6)
    study, results = open_study(accuracies=accuracies)
    assert results.verdict.kind == "best"
    assert next_look(study, results) is None
    assert ending(study, results) == "Settled after 5 seeds: the best is named."
    study, results = open_study(PLAN, accuracies=accuracies)
    assert dict(next_look(study, results).ended) == {"bn": 5}


def test_it_is_over_where_the_best_are_the_same():
    study, results = open_study(accuracies=(0.9999, 0.9999, 0.5), num_images=20_000)
    assert results.verdict.kind == "same"
    assert next_look(study, results) is None
    assert ending(study, results) == "Settled after 5 seeds: the best are the same within 0.5 points."


def test_seeds_that_would_hardly_settle_anything_are_not_trained():
    study, results = open_study(replace(BEST, margin=0.001), accuracies=(0.9, 0.9, 0.5), num_images=4000, max_seeds=8)
    assert is_futile(study, list(open_pairs(study, results)))
    assert next_look(study, results) is None
    assert ending(study, results) == (
        "Not settled after 5 seeds: stopped there, since 8 would settle it in less than 5% of cases."
    )


def test_the_chance_to_settle_is_the_share_of_studies_that_do():
    """Studies that go on from one and the same first look, with truths drawn from what it says of them."""
    rng, alpha, margin, images = np.random.default_rng(1), 0.03, 0.005, 1e-7
    mean = CrossedMean(estimate=0.006, num_seeds=8, seed_variance=2e-4, image_variance=images)
    of_seeds = rng.normal(size=8)
    of_seeds = 0.006 + np.sqrt(2e-4) * (of_seeds - of_seeds.mean()) / of_seeds.std(ddof=1)
    settled = []
    for variance in 2e-4 * 7 / rng.chisquare(7, size=1500):
        truth = rng.normal(0.006, np.sqrt(variance / 8))
        all_seeds = np.concatenate([of_seeds, rng.normal(truth, np.sqrt(variance), size=12)])
        found = PairedDifference(
            mean=CrossedMean(
                estimate=all_seeds.mean(), num_seeds=20, seed_variance=all_seeds.var(ddof=1), image_variance=images
            )
        )
        settled.append(found.p_value < alpha or found.equivalence_p_value(margin) < alpha)
    said = chance_settled(PairedDifference(mean=mean), 20, alpha, margin)
    assert said == pytest.approx(np.mean(settled), abs=0.06)


def test_only_arms_with_an_open_comparison_get_the_seeds_of_the_next_look():
    study = a_study()
    a, b, c = map(str, study.arms[:3])
    after = grown(study, compared(a, b, settled=True), compared(a, c, settled=True), compared(b, c, settled=False))
    assert after.seeds == tuple(range(looks(9)[1]))
    assert dict(after.ended) == {str(arm): 3 for arm in study.arms if str(arm) not in (b, c)}
    new = {(str(run.arm), run.seed) for run in after.runs()} - {(str(run.arm), run.seed) for run in study.runs()}
    assert new == {(arm, seed) for arm in (b, c) for seed in after.seeds[3:]}


def test_an_arm_that_ended_keeps_its_number_of_seeds_at_later_looks():
    study = a_study()
    a, b, c = map(str, study.arms[:3])
    first = grown(study, compared(a, b, settled=True), compared(b, c, settled=False))
    second = grown(first, compared(a, b, settled=True), compared(b, c, settled=False))
    assert dict(second.ended)[a] == 3
    assert len(second.seeds) > len(first.seeds)


def test_it_is_over_where_all_is_settled_the_seeds_are_used_or_nothing_can_be_compared():
    study = a_study()
    a, b = map(str, study.arms[:2])
    assert grown(study, compared(a, b, settled=True)) is None
    assert grown(study) is None
    assert grown(replace(study, seeds=tuple(range(9))), compared(a, b, settled=False)) is None


def test_a_grid_leaves_out_what_ended():
    assert grid(["a", "b"], [0, 1, 2], {"a": 1}) == [("a", 0), ("b", 0), ("b", 1), ("b", 2)]
    assert grid(["a"], [4, 7], {}) == [("a", 4), ("a", 7)]


def test_a_budget_counts_what_was_spent_and_what_the_next_look_would_take():
    study, results = a_study(), make_results(Path())
    more = replace(study, seeds=(0, 1, 2, 3))
    spent = [run.train_seconds + run.evaluate_seconds for run in results.records]
    needed = sum(spent) + len(study.arms) * np.mean(spent)
    assert affordable(study, more, results.records, needed + 1e-6)
    assert not affordable(study, more, results.records, needed - 1e-6)
    assert affordable(study, more, results.records, None)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), (" 1.5h ", 5400)])
def test_a_budget_is_a_number_and_a_unit(text, seconds):
    assert texts.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "m", "0m", "-3m", "3 m", "3d", "1e3s", "nan s"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(SpecError, match=r"expected a time above 0 such as 90s, 30m or 1\.5h"):
        texts.seconds(text)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"margin": 0.0}, "margin of 0 points"),
        ({"margin": 1.0}, "margin of 100 points"),
        ({"max_seeds": 2}, "max_seeds is 2, expected 3 to 10,000"),
    ],
)
def test_a_plan_checks_itself(change, match):
    with pytest.raises(SpecError, match=match):
        UntilSure(**change)


@pytest.mark.parametrize(
    ("settled", "seeds", "words"),
    [
        ([True], 3, "Settled after 3 seeds: every difference is beyond chance, or known to be less than 0.5 points."),
        ([True, False], 9, "Not settled after 9 seeds, the most that were allowed."),
        ([False], 4, "Not settled after 4 seeds: stopped there, with up to 9 allowed."),
        ([], 3, "Ended after 3 seeds: there are no comparisons to settle."),
    ],
)
def test_the_ending_is_said(settled, seeds, words):
    study = replace(a_study(), seeds=tuple(range(seeds)))
    comparisons = tuple(compared("bn", "ln", settled=one) for one in settled)
    assert ending(study, replace(make_results(Path()), comparisons=comparisons)) == words


# ----- real studies


def until_sure(out, **changes) -> Results:
    options = {"until_sure": True, "margin": 0.1, "max_seeds": 4, **SMALL, **changes}
    return whichnorm.compare("digits", out=out, **options)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    out = tmp_path_factory.mktemp("until_sure") / "study"
    with records_alone():
        return out, until_sure(out, budget=1e-6)


@pytest.mark.usefixtures("records_alone")
def test_without_budget_only_the_first_look_is_taken_and_the_rest_follows_with_one(study):
    out, results = study
    assert json.loads((out / "study.json").read_text())["seeds"] == [0, 1, 2]
    assert "stopped there, with up to 4 allowed" in results.ending
    before = {path.name: path.read_bytes() for path in (out / "runs").glob("*.json")}
    after = until_sure(out)
    assert json.loads((out / "study.json").read_text())["seeds"] == [0, 1, 2, 3]
    assert {name: (out / "runs" / name).read_bytes() for name in before} == before
    assert "the most that were allowed" in after.ending
    (comparison,) = after.comparisons
    assert comparison.seeds == (0, 1, 2, 3)


def test_another_plan_or_a_fixed_number_of_seeds_is_another_study(study):
    out, _ = study
    with pytest.raises(StudyError, match=r"until_sure\.max_seeds is 4 there and 5 here .*share one error rate"):
        until_sure(out, max_seeds=5)
    with pytest.raises(StudyError, match=r"until_sure is .* there and None here"):
        whichnorm.compare("digits", out=out, seeds=3, **SMALL)


def test_seeds_and_until_sure_exclude_each_other(tmp_path):
    with pytest.raises(SpecError, match="seeds are given and to be added until sure"):
        until_sure(tmp_path, seeds=3)


def test_the_report_of_the_folder_says_the_same(study):
    from whichnorm.api import read_results
    from whichnorm.study.study import reopen

    out, _ = study
    study = reopen(out)
    results = read_results(study)
    assert results.until_sure == UntilSure(goal="best", margin=0.1, max_seeds=4)
    assert results.ending == ending(study.spec, results)
    assert [c.p_value for c in results.comparisons] == pytest.approx(
        [c["p_value"] for c in json.loads((out / "results.json").read_text())["comparisons"]]
    )
