"""What the diagnostics of a study come to: one mean over seeds per layer and epoch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whichnorm.norms import NoNormSpec
from whichnorm.specs.arm import parse_arm


@dataclass(frozen=True, kw_only=True, eq=False)
class Tracks:
    """A figure of several layers over epochs: the mean over seeds, (num_layers, num_epochs), NaN if one has none."""

    paths: tuple[str, ...]  # in the order of the forward pass
    values: NDArray[np.float64]

    @property
    def last(self) -> dict[str, float]:
        """Each layer's figure after the last epoch."""
        return dict(zip(self.paths, self.values[:, -1].tolist(), strict=True))

    @property
    def first(self) -> dict[str, float]:
        """Each layer's figure before the first epoch, or at the first that was measured."""
        return dict(zip(self.paths, self.values[:, 0].tolist(), strict=True))


@dataclass(frozen=True, kw_only=True, eq=False)
class ArmDiagnostics:
    """An arm's diagnostics over its seeds; `epochs` counts those that were done, from 0."""

    arm: str
    seeds: tuple[int, ...]
    num_images: int
    epochs: NDArray[np.int64]
    gradient_norm: Tracks
    dead_relu: Tracks  # fractions
    cosine_distance: Tracks

    @property
    def norm_layers(self) -> tuple[str, ...]:
        """The paths of the norm layers: distances are measured at these, and without any at the convolutions."""
        return () if isinstance(parse_arm(self.arm).norm, NoNormSpec) else self.cosine_distance.paths


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyDiagnostics:
    """What was measured in a study's arms, the runs (arm, seed) that were not measured, and files that are damaged."""

    arms: tuple[ArmDiagnostics, ...]
    missing: tuple[tuple[str, int], ...]
    faults: tuple[str, ...]
