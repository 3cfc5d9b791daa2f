"""The first screen of a study's report: the answer in one sentence, the points, and the statistics behind them."""

from dataclasses import replace

import pytest
from answers import answers_of, corruption_scores_at
from synthetic import digits_test, failed, make_record, make_results, make_study

from whichnorm.analyses import ANALYSES
from whichnorm.analyses.arms import ranked
from whichnorm.analyses.corruptions.measure import STRENGTHS, CorruptionScores
from whichnorm.analyses.faults import Faults
from whichnorm.analyses.headline import headline
from whichnorm.analyses.headline.answer import answer_sentence, is_decided
from whichnorm.analyses.headline.points import key_points
from whichnorm.analyses.sensitivity.found import Sensitivity
from whichnorm.errors import StudyError
from whichnorm.results.comparisons import against
from whichnorm.results.verdict import p_text
from whichnorm.specs.names import enclosed, named

NOT_MEASURED = {**{analysis.name: StudyError("not measured") for analysis in ANALYSES}, "sensitivity": Sensitivity()}


def results_of(folder, errors, num_seeds=3, change=lambda record: record):
    """A study of arms with about these test errors; `change` may make a run fail."""
    study, test = make_study(seeds=tuple(range(num_seeds)), epochs=2), digits_test()
    records = [
        change(make_record(arm, seed, test, study, 10, error)) for seed in study.seeds for arm, error in errors.items()
    ]
    return make_results(folder, study=study, records=records)


def said_of(results):
    return {point.label: point.text for point in key_points(results, NOT_MEASURED)}


DECIDED = {"bn": 0.02, "gn:2": 0.3, "ln": 0.35}
LEVEL = {"bn": 0.05, "gn:8": 0.052}


@pytest.mark.parametrize(
    ("errors", "num_seeds", "decided", "said"),
    [
        (DECIDED, 5, True, "Use BatchNorm: it is better than GroupNorm, 2 groups, and LayerNorm."),
        ({"bn": 0.02, "ln": 0.4}, 5, True, "Use BatchNorm: it is better than LayerNorm."),
        ({"gn:8": 0.02, "ln": 0.4}, 5, True, "Use GroupNorm, 8 groups: it is better than LayerNorm."),
        ({**DECIDED, "in": 0.5, "none": 0.6}, 5, True, "Use BatchNorm: it is better than all 4 others."),
        (LEVEL, 3, False, "Cannot tell BatchNorm and GroupNorm, 8 groups, apart."),
        ({"bn": 0.045, "gn:8": 0.055, "ln": 0.4}, 5, False,
         "Cannot tell BatchNorm and GroupNorm, 8 groups, apart; LayerNorm is worse."),
        (DECIDED, 1, False,
         "Cannot tell BatchNorm; GroupNorm, 2 groups; and LayerNorm apart: one seed supports no conclusion."),
        ({"bn": 0.02}, 3, False, "Cannot tell: BatchNorm was trained alone."),
    ],
)  # fmt: skip
def test_the_answer_is_one_sentence_with_full_names(tmp_path, errors, num_seeds, decided, said):
    results = results_of(tmp_path, errors, num_seeds)
    assert answer_sentence(results) == said
    assert is_decided(results) == decided


def test_many_arms_that_are_level_are_counted(tmp_path):
    arms = ("bn", "gn:2", "gn:4", "gn:8", "ln", "in")
    assert answer_sentence(results_of(tmp_path, dict.fromkeys(arms, 0.1))) == "Cannot tell the 6 norms apart."
    results = results_of(tmp_path, {**dict.fromkeys(arms, 0.1), "none": 0.7}, num_seeds=5)
    assert answer_sentence(results) == "Cannot tell the best 6 of 7 norms apart; no normalization is worse."


def test_arms_that_differ_by_less_than_the_margin_are_said_to(tmp_path):
    results = results_of(tmp_path, LEVEL)
    (pair,) = results.comparisons
    verdict = replace(results.verdict, kind="same")
    results = replace(results, comparisons=(replace(pair, same=True),), verdict=verdict)
    best, other = ranked(results)
    assert answer_sentence(results) == f"{enclosed([best, other])} are the same within 0.5 points: take either."
    sure = said_of(results)["How sure"]
    assert sure.endswith("; the two are the same within 0.5 points.")
    assert "chance" not in sure
    assert "The best is" not in sure


