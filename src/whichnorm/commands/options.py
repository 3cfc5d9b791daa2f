"""Options that several commands read."""

from whichnorm.errors import SpecError


def model_option(text: str) -> tuple[str, bool | int | float | str]:
    """Read KEY=VALUE; the value is a truth value, a number or a text."""
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise SpecError(f"--model-option {text!r}: expected KEY=VALUE, such as add_skip=true")
    if value.lower() in ("true", "false"):
        return key, value.lower() == "true"
    for number in (int, float):
        try:
            return key, number(value)
        except ValueError:
            pass
    return key, value
