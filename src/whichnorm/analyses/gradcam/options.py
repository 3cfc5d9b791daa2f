"""What can be chosen of the maps."""

from dataclasses import dataclass
from typing import Literal

from whichnorm.errors import SpecError
from whichnorm.specs.options import option

Target = Literal["true", "predicted"]


def parse_images(text: str) -> tuple[int, ...]:
    """Read indices of test images: "3,17"."""
    try:
        return tuple(int(index) for index in text.split(","))
    except ValueError:
        raise SpecError(f"--images {text!r}: expected indices in the test split, such as 3,17") from None


def parse_seed(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise SpecError(f"--seed {text!r}: expected a whole number, such as 0") from None


@dataclass(frozen=True, kw_only=True)
class GradCamOptions:
    """What is looked at; None is the default choice."""

    layer: str | None = option(
        None, "a module with an (N, C, H, W) output, such as block2.0 (default: the end of the last convolutional "
        "block)",
        metavar="PATH", parse=str,
    )  # fmt: skip
    images: tuple[int, ...] | None = option(
        None, "test images by their index in the split, from 0 (default: 3 that every arm gets right, 3 on which arms "
        "disagree)", metavar="A,B,...", parse=parse_images,
    )  # fmt: skip
    seed: int | None = option(None, "whose runs (default: the first that most arms finished)", metavar="N",
                              parse=parse_seed)  # fmt: skip
    target: Target = option("true", "the class whose evidence is shown (default true)", choices=("true", "predicted"))
