import pytest
import torch

from whichnorm.data.batches import batches, check_batch_size
from whichnorm.data.dataset import ImageSet
from whichnorm.errors import SpecError


def numbered(count: int) -> ImageSet:
    """Images whose pixels and labels are their number."""
    numbers = torch.arange(count)
    return ImageSet(numbers.to(torch.uint8)[:, None, None, None].expand(-1, 3, 4, 5).contiguous(), numbers)


def test_without_an_order_every_image_comes_once_in_stored_order():
    parts = list(batches(numbered(7), 3, None))
    assert [labels.tolist() for _, labels in parts] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [tuple(images.shape) for images, _ in parts] == [(3, 3, 4, 5), (3, 3, 4, 5), (1, 3, 4, 5)]


def test_an_order_is_followed_and_its_incomplete_batch_dropped():
    parts = list(batches(numbered(7), 3, torch.tensor([6, 0, 5, 1, 4, 2, 3])))
    assert [labels.tolist() for _, labels in parts] == [[6, 0, 5], [1, 4, 2]]


@pytest.mark.parametrize("order", [None, torch.tensor([3, 1, 0, 2])])
def test_images_stay_with_their_labels_and_types(order):
    for images, labels in batches(numbered(4), 2, order):
        assert images.dtype == torch.uint8
        assert labels.dtype == torch.int64
        assert torch.equal(images[:, 0, 0, 0].long(), labels)


def test_a_set_that_fills_its_batches_loses_nothing():
    assert sum(len(labels) for _, labels in batches(numbered(6), 3, torch.arange(6))) == 6


def test_no_images_give_no_batches():
    assert list(batches(numbered(0), 3, None)) == []


def test_the_stored_set_is_not_permuted():
    images = numbered(4)
    list(batches(images, 2, torch.tensor([3, 2, 1, 0])))
    assert images.labels.tolist() == [0, 1, 2, 3]


def test_a_batch_larger_than_the_set_is_refused_with_both_numbers_and_the_remedy():
    check_batch_size(8, 8)
    with pytest.raises(SpecError, match=r"batch size 9 .* 8 training images.*--batch-size 8 or less$"):
        check_batch_size(8, 9)
