"""What Grad-CAM finds in a study."""

from dataclasses import dataclass, field
from typing import Annotated

import numpy as np

from whichnorm.analyses.gradcam import GradCamOptions
from whichnorm.analyses.gradcam.maps import Maps
from whichnorm.analyses.kept import significant
from whichnorm.render.images import Pixels
from whichnorm.specs.checked import Checked
from whichnorm.specs.codec import NOT_ENCODED
from whichnorm.specs.require import require
from whichnorm.specs.study import Seed
from whichnorm.specs.value_types import Between, Count, Fraction, Magnitude, misfit
from whichnorm.stats import RankAgreement

MapValues = tuple[tuple[tuple[Magnitude, ...], ...], ...]  # (K, h, w)
Correlation = Annotated[float, Between(-1.001, 1.001)]  # which rounding takes beyond 1


@dataclass(frozen=True, kw_only=True)
class ArmMaps(Checked):
    """What one arm makes of the shown images: predictions, their softmax, and maps (K, h, w), some all zero."""

    arm: str
    predictions: tuple[Count, ...]
    confidences: tuple[Fraction, ...]
    maps: MapValues
    num_empty: Count  # of the sampled images

    @property
    def array(self) -> Maps:
        return np.array(self.maps)


@dataclass(frozen=True, kw_only=True)
class Agreement(Checked):
    """The rank correlation of two arms' maps over the sampled images."""

    a: str
    b: str
    ranks: RankAgreement

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("mean", "mismatched"):
            fault = misfit(getattr(self.ranks, name), Correlation | None, name)
            require(not fault, fault)


@dataclass(frozen=True, kw_only=True)
class StudyMaps(Checked):
    """Maps of the same test images for every arm with a finished run at `seed`, as a study's folder keeps them."""

    layer: str
    seed: Seed
    images: tuple[Count, ...]  # indices in the test split
    labels: tuple[Count, ...]
    arms: tuple[ArmMaps, ...]
    left_out: tuple[str, ...]  # arms without a finished run at the seed
    num_sampled: Count  # test images evenly spread over the split, which the agreements are taken over
    agreements: tuple[Agreement, ...]  # of all pairs of arms

    def __post_init__(self) -> None:
        super().__post_init__()
        shapes = {np.shape(one) for arm in self.arms for one in arm.maps if len(set(map(len, one))) == 1}
        number = {len(part) for arm in self.arms for part in (arm.predictions, arm.confidences, arm.maps)}
        require(bool(self.arms) and len(shapes) == 1, "maps that are not there, or not of one shape")
        require(number == {len(self.images)} == {len(self.labels)}, "maps and predictions of another number of images")

    @property
    def map_shape(self) -> tuple[int, int]:
        h, w = self.arms[0].array.shape[1:]
        return h, w


@dataclass(frozen=True, kw_only=True, eq=False)
class GradCamFound:
    """What was asked, the maps, and the pixels of the shown images, each (C, H, W)."""

    options: GradCamOptions
    maps: StudyMaps
    pixels: tuple[Pixels, ...] = field(metadata={NOT_ENCODED: True})
    damage: str = ""  # of the file in which they were kept


def rounded(maps: Maps) -> MapValues:
    """Return maps as they are kept: what is read again gives the same figure."""
    return tuple(tuple(tuple(map(significant, row)) for row in one) for one in maps)
