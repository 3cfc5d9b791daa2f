import json
import linecache
import multiprocessing
import os
import random
import re
import signal
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

import whichnorm
from whichnorm.api import execute, prepare
from whichnorm.errors import ModelError, SpecError, StudyError
from whichnorm.study.events import ignore
from whichnorm.study.folder import StudyFolder
from whichnorm.study.plan import plan_study
from whichnorm.study.run import run_study
from whichnorm.training.record import read_record

SMALL = {"norms": ["bn", "gn:4"], "seeds": 2, "epochs": 3, "train_limit": 200, "threads": 1, "precision": "float32"}


def small_job(out, **changes):
    return prepare("digits", **{**SMALL, **changes}, out=out)


def run_small(out, **changes):
    study = small_job(out, **changes)
    study.folder.claim(study.spec, study.test_split)
    with study.folder.locked():
        return run_study(study)


def without_times(path: Path):
    """Return a record without what the clock wrote into it."""
    raw = json.loads(path.read_text())
    del raw["evaluate_seconds"]
    for row in raw["epochs"]:
        del row["seconds"]
    return raw


def all_records(out):
    return {path.name: without_times(path) for path in sorted((Path(out) / "runs").glob("*.json"))}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed") / "study"
    run_small(out)
    return out


def run_small_in_a_process(out, loaded):
    torch.set_num_threads(1)
    study = small_job(out)
    loaded.set()
    study.folder.claim(study.spec, study.test_split)
    with study.folder.locked():
        run_study(study)


def written(out):
    """Return what tells one moment of a study from another: its records, and its checkpoints with their times."""
    return {(path.name, path.stat().st_mtime_ns) for path in Path(out).glob("*/*") if path.suffix != ".partial"}


@pytest.mark.slow
def test_a_study_killed_at_random_moments_ends_with_the_records_of_an_undisturbed_one(undisturbed, tmp_path):
    """Each kill comes a random short time after a random number of files were written, some before the first."""
    context = multiprocessing.get_context("forkserver")
    # torch's optimizers import the last one when the first of them is made, which takes longer than the small study
    context.set_forkserver_preload([prepare.__module__, "sklearn.datasets", "torch._dynamo"])
    draw = random.Random(0)
    kills = studies = 0
    moments = set()
    while kills < 20:
        out = tmp_path / f"study{studies}"
        studies += 1
        while True:
            loaded = context.Event()
            process = context.Process(target=run_small_in_a_process, args=(str(out), loaded))
            process.start()
            assert loaded.wait(timeout=120)
            seen, wanted = written(out), draw.randint(0, 3)
            while process.is_alive() and len(written(out) - seen) < wanted:
                time.sleep(0.001)
            process.join(timeout=draw.uniform(0.0, 0.05))
            if process.exitcode is not None:
                assert process.exitcode == 0
                break
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            kills += 1
            moments.add(tuple(sorted(path.name for path in out.glob("*/*"))))
        assert all_records(out) == all_records(undisturbed)
        assert not list(out.glob("checkpoints/*.safetensors"))
    assert len(moments) > 3, f"the kills hit too few different moments: {moments}"


def test_the_same_study_again_trains_nothing(undisturbed):
    before = {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*.json")}
    run_small(undisturbed)
    assert before == {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*.json")}


def test_an_arm_and_a_seed_added_later_train_only_the_new_runs(undisturbed, tmp_path):
    out = tmp_path / "study"
    run_small(out, norms=["bn"], seeds=1)
    first = (out / "runs" / "bn-seed0.json").stat().st_mtime_ns
    run_small(out)
    assert (out / "runs" / "bn-seed0.json").stat().st_mtime_ns == first
    assert all_records(out) == all_records(undisturbed)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"epochs": 4}, ["recipe.epochs", "3", "4"]), ({"train_limit": 210}, ["train_limit", "200", "210"]),
     ({"threads": 2}, ["threads"]), ({"recipe": "session08"}, ["recipe."]), ({"val": 0.2}, ["val_fraction"])],
)  # fmt: skip
def test_another_study_in_the_folder_is_refused_and_nothing_is_lost(undisturbed, change, words):
    before = all_records(undisturbed)
    with pytest.raises(StudyError) as caught:
        run_small(undisturbed, **change)
    assert all(word in str(caught.value) for word in ["another study", "--out", *words])
    assert "\n" not in str(caught.value)
    assert all_records(undisturbed) == before


