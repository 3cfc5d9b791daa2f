"""Which normalization layer should this network use, on this data, at this batch size?

>>> import whichnorm
>>> results = whichnorm.compare("digits", norms=["bn", "gn:8"], seeds=3)  # doctest: +SKIP
>>> results.verdict.text  # doctest: +SKIP
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from whichnorm.explain import explain
from whichnorm.version import __version__

if TYPE_CHECKING:
    from whichnorm.api import compare, show
    from whichnorm.errors import DataError, MissingExtraError, ModelError, SpecError, StudyError, WhichnormError
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
    from whichnorm.study.progress import console_progress
    from whichnorm.sweeps import SweepResults, sweep

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
    "SweepResults",
    "Verdict",
    "WhichnormError",
    "__version__",
    "build_model",
    "compare",
    "console_progress",
    "explain",
    "parse_norm",
    "show",
    "sweep",
]

_HOMES = (
    "errors",
    "norms",
    "specs.arm",
    "specs.recipe",
    "models",
    "study.progress",
    "results.results",
    "results.verdict",
    "explain.sets",
    "api",
    "sweeps",
)


def __getattr__(name: str) -> Any:
    """Import a public name or a module of the package when it is first used.

    PyTorch, which most of them need, takes a second or more to import; were it imported with the package, Ctrl-C in
    that time would end a command in a traceback, before `cli.main` can see to it.
    """
    if name in __all__:
        homes = (import_module(f"whichnorm.{home}") for home in _HOMES)
        return next(getattr(home, name) for home in homes if hasattr(home, name))
    if not name.startswith("_") and find_spec(f"whichnorm.{name}"):
        return import_module(f"whichnorm.{name}")
    raise AttributeError(f"module 'whichnorm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
