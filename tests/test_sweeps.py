"""Sweeps: their axes, rules and points, going on after an interruption, and what is said of them."""

import argparse
import csv
import itertools
import json
import math
import re
import shlex
from dataclasses import replace

import numpy as np
import pytest
from synthetic_sweeps import make_sweep, make_sweep_results, paper_like, study_results

import whichnorm
from whichnorm.api import execute
from whichnorm.cli import main
from whichnorm.commands import sweep as command
from whichnorm.errors import ModelError, SpecError, StudyError
from whichnorm.specs.arm import parse_arm
from whichnorm.specs.recipe import Recipe
from whichnorm.specs.recipes import RECIPES
from whichnorm.specs.study_options import ResumeOptions, RunOptions
from whichnorm.stats import holm
from whichnorm.study.events import PartStarted, RunStarted
from whichnorm.sweeps.again import again
from whichnorm.sweeps.answer import answer_sentence, is_decided, key_points
from whichnorm.sweeps.axes import Axes, Batch, group_arms
from whichnorm.sweeps.pictures import group_pictures, size_picture
from whichnorm.sweeps.refine import next_sizes, refined
from whichnorm.sweeps.report import write_sweep_report
from whichnorm.sweeps.run import execute_sweep, plan_sweep, prepare_sweep, refined_so_far, reopen_sweep
from whichnorm.sweeps.spec import RULES, find_rule, make_points
from whichnorm.sweeps.tables import errors_table
from whichnorm.sweeps.text import crossing_sentences, lost_sentences, point_sentences, trend_sentences

RECIPE = Recipe(batch_size=32, learning_rate=0.2)
ARMS = [parse_arm(arm) for arm in ("bn", "gn:4")]
TINY = {"epochs": 1, "train_limit": 60, "seeds": 2, "norms": ("bn", "gn:4")}


def pairs(recipe=RECIPE, **axes):
    return [(batch.batch_size, batch.device_batch_size) for batch in Axes(**axes).batches(recipe)]


@pytest.mark.parametrize(
    ("axes", "expected"),
    [
        ({}, [(32, 32)]),
        ({"batch_sizes": (8, 2)}, [(2, 2), (8, 8)]),
        ({"device_batch_sizes": (2, 32)}, [(32, 2), (32, 32)]),
        ({"accumulations": (1, 8)}, [(32, 4), (32, 32)]),
        ({"batch_sizes": (4, 8), "device_batch_sizes": (2, 4)}, [(4, 2), (4, 4), (8, 2), (8, 4)]),
        ({"batch_sizes": (4, 8), "accumulations": (1, 4)}, [(4, 1), (4, 4), (8, 2), (8, 8)]),
        ({"device_batch_sizes": (2, 4), "accumulations": (1, 4)}, [(2, 2), (4, 4), (8, 2), (16, 4)]),
    ],
)
def test_one_or_two_axes_set_the_third(axes, expected):
    assert pairs(**axes) == expected
    for batch in Axes(**axes).batches(RECIPE):
        assert batch.accumulation * batch.device_batch_size == batch.batch_size


def test_batch_sizes_alone_drop_a_recipe_s_own_accumulation_and_no_axis_keeps_it():
    recipe = Recipe(batch_size=32, device_batch_size=8)
    assert pairs(recipe, batch_sizes=(16,)) == [(16, 16)]
    assert pairs(recipe) == [(32, 8)]


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ({"batch_sizes": (2, 8), "device_batch_sizes": (2, 4)}, ["2 / 4", "device batch size"]),
        ({"device_batch_sizes": (3, 4, 64)}, ["32 / 3, 32 / 64"]),
        ({"accumulations": (3,)}, ["32 / 3", "accumulation"]),
        ({"batch_sizes": (4,), "accumulations": (8,)}, ["4 / 8"]),
        ({"batch_sizes": (4,), "device_batch_sizes": (2,), "accumulations": (2,)}, ["one or two"]),
        ({"batch_sizes": (4, 0)}, ["--batch-sizes 4,0", "1 or more"]),
        ({"accumulations": (-1,)}, ["--accumulations -1"]),
        ({"device_batch_sizes": (2, 2)}, ["twice"]),
    ],
)
def test_axes_that_do_not_fit_are_refused_with_their_numbers(axes, words):
    with pytest.raises(SpecError) as caught:
        pairs(**axes)
    assert all(word in str(caught.value) for word in words), caught.value


def test_folders_are_named_after_the_batch_and_the_forward_pass_where_it_is_smaller():
    assert Batch(batch_size=2, device_batch_size=2).name == "batch-2"
    assert Batch(batch_size=128, device_batch_size=4).name == "batch-128-device-4"


def test_groups_become_arms():
    assert [str(arm) for arm in group_arms((1, 8, "c"), (4,))] == ["gn:1", "gn:8", "gn:c1", "gn:c4"]
    with pytest.raises(SpecError, match="--groups 'x'"):
        list(group_arms(("x",), ()))
    with pytest.raises(SpecError, match=r"gn:0: .*from 1 to 999,999"):
        list(group_arms((0,), ()))