def test_a_second_process_is_kept_out(tmp_path):
    study = small_job(tmp_path / "study")
    study.folder.claim(study.spec, study.test_split)
    with (
        study.folder.locked(),
        pytest.raises(StudyError, match="another process"),
        StudyFolder(study.folder.root).locked(),
    ):
        pass


def test_a_process_that_is_kept_out_does_not_change_what_the_other_trains(tmp_path):
    study, other = (small_job(tmp_path / "study", norms=norms) for norms in (["bn"], ["in"]))
    study.folder.claim(study.spec, study.test_split)
    with study.folder.locked(), pytest.raises(StudyError, match="another process"):
        execute(other, max_params=None, progress=ignore)
    assert study.folder.description()["arms"] == ["bn"]


def test_a_file_in_the_folders_place_is_named(tmp_path):
    (tmp_path / "study").touch()
    with pytest.raises(StudyError, match="is a file"), StudyFolder(tmp_path / "study").locked():
        pass


def test_a_full_disk_is_one_clear_error_and_finished_runs_stay(tmp_path, monkeypatch, undisturbed):
    out = tmp_path / "study"
    run_small(out, norms=["bn"], seeds=1)
    real = Path.open

    def full(self, mode="r", *args, **kwargs):
        if "w" in mode and "partial" in self.name:
            raise OSError(28, "No space left on device")
        return real(self, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(StudyError, match="No space left on device") as caught:
        run_small(out)
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    assert [p.name for p in (out / "runs").glob("*.json")] == ["bn-seed0.json"]
    assert not list(out.rglob("*.partial"))
    run_small(out)
    assert all_records(out) == all_records(undisturbed)


def test_an_unreadable_checkpoint_is_named_and_finished_runs_stay(tmp_path, undisturbed):
    out = tmp_path / "study"
    run_small(out, norms=["bn"], seeds=1)
    checkpoint = out / "checkpoints" / "gn-4-seed0.safetensors"
    checkpoint.parent.mkdir(exist_ok=True)
    checkpoint.write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00garbage!")
    with pytest.raises(StudyError, match=r"gn-4-seed0\.safetensors.*delete it"):
        run_small(out)
    assert read_record(out / "runs" / "bn-seed0.json").status == "finished"
    checkpoint.unlink()
    run_small(out)
    assert all_records(out) == all_records(undisturbed)


def test_a_checkpoint_of_a_run_that_has_a_record_is_taken_away(tmp_path):
    """A process that is killed between the two leaves both."""
    out = tmp_path / "study"
    run_small(out, norms=["bn"], seeds=1)
    checkpoint = out / "checkpoints" / "bn-seed0.safetensors"
    checkpoint.parent.mkdir(exist_ok=True)
    checkpoint.write_bytes(b"left over")
    before = all_records(out)
    run_small(out, norms=["bn"], seeds=1)
    assert not checkpoint.exists()
    assert all_records(out) == before


def test_a_damaged_record_is_named(tmp_path):
    out = tmp_path / "study"
    run_small(out, seeds=1)
    (out / "runs" / "bn-seed0.json").write_text('{"schema": 1, "arm"')
    with pytest.raises(StudyError, match=r"bn-seed0\.json.*delete it"):
        run_small(out, seeds=1)


def test_records_of_a_network_whose_code_has_changed_are_refused(tmp_path):
    out = tmp_path / "study"
    run_small(out, seeds=1)
    path = out / "runs" / "gn-4-seed0.json"
    raw = json.loads(path.read_text())
    raw["audit"]["initial_weights"] = "0" * 16
    path.write_text(json.dumps(raw))
    with pytest.raises(StudyError, match="did not start from the same weights"):
        run_small(out, seeds=1)


def wider_without_norm(norm, num_classes, in_channels):
    layer = norm(8)
    width = 16 if isinstance(layer, nn.Identity) else 8
    return nn.Sequential(nn.Conv2d(in_channels, width, 3), norm(width), nn.Flatten(), nn.LazyLinear(num_classes))


def twice_for_groups(norm, num_classes, in_channels):
    second = norm(8) if isinstance(norm(8), nn.GroupNorm) else nn.Identity()
    return nn.Sequential(nn.Conv2d(in_channels, 8, 3), norm(8), second, nn.Flatten(), nn.Linear(288, num_classes))


def ignores_norm(norm, num_classes, in_channels):
    return nn.Sequential(nn.Conv2d(in_channels, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(288, num_classes))


def forgets_norm(norm, num_classes, in_channels):
    return nn.Sequential(nn.Conv2d(in_channels, 8, 3), nn.Flatten(), nn.Linear(288, num_classes))


class WithUnused(nn.Module):
    def __init__(self, norm, num_classes, in_channels):
        super().__init__()
        self.used = nn.Sequential(nn.Conv2d(in_channels, 8, 3), norm(8), nn.Flatten(), nn.Linear(288, num_classes))
        self.unused = nn.Linear(3, 3)

    def forward(self, x):
        return self.used(x)


@pytest.mark.parametrize(
    ("factory", "norms", "words"),
    [
        (wider_without_norm, ["bn", "none"], ["differ outside their norm layers"]),
        (twice_for_groups, ["bn", "gn:4"], ["1 and 2 norm layers"]),
        (ignores_norm, ["bn", "gn:4"], ["BatchNorm2d", "'1'", "norm(num_channels)"]),
        (ignores_norm, ["none"], ["BatchNorm2d", "'1'"]),
        (forgets_norm, ["bn"], ["no norm layer"]),
        (WithUnused, ["bn"], ["unused.weight", "do not affect the loss"]),
        (WithUnused, ["bn+l2:0.01"], ["unused.weight", "do not affect the loss"]),  # which the penalty does reach
    ],
)
def test_an_unfair_network_is_refused_before_anything_is_trained_or_written(tmp_path, factory, norms, words):
    with pytest.raises(ModelError) as caught:
        whichnorm.compare("digits", model=factory, norms=norms, out=tmp_path / "study", train_limit=200)
    assert all(word in str(caught.value) for word in words), caught.value
    assert not (tmp_path / "study").exists()


def test_a_network_over_the_limit_is_refused_by_its_excess(tmp_path):
    study = small_job(tmp_path / "study")
    plan = plan_study(study.spec, study.splits, max_params=11_498)
    assert [arm.params for arm in plan.arms] == [11_498, 11_498]
    with pytest.raises(ModelError, match=r"11,498 parameters, 1 over --max-params 11,497"):
        plan_study(study.spec, study.splits, max_params=11_497)


def test_fewer_images_than_a_batch_are_refused(tmp_path):
    with pytest.raises(SpecError, match="180 training images"):
        whichnorm.compare("digits", train_limit=200, batch_size=181, out=tmp_path / "study")


def test_groups_that_do_not_divide_are_refused_with_those_that_do(tmp_path):
    with pytest.raises(SpecError, match=r"16 channels do not split into 5 groups; 1, 2, 4, 8, 16 do"):
        whichnorm.compare("digits", norms=["gn:5"], out=tmp_path / "study")


def test_a_plan_adds_up_measured_steps_and_images_of_every_epoch_and_run(tmp_path):
    study = small_job(tmp_path / "study", epochs=7, seeds=3)
    plan = plan_study(study.spec, study.splits)
    assert plan.steps_per_epoch == 180 // 64
    assert plan.num_eval_images == len(study.splits.val) + len(study.splits.test) == 20 + 359
    assert all(arm.step_seconds > 0 and arm.image_seconds > 0 for arm in plan.arms)
    by_hand = sum(7 * (2 * arm.step_seconds + 379 * arm.image_seconds) for arm in plan.arms)
    assert plan.seconds == pytest.approx(3 * by_hand)


def test_files_half_written_by_a_killed_process_are_cleared_away(tmp_path):
    study = small_job(tmp_path / "study")
    study.folder.claim(study.spec, study.test_split)
    half = tmp_path / "study" / "runs" / ".bn-seed0.json.0f.partial"
    half.parent.mkdir()
    half.write_text("{")
    with study.folder.locked():
        assert not half.exists()


def raises_in_training(norm, num_classes, in_channels):
    class Moody(nn.Sequential):
        def forward(self, x):
            if self.training:
                raise KeyError("mood")
            return super().forward(x)

    return Moody(nn.Conv2d(in_channels, 8, 3), norm(8), nn.Flatten(), nn.Linear(288, num_classes))


def test_a_network_that_raises_in_training_is_one_line_before_anything_is_written(tmp_path):
    with pytest.raises(ModelError, match="fails in a training step on 64 images of 1x8x8: KeyError: 'mood'") as caught:
        whichnorm.compare("digits", model=raises_in_training, norms=["bn"], out=tmp_path / "study")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "study").exists()


@pytest.mark.usefixtures("undrawn")
def test_a_network_that_raises_later_fails_its_run_with_the_place_and_the_others_go_on(tmp_path):
    calls = []

    def raises_later(norm, num_classes, in_channels):
        class Late(nn.Sequential):
            def forward(self, x):
                calls.append(str(norm))
                if str(norm) == "gn:4" and calls.count("gn:4") > 25:
                    raise ValueError("too\nlate")
                return super().forward(x)

        return Late(nn.Conv2d(in_channels, 8, 3), norm(8), nn.Flatten(), nn.Linear(288, num_classes))

    options = {
        "norms": ["bn", "gn:4", "ln"],
        "seeds": 1,
        "epochs": 3,
        "batch_size": 8,
        "train_limit": 200,
        "threads": 1,
    }
    results = whichnorm.compare("digits", model=raises_later, out=tmp_path / "study", **options)
    assert [(run.arm, run.status) for run in results.faults] == [("gn:4", "failed")]
    assert re.fullmatch(r"ValueError: too late \(test_study\.py, line \d+\)", results.faults[0].reason)
    assert [arm.norm for arm in results.arms] == ["bn", "ln"]
    assert (
        "1 of 1 runs of GroupNorm, 4 groups, did not finish: up to 100 % of its runs may not." in results.verdict.text
    )
    assert not (tmp_path / "study" / "runs" / "gn-4-seed0.safetensors").exists()


def test_a_record_under_another_runs_name_is_refused(tmp_path):
    out = tmp_path / "study"
    run_small(out)
    (out / "runs" / "gn-4-seed1.json").write_bytes((out / "runs" / "bn-seed1.json").read_bytes())
    with pytest.raises(StudyError, match=r"gn-4-seed1\.json: holds bn at seed 1, expected gn:4 at seed 1"):
        run_small(out)


def test_a_record_of_another_study_is_refused(tmp_path):
    out, other = tmp_path / "study", tmp_path / "other"
    run_small(out, seeds=1)
    run_small(other, seeds=1, epochs=2)
    (out / "runs" / "bn-seed0.json").write_bytes((other / "runs" / "bn-seed0.json").read_bytes())
    with pytest.raises(StudyError, match=r"bn-seed0\.json: is of another study: recipe\.epochs is 2 there and 3 here"):
        run_small(out, seeds=1)


@pytest.mark.parametrize("change", ["8 -> 16", "ReLU -> Tanh"])
def test_a_network_edited_after_its_runs_is_another_study(tmp_path, monkeypatch, change):
    code = (
        "from torch import nn\n"
        "def make(norm, num_classes, in_channels):\n"
        "    return nn.Sequential(nn.Conv2d(in_channels, 8, 3), norm(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1),\n"
        "                         nn.Flatten(), nn.Linear(8, num_classes))\n"
    )
    name = f"edited_{change[:4].strip().lower()}"
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{name}.py").write_text(code)
    run_small(tmp_path / "study", model=f"{name}:make", seeds=1)
    (tmp_path / f"{name}.py").write_text(code.replace(*change.split(" -> ")) + "\n")
    sys.modules.pop(name)
    linecache.clearcache()
    with pytest.raises(StudyError, match=r"another study: model\.source"):
        run_small(tmp_path / "study", model=f"{name}:make", seeds=1)


def never_calls_its_norm(norm, num_classes, in_channels):
    class Idle(nn.Sequential):
        def __init__(self, *layers):
            super().__init__(*layers)
            self.idle = norm(8)

        def forward(self, x):
            for name, layer in self.named_children():
                x = x if name == "idle" else layer(x)
            return x

    return Idle(nn.Conv2d(in_channels, 8, 3), nn.Flatten(), nn.Linear(288, num_classes))


def skips_its_norm_in_evaluation(norm, num_classes, in_channels):
    class Skips(nn.Sequential):
        def forward(self, x):
            for layer in self:
                if self.training or not isinstance(layer, nn.BatchNorm2d | nn.GroupNorm):
                    x = layer(x)
            return x

    return Skips(nn.Conv2d(in_channels, 8, 3), norm(8), nn.Flatten(), nn.Linear(288, num_classes))


@pytest.mark.parametrize(
    ("factory", "words"),
    [(never_calls_its_norm, "'idle' is never called in training"),
     (skips_its_norm_in_evaluation, "'1' is never called in evaluation")],
)  # fmt: skip
@pytest.mark.parametrize("norm", ["bn:noaffine", "gn:4:noaffine"])
def test_a_norm_layer_that_takes_no_part_is_refused(tmp_path, factory, words, norm):
    with pytest.raises(ModelError, match=words):
        whichnorm.compare("digits", model=factory, norms=[norm], out=tmp_path / "study", train_limit=200)
