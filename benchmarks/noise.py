"""The noise of real runs, between seeds and between test images, as the parameters of a generator of studies.

    python -m benchmarks.noise DIR --data-dir DATA

DIR is a finished study with several seeds. A run is right on an image where a sum of normal variables is above zero:
the arm's level, the image's ease (a part shared by the arms and a part of the arm's own), the seed's luck with the
arm, and the rest, of variance 1. The parameters are those at which the generator has the study's mean accuracy, the
agreement of two seeds of an arm and of two arms on single images (tetrachoric correlations), and the variance of the
difference of two arms over seeds, each a mean over arms or pairs of them. They go to benchmarks/noise.json, which
benchmarks.calibration reads.
"""

import argparse
import itertools
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from whichnorm.api import read_results
from whichnorm.stats import crossed_mean
from whichnorm.study.study import reopen

FILE = Path(__file__).with_name("noise.json")


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Standard deviations on the scale of the rest, whose own is 1, and the arms' mean accuracy."""

    accuracy: float
    num_images: int
    image_shared: float
    image_own: float
    seed: float  # of an arm's luck at a seed, independent between arms: what pairing does not take out
    source: str


def tetrachoric(both: float, first: float, second: float) -> float:
    """Return the correlation of two normal variables that are above their thresholds with these probabilities.

    `both` is the probability that both are. Pearson, Phil. Trans. R. Soc. A 195, 1900.
    """
    limits = stats.norm.isf([first, second])

    def excess(correlation: float) -> float:
        covariance = [[1, correlation], [correlation, 1]]
        return float(stats.multivariate_normal.cdf(-limits, cov=covariance, rng=np.random.default_rng(0))) - both

    return float(optimize.brentq(excess, -0.999, 0.999, xtol=1e-6))


def agreement(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Return the mean tetrachoric correlation of rows of two tables (num_seeds, N), of different seeds."""
    pairs = itertools.permutations(range(len(a)), 2)
    return float(np.mean([tetrachoric(float((a[i] & b[j]).mean()), a[i].mean(), b[j].mean()) for i, j in pairs]))


def luck_variance(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Return what an arm's accuracy varies by over seeds, beyond the chance of single images, that pairing leaves."""
    difference = crossed_mean(a.astype(float) - b.astype(float))
    by_chance = float((a != b).mean()) / a.shape[1] - difference.image_variance
    return (difference.seed_variance - by_chance) / 2


def measure(tables: Sequence[NDArray[np.bool_]], source: str) -> Noise:
    """Fit the generator to the answers of several arms, each (num_seeds, N)."""
    pairs = list(itertools.combinations(tables, 2))
    within = float(np.mean([agreement(table, table) for table in tables]))
    between = float(np.mean([agreement(a, b) for a, b in pairs]))
    image = within / (1 - within)  # the variance of an image's ease, with a rest of 1
    shared = min(between / (1 - within), image)
    accuracy = float(np.mean([table.mean() for table in tables]))
    luck = max(float(np.mean([luck_variance(a, b) for a, b in pairs])), 0.0)
    slope = float(stats.norm.pdf(stats.norm.ppf(accuracy))) / np.sqrt(1 + image)
    return Noise(
        accuracy=accuracy,
        num_images=tables[0].shape[1],
        image_shared=float(np.sqrt(shared)),
        image_own=float(np.sqrt(image - shared)),
        seed=float(np.sqrt(luck) / slope),
        source=source,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", metavar="DIR")
    parser.add_argument("--data-dir", required=True)
    args = parser.parse_args()
    study = reopen(args.study, args.data_dir, download=False)
    results, labels = read_results(study), study.splits.test.labels.numpy()
    arms = [str(arm) for arm in study.spec.arms]
    tables = [np.stack([np.equal(run.test_predictions, labels) for run in results.finished(arm)]) for arm in arms]
    source = f"{study.spec.model.name} on {study.spec.data.name}, {', '.join(arms)}, {len(study.spec.seeds)} seeds"
    text = json.dumps(asdict(measure(tables, source)), indent=2) + "\n"
    FILE.write_text(text)
    print(text, end="")


if __name__ == "__main__":
    main()
