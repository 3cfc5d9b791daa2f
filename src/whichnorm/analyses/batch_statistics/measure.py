"""BatchNorm's statistics: what its accuracy is with running, precise and batch statistics, and how far these are apart.

What precise statistics gain over running ones is what poor running statistics cost; the rest of a loss at small batches
was lost in training. Wu and Johnson, "Rethinking 'Batch' in BatchNorm", 2021.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from whichnorm.analyses.analysis import NoOptions
from whichnorm.analyses.asking import Question, Trained
from whichnorm.analyses.network import Subject, batch_norm_layers, on_batch_statistics, wrapped_batches
from whichnorm.data.dataset import ImageSet
from whichnorm.errors import ModelError
from whichnorm.modes import evaluating
from whichnorm.specs.checked import Checked
from whichnorm.specs.value_types import Count, Fraction, Magnitude

LARGE_BATCH = 1000  # images per pass for precise statistics
MAX_POSITIONS = 2**20  # fewer images where they are large: activations of a whole batch have to fit in memory


@dataclass(frozen=True, kw_only=True)
class LayerGap(Checked):
    """How far one layer's statistics are from its running ones, as a root mean square over channels (and batches).

    Means are in running standard deviations, variances natural logarithms of a ratio. Variances are unbiased, as
    running ones are, and the layer's eps is added, as the layer does.
    """

    path: str
    batch_mean: Magnitude | None  # of training batches' size; None at a batch of one
    batch_log_var: Magnitude | None
    precise_mean: Magnitude
    precise_log_var: Magnitude


@dataclass(frozen=True, kw_only=True)
class StatisticsScores(Checked):
    """Test accuracy of one network with three kinds of statistics, and the gap of every BatchNorm layer."""

    batch_size: Count | None  # of the batch statistics; None at a batch of one
    num_train_images: Count  # behind the precise statistics
    num_test_images: Count
    running_accuracy: Fraction
    precise_accuracy: Fraction
    batch_accuracy: Fraction | None
    layers: tuple[LayerGap, ...]


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and unbiased variance (C,) of a layer's input in one batch, in float64, and the values per channel."""

    mean: Tensor
    var: Tensor
    count: int


def batch_statistics(subject: Subject, train: Tensor, test: ImageSet, batch_size: int) -> StatisticsScores | None:
    """Score a network with its three kinds of statistics; None for one without BatchNorm.

    train are uint8 images (N, C, H, W) as they are, without augmentation. Batch statistics are those of test images in
    a fixed random order, because a split may be sorted by class; the last batch is filled up with images that were
    scored before. batch_size is that of training; a test split with fewer images is one batch.
    """
    layers = batch_norm_layers(subject.network)
    if not layers:
        return None
    size = min(batch_size, len(test))
    accuracy, of_batches = _batch_accuracy(subject, test, size) if size > 1 else (None, {})
    precise = precise_statistics(subject, train, size)
    with _replaced(subject, precise):
        precise_accuracy = _accuracy(subject.logits_in_parts(test.images), test.labels)
    return StatisticsScores(
        batch_size=size if size > 1 else None,
        num_train_images=len(train),
        num_test_images=len(test),
        running_accuracy=_accuracy(subject.logits_in_parts(test.images), test.labels),
        precise_accuracy=precise_accuracy,
        batch_accuracy=accuracy,
        layers=tuple(_gap(path, layers[path], of_batches.get(path, []), found) for path, found in precise.items()),
    )


def precise_statistics(subject: Subject, images: Tensor, batch_size: int = 2) -> dict[str, Moments]:
    """Return the statistics of the input of every BatchNorm layer that is called over all images, by its path.

    The images pass in large batches of nearly one size, in a fixed random order, each normalized by its own statistics
    as in training; the batches' moments are pooled by the law of total variance.
    """
    most = MAX_POSITIONS // images.shape[2:].numel()
    num_batches = math.ceil(len(images) / max(batch_size, min(LARGE_BATCH, most)))
    order = _fixed_order(len(images))
    with _listening(subject) as heard:
        for places in order.tensor_split(num_batches):
            subject.logits(images[places])
    return {path: pooled(batches) for path, batches in heard.items() if batches}


