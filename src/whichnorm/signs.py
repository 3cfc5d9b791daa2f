"""Numbers with their sign, written alike in tables, sentences, the terminal and figures."""

MINUS = "\N{MINUS SIGN}"


def signed(value: float, decimals: int) -> str:
    """Write a number with its sign: "+1.20", "−0.70"."""
    return f"{value:+,.{decimals}f}".replace("-", MINUS)
