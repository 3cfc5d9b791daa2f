"""Which runs and which test images are looked at."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from whichnorm.analyses.asking import finished_runs
from whichnorm.errors import SpecError, StudyError
from whichnorm.results.results import Results
from whichnorm.specs.study import RunSpec
from whichnorm.study.study import Study

NUM_IMAGES = 6  # shown by default
MAX_IMAGES = 24  # in one picture


def chosen_runs(study: Study, results: Results, seed: int | None) -> list[RunSpec]:
    """Return the runs to look at, all of one seed: None is the first that most arms finished.

    Raises StudyError if no arm of the results finished at the seed.
    """
    finished = finished_runs(study, results)
    if seed is None:
        seed = max(study.spec.seeds, key=lambda s: sum(run.seed == s for run in finished))  # the first of equal ones
    runs = [run for run in finished if run.seed == seed]
    if not runs:
        seeds = ", ".join(map(str, sorted({run.seed for run in finished})))
        raise StudyError(
            f"{study.folder.root}: no finished run of {', '.join(results.arm_names)} at seed {seed}; "
            + (f"there are some at seed {seeds}" if seeds else "there are none at any seed")
        )
    return runs


def chosen_images(results: Results, runs: Sequence[RunSpec], labels: Sequence[int]) -> list[int]:
    """Return the indices of the images that are shown if none are named."""
    keys = {(str(run.arm), run.seed) for run in runs}
    return choose_images([r.test_predictions for r in results.records if (r.arm, r.seed) in keys], labels)


def choose_images(predictions: Sequence[Sequence[int]], labels: Sequence[int], limit: int = NUM_IMAGES) -> list[int]:
    """Return indices of test images, half of them right in every arm, then those on which the arms disagree.

    In each half classes take turns, and of one class the first images of the split come first: nothing is picked by
    the look of its maps. If arms hardly disagree, images that every arm misses follow, then more of the first kind.
    """
    right = (np.asarray(predictions) == np.asarray(labels)).sum(axis=0)
    groups = (right == len(predictions), (right > 0) & (right < len(predictions)), right == 0)
    easy, split, hard = (_classes_in_turn(np.flatnonzero(group).tolist(), labels) for group in groups)
    contested = (split + hard)[: max(limit // 2, limit - len(easy))]
    return easy[: limit - len(contested)] + contested


def _classes_in_turn(indices: Sequence[int], labels: Sequence[int]) -> list[int]:
    """Order indices so that the first image of every class comes before any class's second."""
    seen: Counter[int] = Counter()
    turn = {}
    for index in indices:
        turn[index] = seen[labels[index]]
        seen[labels[index]] += 1
    return sorted(indices, key=lambda index: (turn[index], index))


def checked_images(indices: Sequence[int], total: int) -> list[int]:
    """Return indices in the test split, or raise SpecError for one that is not there, or given twice."""
    if not 1 <= len(indices) <= MAX_IMAGES:
        raise SpecError(f"{len(indices)} images named, expected 1 to {MAX_IMAGES} in one picture")
    for index in indices:
        if not 0 <= index < total:
            raise SpecError(f"no test image {index}: the test split has {total:,}, numbered from 0 to {total - 1}")
        if indices.count(index) > 1:
            raise SpecError(f"test image {index} is named twice")
    return list(indices)
