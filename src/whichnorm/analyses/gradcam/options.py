"""What can be chosen of the maps."""

from dataclasses import dataclass
from typing import Literal

from whichnorm.specs import texts
from whichnorm.specs.options import option

Target = Literal["true", "predicted"]


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
        "disagree)", metavar="A,B,...", parse=texts.whole_numbers,
    )  # fmt: skip
    seed: int | None = option(
        None, "whose runs (default: the first that most arms finished)", metavar="N", parse=texts.whole_number
    )
    target: Target = option("true", "the class whose evidence is shown (default true)", choices=("true", "predicted"))
