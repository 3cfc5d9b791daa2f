"""Learning rate and momentum as functions of the step."""

import math
from typing import NamedTuple

from whichnorm.specs.recipe import Recipe, Schedule


class Rates(NamedTuple):
    learning_rate: float
    momentum: float


def rates(recipe: Recipe, step: int, steps_per_epoch: int) -> Rates:
    """Return the learning rate and momentum of a step, counted from 0."""
    schedule, peak = recipe.schedule, recipe.learning_rate
    num_steps, epoch = recipe.epochs * steps_per_epoch, step // steps_per_epoch
    if schedule.kind == "step":
        return Rates(peak * schedule.step_factor ** (epoch // schedule.step_epochs), recipe.momentum)
    if schedule.kind == "warmup_linear":
        return Rates(peak * _warmup_linear(schedule, step, num_steps), recipe.momentum)
    if schedule.kind == "one_cycle":
        return _one_cycle(recipe, step, num_steps)
    if schedule.kind == "triangle":
        return _triangle(recipe, epoch)
    return Rates(peak, recipe.momentum)


def _warmup_linear(schedule: Schedule, step: int, num_steps: int) -> float:
    """Rise in a line to 1 and fall in a line towards 0; above 0 at every step, so that the first step moves weights."""
    warmup = max(1, round(schedule.warmup_fraction * num_steps))
    if step < warmup:
        return (step + 1) / warmup
    return (num_steps - step) / (num_steps - warmup + 1)


def _one_cycle(recipe: Recipe, step: int, num_steps: int) -> Rates:
    """Smith and Topin, "Super-Convergence", 2017, with cosine halves and PyTorch's defaults: from a 25th of the peak
    to the peak, then to a 10,000th of the start; momentum mirrored between the recipe's and `low_momentum`."""
    schedule, peak = recipe.schedule, recipe.learning_rate
    rise_end, last = schedule.warmup_fraction * num_steps - 1, num_steps - 1
    start, end = peak / 25, peak / 25 / 1e4
    if step <= rise_end and rise_end > 0:
        share = step / rise_end
        return Rates(_cosine(start, peak, share), _cosine(recipe.momentum, schedule.low_momentum, share))
    share = (step - rise_end) / (last - rise_end) if last > rise_end else 1.0
    return Rates(_cosine(peak, end, share), _cosine(schedule.low_momentum, recipe.momentum, share))


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


def _triangle(recipe: Recipe, epoch: int) -> Rates:
    """WyNet's schedule, constant within an epoch: a line up to the peak epoch, a line down to the epoch after the
    last, and the momentum mirrored. In shorter runs the peak comes at the same share of the epochs."""
    schedule = recipe.schedule
    rise = max(1.0, (schedule.peak_epoch - 1) * recipe.epochs / 20)
    if epoch <= rise:
        share, far = epoch / rise, schedule.start_learning_rate
    else:
        share, far = (recipe.epochs - epoch) / (recipe.epochs - rise), schedule.final_learning_rate
    learning_rate = far + (recipe.learning_rate - far) * share
    return Rates(learning_rate, recipe.momentum + (schedule.low_momentum - recipe.momentum) * share)