def test_an_arm_without_a_finished_run_is_named_and_the_others_are_compared(tmp_path):
    def change(record):
        return failed(record, "no gradient") if record.arm == "ln" else record

    results = results_of(tmp_path, {"bn": 0.02, "gn:8": 0.4, "ln": 0.1}, num_seeds=5, change=change)
    assert answer_sentence(results) == "Use BatchNorm: it is better than GroupNorm, 8 groups."
    wrong = said_of(results)["What went wrong"]
    assert wrong == "5 of 15 runs; they are listed with the reasons. No run of LayerNorm finished."
    alone = results_of(tmp_path, {"bn": 0.02, "ln": 0.1}, change=change)
    assert answer_sentence(alone) == "Cannot tell: BatchNorm is the only one with a finished run."


def test_without_any_finished_run_there_is_an_answer_too(tmp_path):
    results = results_of(tmp_path, DECIDED, change=lambda record: failed(record, "no gradient"))
    assert answer_sentence(results) == "Cannot tell: no run finished."
    assert set(said_of(results)) == {"How sure", "What went wrong"}


def test_arms_that_stayed_at_chance_are_no_answer(tmp_path):
    results = results_of(
        tmp_path, {"bn": 0.9, "ln": 0.89}, change=lambda record: replace(record, warnings=["at chance"])
    )
    assert answer_sentence(results) == "Cannot tell: even the best, LayerNorm, stayed at chance."
    assert said_of(results)["How sure"] == "6 of 6 runs did no better than guessing."
    assert "What it depends on" not in said_of(results)


def test_the_points_say_how_sure_what_it_depends_on_and_what_was_not_tested(tmp_path):
    results = results_of(tmp_path, DECIDED, num_seeds=5)
    first = next(c for c in results.comparisons if (c.a, c.b) == ("bn", "gn:2"))
    assert list(said_of(results)) == ["How sure", "What it depends on", "Not tested"]
    sure = said_of(results)["How sure"]
    ahead = f"{100 * first.difference:.2f} points ahead of the next best, GroupNorm, 2 groups, over 5 seeds "
    assert sure.startswith(f"{ahead}(p {p_text(first.adjusted_p)}). A new run of it wins with a probability of ")
    assert said_of(results)["What it depends on"].startswith("BatchNorm depends on the images per forward pass (64 ")
    assert said_of(results)["Not tested"].startswith("Other batch sizes (whichnorm sweep); a learning rate")
    without_batch = results_of(tmp_path, {"ln": 0.02, "in": 0.4}, num_seeds=5)
    assert "What it depends on" not in said_of(without_batch)


@pytest.mark.parametrize(
    ("bn", "gn", "said"),
    [
        ((0.26, 0.27), (0.75, 0.75),
         "At contrast 0.2 the order turns round: BatchNorm falls to 26 %, GroupNorm, 2 groups, keeps 75 %."),
        ((0.45, 0.55), (0.54, 0.62), ""),  # seeds overlap
        ((0.588, 0.588), (0.6, 0.6), ""),  # within the noise of 2,000 images
        ((0.6, 0.6), (0.6, 0.6), ""),
        ((0.6, 0.6), (0.3, 0.3), ""),  # it is the other that loses
    ],
)  # fmt: skip
def test_corruption_that_turns_the_order_round_stands_beside_the_answer(tmp_path, bn, gn, said):
    found = {
        "bn": [corruption_scores_at(contrast=value) for value in bn],
        "gn:2": [corruption_scores_at(contrast=value) for value in gn],
        "ln": [corruption_scores_at(contrast=0.1)],
    }
    results = results_of(tmp_path, DECIDED, num_seeds=5)
    points = {p.label: p.text for p in key_points(results, NOT_MEASURED | {"corruptions": answers_of(found)})}
    depends = points["What it depends on"]
    assert depends == f"{said} {said_of(results)['What it depends on']}".strip()


@pytest.mark.parametrize(
    ("clean", "left", "said"),
    [
        (
            (0.99, 0.8),
            (0.62, 0.61),
            "At blur 0.2 the lead of BatchNorm over GroupNorm, 2 groups, shrinks from 19 to 1 points.",
        ),
        ((0.9, 0.8), (0.67, 0.6), None),  # 3 points of 10 are lost
        ((0.3, 0.1), (0.21, 0.1), None),  # an arm at chance has nothing to lose: the lead was 20, and 11 are left
    ],
)
def test_a_best_arm_that_loses_most_of_its_lead_is_said(tmp_path, clean, left, said):
    def scores(clean, left):
        return CorruptionScores(num_images=2000, clean_accuracy=clean, accuracies={
            kind: (clean, clean, left if kind == "blur" else clean) for kind in STRENGTHS
        })  # fmt: skip

    found = {arm: [scores(*pair)] for arm, pair in zip(("bn", "gn:2"), zip(clean, left, strict=True), strict=True)}
    results = results_of(tmp_path, DECIDED, num_seeds=5)
    points = {p.label: p.text for p in key_points(results, NOT_MEASURED | {"corruptions": answers_of(found)})}
    assert points["What it depends on"].startswith(said or "BatchNorm depends on")


