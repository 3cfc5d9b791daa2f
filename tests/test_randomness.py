import itertools

import pytest
import torch

from whichnorm.training.randomness import derived_seed, generator, isolated_rng, seed_global

PURPOSES = ["init", "order", "augmentation", "dropout", "split"]


def test_every_purpose_epoch_and_seed_has_its_own_stream():
    grid = list(itertools.product(range(30), PURPOSES, range(30)))
    seeds = {derived_seed(*cell) for cell in grid}
    assert len(seeds) == len(grid)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_derived_seeds_do_not_depend_on_where_one_number_ends_and_the_next_begins():
    assert derived_seed(1, "init", 11) != derived_seed(11, "init", 1)
    assert derived_seed(0, "order") == derived_seed(0, "order", 0)


def test_derived_seeds_are_the_same_in_every_version():
    # sha256 of "0/init/0": its first 8 bytes, little-endian, without the lowest bit
    assert derived_seed(0, "init") == 0x13514AEEBEE2B069
    assert derived_seed(3, "order", 7) == 0x0E676D74C4A71EF4


def test_derived_seeds_use_all_their_bits_about_equally():
    seeds = [derived_seed(seed, "order") for seed in range(2000)]
    for bit in range(63):
        share = sum(seed >> bit & 1 for seed in seeds) / len(seeds)
        assert 0.45 < share < 0.55, f"bit {bit}"


def test_generators_with_the_same_arguments_draw_the_same():
    first = torch.rand(100, generator=generator(3, "augmentation", 5))
    torch.rand(7)  # draws beside it do not matter
    assert torch.equal(torch.rand(100, generator=generator(3, "augmentation", 5)), first)


@pytest.mark.parametrize("other", [(4, "augmentation", 5), (3, "dropout", 5), (3, "augmentation", 6)], ids=str)
def test_generators_with_other_arguments_draw_otherwise(other):
    first = torch.rand(100, generator=generator(3, "augmentation", 5))
    assert not torch.equal(torch.rand(100, generator=generator(*other)), first)


def test_a_generator_leaves_the_global_state_alone():
    before = torch.get_rng_state()
    torch.rand(10, generator=generator(0, "order"))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_global_state_comes_back_on_leaving():
    before = torch.get_rng_state()
    with isolated_rng():
        seed_global(0, "init")
        torch.rand(10)
        assert not torch.equal(torch.get_rng_state(), before)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_global_state_comes_back_after_an_error():
    before = torch.get_rng_state()

    def fail():
        with isolated_rng():
            seed_global(0, "init")
            torch.rand(10)
            raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        fail()
    assert torch.equal(torch.get_rng_state(), before)


def test_a_seeded_block_draws_the_same_whatever_ran_before():
    def draw():
        with isolated_rng():
            seed_global(5, "dropout", 2)
            return torch.rand(10)

    first = draw()
    torch.manual_seed(1234)
    torch.rand(3)
    assert torch.equal(draw(), first)
    assert torch.equal(torch.rand(10, generator=generator(5, "dropout", 2)), first)
