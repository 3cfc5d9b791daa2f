"""Whether an image's prediction depends on the other images of its batch; measured for every norm, not assumed."""

from dataclasses import dataclass

import torch
from torch import Tensor

from whichnorm.analyses.analysis import NoOptions
from whichnorm.analyses.asking import Question, Trained
from whichnorm.analyses.network import Subject, on_batch_statistics, wrapped_batches
from whichnorm.data.splits import evenly_spaced
from whichnorm.modes import evaluating
from whichnorm.specs.checked import Checked
from whichnorm.specs.value_types import Count, Fraction

NUM_IMAGES = 500
NUM_DRAWS = 8


@dataclass(frozen=True, kw_only=True)
class DependenceScores(Checked):
    """Fractions of images whose predicted class is not the same in all draws of the rest of their batch."""

    batch_size: Count
    num_images: Count
    num_draws: Count
    changed_in_batch_mode: Fraction | None  # norm layers in training mode; None at a batch of one, which has no rest
    changed_in_evaluation: Fraction  # above 0 only if the network leaks between images


def batch_dependence(subject: Subject, test: Tensor, batch_size: int) -> DependenceScores:
    """Predict test images (N, C, H, W) again and again beside others, in batches of the training's size.

    There are at most 500 images, or two batches if that is more, evenly spread over the split; each draw deals them
    into batches anew, and every arm sees the same. In evaluation a batch of one is replaced by one of two.
    """
    images = test[evenly_spaced(len(test), max(NUM_IMAGES, 2 * batch_size))]
    size = max(2, min(batch_size, len(images) // 2))
    with evaluating(subject.network):
        in_evaluation = _changed(subject, images, size)
    in_batch_mode = None
    if batch_size > 1:
        with on_batch_statistics(subject.network):
            in_batch_mode = _changed(subject, images, size)
    return DependenceScores(
        batch_size=size,
        num_images=len(images),
        num_draws=NUM_DRAWS,
        changed_in_batch_mode=in_batch_mode,
        changed_in_evaluation=in_evaluation,
    )


def _changed(subject: Subject, images: Tensor, batch_size: int) -> float:
    generator = torch.Generator().manual_seed(0)
    draws = [
        _predictions(subject, images, torch.randperm(len(images), generator=generator), batch_size)
        for _ in range(NUM_DRAWS)
    ]
    table = torch.stack(draws)  # (num_draws, N)
    return float((table != table[0]).any(0).double().mean())


def _predictions(subject: Subject, images: Tensor, order: Tensor, batch_size: int) -> Tensor:
    """Predict every image in the batch that an order deals it into."""
    found = torch.empty(len(images), dtype=torch.long)
    for places, num_new in wrapped_batches(order, batch_size):
        found[places[:num_new]] = subject.logits(images[places]).argmax(1)[:num_new]
    return found


def _asked(trained: Trained) -> DependenceScores:
    return batch_dependence(
        trained.subject, trained.splits_on_cpu.test.images, trained.run.recipe.images_per_forward
    )  # fmt: skip


def question(options: NoOptions) -> Question[DependenceScores]:
    return Question(name="batch-dependence", kind=DependenceScores, ask=_asked, old_key="companions")
