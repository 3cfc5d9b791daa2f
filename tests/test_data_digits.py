import torch
from sklearn import datasets

from whichnorm.data.digits import load_digits
from whichnorm.data.load import load_data
from whichnorm.specs.data import DataSpec


def test_every_digit_is_in_one_split_with_its_own_pixels():
    dataset = load_digits()
    ours = torch.cat([dataset.train.images, dataset.test.images])
    labels = torch.cat([dataset.train.labels, dataset.test.labels])
    published = datasets.load_digits()
    theirs = [(*row, label) for row, label in zip(published.data.astype(int).tolist(), published.target, strict=True)]
    levels = torch.round(ours.flatten(1).double() * 16 / 255).int().tolist()
    assert sorted((*row, label) for row, label in zip(levels, labels.tolist(), strict=True)) == sorted(theirs)


def test_the_grey_levels_use_the_full_scale():
    images = load_digits().train.images
    assert images.dtype == torch.uint8
    assert images.unique().tolist() == [round(level * 255 / 16) for level in range(17)]


def test_the_splits_are_stratified_and_always_the_same():
    first, second = load_data(DataSpec()), load_data(DataSpec())
    assert first.name == "digits"
    assert first.class_names == tuple("0123456789")
    assert first.image_shape == (1, 8, 8)
    assert (len(first.train), len(first.test)) == (1438, 359)
    shares = torch.bincount(first.test.labels) / torch.bincount(torch.cat([first.train.labels, first.test.labels]))
    assert (shares - 0.2).abs().max() < 0.005
    assert torch.equal(first.test.images, second.test.images)
    assert torch.equal(first.train.labels, second.train.labels)
