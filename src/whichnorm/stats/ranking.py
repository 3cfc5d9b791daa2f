"""Which of several arms is best: probabilities, and what it costs to take the one in front."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

DRAWS = 20_000


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """What is known about the order of k arms.

    `chances_best` are (k,) probabilities of having the highest mean accuracy; `regrets` (k,) how much accuracy is
    expected to be lost by taking each arm in place of the best one.
    """

    chances_best: tuple[float, ...]
    regrets: tuple[float, ...]


def rank_arms(correct: Sequence[ArrayLike], seed: int = 0) -> Ranking:
    """Rank arms by what a new study, of new seeds and new test images, may have as their mean accuracies.

    correct are tables (num_seeds, N) of the same two or more seeds and images. The means are drawn from their joint
    confidence distribution: Student's over seeds with num_seeds - 1 degrees of freedom and one scale for all arms, plus
    normal over images, both with the covariances of the two-way layout of `crossed_mean`.
    """
    tables = np.stack([np.asarray(table, dtype=float) for table in correct])  # (k, num_seeds, N)
    if tables.ndim != 3 or tables.shape[1] < 2 or tables.shape[2] < 2:
        raise ValueError(f"two or more seeds and images are needed, (num_seeds, N); got shape {tables.shape[1:]}")
    draws = _drawn_means(tables, np.random.default_rng(seed))  # (DRAWS, k)
    best = np.bincount(draws.argmax(axis=1), minlength=len(tables)) / DRAWS
    lost = (draws.max(axis=1, keepdims=True) - draws).mean(axis=0)
    return Ranking(chances_best=tuple(best.tolist()), regrets=tuple(lost.tolist()))


def _drawn_means(tables: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    _, num_seeds, N = tables.shape
    means = tables.mean(axis=(1, 2))
    of_seeds = (tables.mean(axis=2) - means[:, None]).T  # (num_seeds, k)
    scale = np.sqrt((num_seeds - 1) / rng.chisquare(num_seeds - 1, size=(DRAWS, 1)))
    over_seeds = scale * (rng.standard_normal((DRAWS, num_seeds)) @ of_seeds) / np.sqrt(num_seeds * (num_seeds - 1))
    over_images = rng.standard_normal((DRAWS, len(tables))) @ _root(_image_covariance(tables)).T / np.sqrt(N)
    return np.asarray(means + over_seeds + over_images)


def _image_covariance(tables: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the covariance (k, k) of the arms' images at infinitely many seeds."""
    _, num_seeds, N = tables.shape
    of_images, of_seeds = tables.mean(axis=1), tables.mean(axis=2)
    rest = tables - of_images[:, None, :] - of_seeds[:, :, None] + tables.mean(axis=(1, 2))[:, None, None]
    by_chance = np.einsum("asn,bsn->ab", rest, rest) / ((num_seeds - 1) * (N - 1))
    return np.asarray(np.atleast_2d(np.cov(of_images)) - by_chance / num_seeds)


def _root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a root R with R R' = covariance, whose negative eigenvalues count as zero."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)))
