"""The plan of a study, checked before any training."""

import time
from dataclasses import dataclass, replace

import torch
from torch import nn

from whichnorm.data.augment import augment, draw
from whichnorm.data.batches import check_batch_size
from whichnorm.data.splits import Splits
from whichnorm.errors import ModelError, WhichnormError, in_a_line
from whichnorm.specs.arm import ArmSpec
from whichnorm.specs.study import RunSpec, StudySpec
from whichnorm.training import audit
from whichnorm.training.evaluate import BATCH, evaluate
from whichnorm.training.machine import synchronize
from whichnorm.training.network import build_network
from whichnorm.training.randomness import generator
from whichnorm.training.step import add_gradients


@dataclass(frozen=True, kw_only=True)
class PlannedArm:
    """What is known of an arm before training: its size, its norm layers, and the measured time of its steps."""

    arm: ArmSpec
    params: int
    norm_params: int
    norm_layers: dict[str, int]
    initial_weights: str
    step_seconds: float  # of one training step
    image_seconds: float  # of evaluating one image


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A study that can be run: every arm was built, checked and timed for a few steps on a throw-away copy."""

    study: StudySpec
    arms: tuple[PlannedArm, ...]
    steps_per_epoch: int
    num_eval_images: int  # per epoch

    def run_seconds(self, arm: PlannedArm) -> float:
        """Estimate the wall-clock seconds of one run of an arm."""
        epoch = self.steps_per_epoch * arm.step_seconds + self.num_eval_images * arm.image_seconds
        return self.study.recipe.epochs * epoch

    @property
    def seconds(self) -> float:
        """Estimate the wall-clock seconds of the whole study."""
        return len(self.study.seeds) * sum(self.run_seconds(arm) for arm in self.arms)


def plan_study(study: StudySpec, splits: Splits, max_params: int | None = None) -> Plan:
    """Build and check every arm before anything is trained, and time a few steps of each.

    Refused are too few images for a batch, norms that do not fit the network, networks over max_params, arms that
    differ outside their norm layers, and parameters that the loss does not reach.
    """
    check_batch_size(len(splits.train), study.recipe.batch_size)
    first_seed = replace(study, seeds=study.seeds[:1]).runs()
    arms = tuple(_plan_arm(run, splits, max_params) for run in first_seed)
    normed = [arm for arm in arms if arm.norm_layers]
    for arm in normed[1:]:
        if sum(arm.norm_layers.values()) != sum(normed[0].norm_layers.values()):
            raise ModelError(
                f"arms {normed[0].arm} and {arm.arm} have {sum(normed[0].norm_layers.values())} and "
                f"{sum(arm.norm_layers.values())} norm layers; the factory must place the same number for every norm"
            )
    for arm in arms[1:]:
        if arm.initial_weights != arms[0].initial_weights:
            raise ModelError(
                f"arms {arms[0].arm} and {arm.arm} differ outside their norm layers "
                f"({arms[0].params - arms[0].norm_params:,} and {arm.params - arm.norm_params:,} parameters there, or "
                "other initial values); the factory must build the same network for every norm"
            )
    return Plan(
        study=study,
        arms=arms,
        steps_per_epoch=len(splits.train) // study.recipe.batch_size,
        num_eval_images=len(splits.val) + len(splits.test),
    )


def _plan_arm(run: RunSpec, splits: Splits, max_params: int | None) -> PlannedArm:
    model = build_network(run, splits)
    params = audit.count_params(model)
    if max_params is not None and params > max_params:
        raise ModelError(
            f"{run.model.name} with {run.arm} has {params:,} parameters, {params - max_params:,} over "
            f"--max-params {max_params:,}; choose a smaller network or raise the limit"
        )
    norm_layers = audit.check_norm_layers(model, run.arm.norm)
    digest = audit.shared_weights_digest(model)
    try:
        with audit.calls_of_norm_layers(model) as calls:
            step_seconds = _time_steps(run, splits, model)
            audit.check_called(calls, run.arm.norm, "training")
    except WhichnormError:
        raise
    except Exception as error:  # anything that a network of the user's own raises
        raise ModelError(
            f"{run.model.name} with {run.arm} fails in a training step on {run.recipe.images_per_forward} images of "
            f"{'x'.join(map(str, splits.image_shape))}: {in_a_line(error, limit=300)}"
        ) from error
    audit.check_gradients(model)
    image_seconds = _time_evaluation(run, splits, model)
    return PlannedArm(
        arm=run.arm,
        params=params,
        norm_params=audit.count_norm_params(model),
        norm_layers=norm_layers,
        initial_weights=digest,
        step_seconds=step_seconds,
        image_seconds=image_seconds,
    )


def _time_steps(run: RunSpec, splits: Splits, model: nn.Module, num_steps: int = 3) -> float:
    """Return the least time of a step's forward and backward passes on real images; gradients are left on the model.

    They are those of the cross-entropy alone: a penalty would reach also weights that the loss misses.
    """
    run = replace(run, arm=replace(run.arm, l1=0.0, l2=0.0))
    size, seconds = run.recipe.images_per_forward, []
    pixels, labels = splits.train.images[:size], splits.train.labels[:size]
    draws = draw(run.recipe.augmentation, size, splits.image_shape, generator(run.seed, "augmentation"))
    draws = draws.to(run.machine.device)
    for _ in range(num_steps):
        model.zero_grad()
        started = time.perf_counter()
        images = augment(pixels, draws, run.recipe.augmentation, splits.mean, splits.std)
        add_gradients(model, images, labels, run)
        synchronize(run.machine)
        seconds.append(time.perf_counter() - started)
    return min(seconds) * run.recipe.accumulation


def _time_evaluation(run: RunSpec, splits: Splits, model: nn.Module) -> float:
    """Return the least time of evaluating one test image, and check that evaluation comes to every norm layer."""
    part = splits.test.subset(torch.arange(min(BATCH, len(splits.test)), device=splits.test.labels.device))
    seconds = []
    with audit.calls_of_norm_layers(model) as calls:
        for _ in range(2):  # the first warms up
            synchronize(run.machine)
            started = time.perf_counter()
            evaluate(model, part, splits.mean, splits.std, run.machine).loss.item()
            seconds.append(time.perf_counter() - started)
        audit.check_called(calls, run.arm.norm, "evaluation")
    return min(seconds) / len(part)
