"""The maps of a study: the same test images, layer and class for every arm, and how much the arms' maps agree."""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from whichnorm.analyses.gradcam import GradCamOptions, Target
from whichnorm.analyses.gradcam.layers import default_layer, evaluating
from whichnorm.analyses.gradcam.maps import BATCH, Maps, grad_cam, is_empty
from whichnorm.data.augment import normalize
from whichnorm.data.dataset import ImageSet
from whichnorm.data.splits import evenly_spaced
from whichnorm.errors import SpecError, StudyError
from whichnorm.render.images import Pixels
from whichnorm.results.results import Results
from whichnorm.specs.codec import NOT_ENCODED
from whichnorm.specs.study import RunSpec
from whichnorm.stats import RankAgreement, rank_agreement
from whichnorm.study.study import Study

NUM_IMAGES = 6  # shown by default
MOST_IMAGES = 24  # in one picture
NUM_SAMPLED = 200  # test images that the agreement is taken over


@dataclass(frozen=True, kw_only=True, eq=False)
class ArmMaps:
    """What one arm makes of the shown images: predictions, their softmax, and maps (K, h, w), some all zero."""

    arm: str
    predictions: tuple[int, ...]
    confidences: tuple[float, ...]
    maps: Maps
    num_empty: int  # of the sampled images


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """The rank correlation of two arms' maps over the sampled images."""

    a: str
    b: str
    ranks: RankAgreement


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyMaps:
    """Grad-CAM maps of the same test images for every arm with a finished run at `seed`."""

    layer: str
    target: Target
    seed: int
    images: tuple[int, ...]  # places in the test split
    labels: tuple[int, ...]
    pixels: tuple[Pixels, ...] = field(metadata={NOT_ENCODED: True})  # of the shown images, (C, H, W)
    named: bool  # images that the caller named, rather than those of `choose_images`
    arms: tuple[ArmMaps, ...]
    left_out: tuple[str, ...]  # arms without a finished run at the seed
    num_sampled: int  # test images evenly spread over the split, which the agreements are taken over
    agreements: tuple[Agreement, ...]  # of all pairs of arms

    @property
    def map_shape(self) -> tuple[int, int]:
        h, w = self.arms[0].maps.shape[1:]
        return h, w


def study_maps(study: Study, results: Results, options: GradCamOptions) -> StudyMaps:
    """Return the maps of some test images for the arms of a study, and how much they agree on many.

    options name the layer (None: the end of the last convolutional block, the same in every arm), the indices of the
    images in the test split (None: those of `choose_images`) and the seed (None: the first that most arms finished).

    With target "true" a map is the evidence for the image's true class in every arm. So maps can be compared where
    arms predict different classes; maps for different classes would differ between equal networks too. With
    "predicted" it is the evidence for what each arm predicts, to see what misled it.
    """
    layer, target, images = options.layer, options.target, options.images
    runs, left_out = _chosen_runs(study, results, options.seed)
    test = study.splits.test.to("cpu")
    places = _chosen_images(results, runs, test) if images is None else checked_images(images, len(test))
    sampled = evenly_spaced(len(test), NUM_SAMPLED)
    part = test.subset(torch.tensor([*places, *sampled]))
    pixels = normalize(part.images, study.splits.mean, study.splits.std)
    found: list[ArmMaps] = []
    of_sample: dict[str, Maps] = {}
    for run in runs:
        network = study.network(run)
        layer = default_layer(network, pixels[:2]) if layer is None else layer
        scores = _softmax(network, pixels)
        maps = grad_cam(network, layer, pixels, part.labels if target == "true" else scores.argmax(1))
        of_sample[str(run.arm)] = maps[len(places) :]
        found.append(_arm_maps(str(run.arm), scores, maps, len(places)))
    return StudyMaps(
        layer=layer or "",
        target=target,
        seed=runs[0].seed,
        images=tuple(places),
        labels=tuple(part.labels[: len(places)].tolist()),
        pixels=tuple(part.images[k].numpy() for k in range(len(places))),
        named=images is not None,
        arms=tuple(found),
        left_out=left_out,
        num_sampled=len(sampled),
        agreements=tuple(
            Agreement(a=a, b=b, ranks=rank_agreement(of_sample[a], of_sample[b]))
            for a, b in itertools.combinations(of_sample, 2)
        ),
    )


