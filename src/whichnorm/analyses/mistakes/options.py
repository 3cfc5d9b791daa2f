"""What can be chosen of the mistakes."""

from dataclasses import dataclass

from whichnorm.specs.options import option


@dataclass(frozen=True, kw_only=True)
class MistakesOptions:
    labels: bool = option(True, "do not look for wrong labels", flag="--no-labels")