@pytest.mark.parametrize(
    ("rule", "batch_size", "expected"),
    [("linear", 8, 0.05), ("linear", 128, 0.8), ("sqrt", 8, 0.1), ("sqrt", 128, 0.4), ("none", 8, 0.2),
     ("linear", 32, 0.2), ("sqrt", 32, 0.2)],
)  # fmt: skip
def test_the_learning_rate_follows_the_rule_from_the_recipe_s_batch(rule, batch_size, expected):
    assert RULES[rule].learning_rate(RECIPE, batch_size) == pytest.approx(expected, rel=1e-12)


def test_the_rule_suits_the_optimizer_unless_one_is_named():
    adamw = Recipe(optimizer="adamw", learning_rate=0.001)
    assert [find_rule(None, RECIPE).name, find_rule(None, adamw).name, find_rule("none", adamw).name] == [
        "linear", "sqrt", "none",
    ]  # fmt: skip
    with pytest.raises(SpecError, match="did you mean 'linear'"):
        find_rule("linaer", RECIPE)


def test_a_point_s_recipe_differs_in_batch_and_learning_rate_alone():
    recipe = RECIPES["wynet"]  # a triangle has three rates
    (point,) = make_points(Axes(batch_sizes=(16,), device_batch_sizes=(4,)), recipe, RULES["linear"], ARMS)
    made = point.recipe
    assert (made.batch_size, made.device_batch_size) == (16, 4)
    assert made.learning_rate == pytest.approx(recipe.learning_rate / 4)
    assert made.schedule.start_learning_rate == pytest.approx(recipe.schedule.start_learning_rate / 4)
    back = made.changed(batch_size=64, device_batch_size=64).at_learning_rate(recipe.learning_rate)
    assert back.schedule.final_learning_rate == pytest.approx(recipe.schedule.final_learning_rate)
    assert (back.epochs, back.augmentation, back.weight_decay) == (
        recipe.epochs, recipe.augmentation, recipe.weight_decay,
    )  # fmt: skip


def test_the_learning_rate_follows_the_step_and_not_the_forward_pass():
    points = make_points(Axes(device_batch_sizes=(2, 8)), RECIPE, RULES["linear"], ARMS)
    assert {point.recipe.learning_rate for point in points} == {0.2}


def test_batch_norm_is_skipped_at_one_image_with_the_reason():
    one, two = make_points(Axes(device_batch_sizes=(1, 2)), RECIPE, RULES["linear"], ARMS)
    assert [str(arm) for arm in one.arms] == ["gn:4"]
    ((arm, reason),) = one.skipped
    assert arm == "bn"
    assert "undefined in training on one image" in reason
    assert two.skipped == ()
    assert [str(arm) for arm in two.arms] == ["bn", "gn:4"]


def test_a_sweep_without_any_arm_that_can_be_trained_is_refused():
    with pytest.raises(SpecError, match="no arm is left"):
        make_points(Axes(batch_sizes=(1,)), RECIPE, RULES["linear"], ARMS[:1])


def test_an_arm_s_own_learning_rate_needs_a_rule_that_leaves_it():
    arms = [parse_arm("bn+lr:0.1")]
    with pytest.raises(SpecError, match="--lr-rule none"):
        make_points(Axes(batch_sizes=(8, 32)), RECIPE, RULES["linear"], arms)
    assert len(make_points(Axes(batch_sizes=(8, 32)), RECIPE, RULES["none"], arms)) == 2
    assert len(make_points(Axes(device_batch_sizes=(8, 32)), RECIPE, RULES["linear"], arms)) == 2


def test_the_arms_are_those_of_compare_or_of_the_groups_beside_batch_norm(tmp_path):
    def arms(**changes):
        return [str(arm) for arm in make_sweep(tmp_path, **changes).spec.arms]

    assert arms(batch_sizes=(8,)) == ["bn", "ln", "gn:8"]
    assert arms(groups=(1, 8)) == ["bn", "gn:1", "gn:8"]
    assert arms(groups=(1, "c"), channels_per_group=(1, 4), norms=("gn:1", "in")) == ["gn:1", "in", "gn:c1", "gn:c4"]


class Counting:
    """Listens for the runs that are trained, and stops the process in one of them, as Ctrl-C does."""

    def __init__(self, stop_in=math.inf):
        self.runs, self.stop_in, self.batch_size = [], stop_in, 0

    def __call__(self, event):
        if isinstance(event, PartStarted):
            self.batch_size = int(re.match(r"batch (\d+), point", event.title)[1])
        if isinstance(event, RunStarted):
            self.runs.append((self.batch_size, event.arm, event.seed))
            if len(self.runs) > self.stop_in:
                raise KeyboardInterrupt


def trained(sweep, stop_in=math.inf):
    counting = Counting(stop_in)
    results = execute_sweep(sweep, RunOptions(), counting, execute)
    return counting.runs, results


