"""Which normalization layer should this network use, on this data, at this batch size?

>>> import whichnorm
>>> results = whichnorm.compare("digits", norms=["bn", "gn:8"], seeds=3)  # doctest: +SKIP
>>> results.verdict.text  # doctest: +SKIP
"""

from whichnorm.errors import (
    DataError,
    MissingExtraError,
    ModelError,
    SpecError,
    StudyError,
    WhichnormError,
)
from whichnorm.job import compare
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
from whichnorm.progress import console_progress
from whichnorm.results import ArmResult, Comparison, Results, Summary, Verdict
from whichnorm.spec import ArmSpec, Augmentation, Recipe, Schedule
from whichnorm.version import __version__
from whichnorm.worked import Explanation, StatisticsSets, explain

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
    "Summary",
    "Verdict",
    "WhichnormError",
    "__version__",
    "build_model",
    "compare",
    "console_progress",
    "explain",
    "parse_norm",
]
