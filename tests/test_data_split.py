import pytest
import torch

from whichnorm.data.dataset import ImageSet
from whichnorm.data.load import DATA_NAMES, load_data
from whichnorm.data.split import channel_statistics, split_validation, stratified_subset
from whichnorm.errors import DataError, SpecError
from whichnorm.specs.data import DataSpec


def image_set(counts: list[int]) -> ImageSet:
    """Images of the classes 0, 1, ... in turns; the four pixels of each hold its number."""
    labels = torch.cat([torch.full((count,), label) for label, count in enumerate(counts)])
    labels = labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(1))]
    numbers = torch.arange(len(labels), dtype=torch.uint8)
    return ImageSet(numbers[:, None, None, None].expand(-1, 1, 2, 2).contiguous(), labels)


def numbers(images: ImageSet) -> list[int]:
    return images.images[:, 0, 0, 0].tolist()


def counts(images: ImageSet, num_classes: int) -> list[int]:
    return torch.bincount(images.labels, minlength=num_classes).tolist()


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("sizes", [[50, 50], [100, 60, 40], [2, 90, 20], [3, 3, 3, 3]])
def test_a_validation_split_is_a_partition_with_every_class_in_both_parts(sizes, fraction):
    images = image_set(sizes)
    train, val = split_validation(images, fraction)
    assert sorted(numbers(train) + numbers(val)) == list(range(sum(sizes)))
    assert numbers(train) == sorted(numbers(train))
    assert numbers(val) == sorted(numbers(val))
    assert min(counts(train, len(sizes)) + counts(val, len(sizes))) >= 1
    for part in (train, val):
        assert torch.equal(part.labels, images.labels[numbers(part)])


def test_the_shares_of_a_validation_split_are_proportional():
    _, val = split_validation(image_set([100, 60, 40]), 0.1)
    assert counts(val, 3) == [10, 6, 4]


def test_a_split_does_not_depend_on_the_global_seed_and_leaves_it_alone():
    images = image_set([30, 30])
    torch.manual_seed(1)
    first, state = numbers(split_validation(images, 0.2)[1]), torch.get_rng_state()
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert numbers(split_validation(images, 0.2)[1]) == first


def test_fraction_zero_keeps_all_for_training():
    train, val = split_validation(image_set([3, 3]), 0.0)
    assert len(train) == 6
    assert val.images.shape == (0, 1, 2, 2)


def test_a_class_of_one_image_cannot_be_split():
    with pytest.raises(DataError, match=r"^class number 1 .* has 1 training image, expected 2 or more.*--val 0$"):
        split_validation(image_set([5, 1]), 0.1)


def test_a_subset_takes_the_largest_remainders():
    # shares of 10: 5.0, 3.25 and 1.75
    assert counts(stratified_subset(image_set([100, 65, 35]), 10, 3), 3) == [5, 3, 2]


@pytest.mark.parametrize("count", [3, 4, 5, 17, 64, 101, 102])
def test_a_subset_has_the_count_asked_for_and_every_class(count):
    subset = stratified_subset(image_set([96, 5, 1]), count, 3)
    assert len(subset) == count
    assert min(counts(subset, 3)) >= 1
    assert numbers(subset) == sorted(set(numbers(subset)))


def test_a_subset_is_always_the_same():
    images = image_set([30, 30])
    assert numbers(stratified_subset(images, 9, 2)) == numbers(stratified_subset(images, 9, 2))


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (1, r"^train limit 1 is below the 2 classes; use 2 or more$"),
        (11, r"^train limit 11 is above the 10 training images; use 10 or less$"),
    ],
)
def test_an_impossible_subset_names_both_numbers(count, message):
    with pytest.raises(DataError, match=message):
        stratified_subset(image_set([5, 5]), count, 2)


def test_a_subset_needs_images_of_every_class():
    with pytest.raises(DataError, match=r"class number 2 .* has no training image"):
        stratified_subset(image_set([5, 5]), 6, 3)


def test_channel_statistics_agree_with_float64():
    images = torch.randint(0, 256, (2100, 3, 5, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    mean, std = channel_statistics(images)
    exact = images.double() / 255
    torch.testing.assert_close(torch.tensor(mean, dtype=torch.float64), exact.mean((0, 2, 3)), rtol=1e-12, atol=0)
    torch.testing.assert_close(
        torch.tensor(std, dtype=torch.float64), exact.std((0, 2, 3), correction=0), rtol=1e-12, atol=0
    )


def test_a_constant_channel_has_deviation_one():
    images = torch.zeros(3, 2, 4, 4, dtype=torch.uint8)
    images[:, 0] = 51
    images[0, 1, 0, 0] = 255
    mean, std = channel_statistics(images)
    assert mean == (0.2, 1 / 48)
    assert std[0] == 1.0
    assert std[1] == pytest.approx((1 / 48 * 47 / 48) ** 0.5)


def test_statistics_of_nothing_are_an_error():
    with pytest.raises(DataError, match=r"no pixels in images of shape \(0, 1, 2, 2\)"):
        channel_statistics(torch.zeros(0, 1, 2, 2, dtype=torch.uint8))


@pytest.mark.parametrize("name", ["cifer10", "no/such/folder", "", "a\0b", "a\nb", "x" * 5000])
def test_a_name_that_is_neither_data_set_nor_folder_lists_the_data_sets(name):
    with pytest.raises(DataError) as error:
        load_data(DataSpec(name=name))
    assert len(str(error.value).splitlines()) == 1
    if len(name) < 5000:
        assert all(known in str(error.value) for known in DATA_NAMES)


def test_the_nearest_name_is_suggested():
    with pytest.raises(DataError, match=r"did you mean 'cifar10'\?"):
        load_data(DataSpec(name="cifer10"))


def test_the_data_directory_is_data_in_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"^data/cifar-10-batches-bin: cifar10 is not complete"):
        load_data(DataSpec(name="cifar10", download=False))


def test_an_image_size_is_not_silently_ignored():
    with pytest.raises(SpecError, match="image size 64 is for a folder of images; mnist has its own"):
        load_data(DataSpec(name="mnist", image_size=64))


def test_the_train_limit_leaves_the_test_split_alone():
    whole, limited = load_data(DataSpec()), load_data(DataSpec(train_limit=100))
    assert counts(limited.train, 10) == [10] * 10
    assert torch.equal(limited.test.images, whole.test.images)