@pytest.mark.usefixtures("records_alone")
def test_an_interrupted_sweep_goes_on_and_what_is_added_later_alone_is_trained(tmp_path):
    out = tmp_path / "sweep"
    with pytest.raises(KeyboardInterrupt):
        trained(make_sweep(out, **TINY, batch_sizes=(1, 8)), stop_in=3)
    assert json.loads((out / "sweep.json").read_text())["learning_rate_rule"] == "linear"
    assert not (out / "results.json").exists()

    runs, results = trained(make_sweep(out, **TINY, batch_sizes=(1, 8)))
    assert runs == [(8, "gn:4", 0), (8, "bn", 1), (8, "gn:4", 1)]
    assert [(p.batch.name, list(p.errors), len(p.skipped)) for p in results.points] == [
        ("batch-1", ["gn:4"], 1), ("batch-8", ["bn", "gn:4"], 0),
    ]  # fmt: skip
    assert trained(make_sweep(out, **TINY, batch_sizes=(1, 8)))[0] == []

    more = {**TINY, "norms": ("bn", "gn:4", "in"), "seeds": 3}
    runs, results = trained(make_sweep(out, **more, batch_sizes=(1, 8, 32)))
    new = [run for run in itertools.product((1, 8, 32), ("bn", "gn:4", "in"), range(3)) if run[:2] != (1, "bn")]
    old = [(1, "gn:4", 0), (1, "gn:4", 1), *itertools.product((8,), ("bn", "gn:4"), (0, 1))]
    assert sorted(runs) == sorted(set(new) - set(old))
    assert results.ok == (not results.faults)
    assert len(list(csv.DictReader((out / "results.csv").open()))) == len(new)


@pytest.fixture
def finished(tmp_path, records_alone):
    """A sweep of two points whose runs are all there, and its results."""
    return tmp_path / "sweep", trained(make_sweep(tmp_path / "sweep", **TINY, batch_sizes=(8, 16)))[1]


def test_nothing_of_a_finished_sweep_or_of_its_points_is_trained_by_resume(finished):
    out, results = finished
    for folder in (out, out / "batch-8"):
        before = {path: path.read_bytes() for path in folder.rglob("runs/*")}
        counting = Counting()
        again = whichnorm.resume(folder, progress=counting)
        assert counting.runs == []
        assert {path: path.read_bytes() for path in folder.rglob("runs/*")} == before
        if folder == out:
            assert again.to_dict() == results.to_dict()


def test_a_sweep_is_reported_again_from_its_folder_without_its_images(finished, monkeypatch):
    out, results = finished
    monkeypatch.setattr("whichnorm.study.study.load_splits", lambda *_: 1 / 0)
    for written in ("results.json", "results.csv", "report/index.html", "report/README.md"):
        (out / written).unlink()
    assert main(["report", str(out)]) in (0, 1)
    assert json.loads((out / "results.json").read_text()) == json.loads(json.dumps(results.to_dict()))
    assert (out / "report" / "index.html").exists()


def test_a_point_s_report_is_written_again_where_its_weights_are_there(finished, monkeypatch):
    out, _ = finished
    reported = []
    monkeypatch.setattr("whichnorm.api.report_on", lambda study, results: reported.append(study.folder.root) or results)
    next((out / "batch-8" / "runs").glob("*.safetensors")).unlink()
    assert main(["report", str(out)]) in (0, 1)
    assert reported == [out / "batch-16"]


def test_an_unfinished_sweep_is_reported_as_far_as_it_is_there(finished, capsys):
    out, _ = finished
    for record in (out / "batch-16" / "runs").glob("*.json"):
        record.unlink()
    next((out / "batch-8" / "runs").glob("gn-4-seed1.json")).unlink()
    assert main(["report", str(out)]) in (0, 1)
    found = json.loads((out / "results.json").read_text())
    assert [[arm["seeds"] for arm in point["arms"]] for point in found["points"]] == [[[0, 1], [0]], []]
    for record in (out / "batch-8" / "runs").glob("*.json"):
        record.unlink()
    capsys.readouterr()
    assert main(["report", str(out)]) == 2
    assert f"no run has finished yet; whichnorm resume {out} trains them" in capsys.readouterr().err


@pytest.mark.usefixtures("records_alone")
def test_studies_of_compare_are_adopted_by_a_sweep_of_the_same_layout(tmp_path):
    shared = {"seeds": 1, "train_limit": 60, "threads": 1, "precision": "float32"}
    recipe = RECIPES["digits"].changed(epochs=1, batch_size=16).at_learning_rate(0.1 * 16 / 64)
    whichnorm.compare("digits", norms=["bn", "gn:4"], recipe=recipe, out=tmp_path / "batch-16", **shared)
    runs, _ = trained(make_sweep(tmp_path, **{**TINY, "seeds": 1}, batch_sizes=(16, 32)))
    assert {batch_size for batch_size, _, _ in runs} == {32}


