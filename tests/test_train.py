import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from whichnorm.data.dataset import ImageSet
from whichnorm.data.split import channel_statistics
from whichnorm.data.splits import Splits
from whichnorm.models.layers import Dropout
from whichnorm.specs.arm import ArmSpec, parse_arm
from whichnorm.specs.data import DataSpec
from whichnorm.specs.model import ModelSpec
from whichnorm.specs.recipe import Augmentation, Recipe, Schedule
from whichnorm.specs.study import MachineSpec, RunSpec
from whichnorm.study.progress import format_row
from whichnorm.training.events import EpochDone, StepDone, WeightsWritten, ignore
from whichnorm.training.loop import train_run
from whichnorm.training.network import build_network, build_optimizer
from whichnorm.training.randomness import generator
from whichnorm.training.record import at_chance, end_warnings
from whichnorm.training.step import argmax_loss, penalty

NORMS = ["bn", "ln", "ln-element", "ln-channel", "gn:4", "gn:c4", "in", "none"]
RECIPE = Recipe(
    epochs=2,
    batch_size=16,
    learning_rate=0.05,
    dropout=0.2,
    augmentation=Augmentation(crop_padding=1, crop_mode="zero", flip=0.5),
)


class Net(nn.Module):
    """A small network that keeps the images it saw in training and the dropout masks it drew."""

    def __init__(self, norm, num_classes, in_channels, *, dropout: float = 0.0):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(in_channels, 8, 3, padding=1), norm(8)
        self.drop = Dropout(dropout)
        self.conv2, self.norm2 = nn.Conv2d(8, 8, 3, padding=1), norm(8)
        self.head = nn.Linear(8, num_classes)
        self.seen, self.masks = [], []

    def forward(self, x):
        if self.training:
            self.seen.append(x.detach().clone())
        x = torch.relu(self.norm1(self.conv1(x)))
        kept = self.drop(torch.ones_like(x))
        if self.training:
            self.masks.append(kept.detach().clone())
        x = torch.relu(self.norm2(self.conv2(x * kept)))
        return self.head(x.mean((2, 3)))


def make_splits(num_train=64, num_val=16, size=6):
    generator = torch.Generator().manual_seed(3)

    def part(count):
        labels = torch.arange(count) % 4
        images = torch.randint(0, 128, (count, 1, size, size), generator=generator, dtype=torch.uint8)
        for row in range(4):
            images[labels == row, :, row] += 120
        return ImageSet(images, labels)

    train = part(num_train)
    mean, std = channel_statistics(train.images)
    return Splits(
        train=train, val=part(num_val), test=part(32), class_names=("a", "b", "c", "d"), mean=mean, std=std, digest="d"
    )


def make_run(norm="bn", seed=0, recipe=RECIPE, factory=Net, precision="float32", val=0.1):
    arm = norm if isinstance(norm, ArmSpec) else parse_arm(norm)
    return RunSpec(
        arm=arm,
        seed=seed,
        data=DataSpec(val_fraction=val),
        model=ModelSpec(name="test", factory=factory),
        recipe=recipe,
        machine=MachineSpec(threads=1, precision=precision),
    )


def quiet(run, splits=None, checkpoint=None):
    return train_run(run, splits or make_splits(), checkpoint, ignore)


