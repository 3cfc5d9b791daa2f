"""Accuracy under common corruptions, applied on the fly and the same for every network.

After Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations", ICLR
2019; five of their kinds, with strengths of our own. Those of blur lie between theirs for 32 and for 224 pixels.
"""

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from whichnorm.analyses.analysis import NoOptions
from whichnorm.analyses.asking import Question, Trained
from whichnorm.analyses.network import Subject
from whichnorm.data.dataset import ImageSet
from whichnorm.data.splits import evenly_spaced
from whichnorm.errors import DataError, SpecError, shortened
from whichnorm.modes import evaluating
from whichnorm.specs.checked import Checked
from whichnorm.specs.value_types import Count, Fraction
from whichnorm.training.evaluate import BATCH

MAX_IMAGES = 2000
STRENGTHS: dict[str, tuple[float, float, float]] = {
    "noise": (0.02, 0.04, 0.08),  # standard deviation of Gaussian noise, in full scale
    "blur": (0.1, 0.15, 0.2),  # standard deviation of a Gaussian in pixels, for each root of the shorter side
    "contrast": (0.6, 0.4, 0.2),  # what is left of the distance from the image's mean
    "JPEG": (80, 50, 20),  # quality, in Pillow
    "brightness": (0.1, 0.2, 0.3),  # added, in full scale
}


@dataclass(frozen=True, kw_only=True)
class CorruptionScores(Checked):
    """Accuracy on the same test images, clean and under every corruption, by kind and by strength in their order."""

    num_images: Count
    clean_accuracy: Fraction
    accuracies: dict[str, tuple[Fraction, ...]]

    def __post_init__(self) -> None:
        super().__post_init__()
        if {kind: len(found) for kind, found in self.accuracies.items()} != {k: len(s) for k, s in STRENGTHS.items()}:
            kinds = shortened(", ".join(self.accuracies))
            raise SpecError(f"accuracies of {kinds}: expected {', '.join(STRENGTHS)}, 3 of each")


def corruption_scores(subject: Subject, test: ImageSet, limit: int = MAX_IMAGES) -> CorruptionScores:
    """Score a network on at most `limit` test images evenly spread over the split, clean and corrupted."""
    part = test.subset(torch.tensor(evenly_spaced(len(test), limit)))
    return CorruptionScores(
        num_images=len(part),
        clean_accuracy=_accuracy(subject, part, lambda images, seed: images),
        accuracies={
            kind: tuple(
                _accuracy(subject, part, partial(corrupt, kind=kind, strength=strength)) for strength in strengths
            )
            for kind, strengths in STRENGTHS.items()
        },
    )


def corrupt(images: Tensor, kind: str, strength: float, seed: int = 0) -> Tensor:
    """Return uint8 images (N, C, H, W) of 1 or 3 channels, corrupted; the same arguments give the same images.

    Noise of one seed differs between strengths by its scale only.
    """
    if images.dtype != torch.uint8 or images.dim() != 4 or images.shape[1] not in (1, 3):
        raise DataError(
            f"{tuple(images.shape)} {images.dtype} cannot be corrupted: expected uint8 images (N, C, H, W) of 1 or 3 "
            "channels"
        )
    if not len(images):
        return images.clone()
    if kind == "JPEG":
        return _jpeg(images, round(strength))
    return _KINDS[kind](images / 255, strength, seed).mul(255).round().clamp(0, 255).to(torch.uint8)


def _blur(x: Tensor, strength: float, seed: int) -> Tensor:
    """Convolve rows and columns with a Gaussian cut off at three standard deviations; edges are repeated outwards."""
    sigma = strength * math.sqrt(min(x.shape[2:]))  # 0.57 to 1.13 pixels at 32, 1.5 to 3.0 at 224
    radius = max(1, math.ceil(3 * sigma))
    weights = torch.exp(-torch.arange(-radius, radius + 1).square() / (2 * sigma**2))
    kernel = (weights / weights.sum()).expand(x.shape[1], 1, 1, -1)  # (C, 1, 1, 2 radius + 1)
    x = F.conv2d(F.pad(x, (radius, radius, 0, 0), mode="replicate"), kernel, groups=x.shape[1])
    return F.conv2d(F.pad(x, (0, 0, radius, radius), mode="replicate"), kernel.transpose(2, 3), groups=x.shape[1])


_KINDS: dict[str, Callable[[Tensor, float, int], Tensor]] = {  # of images in [0, 1]
    "noise": lambda x, strength, seed: (
        x + strength * torch.randn(x.shape, generator=torch.Generator().manual_seed(seed))
    ),
    "blur": _blur,
    "contrast": lambda x, strength, seed: x.mean((1, 2, 3), keepdim=True).lerp(x, strength),
    "brightness": lambda x, strength, seed: x + strength,
}


def _jpeg(images: Tensor, quality: int) -> Tensor:
    """Store each image as JPEG and read it back."""
    found = np.stack([_stored(pixels, quality) for pixels in images.permute(0, 2, 3, 1).numpy()])
    return torch.from_numpy(found).permute(0, 3, 1, 2).contiguous()


def _stored(pixels: np.ndarray, quality: int) -> np.ndarray:
    H, W, C = pixels.shape
    file = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if C == 1 else pixels).save(file, "JPEG", quality=quality)
    with Image.open(file) as image:
        return np.asarray(image).reshape(H, W, C)


def _accuracy(subject: Subject, images: ImageSet, change: Callable[..., Tensor]) -> float:
    """Return the accuracy on changed images; each part of them has its place as the seed of its noise."""
    right = 0
    with evaluating(subject.network):
        for start in range(0, len(images), BATCH):
            part = slice(start, start + BATCH)
            predictions = subject.logits(change(images.images[part], seed=start)).argmax(1)
            right += int((predictions == images.labels[part]).sum())
    return right / len(images)


def _asked(trained: Trained) -> CorruptionScores:
    return corruption_scores(trained.subject, trained.splits_on_cpu.test)


def question(options: NoOptions) -> Question[CorruptionScores]:
    return Question(name="corruptions", kind=CorruptionScores, ask=_asked, old_key="corruptions")