@pytest.mark.usefixtures("records_alone")
def test_folders_that_hold_something_else_are_refused_before_any_training(tmp_path):
    sweep = make_sweep(tmp_path / "sweep", **{**TINY, "seeds": 1}, batch_sizes=(8,))
    trained(sweep)
    for change, word in (({"lr_rule": "none"}, "learning_rate_rule"), ({"epochs": 2}, "recipe.epochs")):
        other = make_sweep(tmp_path / "sweep", **{**TINY, "seeds": 1, "batch_sizes": (8, 16), **change})
        with pytest.raises(StudyError, match=f"another sweep: {word}"):
            trained(other)
    (tmp_path / "sweep" / "sweep.json").write_text("[")
    with pytest.raises(StudyError, match=r"not a readable sweep: not readable as JSON"):
        trained(sweep)
    (tmp_path / "sweep" / "sweep.json").unlink()
    other = make_sweep(tmp_path / "sweep", **{**TINY, "epochs": 2}, batch_sizes=(4, 8))
    with pytest.raises(StudyError, match="batch-8 holds another study"):
        trained(other)
    assert not (tmp_path / "sweep" / "batch-4").exists()
    study = make_sweep(tmp_path / "sweep" / "batch-8", **TINY, batch_sizes=(8,))
    with pytest.raises(StudyError, match="holds a study, not a sweep"):
        trained(study)


def test_groups_that_do_not_divide_a_layer_are_refused_before_any_training(tmp_path):
    with pytest.raises((ModelError, SpecError), match="gn:7"):
        trained(make_sweep(tmp_path / "sweep", groups=(1, 7)))
    assert not (tmp_path / "sweep").exists()