def pooled(batches: list[Moments]) -> Moments:
    """Pool the moments of batches: the variance is the mean within batches plus the variance of their means."""
    counts = torch.tensor([float(b.count) for b in batches], dtype=torch.float64)[:, None]
    means = torch.stack([b.mean for b in batches])  # (num_batches, C)
    variances = torch.stack([b.var for b in batches])
    total = counts.sum()
    mean = (counts * means).sum(0) / total
    squares = (counts - 1) * variances + counts * (means - mean).square()
    return Moments(mean, squares.sum(0) / (total - 1), int(total))


def _batch_accuracy(subject: Subject, test: ImageSet, batch_size: int) -> tuple[float, dict[str, list[Moments]]]:
    """Return the accuracy with batch statistics, and the moments of every layer's input in every batch."""
    right = 0
    with _listening(subject) as heard:
        for places, num_new in wrapped_batches(_fixed_order(len(test)), batch_size):
            predictions = subject.logits(test.images[places]).argmax(1)
            right += int((predictions == test.labels[places])[:num_new].sum())
    return right / len(test), heard


def _gap(path: str, layer: _BatchNorm, batches: list[Moments], precise: Moments) -> LayerGap:
    batch_mean, batch_log_var = _distances(path, layer, batches) if batches else (None, None)
    precise_mean, precise_log_var = _distances(path, layer, [precise])
    return LayerGap(
        path=path,
        batch_mean=batch_mean,
        batch_log_var=batch_log_var,
        precise_mean=precise_mean,
        precise_log_var=precise_log_var,
    )


def _distances(path: str, layer: _BatchNorm, found: list[Moments]) -> tuple[float, float]:
    """Return the root mean square distances of means and of log variances from the layer's running ones."""
    mean, var = (values.double() for values in running(layer))
    var = var + layer.eps
    means = torch.stack([(one.mean - mean) / var.sqrt() for one in found])
    log_vars = torch.stack([((one.var + layer.eps) / var).log() for one in found])
    distances = [float(values.square().mean().sqrt()) for values in (means, log_vars)]
    if not all(map(math.isfinite, distances)):
        raise ModelError(f"the statistics of layer {path!r} are not finite on the study's images")
    return distances[0], distances[1]


@contextmanager
def _listening(subject: Subject) -> Iterator[dict[str, list[Moments]]]:
    """Put the norm layers on batch statistics, and note those of every BatchNorm layer, one per call.

    With a momentum of 1 a layer leaves the batch's own statistics in its running ones, so they are not computed twice.
    """
    layers = batch_norm_layers(subject.network)
    heard: dict[str, list[Moments]] = {path: [] for path in layers}
    momenta = {path: layer.momentum for path, layer in layers.items()}

    def noting(path: str) -> Callable[..., None]:
        def hook(layer: _BatchNorm, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            mean, var = running(layer)
            heard[path].append(Moments(mean.double(), var.double(), inputs[0].numel() // len(mean)))

        return hook

    handles = [layer.register_forward_hook(noting(path)) for path, layer in layers.items()]
    try:
        with on_batch_statistics(subject.network):
            for layer in layers.values():
                layer.momentum = 1.0
            yield heard
    finally:
        for path, layer in layers.items():
            layer.momentum = momenta[path]
        for handle in handles:
            handle.remove()


def running(layer: _BatchNorm) -> tuple[Tensor, Tensor]:
    """Return the running mean and variance (C,) of one of `batch_norm_layers`."""
    assert layer.running_mean is not None
    assert layer.running_var is not None
    return layer.running_mean, layer.running_var


@contextmanager
def _replaced(subject: Subject, statistics: dict[str, Moments]) -> Iterator[None]:
    """Give the network these statistics in place of its running ones for a while."""
    with evaluating(subject.network):
        layers = batch_norm_layers(subject.network)
        for path, found in statistics.items():
            mean, var = running(layers[path])
            mean.copy_(found.mean)
            var.copy_(found.var)
        yield


def _accuracy(logits: Tensor, labels: Tensor) -> float:
    return float((logits.argmax(1) == labels).double().mean())


def _fixed_order(num_images: int) -> Tensor:
    return torch.randperm(num_images, generator=torch.Generator().manual_seed(0))


def _asked(trained: Trained) -> StatisticsScores | None:
    images = trained.splits_on_cpu
    return batch_statistics(
        trained.subject, images.train.images, images.test, trained.run.recipe.images_per_forward
    )  # fmt: skip


def question(options: NoOptions) -> Question[StatisticsScores]:
    return Question(name="batch-statistics", kind=StatisticsScores | None, ask=_asked, old_key="batch_statistics")
