"""Sensitivity: validation accuracy alone chooses rates, nothing is trained twice or lost, sentences say what is so.

Most studies here have made-up records in place of training; what they cost and hold is up to each test.
"""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import unreported
from pages import Page
from safetensors.torch import load_file
from synthetic import diverged, failed, make_record

import whichnorm
from whichnorm import api
from whichnorm.analyses.analysis import NoOptions
from whichnorm.analyses.headline.points import key_points
from whichnorm.analyses.headline.statistics import statistics
from whichnorm.analyses.sensitivity import SensitivityAnalysis
from whichnorm.analyses.sensitivity.search import FACTORS, Search, search_seed
from whichnorm.api import execute, prepare, read_results
from whichnorm.cli import main
from whichnorm.errors import SpecError, StudyError
from whichnorm.render.style import saved
from whichnorm.render.text import points
from whichnorm.specs.codec import decode
from whichnorm.specs.recipe import Recipe
from whichnorm.specs.recipes import RECIPES
from whichnorm.specs.study import FollowUps
from whichnorm.study.events import ignore
from whichnorm.study.study import reopen
from whichnorm.training.record import read_record, write_record

SHARED = RECIPES["digits"].learning_rate
OPTIONS = {
    "norms": ["bn", "ln"], "model": None, "model_options": None, "seeds": 3, "recipe": None, "epochs": 2,
    "batch_size": None, "device_batch_size": None, "val": 0.1, "train_limit": 200, "image_size": None,
    "data_dir": None, "download": False, "device": "cpu", "threads": 1, "precision": "float32", "out": None,
}  # fmt: skip


class Trainer:
    """Stands in for `run_study`: makes up records that are not there yet, and remembers which.

    `val` and `error` map a run to its validation accuracy and its share of wrong test images; a `val` of None is a run
    that diverges. `stop` is raised before a run for which it is given an exception.
    """

    def __init__(self, val=lambda run: 0.5, error=lambda run: 0.1, stop=lambda run: None):
        self.val, self.error, self.stop, self.trained = val, error, stop, []

    def __call__(self, study, listener, beside=()):
        folder = study.folder
        for run in study.spec.runs():
            if not folder.record(run).exists():
                if problem := self.stop(run):
                    raise problem
                self.trained.append((folder.root.name, str(run.arm), run.seed))
                write_record(folder.record(run), self.record(run, study.spec, study.splits))
        return [read_record(folder.record(run)) for run in study.spec.runs()]

    def record(self, run, study, splits):
        made = make_record(str(run.arm), run.seed, splits.test, study, 10, self.error(run))
        made = replace(made, spec=run.shared_dict(splits.digest))
        val = self.val(run)
        if val is None:
            return diverged(made, at_epoch=2)
        *before, last = made.epochs
        return replace(made, epochs=[*before, replace(last, val_accuracy=val)])


def rate(run):
    return run.training.learning_rate


def no_report(study, results, **_):
    """Measure the sensitivity alone."""
    without = unreported.no_report(study, results)
    return replace(without, found={**without.found, "sensitivity": measured(study, results)})


def measured(study, results):
    return SensitivityAnalysis().measure(study, results, NoOptions())


def follow_ups(results):
    return results.found["sensitivity"].follow_ups


def for_programs(results):
    """Return what programs get."""
    return results.found["sensitivity"].tested


def outlook(results):
    """Return what the report's first lines say: the points beside the answer, and the statistics."""
    points = [f"{point.label}: {point.text}" for point in key_points(results, results.found)]
    return " ".join([*points, *statistics(results, results.found)])


