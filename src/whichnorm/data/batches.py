"""Iterate over the images of one split, on whichever device they are."""

from collections.abc import Iterator

from torch import Tensor

from whichnorm.data.dataset import ImageSet
from whichnorm.errors import SpecError


def batches(images: ImageSet, batch_size: int, order: Tensor | None) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield images (B, C, H, W) uint8 and their labels (B,) int64.

    With an order (N,) of indices, for training, the set is permuted once and an incomplete last batch is dropped:
    every step has the same shape, and BatchNorm never sees a batch of one. Without, for evaluation, the images come
    as they are stored and the last batch may be smaller.
    """
    if order is not None:
        images = images.subset(order.to(images.labels.device))
    end = len(images) if order is None else len(images) - len(images) % batch_size
    for start in range(0, end, batch_size):
        stop = min(start + batch_size, end)
        yield images.images[start:stop], images.labels[start:stop]


def check_batch_size(train_size: int, batch_size: int) -> None:
    """Raise SpecError unless train_size images fill at least one batch."""
    if train_size < batch_size:
        raise SpecError(
            f"batch size {batch_size} is larger than the {train_size} training images: an epoch would have no step; "
            f"use --batch-size {train_size} or less"
        )
