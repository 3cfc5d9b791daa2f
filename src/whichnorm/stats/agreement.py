"""How much two sets of maps agree."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, kw_only=True)
class RankAgreement:
    """Spearman's rank correlation of pairs of maps: mean and sample standard deviation over n pairs.

    `left_out` pairs have a map without any order, being constant. `mismatched` is the mean where each map meets that of
    another image: what the maps share whatever the image shows, such as a bright centre. None stands for too few pairs.
    """

    mean: float | None
    std: float | None
    n: int
    left_out: int
    mismatched: float | None


def rank_agreement(a: ArrayLike, b: ArrayLike) -> RankAgreement:
    """Correlate the ranks of each map of a (N, ...) with its partner in b over positions; ties share their mean rank.

    Spearman, "The proof and measurement of association between two things", 1904.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.shape != b.shape or a.ndim < 2:
        raise ValueError(f"pairs of maps need equal shapes (N, ...), got {a.shape} and {b.shape}")
    a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
    ordered = (np.ptp(a, axis=1) > 0) & (np.ptp(b, axis=1) > 0)
    a, b = _standard_ranks(a[ordered]), _standard_ranks(b[ordered])
    n = len(a)
    own = (a * b).sum(axis=1)
    return RankAgreement(
        mean=float(own.mean()) if n > 0 else None,
        std=float(own.std(ddof=1)) if n > 1 else None,
        n=n,
        left_out=len(ordered) - n,
        mismatched=float((a * np.roll(b, n // 2, axis=0)).sum(axis=1).mean()) if n > 1 else None,
    )


def _standard_ranks(maps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ranks of each row (N, L), centered and of length 1."""
    from scipy import stats

    ranks = stats.rankdata(maps, axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    return ranks / np.linalg.norm(ranks, axis=1, keepdims=True)