@pytest.mark.parametrize("norm", NORMS)
def test_at_one_seed_every_arm_has_the_weights_images_and_dropout_of_batch_norm(norm):
    _, ours = quiet(make_run(norm))
    _, theirs = quiet(make_run("bn"))
    ours_at_start = build_network(make_run(norm), make_splits())
    theirs_at_start = build_network(make_run(), make_splits())
    for name in ("conv1.weight", "conv1.bias", "conv2.weight", "head.weight"):
        torch.testing.assert_close(
            ours_at_start.get_parameter(name), theirs_at_start.get_parameter(name), rtol=0, atol=0
        )
    assert len(ours.seen) == len(theirs.seen) == 2 * 4
    for a, b in zip(ours.seen + ours.masks, theirs.seen + theirs.masks, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_another_seed_changes_weights_images_and_dropout():
    _, a = quiet(make_run(seed=0))
    _, b = quiet(make_run(seed=1))
    assert not torch.equal(build_network(make_run(seed=0), make_splits()).conv1.weight,
                           build_network(make_run(seed=1), make_splits()).conv1.weight)  # fmt: skip
    assert not torch.equal(a.seen[0], b.seen[0])
    assert not torch.equal(a.masks[0], b.masks[0])


def test_epochs_differ_in_order_augmentation_and_dropout():
    _, model = quiet(make_run())
    assert not torch.equal(model.seen[0], model.seen[4])
    assert not torch.equal(model.masks[0], model.masks[4])


def test_a_run_is_the_same_whatever_the_callers_random_state_and_leaves_it_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, _ = quiet(make_run())
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(99)
    second, _ = quiet(make_run())
    assert first.test_predictions == second.test_predictions
    assert [r.train_loss for r in first.epochs] == [r.train_loss for r in second.epochs]


@pytest.mark.parametrize("norm", NORMS)
def test_training_by_this_loop_is_training_by_a_plain_one(norm):
    """The reference is torch alone: stock optimizer settings, the same batches, cross-entropy with smoothing."""
    recipe = replace(
        RECIPE, dropout=0.0, label_smoothing=0.1, weight_decay=0.01, schedule=Schedule(kind="constant"), nesterov=True
    )
    run, splits = make_run(norm, recipe=recipe), make_splits()
    record, trained = quiet(run, splits)
    reference = build_network(run, splits)
    weighted = (reference.conv1, reference.conv2, reference.head)
    free = [*reference.norm1.parameters(), *reference.norm2.parameters(), *(layer.bias for layer in weighted)]
    decayed = [layer.weight for layer in weighted]
    optimizer = torch.optim.SGD(
        [{"params": decayed, "weight_decay": 0.01}, {"params": free}], lr=0.05, momentum=0.9, nesterov=True
    )
    for epoch in range(2):
        order = torch.randperm(64, generator=generator(0, "order", epoch))
        for step in range(4):
            images = trained.seen[epoch * 4 + step]
            labels = splits.train.labels[order[step * 16 : step * 16 + 16]]
            loss = nn.functional.cross_entropy(reference(images), labels, label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    for name, parameter in trained.named_parameters():
        torch.testing.assert_close(parameter, reference.get_parameter(name), rtol=1e-4, atol=1e-6)
    assert record.status == "finished"


def test_weight_decay_is_off_norms_and_biases_unless_the_recipe_wants_it_on():
    model = build_network(make_run(), make_splits())
    optimizer = build_optimizer(model, replace(RECIPE, weight_decay=0.1))
    decayed = {id(p) for g in optimizer.param_groups if g["weight_decay"] for p in g["params"]}
    assert decayed == {id(model.conv1.weight), id(model.conv2.weight), id(model.head.weight)}
    everything = build_optimizer(model, replace(RECIPE, weight_decay=0.1, decay_norms_and_biases=True))
    assert sum(len(g["params"]) for g in everything.param_groups if g["weight_decay"]) == len(list(model.parameters()))


@pytest.mark.parametrize(("arm", "slope"), [("bn+l1:0.5", lambda w: 0.5 * w.sign()), ("bn+l2:0.5", lambda w: w)])
def test_a_penalty_has_the_gradient_of_its_formula_on_weights_only(arm, slope):
    run = make_run(arm)
    model = build_network(run, make_splits())
    penalty(model, run.arm).backward()
    for layer in (model.conv1, model.conv2, model.head):
        torch.testing.assert_close(layer.weight.grad, slope(layer.weight.detach()))
        assert layer.bias.grad is None
    assert model.norm1.weight.grad is None


def test_the_argmax_loss_is_the_squared_difference_of_class_numbers():
    logits = torch.tensor([[0.0, 2.0, 1.0], [5.0, 0.0, 0.0]])
    assert float(argmax_loss(logits, torch.tensor([2, 2]))) == (1 + 4) / 2


def test_a_network_trained_on_the_argmax_loss_logs_its_cross_entropy_and_is_audited():
    plain, _ = quiet(make_run("bn"))
    wrong, _ = quiet(make_run("bn+l1:0.0001+loss:argmax"))
    assert wrong.status == "finished"
    assert wrong.last.train_loss > plain.last.train_loss
    assert "norm1.weight" in wrong.audit.zero_gradient
    assert "conv1.weight" not in wrong.audit.zero_gradient


def test_an_l1_penalty_shrinks_the_weights_and_is_left_out_of_the_logged_loss():
    plain, a = quiet(make_run("bn"))
    punished, b = quiet(make_run("bn+l1:0.05"))
    assert b.conv2.weight.abs().sum() < a.conv2.weight.abs().sum()
    assert abs(punished.epochs[0].train_loss - plain.epochs[0].train_loss) < 1.0  # the penalty itself is about 5


def test_the_logged_figures_are_the_cross_entropy_and_accuracy_of_what_the_network_saw():
    recipe = replace(RECIPE, epochs=1, dropout=0.0, label_smoothing=0.2, learning_rate=1e-9, weight_decay=0.0)
    run, splits = make_run("gn:4", recipe=recipe), make_splits()
    record, model = quiet(run, splits)
    order = torch.randperm(64, generator=generator(0, "order", 0))
    with torch.no_grad():
        logits = model(torch.cat(list(model.seen)))
    labels = splits.train.labels[order]
    assert record.last.train_loss == pytest.approx(float(nn.functional.cross_entropy(logits, labels)), rel=1e-5)
    assert record.last.train_accuracy == pytest.approx(float((logits.argmax(1) == labels).float().mean()))


def test_a_loss_that_is_not_finite_ends_the_run_as_diverged():
    class Bad(Net):
        def forward(self, x):
            scale = torch.inf if self.training and len(self.seen) > 5 else 1.0
            return super().forward(x) * scale

    record, _ = quiet(make_run(factory=Bad, recipe=replace(RECIPE, epochs=5)))
    assert record.status == "diverged"
    assert len(record.epochs) == 2
    assert record.last.train_loss is None
    assert "epoch 2" in record.reason


def test_a_network_that_learns_nothing_is_recorded_as_at_chance():
    record, _ = quiet(make_run(recipe=replace(RECIPE, epochs=4, learning_rate=1e-12)))
    assert record.status == "finished"
    assert record.warnings[0].startswith("ended at chance: training accuracy ")
    learned, _ = quiet(make_run(recipe=replace(RECIPE, epochs=24, learning_rate=0.1, dropout=0.0)))
    assert learned.warnings == []


def test_chance_is_the_share_of_the_commonest_class_and_three_deviations():
    labels = torch.tensor([0] * 900 + [1] * 100)
    bound = 0.9 + 3 * math.sqrt(0.9 * 0.1 / 1000)
    assert at_chance(bound - 1e-6, labels)
    assert not at_chance(bound + 1e-6, labels)


def test_a_run_is_at_chance_by_its_last_epoch_on_training_and_test_images():
    labels = [0, 1] * 500
    row = quiet(make_run())[0].epochs[0]

    def warned(train, test, *before):
        last = replace(row, train_accuracy=train, test_accuracy=test)
        return bool(end_warnings([*before, last], labels))

    learned = replace(row, train_accuracy=0.9, test_accuracy=0.9)
    assert warned(0.5, 0.5)
    assert warned(0.5, 0.5, learned)  # it broke down
    assert not warned(0.9, 0.9, replace(row, train_accuracy=0.5, test_accuracy=0.5))  # it came late
    assert not warned(0.9, 0.5)  # its evaluation failed, not its training
    assert not warned(0.5, 0.9)
    assert end_warnings([replace(row, train_loss=None)], labels) == []
    assert end_warnings([], labels) == []


def test_a_factory_that_ignores_its_norm_fails_the_run():
    def three_times_batch_norm(norm, num_classes, in_channels, *, dropout=0.0):
        return Net(nn.BatchNorm2d, num_classes, in_channels, dropout=dropout)

    record, _ = quiet(make_run("gn:4", factory=three_times_batch_norm))
    assert record.status == "failed"
    assert "BatchNorm2d" in record.reason
    assert "norm1" in record.reason


def test_norm_layers_that_change_in_training_fail_the_run():
    class Turncoat(Net):
        def forward(self, x):
            out = super().forward(x)
            if self.training and len(self.seen) == 5:
                self.norm2 = nn.Identity()
            return out

    record, _ = quiet(make_run("ln", factory=Turncoat))
    assert record.status == "failed"
    assert "changed in training" in record.reason


def test_the_audit_counts_layers_and_parameters():
    record, model = quiet(make_run("gn:4"))
    assert record.audit.norm_layers == {"GroupNorm(4 groups)": 2}
    assert record.audit.params == sum(p.numel() for p in model.parameters())
    assert record.audit.norm_params == 2 * (8 + 8)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_every_norm_trains_in_both_precisions(norm, precision):
    record, _ = quiet(make_run(norm, precision=precision))
    assert record.status == "finished"
    assert len(record.test_predictions) == len(record.test_confidences) == 32
    assert record.environment["precision"] == precision


def test_without_a_validation_split_rows_have_none_and_show_the_test_split():
    splits = make_splits()
    record, _ = quiet(make_run(val=0), replace(splits, val=splits.val.subset(torch.arange(0))))
    assert record.last.val_accuracy is None
    assert f"{record.last.test_accuracy:.2%}" in format_row(record.last)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_run_from_its_checkpoint_ends_as_an_undisturbed_one(tmp_path, optimizer):
    recipe = replace(RECIPE, epochs=4, optimizer=optimizer, learning_rate=0.01)
    whole, whole_model = quiet(make_run(recipe=recipe))
    path = tmp_path / "run.safetensors"

    class StopError(BaseException):
        pass

    def stop_after_two(event):
        if isinstance(event, EpochDone) and event.row.epoch == 2:
            raise StopError

    with pytest.raises(StopError):
        train_run(make_run(recipe=recipe), make_splits(), path, stop_after_two)
    resumed, model = quiet(make_run(recipe=recipe), checkpoint=path)
    assert [replace(r, seconds=0) for r in resumed.epochs] == [replace(r, seconds=0) for r in whole.epochs]
    assert resumed.test_confidences == whole.test_confidences
    assert resumed.audit == whole.audit
    for a, b in zip(model.state_dict().values(), whole_model.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def unpenalized(norm, **changes):
    recipe = replace(RECIPE, dropout=0.0, weight_decay=0.0, batch_size=32, **changes)
    return quiet(make_run(norm, recipe=recipe))


@pytest.mark.parametrize("norm", [norm for norm in NORMS if norm != "bn"])
@pytest.mark.parametrize("penalized", ["", "+l2:0.01"])
def test_steps_over_several_forward_passes_are_steps_over_one_for_norms_of_single_images(norm, penalized):
    whole, a = unpenalized(norm + penalized)
    parts, b = unpenalized(norm + penalized, device_batch_size=8)
    for name, p in a.named_parameters():
        torch.testing.assert_close(dict(b.named_parameters())[name], p, rtol=1e-4, atol=1e-5)
    assert [len(images) for images in b.seen] == [8] * 16
    torch.testing.assert_close(torch.cat(b.seen), torch.cat(a.seen))
    assert parts.last.train_loss == pytest.approx(whole.last.train_loss, rel=1e-4)


def test_batch_norm_sees_one_forward_pass_at_a_time():
    _, whole = unpenalized("bn")
    _, parts = unpenalized("bn", device_batch_size=8)
    assert whole.norm1.num_batches_tracked == 4
    assert parts.norm1.num_batches_tracked == 16
    assert not torch.allclose(whole.conv1.weight, parts.conv1.weight, rtol=1e-3)


def test_images_that_fill_no_whole_step_are_left_out_also_where_they_fill_forward_passes():
    _, model = quiet(make_run("gn:4", recipe=replace(RECIPE, batch_size=24, device_batch_size=8)))  # of 64 images
    assert [len(images) for images in model.seen] == [8] * 12


def test_an_arms_learning_rate_stands_in_for_the_recipes():
    own, a = quiet(make_run("bn+lr:0.02"))
    shared, b = quiet(make_run("bn", recipe=replace(RECIPE, learning_rate=0.02)))
    assert [row.learning_rate for row in own.epochs] == [row.learning_rate for row in shared.epochs]
    torch.testing.assert_close(a.conv1.weight, b.conv1.weight, rtol=0, atol=0)
    assert own.spec["recipe"]["learning_rate"] == RECIPE.learning_rate  # what all arms share


def heard(path, **options):
    """Train a run, and return its record and what it told, every event of it about that run."""
    told = []
    record, _ = train_run(make_run("gn:4", seed=3), make_splits(), path, told.append, **options)
    assert {(event.arm, event.seed) for event in told} == {("gn:4", 3)}
    return record, told


def test_a_run_tells_every_step_and_epoch_and_the_weights_that_it_wrote(tmp_path):
    path = tmp_path / "run.safetensors"
    record, told = heard(path)
    of_an_epoch = [StepDone] * 4 + [WeightsWritten, EpochDone]
    assert [type(event) for event in told] == of_an_epoch * 2
    assert [event.step for event in told if isinstance(event, StepDone)] == [1, 2, 3, 4] * 2
    assert [event.row for event in told if isinstance(event, EpochDone)] == record.epochs
    assert [(event.num_epochs, event.path) for event in told if isinstance(event, WeightsWritten)] == [
        (1, path), (2, path),
    ]  # fmt: skip


def test_weights_are_written_before_the_first_epoch_where_they_are_wanted_and_told_again_on_going_on(tmp_path):
    path = tmp_path / "run.safetensors"
    first, told = heard(path, weights_first=True)
    assert isinstance(told[0], WeightsWritten)
    assert [event.num_epochs for event in told if isinstance(event, WeightsWritten)] == [0, 1, 2]
    again, told = heard(path, weights_first=True)
    assert [(type(event), event.num_epochs) for event in told] == [(WeightsWritten, 2)]
    assert (again.test_confidences, again.epochs) == (first.test_confidences, first.epochs)


def test_a_run_without_a_folder_tells_of_no_weights():
    _, told = heard(None, weights_first=True)
    assert not any(isinstance(event, WeightsWritten) for event in told)
