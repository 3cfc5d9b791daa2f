"""Means, paired differences, intervals and calls; arrays in, numbers out."""

from typing import Literal

from whichnorm.stats.agreement import RankAgreement, rank_agreement
from whichnorm.stats.crossed import CrossedMean, crossed_mean, quantile_of_two
from whichnorm.stats.crossing import Crossing, find_crossing
from whichnorm.stats.exact import holm, least_sign_flip_p_value, sign_flip_p_value, tarone_holm
from whichnorm.stats.intervals import (
    Interval,
    class_intervals,
    crossed_interval,
    image_bootstrap,
    mean_interval,
    proportion_bound,
    proportion_difference,
    proportion_interval,
)
from whichnorm.stats.pairs import MAX_SEEDS, PairedDifference, paired_difference, power, seeds_needed
from whichnorm.stats.sequential import looks
from whichnorm.stats.trend import trend

__all__ = [
    "MAX_SEEDS",
    "Call",
    "CrossedMean",
    "Crossing",
    "Interval",
    "PairedDifference",
    "RankAgreement",
    "class_intervals",
    "crossed_interval",
    "crossed_mean",
    "find_crossing",
    "holm",
    "image_bootstrap",
    "least_sign_flip_p_value",
    "looks",
    "mean_interval",
    "paired_difference",
    "power",
    "proportion_bound",
    "proportion_difference",
    "proportion_interval",
    "quantile_of_two",
    "rank_agreement",
    "seeds_needed",
    "sign_flip_p_value",
    "tarone_holm",
    "trend",
]

Call = Literal["better", "worse", "cannot tell"]
