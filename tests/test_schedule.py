"""Learning rate and momentum against torch's schedulers, published numbers and the shape each schedule promises."""

import math
from itertools import pairwise

import pytest
import torch

from whichnorm.specs.recipe import Recipe, Schedule
from whichnorm.specs.recipes import RECIPES
from whichnorm.training.schedule import Rates, rates

KINDS = ["constant", "warmup_linear", "step", "one_cycle", "triangle"]
WYNET_LEARNING_RATES = [
    0.01, 0.028, 0.046, 0.064, 0.082, 0.1, 0.093367, 0.086733, 0.0801, 0.073467, 0.066833, 0.0602, 0.053567, 0.046933,
    0.0403, 0.033667, 0.027033, 0.0204, 0.013767, 0.007133,
]  # fmt: skip
LENGTHS = [(1, 5), (1, 13), (2, 7), (3, 5), (5, 1), (20, 7), (4, 25)]  # epochs, steps per epoch


def whole_run(recipe, steps_per_epoch):
    return [rates(recipe, step, steps_per_epoch) for step in range(recipe.epochs * steps_per_epoch)]


def torch_run(recipe, num_steps, scheduler_of, per_step=True, steps_per_epoch=1):
    """Return what torch's scheduler sets at every step."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=recipe.learning_rate, momentum=recipe.momentum)
    scheduler = scheduler_of(optimizer)
    seen = []
    for step in range(num_steps):
        group = optimizer.param_groups[0]
        seen.append(Rates(float(group["lr"]), float(group["momentum"])))
        optimizer.step()
        if step < num_steps - 1 and (per_step or (step + 1) % steps_per_epoch == 0):
            scheduler.step()
    return seen


def assert_same(got, want):
    assert len(got) == len(want) > 0
    for mine, theirs in zip(got, want, strict=True):
        assert mine.learning_rate == pytest.approx(theirs.learning_rate, rel=1e-9, abs=1e-15)
        assert mine.momentum == pytest.approx(theirs.momentum, rel=1e-9)


@pytest.mark.parametrize(("epochs", "steps_per_epoch"), LENGTHS)
@pytest.mark.parametrize("warmup_fraction", [0.3, 0.25, 0.45])
@pytest.mark.parametrize(("momentum", "low_momentum"), [(0.95, 0.85), (0.9, 0.8)])
def test_one_cycle_is_torchs(epochs, steps_per_epoch, warmup_fraction, momentum, low_momentum):
    recipe = Recipe(
        epochs=epochs,
        learning_rate=0.3,
        momentum=momentum,
        schedule=Schedule(kind="one_cycle", warmup_fraction=warmup_fraction, low_momentum=low_momentum),
    )
    num_steps = epochs * steps_per_epoch

    def scheduler_of(optimizer):
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=recipe.learning_rate, total_steps=num_steps, pct_start=warmup_fraction,
            anneal_strategy="cos", base_momentum=low_momentum, max_momentum=momentum, three_phase=False,
        )  # fmt: skip

    assert_same(whole_run(recipe, steps_per_epoch), torch_run(recipe, num_steps, scheduler_of))


@pytest.mark.parametrize(("epochs", "steps_per_epoch"), LENGTHS)
@pytest.mark.parametrize(("step_epochs", "step_factor"), [(8, 0.1), (10, 0.1), (1, 0.5), (3, 0.7)])
def test_step_is_torchs(epochs, steps_per_epoch, step_epochs, step_factor):
    recipe = Recipe(
        epochs=epochs,
        learning_rate=0.01,
        schedule=Schedule(kind="step", step_epochs=step_epochs, step_factor=step_factor),
    )

    def scheduler_of(optimizer):
        return torch.optim.lr_scheduler.StepLR(optimizer, step_size=step_epochs, gamma=step_factor)

    want = torch_run(recipe, epochs * steps_per_epoch, scheduler_of, per_step=False, steps_per_epoch=steps_per_epoch)
    assert_same(whole_run(recipe, steps_per_epoch), want)


@pytest.mark.parametrize("steps_per_epoch", [1, 3, 782])
def test_triangle_gives_wynets_published_learning_rates(steps_per_epoch):
    recipe = RECIPES["wynet"]
    for epoch, published in enumerate(WYNET_LEARNING_RATES):
        first = rates(recipe, epoch * steps_per_epoch, steps_per_epoch)
        last = rates(recipe, (epoch + 1) * steps_per_epoch - 1, steps_per_epoch)
        assert first == last
        assert first.learning_rate == pytest.approx(published, abs=5e-7)


def test_triangle_moves_the_momentum_down_to_the_peak_and_back():
    momentum = [rates(RECIPES["wynet"], epoch, 1).momentum for epoch in range(20)]
    assert momentum[0] == pytest.approx(0.9)
    assert momentum[5] == pytest.approx(0.8)
    rise, fall = momentum[:6], momentum[5:]
    assert [b - a for a, b in pairwise(rise)] == pytest.approx([-0.1 / 5] * 5)
    assert [b - a for a, b in pairwise(fall)] == pytest.approx([0.1 / 15] * 14)


def test_triangle_has_its_peak_at_the_same_share_of_shorter_and_longer_runs():
    recipe = RECIPES["wynet"]
    for epochs, peak_epoch in [(4, 1), (8, 2), (40, 10), (100, 25)]:
        run = whole_run(recipe.changed(epochs=epochs), 1)
        assert run[peak_epoch].learning_rate == pytest.approx(0.1)
        assert max(run) == run[peak_epoch]


def test_triangle_keeps_rising_where_the_peak_lies_at_the_end():
    recipe = Recipe(epochs=20, learning_rate=0.1, schedule=Schedule(kind="triangle", peak_epoch=20))
    run = [now.learning_rate for now in whole_run(recipe, 1)]
    assert run == sorted(run)
    assert run[-1] == pytest.approx(0.1)


@pytest.mark.parametrize(("epochs", "steps_per_epoch"), [*LENGTHS, (1, 100), (30, 391)])
@pytest.mark.parametrize("warmup_fraction", [0.0, 0.1, 0.25, 0.5, 1.0])
def test_warmup_linear_rises_in_a_line_to_the_peak_and_falls_in_a_line_to_the_end(
    epochs, steps_per_epoch, warmup_fraction
):
    recipe = Recipe(epochs=epochs, learning_rate=0.2, schedule=Schedule(warmup_fraction=warmup_fraction))
    run = [now.learning_rate for now in whole_run(recipe, steps_per_epoch)]
    num_steps = len(run)
    peak = max(1, round(warmup_fraction * num_steps)) - 1
    assert run[peak] == max(run) == pytest.approx(0.2)
    rise = [b - a for a, b in zip([0.0, *run[:peak]], run[: peak + 1], strict=True)]
    assert rise == pytest.approx([0.2 / (peak + 1)] * (peak + 1))
    fall = [a - b for a, b in zip(run[peak:], [*run[peak + 1 :], 0.0], strict=True)]
    assert fall == pytest.approx([0.2 / (num_steps - peak)] * (num_steps - peak))


def test_warmup_linear_of_ten_steps_is_this():
    recipe = Recipe(epochs=2, learning_rate=1.0, schedule=Schedule(warmup_fraction=0.4))
    run = [now.learning_rate for now in whole_run(recipe, 5)]
    assert run == pytest.approx([1 / 4, 2 / 4, 3 / 4, 1, 6 / 7, 5 / 7, 4 / 7, 3 / 7, 2 / 7, 1 / 7])


@pytest.mark.parametrize("kind", ["constant", "warmup_linear", "step"])
def test_schedules_without_a_momentum_of_their_own_leave_it_to_the_recipe(kind):
    recipe = Recipe(epochs=12, momentum=0.7, schedule=Schedule(kind=kind, low_momentum=0.1))
    assert {now.momentum for now in whole_run(recipe, 3)} == {0.7}


def test_constant_is_constant():
    recipe = Recipe(epochs=12, learning_rate=0.03, schedule=Schedule(kind="constant"))
    assert set(whole_run(recipe, 3)) == {Rates(0.03, recipe.momentum)}


@pytest.mark.parametrize(("epochs", "steps_per_epoch"), [(1, 1), (1, 2), (2, 1), (1, 4), (3, 1), (1, 50), (50, 1)])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("warmup_fraction", [0.0, 0.25, 1.0])
def test_every_step_of_the_shortest_runs_has_a_positive_rate_up_to_the_peak(
    kind, epochs, steps_per_epoch, warmup_fraction
):
    schedule = Schedule(kind=kind, warmup_fraction=warmup_fraction, low_momentum=0.8)
    recipe = Recipe(epochs=epochs, learning_rate=0.1, momentum=0.9, schedule=schedule)
    for learning_rate, momentum in whole_run(recipe, steps_per_epoch):
        assert math.isfinite(learning_rate)
        assert 0 < learning_rate <= 0.1 * (1 + 1e-12)
        assert 0.8 - 1e-12 <= momentum <= 0.9 + 1e-12


@pytest.mark.parametrize("name", RECIPES)
def test_the_rates_of_every_named_recipe_are_positive_and_reach_the_recipes_learning_rate(name):
    recipe = RECIPES[name]
    run = [now.learning_rate for now in whole_run(recipe, 11)]
    assert min(run) > 0
    assert max(run) == pytest.approx(recipe.learning_rate)