def section(results):
    return SensitivityAnalysis().section(results.found["sensitivity"], results)


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A function that makes the study of a trainer, whose report is not drawn."""
    monkeypatch.setattr(api, "report_on", no_report)
    # The rooms above first: each takes the real function from the room below when it is first imported.
    monkeypatch.setattr("whichnorm.analyses.sensitivity.plan.plan_follow_ups", lambda plan, splits, max_params: ())
    monkeypatch.setattr("whichnorm.study.plan.plan_study", lambda study, splits, max_params: None)

    def make(trainer, out="study", **changes):
        monkeypatch.setattr("whichnorm.analyses.sensitivity.source.run_study", trainer)
        monkeypatch.setattr("whichnorm.study.run.run_study", trainer)
        study = prepare("digits", **{**OPTIONS, "out": tmp_path / out, **changes})
        return execute(study, max_params=None, progress=ignore)

    return make


def search(accuracies, shared=1.0):
    return Search(arm="bn", shared=shared, accuracies=accuracies)


@pytest.mark.parametrize(
    ("accuracies", "rate"),
    [
        ({0.25: 0.1, 0.5: 0.2, 1.0: 0.3, 2.0: 0.5, 4.0: 0.4}, 2.0),
        ({0.25: 0.1, 0.5: 0.5, 1.0: 0.5, 2.0: 0.5, 4.0: 0.5}, 1.0),  # equal: the nearest to the shared rate
        ({0.25: 0.6, 0.5: 0.7, 1.0: 0.5, 2.0: 0.7, 4.0: 0.6}, 0.5),  # equally near: the smaller
        ({0.25: None, 0.5: 0.0, 1.0: None, 2.0: None, 4.0: None}, 0.5),  # not finished is worse than any accuracy
        ({0.25: None, 0.5: None, 1.0: None, 2.0: None, 4.0: None}, 1.0),
    ],
)
def test_the_rate_with_the_best_validation_accuracy_is_chosen(accuracies, rate):
    assert search(accuracies).rate == rate


def test_an_arm_at_the_shared_rate_is_the_studys_own():
    assert str(search({0.5: 0.1, 1.0: 0.2}).tuned) == "bn"
    assert str(replace(search({0.05: 0.3, 0.1: 0.2}, shared=0.1), arm="gn:8+l1:0.001").tuned) == "gn:8+l1:0.001+lr:0.05"


def test_the_searchs_seed_is_none_of_the_studys_and_stays_when_seeds_are_added():
    assert search_seed([0, 1, 2]) == search_seed([0, 1, 2, 3, 4])
    assert search_seed([1000, 1001]) not in (1000, 1001)


def test_every_arm_is_trained_once_at_every_rate_and_then_at_its_best(study):
    best = {"bn": 2 * SHARED, "ln": SHARED}
    trainer = Trainer(val=lambda run: 0.9 if rate(run) == best[str(run.arm).partition("+")[0]] else 0.5)
    results = study(trainer, tune_lr=True)
    in_search = [(arm, seed) for folder, arm, seed in trainer.trained if folder == "tune-lr"]
    assert in_search == [(f"{arm}+lr:{factor * SHARED:g}", 1000) for arm in ("bn", "ln") for factor in FACTORS]
    (found,) = follow_ups(results)
    assert [s.rate for s in found.searches] == [best["bn"], best["ln"]]
    assert [arm.norm for arm in found.results.arms] == ["bn+lr:0.2", "ln"]
    assert all(set(arm.seeds) == {0, 1, 2} for arm in found.results.arms)


def test_no_test_figure_has_a_say_in_the_choice(study):
    """The same validation accuracies with test accuracies that would choose any other rate."""
    val = {SHARED * factor: value for factor, value in zip(FACTORS, (0.5, 0.6, 0.7, 0.9, 0.8), strict=True)}
    chosen = []
    for number, favoured in enumerate(FACTORS):
        trainer = Trainer(
            val=lambda run: val[rate(run)] if run.seed == 1000 else 0.5,
            error=lambda run, favoured=favoured: 0.01 if rate(run) == favoured * SHARED else 0.9,
        )
        chosen.append(follow_ups(study(trainer, out=f"study{number}", tune_lr=True))[0].searches)
    assert [found.rate for found in chosen[0]] == [2 * SHARED] * 2
    assert all(searches == chosen[0] for searches in chosen)


@pytest.mark.parametrize(
    ("val", "tried", "end", "chosen"),
    [
        (lambda x: 0.5 + 0.01 * x, [*FACTORS, 8, 16], "largest", 16),
        (lambda x: 0.9 - 0.01 * x, [0.0625, 0.125, *FACTORS], "smallest", 0.0625),
        (lambda x: 0.9 - 0.01 * abs(x - 4), [*FACTORS, 8], "", 4),
        (lambda x: 0.9 - 0.01 * abs(x - 8), [*FACTORS, 8, 16], "", 8),
        (lambda x: None, [0.0625, 0.125, *FACTORS], "smallest", 1),
        (lambda x: None if x > 0.1 else 0.8, [0.0625, 0.125, *FACTORS], "smallest", 0.0625),
    ],
)
def test_a_best_rate_at_an_end_is_looked_beyond_at_most_twice(study, val, tried, end, chosen):
    def accuracy(run):
        if run.seed != 1000:
            return 0.5
        return val(rate(run) / SHARED) if run.arm.norm.kind == "bn" else 0.9 - abs(rate(run) / SHARED - 1) / 10

    (found,) = follow_ups(study(Trainer(val=accuracy), tune_lr=True))
    of_bn, of_ln = found.searches
    assert [r / SHARED for r in of_bn.accuracies] == tried
    assert (of_bn.end, of_bn.rate / SHARED) == (end, chosen)
    assert len(of_ln.accuracies) == len(FACTORS), "an arm whose best is inside its grid is not trained further"
    said = " ".join(found.details())
    assert (f"is the {end} that was tried" in said) == bool(end and of_bn.best)
    assert ("No training of BatchNorm in the search finished" in said) == (of_bn.best is None)


def test_runs_of_the_search_that_diverge_are_no_faults_of_the_study(study):
    results = study(Trainer(val=lambda run: None if rate(run) > SHARED else 0.5), tune_lr=True)
    assert results.ok
    assert all(s.rate <= SHARED and None in s.accuracies.values() for s in follow_ups(results)[0].searches)
    (picture,) = section(results).pictures
    assert "did not finish" in picture.caption
    assert saved(picture.figure)["png"].startswith(b"\x89PNG")


def test_runs_at_the_shared_rate_are_taken_over_and_not_trained_again(study, tmp_path):
    best = {"bn": SHARED / 2, "ln": SHARED}
    trainer = Trainer(val=lambda run: 0.9 if rate(run) == best[run.arm.norm.kind] else 0.5)
    study(trainer, seeds=2)
    for seed in range(2):
        (tmp_path / "study" / "runs" / f"ln-seed{seed}.safetensors").write_bytes(b"weights %d" % seed)
    study(trainer, seeds=2, tune_lr=True)
    tuned = [run[1:] for run in trainer.trained if run[0] == "tuned"]
    assert tuned == [("bn+lr:0.05", 0), ("bn+lr:0.05", 1)]
    for name in ("ln-seed0.json", "ln-seed1.json", "ln-seed0.safetensors", "ln-seed1.safetensors"):
        copied = tmp_path / "study" / "tuned" / "runs" / name
        assert copied.read_bytes() == (tmp_path / "study" / "runs" / name).read_bytes()


def test_a_run_at_the_shared_rate_is_the_one_without_a_rate_of_its_own(tmp_path, monkeypatch):
    """Real training: what is taken over is what training would have given."""
    monkeypatch.setattr(api, "report_on", no_report)
    whichnorm.compare("digits", norms=["bn", f"bn+lr:{SHARED:g}"], seeds=1, epochs=2, train_limit=150, threads=1,
                      precision="float32", out=tmp_path)  # fmt: skip
    plain, own = (load_file(tmp_path / "runs" / f"{name}-seed0.safetensors") for name in ("bn", "bn_lr-0.1"))
    assert plain.keys() == own.keys()
    assert all(torch.equal(plain[name], own[name]) for name in plain)
    plain, own = (read_record(tmp_path / "runs" / f"{name}-seed0.json") for name in ("bn", "bn_lr-0.1"))
    assert plain.test_confidences == own.test_confidences


@pytest.mark.parametrize("place", ["tune-lr", "tuned", "recipe-session08"])
def test_an_interrupted_follow_up_goes_on_and_trains_nothing_twice(study, place):
    def val(run):
        return 0.9 if rate(run) == 2 * SHARED else 0.5

    options = {"tune_lr": True, "recipes": ["digits", "session08"]}
    whole = Trainer(val=val)
    expected = study(whole, out="whole", **options)
    runs = [run for run in whole.trained if run[0] == place]
    first = Trainer(val=val)
    first.stop = lambda run: KeyboardInterrupt() if (place, str(run.arm), run.seed) == runs[len(runs) // 2] and (
        place in ("tune-lr", "tuned") or run.recipe.name == "session08") else None  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        study(first, **options)
    second = Trainer(val=val)
    results = study(second, **options)

    def renamed(trainer):
        return ["study" if folder == "whole" else folder for folder, *_ in trainer.trained]

    assert [(a, *b[1:]) for a, b in zip(renamed(whole), whole.trained, strict=True)] == first.trained + second.trained
    assert first.trained
    assert second.trained
    assert [f.to_dict(results) for f in follow_ups(results)] == [f.to_dict(expected) for f in follow_ups(expected)]


def test_the_same_command_again_trains_nothing_and_added_seeds_only_what_is_new(study):
    trainer = Trainer(val=lambda run: 0.9 if rate(run) == 2 * SHARED else 0.5)
    study(trainer, tune_lr=True)
    number = len(trainer.trained)
    study(trainer, tune_lr=True)
    assert len(trainer.trained) == number
    study(trainer, tune_lr=True, seeds=4)
    assert {(folder, seed) for folder, _, seed in trainer.trained[number:]} == {("study", 3), ("tuned", 3)}


def test_a_search_that_is_not_finished_is_said_to_be_so(study, tmp_path):
    trainer = Trainer(stop=lambda run: KeyboardInterrupt() if run.seed == 1000 and rate(run) == 4 * SHARED else None)
    with pytest.raises(KeyboardInterrupt):
        study(trainer, tune_lr=True, recipes=["digits", "session08"])
    opened = reopen(tmp_path / "study")
    results = read_results(opened)
    found = measured(opened, results)
    said = " ".join(follow_up.conclusion(results) for follow_up in found.follow_ups)
    assert "search for each arm's learning rate is not finished" in said
    assert "Under the recipe session08 the two best arms are not trained yet" in said
    assert [one["finished"] for one in found.tested] == [False, False]
    assert SensitivityAnalysis().section(found, results).title == (
        "Not known yet: whether the order of the arms by mean accuracy holds at tuned learning rates and under the "
        "recipe session08"
    )


ERRORS = {"bn": 0.05, "ln": 0.30}


def errors(turned):
    """Return test errors of arms, the other way round for runs for which `turned` holds."""
    other = {"bn": 0.30, "ln": 0.05}
    return lambda run: (other if turned(run) else ERRORS)[run.arm.norm.kind]


def test_the_order_that_holds_at_tuned_rates_is_said_to_hold(study):
    trainer = Trainer(val=lambda run: 0.9 if rate(run) == 2 * SHARED else 0.5, error=errors(lambda run: False))
    results = study(trainer, tune_lr=True)
    assert [c.call for c in results.comparisons] == ["better"]
    said = outlook(results)
    assert (
        "At a learning rate tuned for each arm the order holds (BatchNorm, then LayerNorm), and no result changes."
        in said
    )
    held = for_programs(results)[0]
    assert held["order_holds"] is True
    assert held["searches"][0]["rate"] == 2 * SHARED
    assert "Use BatchNorm, learning rate 0.2" in " ".join(held["details"])


def test_an_order_that_changes_at_tuned_rates_is_said_with_the_calls(study):
    trainer = Trainer(val=lambda run: 0.9 if rate(run) == 2 * SHARED else 0.5,
                      error=errors(lambda run: rate(run) == 2 * SHARED))  # fmt: skip
    results = study(trainer, tune_lr=True)
    said = outlook(results)
    assert "the order changes from BatchNorm, then LayerNorm to LayerNorm, then BatchNorm" in said
    assert "this result changes: BatchNorm − LayerNorm from “BatchNorm is better” to “LayerNorm is better”" in said
    assert results.verdict.choice == "bn", "the study's own verdict stays"
    assert for_programs(results)[0]["order_holds"] is False


def test_every_arm_best_at_the_shared_rate_is_said_and_nothing_is_trained_for_it(study):
    trainer = Trainer(val=lambda run: 0.9 if rate(run) == SHARED else 0.5)
    results = study(trainer, tune_lr=True)
    assert "Every arm's best learning rate is the shared one, 0.1: the answer holds." in outlook(results)
    assert not [run for run in trainer.trained if run[0] == "tuned"]


def test_the_two_best_arms_are_trained_again_under_each_other_recipe(study, tmp_path):
    error = {"bn": 0.3, "ln": 0.05, "gn:4": 0.15}

    def error_of(run):
        return {**error, "ln": 0.5}[str(run.arm)] if run.recipe.name == "lcifar" else error[str(run.arm)]

    trainer = Trainer(error=error_of)
    recipes = ["digits", "session08", "lcifar"]
    results = study(trainer, norms=list(error), epochs=None, recipes=recipes)
    for name in recipes[1:]:
        runs = [run[1:] for run in trainer.trained if run[0] == f"recipe-{name}"]
        assert runs == [(arm, seed) for seed in range(3) for arm in ("ln", "gn:4")]
        held = json.loads((tmp_path / "study" / f"recipe-{name}" / "study.json").read_text())
        assert decode(held["recipe"], Recipe) == RECIPES[name]
    holds, turns = follow_ups(results)
    assert (holds.order, turns.order) == ("holds", "turns")
    means = [np.mean([run.last.test_accuracy for run in holds.results.finished(arm)]) for arm in ("ln", "gn:4")]
    assert holds.comparison.difference == pytest.approx(means[0] - means[1])
    said = outlook(results)
    both, less = "LayerNorm and GroupNorm, 4 groups,", "LayerNorm − GroupNorm, 4 groups"
    assert f"Under the recipe session08 the order of {both} holds: {less}: +" in said
    turned = points(turns.comparison.difference)
    assert turns.comparison.difference < 0
    assert f"Under the recipe lcifar the order of {both} turns: {less}: {turned} points" in said
    assert "GroupNorm, 4 groups, is better" in said
    assert f"The order of {both} by mean accuracy holds under the recipe session08; it changes under" in said
    assert "another recipe (--recipes)" not in said


def test_epochs_and_batch_size_that_are_given_hold_for_every_recipe():
    study = prepare("digits", **{**OPTIONS, "epochs": 3, "batch_size": 32}, recipes=["digits", "session08"])
    (other,) = study.spec.follow_ups.recipes
    assert (other.epochs, other.batch_size, other.learning_rate) == (3, 32, RECIPES["session08"].learning_rate)


def test_arms_that_fail_leave_follow_ups_that_say_so(study):
    trainer = Trainer(val=lambda run: None if run.arm.norm.kind == "bn" else 0.5)
    results = study(trainer, tune_lr=True, recipes=["digits", "session08"])
    tuning, other = follow_ups(results)
    assert tuning.searches[0].best is None
    assert "fewer than two arms finished" in tuning.conclusion(results)
    assert "fewer than two arms finished" in other.conclusion(results)
    assert "BatchNorm at seed 0, 1, 2" in " ".join(tuning.details())
    assert other.results is None
    json.dumps(results.to_dict(), allow_nan=False)


def test_two_arms_without_a_common_seed_under_another_recipe_cannot_be_compared(study):
    trainer = Trainer(val=lambda run: None if run.recipe.name == "session08" and run.arm.norm.kind == "ln" else 0.5)
    results = study(trainer, recipes=["digits", "session08"])
    (other,) = follow_ups(results)
    assert other.comparison is None
    assert "cannot be compared" in other.conclusion(results)
    assert other.order == other.to_dict(results)["order"] == ""
    assert section(results).tables[0].rows[1][-1].text == "–"


def test_one_seed_gives_no_call_and_one_arm_no_order(study):
    results = study(Trainer(error=errors(lambda run: False)), seeds=1, recipes=["digits", "session08"])
    assert "cannot tell" in follow_ups(results)[0].conclusion(results)
    results = study(Trainer(), out="one", norms=["bn"], tune_lr=True)
    assert "no order to change" in outlook(results)
    assert "Not tested" not in outlook(results)


def test_an_error_in_a_follow_up_leaves_the_studys_results(study, tmp_path):
    stop = Trainer(stop=lambda run: StudyError("run stopped") if run.recipe.name == "session08" else None)
    with pytest.raises(StudyError, match="run stopped"):
        study(stop, recipes=["digits", "session08"])
    assert len(json.loads((tmp_path / "study" / "results.json").read_text())["arms"]) == 2


def test_a_follow_ups_folder_with_another_recipe_is_refused_before_training(study, tmp_path):
    mine = replace(RECIPES["session08"], name="mine")
    study(Trainer(), recipes=["digits", mine])
    again = Trainer()
    with pytest.raises(StudyError, match=r"recipe-mine holds another study: recipe\.learning_rate is 0\.01 there"):
        study(again, seeds=4, recipes=["digits", replace(mine, learning_rate=0.02)])
    assert again.trained == []


def test_a_follow_ups_folder_at_work_is_left_alone(study, tmp_path):
    from whichnorm.study.folder import StudyFolder

    study(Trainer())
    with StudyFolder(tmp_path / "study" / "tune-lr").locked(), pytest.raises(StudyError, match="another process"):
        study(Trainer(), tune_lr=True)


def test_without_the_options_nothing_more_is_trained_or_said_to_be_tested(study, tmp_path):
    trainer = Trainer(error=errors(lambda run: False))
    results = study(trainer)
    assert {folder for folder, *_ in trainer.trained} == {"study"}
    assert for_programs(results) == ()
    assert "follow_ups" not in json.loads((tmp_path / "study" / "study.json").read_text())
    said = outlook(results)
    assert (
        "Not tested: Other batch sizes (whichnorm sweep); a learning rate tuned for each norm (--tune-lr); another "
        "recipe (--recipes)."
    ) in said
    assert "BatchNorm depends on the images per forward pass (64 here)" in said
    assert section(results) is None


def test_the_images_per_forward_pass_are_said_of_a_chosen_norm_that_sees_them(study):
    results = study(Trainer(error=errors(lambda run: False)), device_batch_size=16)
    assert "(16 here)" in outlook(results)
    results = study(Trainer(error=errors(lambda run: True)), out="other")
    assert results.verdict.choice == "ln"
    assert "depends" not in outlook(results)
    results = study(Trainer(), out="level")
    assert results.verdict.choice == "cannot tell"
    assert "BatchNorm depends" in outlook(results), "it may be the best"


WRONG = [
    (["--tune-lr", "--val", "0"], ["no validation split", "--val"]),
    (["--tune-lr", "--until-sure"], ["--tune-lr", "--seeds"]),
    (["--recipes", "digits,session08", "--until-sure"], ["--recipes", "--seeds"]),
    (["--tune-lr", "--norms", "bn,ln+lr:0.05"], ["ln+lr:0.05", "--tune-lr"]),
    (["--recipes", "digits"], ["two or more"]),
    (["--recipes", ","], ["two or more"]),
    (["--recipes", "digits,digits"], ["twice"]),
    (["--recipes", "digits,sesion08"], ["did you mean 'session08'"]),
    (["--recipes", "digits,session08", "--recipe", "digits"], ["--recipe", "--recipes"]),
    (["--recipes", "digits,session08", "--norms", "bn"], ["two norms"]),
    (["--recipes", "digits,session08", "--epochs", "0"], ["epochs is 0"]),
    (["--recipes", "digits,default", "--train-limit", "120"], ["batch size 128"]),
]  # fmt: skip


@pytest.mark.parametrize(("options", "words"), WRONG, ids=lambda value: " ".join(value))
def test_what_cannot_be_followed_up_is_one_line_and_writes_nothing(options, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["compare", "--threads", "1", *options]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("whichnorm: ")
    assert shown.err.count("\n") == 1
    assert all(word in shown.err for word in words), shown.err
    assert list(tmp_path.iterdir()) == []


def test_a_recipe_that_trains_on_one_image_is_refused_with_bn():
    small = replace(RECIPES["session08"], name="small", batch_size=1)
    with pytest.raises(SpecError, match="undefined in training on one image"):
        prepare("digits", **OPTIONS, recipes=["digits", small])


def test_a_recipe_whose_name_is_no_folders_is_refused():
    with pytest.raises(SpecError, match=r"a/b"):
        FollowUps(recipes=(replace(RECIPES["session08"], name="a/b"),))


def test_a_dry_run_shows_the_runs_that_are_added(tmp_path, capsys):
    assert main(["compare", "--norms", "bn,ln", "--seeds", "2", "--train-limit", "200", "--threads", "1", "--tune-lr",
                 "--recipes", "digits,session08", "--dry-run", "--out", str(tmp_path / "study")]) == 0  # fmt: skip
    shown = capsys.readouterr().out
    assert "--tune-lr: 10 runs, up to 14" in shown
    assert "up to 4 at the tuned rates; about" in shown
    assert "recipe session08: 4 runs of the two best arms; about" in shown
    assert not (tmp_path / "study").exists()


@pytest.mark.usefixtures("undrawn")
def test_a_real_study_with_both_keeps_its_parts_when_its_report_is_written_again(tmp_path, capsys, monkeypatch):
    out = tmp_path / "study"
    options = ["--norms", "bn,none", "--seeds", "2", "--epochs", "2", "--train-limit", "150", "--threads", "1",
               "--precision", "float32", "--tune-lr", "--recipes", "digits,session08"]  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setattr(api, "report_on", no_report)  # drawn once, below
        assert main(["compare", *options, "--out", str(out)]) in (0, 1)
    shown = capsys.readouterr().out
    before = found_in(out)
    tuning, other = before
    assert tuning["finished"]
    assert other["finished"]
    for found in tuning["searches"]:
        val = {tried["learning_rate"]: tried["val_accuracy"] for tried in found["tried"]}
        assert max(v for v in val.values() if v is not None) == val[found["rate"]]
    assert main(["report", str(out)]) in (0, 1)
    assert found_in(out) == before
    page = (out / "report" / "index.html").read_text()
    markdown = (out / "report" / "README.md").read_text()
    for text in (page, markdown):
        assert "by mean accuracy" in text
    assert "figures/learning_rates.png" in markdown
    said = Page(page).text
    for sentence in (tuning["outcome"], other["outcome"]):
        assert sentence in shown
        assert sentence in said


def found_in(folder):
    study = reopen(folder)
    return measured(study, read_results(study)).tested


def test_a_run_of_the_search_that_fails_counts_as_worst(study, monkeypatch):
    class Failing(Trainer):
        def record(self, run, study, splits):
            made = super().record(run, study, splits)
            return failed(made, "refused") if rate(run) == 2 * SHARED else made

    results = study(Failing(val=lambda run: 0.9 if rate(run) >= 2 * SHARED else 0.5), tune_lr=True)
    assert all(s.accuracies[2 * SHARED] is None for s in follow_ups(results)[0].searches)
    assert results.ok


def test_the_command_prints_the_same_and_its_json_is_for_programs(study, tmp_path, capsys):
    trainer = Trainer(val=lambda run: 0.9 if rate(run) == 2 * SHARED else 0.5, error=errors(lambda run: False))
    results = study(trainer, tune_lr=True, recipes=["digits", "session08"])
    found = json.loads(json.dumps(for_programs(results), allow_nan=False))
    capsys.readouterr()
    assert main(["sensitivity", str(tmp_path / "study"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["found"] == {"tested": found}
    assert [one["kind"] for one in found] == ["learning rates", "recipe"]
    assert [arm["norm"] for arm in found[0]["arms"]] == ["bn+lr:0.2", "ln+lr:0.2"]
    assert main(["sensitivity", str(tmp_path / "study")]) == 0
    shown = capsys.readouterr().out
    assert all(one["outcome"] in " ".join(shown.split()) for one in found)
    assert main(["sensitivity", str(tmp_path / "study"), "--norms", "bn"]) == 2
    assert "leave --norms out" in capsys.readouterr().err


def test_the_section_is_headed_by_what_becomes_of_the_order(study):
    held = study(Trainer(error=errors(lambda run: False)), recipes=["digits", "session08"])
    assert (
        section(held).title == "The order of BatchNorm and LayerNorm by mean accuracy holds under the recipe session08"
    )
    trainer = Trainer(val=lambda run: 0.9 if rate(run) == 2 * SHARED else 0.5,
                      error=errors(lambda run: run.recipe.name == "lcifar"))  # fmt: skip
    both = study(trainer, out="both", epochs=None, tune_lr=True, recipes=["digits", "session08", "lcifar"])
    assert section(both).title == (
        "The order of the arms by mean accuracy holds at tuned learning rates and under the recipe session08; it "
        "changes under the recipe lcifar"
    )
    assert section(both).label == "Sensitivity"


def test_a_caption_has_at_most_40_words_and_the_alt_text_the_numbers_of_the_search(study):
    val = {factor * SHARED: 0.5 + 0.01 * place for place, factor in enumerate(FACTORS)}
    results = study(Trainer(val=lambda run: None if rate(run) == SHARED else val.get(rate(run), 0.3)), tune_lr=True)
    (picture,) = section(results).pictures
    assert "did not finish" in picture.caption
    assert len(picture.caption.split()) <= 40
    assert "one training at 1/4" in picture.method
    for one in follow_ups(results)[0].searches:
        assert f"{one.rate:g} {100 * one.accuracy:.2f} % (chosen)" in picture.alt
    assert picture.figure.get_size_inches()[0] <= 5.2