def test_all_points_are_planned(tmp_path):
    plans = plan_sweep(make_sweep(tmp_path, **TINY, batch_sizes=(1, 8)), None)
    assert [(point.batch.batch_size, plan.steps_per_epoch, len(plan.arms)) for point, plan in plans] == [
        (1, 50, 1), (8, 6, 2),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    out = tmp_path_factory.mktemp("sweep")
    sweep = make_sweep(out, batch_sizes=(1, 2, 4, 8, 32, 128), norms=("bn", "gn:2"), seeds=12)
    return make_sweep_results(sweep, paper_like)


def test_errors_are_those_of_the_records(results):
    for point in results.points:
        for arm, found in point.errors.items():
            runs = [run for run in point.study.records if run.arm == arm]
            mean = np.mean([1 - run.last.test_accuracy for run in runs])
            assert found.error.estimate == pytest.approx(mean)
            assert found.error.low < mean < found.error.high


def test_comparisons_are_corrected_over_all_points_and_say_who_has_the_lower_error(results):
    assert [c.point for c in results.comparisons] == [p.batch.name for p in results.points if len(p.errors) == 2]
    compared = [c.comparison for c in results.comparisons]
    assert [c.adjusted_p for c in compared] == pytest.approx(list(holm([c.p_value for c in compared])))
    assert (results.comparisons[0].point, compared[0].call) == ("batch-2", "worse")  # bn at two images
    assert (results.comparisons[-1].point, compared[-1].call) == ("batch-128", "better")
    for point, c in zip(results.points[1:], compared, strict=True):
        errors = {arm: found.error.estimate for arm, found in point.errors.items()}
        assert c.difference == pytest.approx(errors["gn:2"] - errors["bn"])


def test_the_arms_change_places_between_two_sizes_at_which_each_is_called_better(results):
    (found,) = results.crossings
    assert found.sizes == (2, 4, 8, 32, 128)
    assert found.crossing.better_below == "b"
    low, high = found.crossing.low, found.crossing.high
    assert low < 5 < high  # 0.06 + 0.3 / 5 is 0.12
    assert low < found.crossing.about < high
    calls = {int(c.point.removeprefix("batch-")): c.comparison.call for c in results.comparisons}
    assert (calls[low], calls[high]) == ("worse", "better")
    assert [size for size in calls if low < size < high] == list(found.undecided)
    (sentence,) = crossing_sentences(results)
    assert sentence.startswith(
        f"BatchNorm and GroupNorm, 2 groups, change places between a batch of {low} and {high}: "
        "GroupNorm, 2 groups, is better at the smaller, BatchNorm at the larger."
    )
    assert answer_sentence(results) == sentence


def test_a_point_s_sentence_names_the_better_arm_or_says_that_it_cannot_be_told(results):
    said = point_sentences(results)
    calls = {c.point: c.comparison.call for c in results.comparisons}
    assert said[0] == "Batch 1: GroupNorm, 2 groups is the only arm."
    assert said[1].startswith("Batches 2 and ")
    assert said[1].endswith(": GroupNorm, 2 groups, is better than BatchNorm.")
    assert {calls["batch-32"], calls["batch-128"]} == {"better"}
    assert "32 and 128: BatchNorm is better than GroupNorm, 2 groups." in said[-1]


def flat(arm, point):
    return 0.12


def test_without_a_difference_nothing_is_said_to_be_better(tmp_path):
    found = make_sweep_results(make_sweep(tmp_path, batch_sizes=(2, 8, 32), norms=("bn", "gn:2")), flat)
    said = [*crossing_sentences(found), *point_sentences(found)]
    assert all("annot tell" in sentence for sentence in said)
    assert not any("better" in sentence for sentence in said)


def test_an_arm_that_is_better_everywhere_has_no_crossing(tmp_path):
    sweep = make_sweep(tmp_path, batch_sizes=(2, 8, 32), norms=("bn", "gn:2"), seeds=8)
    found = make_sweep_results(sweep, lambda arm, point: 0.05 if arm == "bn" else 0.3)
    said = "BatchNorm is better than GroupNorm, 2 groups, at every batch measured, 2 to 32."
    assert list(crossing_sentences(found)) == [said] == [answer_sentence(found)]


def test_one_seed_gives_intervals_over_test_images_and_says_so(tmp_path):
    sweep = make_sweep(tmp_path, batch_sizes=(2, 128), norms=("bn", "gn:2"), seeds=1)
    found = make_sweep_results(sweep, paper_like)
    assert all(c.comparison.call == "cannot tell" for c in found.comparisons)
    assert all("Cannot tell" in sentence for sentence in crossing_sentences(found))
    assert "do not cover the noise between seeds" in size_picture(found).method
    assert not is_decided(found)
    assert answer_sentence(found).startswith("Cannot tell")
    assert next(key_points(found)).text == "One seed says nothing of the noise between seeds: give 3 or more."


def test_results_json_is_json_and_has_every_part(results):
    written = json.loads(json.dumps(results.to_dict(), allow_nan=False))
    assert written["sweep"]["learning_rate_rule"] == "linear"
    assert written["points"][0]["skipped"][0]["arm"] == "bn"
    assert written["points"][1]["learning_rate"] == pytest.approx(0.1 * 2 / 64)
    assert written["crossings"][0]["crossing"]["about"] == results.crossings[0].crossing.about
    assert len(written["comparisons"]) == 5


def test_the_figure_shows_each_arm_s_errors_with_ticks_at_the_sizes_and_the_crossing(results):
    picture = size_picture(results)
    (axes,) = picture.figure.axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1", "2", "4", "8", "32", "128"]
    drawn = {line.get_label(): line for line in axes.get_lines()}
    bn = drawn["BatchNorm"]
    np.testing.assert_array_equal(bn.get_xdata(), [2, 4, 8, 32, 128])
    found = [p.errors["bn"].error.estimate for p in results.points[1:]]
    np.testing.assert_allclose(bn.get_ydata(), np.multiply(100, found))
    (band,) = (patch for patch in axes.patches if "change places between" in patch.get_label())
    found = results.crossings[0].crossing
    assert (band.get_x(), band.get_x() + band.get_width()) == (found.low, found.high)
    assert picture.method.endswith(results.rule)
    assert len(picture.caption.split()) <= 40


def test_a_lost_run_takes_its_seed_from_its_own_size_alone_and_is_said_first(tmp_path):
    sweep = make_sweep(tmp_path, batch_sizes=(2, 8, 32), norms=("bn", "gn:2"), seeds=8)
    whole = make_sweep_results(sweep, paper_like)
    lost = {("batch-2", "bn", 0): "diverged", ("batch-2", "bn", 1): "diverged", ("batch-8", "gn:2", 3): "failed"}
    found = make_sweep_results(sweep, paper_like, lost)
    seeds = {c.point: c.comparison.seeds for c in found.comparisons}
    assert seeds == {"batch-2": (2, 3, 4, 5, 6, 7), "batch-8": (0, 1, 2, 4, 5, 6, 7), "batch-32": tuple(range(8))}
    assert found.comparisons[2].comparison.ci95 == whole.comparisons[2].comparison.ci95
    assert found.crossings[0].sizes == (2, 8, 32)
    said = ["2 of 8 runs of BatchNorm diverged at batch 2.", "1 of 8 runs of GroupNorm, 2 groups, failed at batch 8."]
    assert lost_sentences(found) == said
    assert answer_sentence(found).endswith(" ".join(said))
    assert [row[1].note.rpartition(", ")[2] for row in errors_table(found).rows] == [
        "2 of 8 diverged",
        "n = 8",
        "n = 8",
    ]


def test_an_arm_that_never_finishes_at_a_size_is_not_dropped_without_a_word(tmp_path):
    sweep = make_sweep(tmp_path, batch_sizes=(2, 8, 32), norms=("bn", "gn:2"), seeds=3)
    found = make_sweep_results(sweep, paper_like, {("batch-2", "bn", seed): "diverged" for seed in range(3)})
    assert found.crossings[0].sizes == (8, 32)
    assert "3 of 3 runs of BatchNorm diverged at batch 2." in answer_sentence(found)
    assert errors_table(found).rows[0][1].note == "3 of 3 diverged"


def trained_as(errors):
    """Return what makes a study of these errors, with its records, in place of training, and the sizes it is asked."""
    made = []

    def execute(study, options=None, progress=None):
        size = study.spec.recipe.batch_size
        made.append(size)
        (point,) = make_points(Axes(batch_sizes=(size,)), study.spec.recipe, RULES["none"], study.spec.arms)
        found = study_results(study, point, errors, {})
        for run in study.spec.runs():
            path = study.folder.record(run)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("{}")
        return found

    return execute, made


def steep(arm, point):
    """bn is worse up to a batch of 5 and better from 6 on."""
    return 0.3 if arm == "gn:2" else 0.6 if point.batch.batch_size < 5.5 else 0.02


def test_a_sweep_is_refined_until_the_two_sizes_are_neighbours(tmp_path):
    out, options = tmp_path / "sweep", {"norms": ("bn", "gn:2"), "seeds": 6, "refine": True}
    sweep = make_sweep(out, **options, batch_sizes=(2, 16))
    make, made = trained_as(steep)
    found = execute_sweep(sweep, RunOptions(), None, make)
    assert made == [2, 16, 6, 3, 4, 5]  # the whole number nearest to the middle of log2: 5.7, 3.5, 4.2 and 4.9
    assert (found.crossings[0].crossing.low, found.crossings[0].crossing.high) == (5, 6)
    held = json.loads((out / "sweep.json").read_text())
    assert held["refine"] is True
    assert held["axes"]["batch_sizes"] == [2, 3, 4, 5, 6, 16]
    assert [point["batch_size"] for point in held["points"]] == [2, 3, 4, 5, 6, 16]

    make, made = trained_as(steep)
    again = execute_sweep(reopen_sweep(out, ResumeOptions()), RunOptions(), None, make)
    assert made == [2, 3, 4, 5, 6, 16]
    assert again.to_dict() == found.to_dict()
    assert refined(again.spec, again) is None


def test_a_dry_run_shows_the_size_that_is_added_next(tmp_path):
    options = {"norms": ("bn", "gn:2"), "seeds": 6, "refine": True}
    sweep = make_sweep(tmp_path / "sweep", **options, batch_sizes=(2, 16))
    make, _ = trained_as(steep)

    def read(study):
        return make(study)

    assert refined_so_far(sweep, read).spec == sweep.spec  # nothing is there yet
    for _, study in sweep.jobs():
        make(study)
    assert refined_so_far(sweep, read).spec.axes.batch_sizes == (2, 6, 16)
    plain = replace(sweep, spec=replace(sweep.spec, refine=False))
    assert refined_so_far(plain, read).spec == plain.spec


def test_a_middle_that_cannot_be_told_asks_for_seeds_and_ends_the_refining(tmp_path):
    sweep = make_sweep(tmp_path, batch_sizes=(2, 8, 32), norms=("bn", "gn:2"), seeds=6)
    found = make_sweep_results(
        sweep, lambda arm, point: 0.3 if arm == "gn:2" else {2: 0.6, 8: 0.3, 32: 0.02}[point.batch.batch_size]
    )
    assert found.crossings[0].undecided == (8,)
    assert next_sizes(found) == []
    assert {point.label: point.text for point in key_points(found)}["To know it closer"] == "More seeds (--seeds) at 8."


def test_only_sizes_that_go_with_the_other_axis_are_added(tmp_path):
    sweep = make_sweep(tmp_path, batch_sizes=(64,), device_batch_sizes=(2, 32), norms=("bn", "gn:2"), seeds=8)
    found = make_sweep_results(sweep, paper_like)
    assert found.any_crossing
    assert next_sizes(found) == [8]  # of 4, 8 and 16, which divide 64
    assert refined(found.spec, found).axes.device_batch_sizes == (2, 8, 32)


def grouped(slope):
    return lambda arm, point: 0.1 if arm == "bn" else 0.5 - slope * math.log2(int(arm.removeprefix("gn:")))


def test_numbers_of_groups_are_compared_with_batch_norm_and_with_the_best_of_them(tmp_path):
    found = make_sweep_results(make_sweep(tmp_path, groups=(1, 2, 4), seeds=6), grouped(0.1))
    pairs = [(c.comparison.a, c.comparison.b) for c in found.comparisons]
    assert pairs == [("bn", "gn:1"), ("bn", "gn:2"), ("bn", "gn:4"), ("gn:1", "gn:4"), ("gn:2", "gn:4")]
    compared = [c.comparison for c in found.comparisons]
    assert [c.adjusted_p for c in compared[:3]] == pytest.approx(list(holm([c.p_value for c in compared[:3]])))
    every = [c for c in found.points[0].study.comparisons if c.a != "bn"]
    among = dict(zip([(c.a, c.b) for c in every], holm([c.p_value for c in every]), strict=True))
    assert len(among) == 3  # all pairs are paid for, also those that are not shown
    assert [c.adjusted_p for c in compared[3:]] == pytest.approx([among[c.a, c.b] for c in compared[3:]])


def test_the_trend_over_the_groups_is_the_slope_of_the_errors(tmp_path):
    found = make_sweep_results(make_sweep(tmp_path, groups=(1, 2, 4, "c"), seeds=6), lambda arm, point: (
        0.3 if arm == "gn:c1" else grouped(0.1)(arm, point)
    ))  # fmt: skip
    (trend,) = found.trends
    errors = [found.points[0].errors[f"gn:{number}"].error.estimate for number in (1, 2, 4)]
    assert trend.numbers == (1, 2, 4)
    assert -trend.per_doubling == pytest.approx(np.polyfit([0, 1, 2], errors, 1)[0])
    (sentence,) = trend_sentences(found)
    assert sentence.startswith("The test error falls: −")
    assert sentence.endswith("with each doubling of the number of groups from 1 to 4.")
    assert {point.label: point.text for point in key_points(found)}["How many groups"] == sentence
    rows = errors_table(found).rows
    assert [row[0].text for row in rows][:2] == [
        "BatchNorm",
        "GroupNorm, 1 group",
    ]  # transposed: more norms than batches


def test_without_a_trend_none_is_said(tmp_path):
    found = make_sweep_results(make_sweep(tmp_path, groups=(1, 2, 4), seeds=3), grouped(0.0))
    assert not found.trends[0].called
    assert trend_sentences(found)[0].startswith("Cannot tell a trend of the test error: ")


@pytest.mark.parametrize("options", [{"groups": (1, 4), "seeds": 3}, {"groups": (1, 2, 4), "seeds": 1}])
def test_two_numbers_or_one_seed_have_no_trend(tmp_path, options):
    assert make_sweep_results(make_sweep(tmp_path, **options), grouped(0.1)).trends == ()


def test_two_axes_give_a_panel_each_and_a_crossing_along_what_batch_norm_sees(tmp_path):
    sweep = make_sweep(tmp_path, batch_sizes=(32, 64), device_batch_sizes=(1, 2, 8, 32), norms=("bn", "gn:2"), seeds=12)
    found = make_sweep_results(sweep, paper_like)
    assert [c.panel for c in found.crossings] == [32, 64]
    assert all(c.sizes == (2, 8, 32) for c in found.crossings)
    assert all(sentence.startswith("With batch size") for sentence in crossing_sentences(found))
    titles = [axes.get_title(loc="left") for axes in size_picture(found).figure.axes]
    assert [title.partition("\n")[0] for title in titles] == ["Batch size 32", "Batch size 64"]


def test_few_seeds_are_drawn_as_thin_lines_too(tmp_path):
    sweep = make_sweep(tmp_path, batch_sizes=(2, 8, 32), norms=("bn", "gn:2"), seeds=3)
    found = make_sweep_results(sweep, paper_like)
    (axes,) = size_picture(found).figure.axes
    thin = [line.get_ydata() for line in axes.get_lines() if line.get_linewidth() < 1]
    runs = [[p.study.finished(arm)[seed] for p in found.points] for arm in ("bn", "gn:2") for seed in range(3)]
    errors = [[100 * (1 - run.last.test_accuracy) for run in of_seed] for of_seed in runs]
    np.testing.assert_allclose(sorted(map(list, thin)), sorted(errors))
    many = make_sweep(tmp_path / "many", batch_sizes=(2, 8), norms=("bn", "gn:2"), seeds=6)
    (axes,) = size_picture(make_sweep_results(many, paper_like)).figure.axes
    assert not [line for line in axes.get_lines() if line.get_linewidth() < 1]


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        (
            {"bn": 0.02, "gn:1": 0.4, "gn:4": 0.45},
            "Use BatchNorm at a batch of 64: it is better than GroupNorm, 1 group,",
        ),
        ({"bn": 0.10, "gn:1": 0.10, "gn:4": 0.45}, " cannot be distinguished from it."),
        ({"bn": 0.10, "gn:1": 0.11, "gn:4": 0.105}, "Cannot tell "),
    ],
)
def test_groups_at_one_batch_have_an_answer_too(tmp_path, errors, said):
    sweep = make_sweep(tmp_path, groups=(1, 4), seeds=8)
    found = make_sweep_results(sweep, lambda arm, point: errors[arm])
    assert said in answer_sentence(found)
    assert answer_sentence(found).endswith(".")
    assert is_decided(found) == ("Cannot tell" not in said)
    assert "Not tested" in {point.label for point in key_points(found)}


