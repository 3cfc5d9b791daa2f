"""Looking at growing data more than once without calling too often.

Every look gets an equal share of the error rate, so by Bonferroni's inequality a false call is made in at most that
share of studies, whatever the dependence between looks and whenever one stops: a p-value is multiplied by the number
of looks that were planned, and an interval is as long as that asks for.
"""

FIRST_LOOK = 3  # seeds; two give intervals too long to be of use


def looks(max_seeds: int) -> tuple[int, ...]:
    """Return the numbers of seeds at which a decision may be made, each about half as many again as the one before."""
    numbers = [min(FIRST_LOOK, max_seeds)]
    while numbers[-1] < max_seeds:
        numbers.append(min(max(numbers[-1] + 1, numbers[-1] * 3 // 2), max_seeds))
    return tuple(numbers)
