"""Looking at growing data more than once without calling too often."""

from collections.abc import Iterator

FIRST_LOOK = 3  # seeds; two give intervals of no use


def looks(max_seeds: int) -> Iterator[int]:
    """Yield the numbers of seeds at which a decision may be made: each about a quarter more than the one before."""
    num_seeds = min(FIRST_LOOK, max_seeds)
    while num_seeds < max_seeds:
        yield num_seeds
        num_seeds = min(max(num_seeds + 1, round(1.25 * num_seeds)), max_seeds)
    yield max_seeds


def look_alpha(index: int, num_looks: int, alpha: float = 0.05) -> float:
    """Return the share of alpha that the look of this index, from 0, may spend.

    All looks together spend alpha, so by Bonferroni's inequality a false call is made in at most that share of studies,
    whatever the dependence between looks. Half is kept for the last look, which has the most data, and the rest is
    divided evenly.
    """
    if num_looks == 1:
        return alpha
    return alpha / 2 if index == num_looks - 1 else alpha / 2 / (num_looks - 1)