@pytest.mark.parametrize(
    "options",
    [
        {"batch_sizes": (2, 8), "norms": ("bn", "gn:2"), "refine": True},
        {"batch_sizes": (2, 8), "groups": (4,), "norms": ("bn", "ln", "gn:8")},
        {"groups": (1, 4, "c"), "channels_per_group": (4,)},
        {"groups": (4,), "norms": ("gn:1", "in", "gn:4:noaffine")},
        {"groups": (4, 2), "norms": ("gn:4",)},
        {"device_batch_sizes": (2, 8), "accumulations": (1, 4), "lr_rule": "none", "seeds": (3,)},
    ],
)
def test_the_command_of_the_report_makes_the_same_sweep_again(tmp_path, options):
    sweep = make_sweep(tmp_path, **options)
    _, (code,) = again(sweep.spec)
    words = shlex.split(code.text.replace("\\\n", " "))
    assert words[:2] == ["whichnorm", "sweep"]
    assert all(len(line) <= 80 for line in code.text.splitlines())
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    made = prepare_sweep(command.read(parser.parse_args([*words[2:], "--out", str(tmp_path)])))
    assert made.to_dict() == sweep.to_dict()


def test_groups_are_drawn_in_order_with_batch_norm_as_a_band(tmp_path):
    sweep = make_sweep(tmp_path, groups=("c", 4, 1), channels_per_group=(4,))
    picture, per_group = group_pictures(make_sweep_results(sweep, paper_like))
    (axes,) = picture.figure.axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1", "4", "one per\nchannel"]
    assert {line.get_label() for line in axes.get_lines()} == {"GroupNorm", "BatchNorm"}
    assert "BatchNorm" in picture.caption
    assert [tick.get_text() for tick in per_group.figure.axes[0].get_xticklabels()] == ["1", "4"]


