"""A study's results as its user holds them: with what its analyses found."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from whichnorm.results.results import Results, results_json
from whichnorm.study.study import Study


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyResults(Results):
    """A study's results with what its analyses found, by their names."""

    origin: Study
    found: Mapping[str, Any]

    @classmethod
    def of(cls, study: Study, results: Results, found: Mapping[str, Any]) -> "StudyResults":
        values = {one.name: getattr(results, one.name) for one in fields(Results)}
        return cls(**values, origin=study, found=found)

    def to_dict(self) -> dict[str, Any]:
        """Return results.json's content."""
        return results_json(self, self.found)
