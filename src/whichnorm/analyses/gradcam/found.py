"""What Grad-CAM finds in a study."""

from dataclasses import dataclass, field

import numpy as np

from whichnorm.analyses.gradcam import GradCamOptions
from whichnorm.analyses.gradcam.maps import Maps
from whichnorm.analyses.kept import significant
from whichnorm.render.images import Pixels
from whichnorm.specs.codec import NOT_ENCODED
from whichnorm.stats import RankAgreement

MapValues = tuple[tuple[tuple[float, ...], ...], ...]  # (K, h, w)


@dataclass(frozen=True, kw_only=True)
class ArmMaps:
    """What one arm makes of the shown images: predictions, their softmax, and maps (K, h, w), some all zero."""

    arm: str
    predictions: tuple[int, ...]
    confidences: tuple[float, ...]
    maps: MapValues
    num_empty: int  # of the sampled images

    @property
    def array(self) -> Maps:
        return np.array(self.maps)


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """The rank correlation of two arms' maps over the sampled images."""

    a: str
    b: str
    ranks: RankAgreement


@dataclass(frozen=True, kw_only=True)
class StudyMaps:
    """Maps of the same test images for every arm with a finished run at `seed`, as a study's folder keeps them."""

    layer: str
    seed: int
    images: tuple[int, ...]  # indices in the test split
    labels: tuple[int, ...]
    arms: tuple[ArmMaps, ...]
    left_out: tuple[str, ...]  # arms without a finished run at the seed
    num_sampled: int  # test images evenly spread over the split, which the agreements are taken over
    agreements: tuple[Agreement, ...]  # of all pairs of arms

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


def rounded(maps: Maps) -> MapValues:
    """Return maps as they are kept: what is read again gives the same figure."""
    return tuple(tuple(tuple(map(significant, row)) for row in one) for one in maps)
