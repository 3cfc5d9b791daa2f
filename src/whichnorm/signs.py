"""Numbers with their sign, written alike in tables, sentences, the terminal and figures."""

MINUS = "\N{MINUS SIGN}"


def with_minus(number: str) -> str:
    """Return a written number with minus signs for its hyphens, also in an exponent: "−1.2e−05"."""
    return number.replace("-", MINUS)


def signed(value: float, decimals: int) -> str:
    """Write a number with its sign: "+1.20", "−0.70"."""
    return with_minus(f"{value:+,.{decimals}f}")
