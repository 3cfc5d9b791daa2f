"""What can be chosen of the cost."""

from dataclasses import dataclass

from whichnorm.specs.options import option


@dataclass(frozen=True, kw_only=True)
class CostOptions:
    """What is measured if it is not known yet."""

    latency: bool = option(
        True, "do not export and time the trained networks, seconds per arm", flag="--no-latency"
    )  # fmt: skip
