"""Which elements share a mean and a variance under each norm, in numbers, words and a picture.

The room and its one public function have the same name. `whichnorm` imports the function at once, after which
`whichnorm.explain` is the function: Python sets a package's attribute to a module when it first loads that module, and
never again. So modules here are imported by their full path, as in `from whichnorm.explain.sets import Explanation`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from torch import Tensor

    from whichnorm.explain.shown import ShownExplanation
    from whichnorm.norms import NormSpec


def explain(
    array: "ArrayLike | Tensor | None" = None, norms: "Sequence[str | NormSpec] | None" = None
) -> "ShownExplanation":
    """Say which elements of an array share a mean and a variance under each norm, with all numbers in float64.

    array is (N, C, H, W), (C, H, W) for one image, or (N, features), which count as channels of one pixel; None is the
    published example of 3 images, 4 channels and 1x2 pixels. A norm is a text form ("gn:2") or a spec; None takes all
    that fit the shape. Raises WhichnormError for what cannot be explained: groups that do not divide the channels, sets
    of one element, values that are not finite.

    >>> batch_norm, layer_norm = explain(norms=["bn", "ln"]).norms
    >>> layer_norm.mean
    array([9.625, 4.125, 4.5  ])
    """
    import numpy as np  # here, because this function is imported with the package, which is light

    from whichnorm.errors import SpecError
    from whichnorm.explain.arrays import PUBLISHED, feature_map
    from whichnorm.explain.sets import explain_values
    from whichnorm.explain.shown import ShownExplanation
    from whichnorm.norms import NormSpec, parse_norm
    from whichnorm.specs.value_types import misfit

    if fault := misfit(norms, Sequence[str | NormSpec] | None, "norms"):
        raise SpecError(fault)
    specs = None if norms is None else [parse_norm(norm) if isinstance(norm, str) else norm for norm in norms]
    source = "The published worked example" if array is None else "An array"
    values = feature_map(np.array(PUBLISHED) if array is None else array, "the array")
    return ShownExplanation(**vars(explain_values(values, source, specs)))
