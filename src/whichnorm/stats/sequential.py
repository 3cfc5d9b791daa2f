"""Looking at growing data more than once without calling too often.

Every look gets a share of the error rate, so by Bonferroni's inequality a false call is made in at most that share of
studies, whatever the dependence between looks and whenever one stops: a p-value is divided by the share of its look.
What was called at a look stays called: it was paid for.
"""

import itertools

FIRST_LOOK = 3  # seeds; two give intervals too long to be of use
GROWTH = 1.6  # of the number of seeds from look to look
FIRST_SHARE = 0.8  # of the error rate, where later looks are not planned; the next gets as much of what is left


def looks(max_seeds: int) -> tuple[int, ...]:
    """Return the numbers of seeds at which a decision may be made, each about 1.6 times the one before.

    A last step of less than a quarter is none of its own.
    """
    numbers = [min(FIRST_LOOK, max_seeds)]
    while numbers[-1] < max_seeds:
        following = round(GROWTH * numbers[-1])
        numbers.append(following if 1.25 * following <= max_seeds else max_seeds)
    return tuple(numbers)


def planned_shares(numbers: tuple[int, ...]) -> tuple[float, ...]:
    """Return the share of the error rate of each planned look: what is spent by then grows as the square of the seeds.

    Late looks, at which a difference can be seen, get most of it. Kim and DeMets, "Design and analysis of group
    sequential tests based on the type I error spending rate function", Biometrika 74, 1987, with power 2.
    """
    spent = [0.0, *((number / numbers[-1]) ** 2 for number in numbers)]
    return tuple(after - before for before, after in itertools.pairwise(spent))


def unplanned_shares(num_looks: int) -> tuple[float, ...]:
    """Return the share of each look at a study to which seeds are added without a plan, as often as one likes."""
    return tuple(FIRST_SHARE * (1 - FIRST_SHARE) ** look for look in range(num_looks))