def _arm_maps(arm: str, scores: Tensor, maps: Maps, num_shown: int) -> ArmMaps:
    return ArmMaps(
        arm=arm,
        predictions=tuple(scores[:num_shown].argmax(1).tolist()),
        confidences=tuple(scores[:num_shown].amax(1).tolist()),
        maps=maps[:num_shown],
        num_empty=int(is_empty(maps[num_shown:]).sum()),
    )


@torch.no_grad()
def _softmax(network: nn.Module, images: Tensor) -> Tensor:
    """Return the softmax (N, num_classes) of a network in float32, as its maps are made."""
    with evaluating(network):
        return torch.cat([network(part) for part in images.split(BATCH)]).softmax(1)


def _chosen_runs(study: Study, results: Results, seed: int | None) -> tuple[list[RunSpec], tuple[str, ...]]:
    """Return the runs to look at, all of one seed, and the arms that have none."""
    wanted = results.arm_names
    done = {(r.arm, r.seed) for r in results.records if r.status == "finished" and r.arm in wanted}
    if seed is None:
        seed = max(study.spec.seeds, key=lambda s: sum((arm, s) in done for arm in wanted))  # the first of equal ones
    runs = [run for run in study.spec.runs() if run.seed == seed and (str(run.arm), seed) in done]
    if not runs:
        seeds = ", ".join(str(s) for s in sorted({s for _, s in done}))
        raise StudyError(
            f"{study.folder.root}: no finished run of {', '.join(wanted)} at seed {seed}; "
            + (f"there are some at seed {seeds}" if seeds else "there are none at any seed")
        )
    return runs, tuple(arm for arm in wanted if (arm, seed) not in done)


def _chosen_images(results: Results, runs: Sequence[RunSpec], test: ImageSet) -> list[int]:
    keys = {(str(run.arm), run.seed) for run in runs}
    records = [r for r in results.records if (r.arm, r.seed) in keys]
    return choose_images([r.test_predictions for r in records], test.labels.tolist())


def choose_images(predictions: Sequence[Sequence[int]], labels: Sequence[int], limit: int = NUM_IMAGES) -> list[int]:
    """Return places of test images, half of them right in every arm, then those on which the arms disagree.

    In each half classes take turns, and of one class the first images of the split come first: nothing is picked by
    the look of its maps. Where arms hardly disagree, images that every arm misses follow, then more of the first kind.
    """
    right = (np.asarray(predictions) == np.asarray(labels)).sum(axis=0)
    groups = (right == len(predictions), (right > 0) & (right < len(predictions)), right == 0)
    easy, split, hard = (_classes_in_turn(np.flatnonzero(group).tolist(), labels) for group in groups)
    contested = (split + hard)[: max(limit // 2, limit - len(easy))]
    return easy[: limit - len(contested)] + contested


def _classes_in_turn(places: Sequence[int], labels: Sequence[int]) -> list[int]:
    """Order places so that the first image of every class comes before any class's second."""
    seen: Counter[int] = Counter()
    turn = {}
    for place in places:
        turn[place] = seen[labels[place]]
        seen[labels[place]] += 1
    return sorted(places, key=lambda place: (turn[place], place))


def checked_images(places: Sequence[int], total: int) -> list[int]:
    """Return places in the test split, or raise SpecError for one that is not there, or given twice."""
    if not 1 <= len(places) <= MOST_IMAGES:
        raise SpecError(f"{len(places)} images named, expected 1 to {MOST_IMAGES} in one picture")
    for place in places:
        if not 0 <= place < total:
            raise SpecError(f"no test image {place}: the test split has {total:,}, numbered from 0 to {total - 1}")
        if places.count(place) > 1:
            raise SpecError(f"test image {place} is named twice")
    return list(places)
