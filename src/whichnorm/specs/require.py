"""Rules that a spec checks itself by."""

from whichnorm.errors import SpecError


def require(condition: bool, message: str) -> None:
    if not condition:
        raise SpecError(message)
