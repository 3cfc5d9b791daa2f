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
from whichnorm.results.results import Results
from whichnorm.results.until_sure import affordable, ending, next_look
from whichnorm.results.verdict import Comparison
from whichnorm.specs import texts
from whichnorm.specs.arm import parse_arm
from whichnorm.specs.study import StudySpec, UntilSure, grid
from whichnorm.stats import looks

PLAN = UntilSure(margin=0.005, max_seeds=9)
SMALL = {"norms": ["bn", "ln"], "epochs": 1, "train_limit": 200, "threads": 1, "latency": False}


def compared(a: str, b: str, *, settled: bool) -> Comparison:
    return Comparison(
        a=a, b=b, difference=0.01, ci95=(-0.02, 0.04), basis="seeds and test images", seeds=(0, 1, 2),
        call="better" if settled else "cannot tell",
    )  # fmt: skip


def grown(study: StudySpec, *comparisons: Comparison) -> StudySpec | None:
    results = make_results(Path())
    return next_look(study, replace(results, comparisons=comparisons))


def a_study(**changes) -> StudySpec:
    arms = tuple(map(parse_arm, ("bn", "gn:8", "ln")))
    return replace(make_study(), arms=arms, seeds=(0, 1, 2), until_sure=PLAN, **changes)


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
        ([True, False], 9, "Not settled to 0.5 points after 9 seeds, the most that were allowed."),
        ([False], 4, "Not settled to 0.5 points after 4 seeds: stopped there, with up to 9 allowed."),
        ([], 3, "Ended after 3 seeds: there are no comparisons to settle."),
    ],
)
def test_the_ending_is_said(settled, seeds, words):
    study = replace(a_study(), seeds=tuple(range(seeds)))
    comparisons = tuple(compared("bn", "ln", settled=one) for one in settled)
    assert ending(study, replace(make_results(Path()), comparisons=comparisons)) == words


# ----- real studies


def until_sure(out, **changes) -> Results:
    options = {"until_sure": True, "margin": 0.001, "max_seeds": 4, **SMALL, **changes}
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
    assert results.until_sure == UntilSure(margin=0.001, max_seeds=4)
    assert results.ending == ending(study.spec, results)
    assert [c.p_value for c in results.comparisons] == pytest.approx(
        [c["p_value"] for c in json.loads((out / "results.json").read_text())["comparisons"]]
    )
