"""Which normalization layer should this network use, on this data, at this batch size?

>>> import whichnorm
>>> results = whichnorm.compare("digits", norms=["bn", "gn:8"], seeds=3)  # doctest: +SKIP
>>> results.verdict.text  # doctest: +SKIP
"""

from whichnorm import interrupts

interrupts.end_at_once()  # before anything else is imported, where this is the program whichnorm

from whichnorm.api import compare, console_progress, open_results, resume, show, sweep
from whichnorm.errors import (
    DataError,
    MissingExtraError,
    ModelError,
    SpecError,
    StudyError,
    WhichnormError,
)
from whichnorm.explain import explain
from whichnorm.explain.sets import Explanation, StatisticsSets
from whichnorm.models import build_model
from whichnorm.norms import (
    BatchNormSpec,
    ChannelLayerNormSpec,
    ElementLayerNormSpec,
    GroupNormSpec,
    InstanceNormSpec,
    LayerNormSpec,
    NoNormSpec,
    NormSpec,
    parse_norm,
)
from whichnorm.results.results import ArmResult, Comparison, Results, Summary, Verdict
from whichnorm.specs.arm import ArmSpec
from whichnorm.specs.recipe import Augmentation, Recipe, Schedule
from whichnorm.study_results import StudyResults
from whichnorm.sweeps.results import SweepResults
from whichnorm.version import __version__

__all__ = [
    "ArmResult",
    "ArmSpec",
    "Augmentation",
    "BatchNormSpec",
    "ChannelLayerNormSpec",
    "Comparison",
    "DataError",
    "ElementLayerNormSpec",
    "Explanation",
    "GroupNormSpec",
    "InstanceNormSpec",
    "LayerNormSpec",
    "MissingExtraError",
    "ModelError",
    "NoNormSpec",
    "NormSpec",
    "Recipe",
    "Results",
    "Schedule",
    "SpecError",
    "StatisticsSets",
    "StudyError",
    "StudyResults",
    "Summary",
    "SweepResults",
    "Verdict",
    "WhichnormError",
    "__version__",
    "build_model",
    "compare",
    "console_progress",
    "explain",
    "open_results",
    "parse_norm",
    "resume",
    "show",
    "sweep",
]


def __dir__() -> list[str]:
    """Return the public names, and not the rooms that importing them has made attributes."""
    return sorted(__all__)