def test_an_open_question_says_how_many_seeds_would_settle_it(tmp_path):
    results = results_of(tmp_path, LEVEL)
    best, other = ranked(results)[0], results.verdict.level[0]
    pair = against(best, other, results.comparisons)
    sure = said_of(results)["How sure"]
    apart = f"{enclosed([best, other])} are {100 * pair.difference:.2f} points apart over 3 seeds"
    assert sure.startswith(f"{apart}, which chance can explain (p {p_text(pair.adjusted_p)}). The best is ")
    low, _ = pair.seeds_needed
    assert f"; to find a difference of 0.5 points takes {low:,} to " in results.verdict.text
    choice = sure
    chances = {arm: f"{100 * one.chance_best:.0f} %" for arm, one in results.ranking.items()}
    assert f"{enclosed([best]).rstrip(',')} with {chances[best]}" in choice
    assert f"costs {100 * results.ranking[best].regret:.2f} points on average" in choice
    one = said_of(results_of(tmp_path, LEVEL, num_seeds=1))["How sure"]
    assert one == "One seed says nothing of the noise between seeds: give 3 or more."


def test_a_study_that_added_seeds_says_how_it_ended(tmp_path):
    results = replace(results_of(tmp_path, DECIDED, num_seeds=5), ending="Settled after 5 seeds.")
    assert said_of(results)["How sure"].startswith("Settled after 5 seeds. ")


def test_a_single_arm_has_its_accuracy_and_nothing_that_could_change(tmp_path):
    results = results_of(tmp_path, {"bn": 0.02})
    mean = results.arms[0].test_accuracy.mean
    assert list(said_of(results)) == ["How sure"]
    assert said_of(results)["How sure"].startswith(f"Its test accuracy is {100 * mean:.2f} % [")


def test_statistics_hold_the_whole_verdict_and_explain_short_forms(tmp_path):
    results = results_of(tmp_path, DECIDED, num_seeds=5)
    said = headline(results, NOT_MEASURED)["statistics"]
    assert " ".join(said).startswith(results.verdict.text)
    short = "bn is BatchNorm; gn:2 is GroupNorm, 2 groups; ln is LayerNorm."
    assert said[-1] == f"Short forms in commands, files and figures: {short}"


@pytest.mark.parametrize(
    ("arms", "listed", "within"),
    [
        (["bn"], "BatchNorm", "BatchNorm"),
        (["gn:8"], "GroupNorm, 8 groups", "GroupNorm, 8 groups,"),
        (["bn", "ln"], "BatchNorm and LayerNorm", "BatchNorm and LayerNorm"),
        (["gn:2", "ln"], "GroupNorm, 2 groups, and LayerNorm", "GroupNorm, 2 groups, and LayerNorm"),
        (["bn", "gn:8"], "BatchNorm and GroupNorm, 8 groups", "BatchNorm and GroupNorm, 8 groups,"),
        (["bn", "ln", "in"], "BatchNorm, LayerNorm and InstanceNorm", "BatchNorm, LayerNorm and InstanceNorm"),
        (["gn:2", "gn:8", "bn"], "GroupNorm, 2 groups; GroupNorm, 8 groups; and BatchNorm",
         "GroupNorm, 2 groups; GroupNorm, 8 groups; and BatchNorm"),
    ],
)  # fmt: skip
def test_names_with_commas_stay_apart_in_a_list(arms, listed, within):
    assert named(arms) == listed
    assert enclosed(arms) == within


def test_runs_that_finished_with_a_warning_are_warnings_and_did_not_go_wrong(tmp_path):
    def warn(record):
        return replace(record, warnings=["still at chance"]) if record.arm == "gn:2" and record.seed == 0 else record

    results = results_of(tmp_path, DECIDED, change=warn)
    assert said_of(results)["Warnings"].startswith("1 of 9 runs; they are listed")
    section = Faults().section(Faults().measure(None, results, None), results)
    assert (section.label, section.title) == ("Warnings", "1 of 9 runs with a warning")
