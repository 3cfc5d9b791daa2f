"""The maps of a study: the same test images, layer and class for every arm, and how much the arms' maps agree."""

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor, nn

from whichnorm.analyses.gradcam import GradCamOptions
from whichnorm.analyses.gradcam.choice import checked_images, chosen_images, chosen_runs
from whichnorm.analyses.gradcam.found import Agreement, ArmMaps, GradCamFound, StudyMaps, rounded
from whichnorm.analyses.gradcam.layers import default_layer
from whichnorm.analyses.gradcam.maps import BATCH, Maps, grad_cam, is_empty
from whichnorm.analyses.kept import FOLDER, Kept, read_kept, weights_digest, write_kept
from whichnorm.data.augment import normalize
from whichnorm.data.splits import evenly_spaced
from whichnorm.errors import StudyError
from whichnorm.modes import evaluating
from whichnorm.results.results import Results
from whichnorm.specs.codec import encode
from whichnorm.specs.study import RunSpec
from whichnorm.stats import rank_agreement
from whichnorm.study.study import Study

NUM_SAMPLED = 200  # test images that the agreement is taken over


def measure(study: Study, results: Results, options: GradCamOptions) -> GradCamFound:
    """Return the maps of some test images for the arms of a study, and how much they agree on many.

    With target "true" a map is the evidence for the image's true class in every arm. So maps can be compared if arms
    predict different classes; maps for different classes would differ between equal networks too. With "predicted" it
    is the evidence for what each arm predicts, to see what misled it.
    """
    runs = chosen_runs(study, results, options.seed)
    path = _path(study, options, results.arm_names)
    weights = {run.key: weights_digest(study.folder.weights(run)) for run in runs}
    kept = read_kept(path, weights, StudyMaps)
    if isinstance(kept, Kept) and not _is_of(kept.found, study, runs):
        kept = f"{FOLDER}/{path.name}: its maps are of other arms, images or classes"
    maps, damage = (kept.found, "") if isinstance(kept, Kept) else (_study_maps(study, results, runs, options), kept)
    if not isinstance(kept, Kept):
        with suppress(StudyError):  # a study that may only be read has maps all the same: they are made again
            write_kept(path, weights, maps, indent=None)
    shown = study.splits.test.subset(torch.tensor(maps.images)).to("cpu").images
    return GradCamFound(options=options, maps=maps, pixels=tuple(shown.numpy()), damage=damage)


def _is_of(maps: StudyMaps, study: Study, runs: Sequence[RunSpec]) -> bool:
    """Tell whether maps can be those of these runs."""
    test, arms = study.test_split, [str(run.arm) for run in runs]
    there = all(index < len(test.labels) for index in maps.images)
    known = all(number < len(test.class_names) for arm in maps.arms for number in (*arm.predictions, *maps.labels))
    pairs = all({one.a, one.b} <= set(arms) for one in maps.agreements)
    return there and known and pairs and [arm.arm for arm in maps.arms] == arms


def _path(study: Study, options: GradCamOptions, arms: Sequence[str]) -> Path:
    """Return where the maps are kept that are made of these arms with these options."""
    asked = json.dumps({"options": encode(options), "arms": sorted(arms)}, sort_keys=True)
    return study.folder.root / FOLDER / f"gradcam.{hashlib.sha256(asked.encode()).hexdigest()[:12]}.json"


def _study_maps(study: Study, results: Results, runs: Sequence[RunSpec], options: GradCamOptions) -> StudyMaps:
    labels, named, layer = study.test_split.labels, options.images, options.layer
    images = chosen_images(results, runs, labels) if named is None else checked_images(named, len(labels))
    sampled = evenly_spaced(len(labels), NUM_SAMPLED)
    part = study.splits.test.subset(torch.tensor([*images, *sampled])).to("cpu")
    pixels = normalize(part.images, study.splits.mean, study.splits.std)
    arms, of_sample = [], {}
    for run in runs:
        network = study.network(run)
        layer = default_layer(network, pixels[:2]) if layer is None else layer  # the same in every arm
        scores = _softmax(network, pixels)
        maps = grad_cam(network, layer, pixels, part.labels if options.target == "true" else scores.argmax(1))
        arms.append(_arm_maps(str(run.arm), scores, maps, len(images)))
        of_sample[str(run.arm)] = maps[len(images) :]
    return StudyMaps(
        layer=layer or "",
        seed=runs[0].seed,
        images=tuple(images),
        labels=tuple(labels[k] for k in images),
        arms=tuple(arms),
        left_out=tuple(arm for arm in results.arm_names if arm not in of_sample),
        num_sampled=len(sampled),
        agreements=_agreements(of_sample),
    )


def _arm_maps(arm: str, scores: Tensor, maps: Maps, num_shown: int) -> ArmMaps:
    return ArmMaps(
        arm=arm,
        predictions=tuple(scores[:num_shown].argmax(1).tolist()),
        confidences=tuple(scores[:num_shown].amax(1).tolist()),
        maps=rounded(maps[:num_shown]),
        num_empty=int(is_empty(maps[num_shown:]).sum()),
    )


def _agreements(of_sample: Mapping[str, Maps]) -> tuple[Agreement, ...]:
    pairs = itertools.combinations(of_sample, 2)
    return tuple(Agreement(a=a, b=b, ranks=rank_agreement(of_sample[a], of_sample[b])) for a, b in pairs)


@torch.no_grad()
def _softmax(network: nn.Module, images: Tensor) -> Tensor:
    """Return the softmax (N, num_classes) of a network in float32, as its maps are made."""
    with evaluating(network):
        return torch.cat([network(part) for part in images.split(BATCH)]).softmax(1)