def test_the_report_holds_the_rule_the_skipped_arms_and_both_formats_of_the_figure(results):
    page = write_sweep_report(results)
    readme = (page.parent / "README.md").read_text()
    for text in (page.read_text(), readme):
        assert "Goyal et al." in text
        assert "whichnorm sweep --batch-sizes 1,2,4,8,32,128" in text
        assert "Versions and hardware" in text
        assert "@software{whichnorm," in text
        assert "undefined in training on one image" in text
        assert "corrected" in text
    said = "GroupNorm, 2 groups, is better"
    assert readme.index(said) < readme.index("(figures/error_by_batch.png)") < readme.index("| Batch |")
    assert {file.name for file in (page.parent / "figures").iterdir()} == {"error_by_batch.png", "error_by_batch.svg"}
    assert "(figures/error_by_batch.png)" in readme


COMMAND = ["sweep", "--epochs", "1", "--train-limit", "200", "--seeds", "1", "--threads", "1", "--norms", "bn,gn:4"]


@pytest.mark.usefixtures("records_alone")
def test_from_the_command_line_with_exit_codes_and_the_crossing_before_the_path(tmp_path, capsys):
    out = tmp_path / "sweep"
    assert main([*COMMAND, "--device-batch-sizes", "1,64", "--out", str(out)]) in (0, 1)
    lines = capsys.readouterr().out.rstrip().splitlines()
    assert lines[-1] == f"report: {out / 'report' / 'index.html'}"
    assert "Batch 64 in 1s without arm bn: BatchNorm is undefined in training" in "\n".join(lines)
    assert "Test error after the last epoch" in lines
    assert any(re.match(r"64 +BatchNorm \(bn\) +0\.", line) for line in lines)
    assert not any("Cell(" in line for line in lines)
    assert sorted(path.name for path in out.glob("batch-*")) == ["batch-64", "batch-64-device-1"]
    for line in (["curves", str(out)], ["compare", "--out", str(out)]):
        assert main(line) == 2
        error = capsys.readouterr().err
        assert "holds a sweep" in error
        assert "batch-64, batch-64-device-1" in error
        assert error.count("\n") == 1


