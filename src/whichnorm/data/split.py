"""Stratified, deterministic parts of an image set, and its statistics per channel."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from whichnorm.data.dataset import ImageSet
from whichnorm.errors import DataError

SPLIT_SEED = 20130917  # the same for every run: the arms of a study must not differ in what they see
STATISTICS_CHUNK = 1024  # images squared at a time


def split_validation(train: ImageSet, fraction: float) -> tuple[ImageSet, ImageSet]:
    """Return the training images without a share of each class, and that share, both in their stored order.

    The split is the same whenever the labels are. Fraction 0 gives an empty second part; above 0 each part gets at
    least one image of every class.
    """
    if fraction == 0:
        return train, train.subset(torch.arange(0))
    counts = torch.bincount(train.labels).tolist()
    lone = [label for label, count in enumerate(counts) if count == 1]
    if lone:
        raise DataError(
            f"class number {lone[0]} (counted from 0) has 1 training image, expected 2 or more to keep a share of "
            f"{fraction:g} for validation; add images or use --val 0"
        )
    present = sum(count > 0 for count in counts)
    total = min(max(round(fraction * len(train)), present), len(train) - present)
    chosen = _draw(train.labels, _quotas(counts, total, limits=[max(count - 1, 0) for count in counts]))
    return train.subset((~chosen).nonzero()[:, 0]), train.subset(chosen.nonzero()[:, 0])


def stratified_subset(images: ImageSet, count: int, num_classes: int) -> ImageSet:
    """Return `count` images in their stored order, each class with its share by largest remainder, at least one."""
    if count > len(images):
        raise DataError(f"train limit {count} is above the {len(images)} training images; use {len(images)} or less")
    if count < num_classes:
        raise DataError(f"train limit {count} is below the {num_classes} classes; use {num_classes} or more")
    counts = torch.bincount(images.labels, minlength=num_classes).tolist()
    if 0 in counts:
        raise DataError(
            f"class number {counts.index(0)} (counted from 0) has no training image, expected 1 or more; "
            "a subset with every class needs images of it"
        )
    return images.subset(_draw(images.labels, _quotas(counts, count, limits=counts)).nonzero()[:, 0])


def channel_statistics(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel of images (N, C, H, W) uint8, on the scale 0 to 1.

    The sums are exact integers and the variance is the biased one. A constant channel has standard deviation 1.
    """
    N, C, H, W = images.shape
    size = N * H * W
    if size == 0:
        raise DataError(f"no pixels in images of shape {tuple(images.shape)}; statistics need at least one image")
    total, squares = [0] * C, [0] * C
    for chunk in images.split(STATISTICS_CHUNK):
        values = chunk.to(torch.int32)
        total = [a + b for a, b in zip(total, values.sum(dim=(0, 2, 3)).tolist(), strict=True)]
        squares = [a + b for a, b in zip(squares, values.square().sum(dim=(0, 2, 3)).tolist(), strict=True)]
    mean = tuple(s / size / 255 for s in total)
    std = tuple(math.sqrt(size * q - s * s) / size / 255 or 1.0 for s, q in zip(total, squares, strict=True))
    return mean, std


def _quotas(counts: Sequence[int], total: int, limits: Sequence[int]) -> list[int]:
    """Split total in proportion to counts by largest remainder; every class that is there gets 1 up to its limit.

    Integers throughout: count * total - quota * sum(counts) is how far a class is below its exact share.
    """
    size = sum(counts)
    quotas = [min(max(count * total // size, count > 0), limit) for count, limit in zip(counts, limits, strict=True)]
    below = [count * total - quota * size for count, quota in zip(counts, quotas, strict=True)]
    while (step := total - sum(quotas)) != 0:
        step = 1 if step > 0 else -1
        open_classes = [k for k, q in enumerate(quotas) if (q < limits[k] if step > 0 else q > 1)]
        k = max(open_classes, key=lambda k: step * below[k])
        quotas[k] += step
        below[k] -= step * size
    return quotas


def _draw(labels: Tensor, quotas: Sequence[int]) -> Tensor:
    """Return a mask (N,) with quotas[k] images of each class k chosen, by a generator of its own."""
    shuffled = torch.randperm(len(labels), generator=torch.Generator().manual_seed(SPLIT_SEED)).to(labels.device)
    mask = torch.zeros_like(labels, dtype=torch.bool)
    for label, quota in enumerate(quotas):
        mask[shuffled[labels[shuffled] == label][:quota]] = True
    return mask