def test_a_dry_run_shows_every_point_and_writes_nothing(tmp_path, capsys):
    out = tmp_path / "sweep"
    assert main([*COMMAND, "--batch-sizes", "1,16", "--dry-run", "--out", str(out)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Batch 1 without arm bn" in shown
    assert "0.00156" in shown  # 0.1 at 64, at one image
    assert "3 runs at 2 points" in shown
    assert not out.exists()


WRONG = [
    (["--batch-sizes", "2,x"], ["--batch-sizes '2,x'", "whole numbers"]),
    (["--batch-sizes", "2,3", "--device-batch-sizes", "2"], ["3 / 2"]),
    (["--batch-sizes", "2", "--device-batch-sizes", "2", "--accumulations", "1"], ["one or two"]),
    (["--batch-sizes", "0"], ["1 or more"]),
    (["--batch-sizes", "500"], ["180 training images"]),
    (["--groups", "2,y"], ["--groups '2,y'", "c for as many groups as channels"]),
    (["--groups", "4", "--refine"], ["--refine", "--batch-sizes or --device-batch-sizes"]),
    (["--accumulations", "1,2", "--refine"], ["--refine", "--batch-sizes or --device-batch-sizes"]),
    (["--groups", "7"], ["gn:7", "7 groups"]),
    (["--batch-sizes", "1", "--norms", "bn"], ["no arm is left"]),
    (["--batch-sizes", "2,4", "--lr-rule", "cubic"], ["cubic", "linear, sqrt, none"]),
    (["--batch-sizes", "2,4", "--norms", "bn+lr:0.1"], ["--lr-rule none"]),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=lambda value: " ".join(value))
def test_wrong_input_is_one_line_with_code_2_and_nothing_written(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert main([*COMMAND, *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("whichnorm: ")
    assert shown.err.count("\n") == 1
    assert all(word in shown.err for word in words), shown.err
    assert list(tmp_path.iterdir()) == []


def test_the_representation_of_a_sweep_is_short(tmp_path):
    shown = repr(make_sweep_results(make_sweep(tmp_path, batch_sizes=(2, 8, 32), norms=("bn", "gn:2")), paper_like))
    assert shown.startswith("<SweepResults: bn, gn:2 at a batch of 2, 8, 32; ")
    assert shown.endswith(f"In {tmp_path}>")
    assert len(shown) < 200 + len(str(tmp_path))
