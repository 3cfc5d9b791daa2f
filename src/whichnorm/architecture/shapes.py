"""The shapes of a picture, as SVG."""

from xml.sax.saxutils import escape

INK, FAINT, LINE = "#1f2328", "#59636e", "#6e7781"


def pill(
    x: int, top: int, half: int, height: int, words: str, *, size: int, weight: int = 400, dashed: bool = False
) -> str:
    dash = ' stroke-dasharray="3 2"' if dashed else ""
    return (
        f'<rect x="{x - half}" y="{top}" width="{2 * half}" height="{height}" rx="{height // 2}" fill="#ffffff" '
        f'stroke="{FAINT}" stroke-width="1.2"{dash}/>'
        + text(x, top + height // 2 + round(size * 0.36), words, size=size, weight=weight, anchor="middle")
    )


def line(points: list[tuple[int, int]]) -> str:
    """Draw a line through points with rounded corners and an arrow at its end."""
    path = f"M{points[0][0]} {points[0][1]}"
    for (ax, ay), (bx, by), (cx, cy) in zip(points, points[1:], points[2:], strict=False):
        before, after = min(6, abs(bx - ax) + abs(by - ay)), min(6, abs(cx - bx) + abs(cy - by))
        path += f" L{bx - before * _sign(bx - ax)} {by - before * _sign(by - ay)}"
        path += f" Q{bx} {by} {bx + after * _sign(cx - bx)} {by + after * _sign(cy - by)}"
    path += f" L{points[-1][0]} {points[-1][1]}"
    return f'<path d="{path}" fill="none" stroke="{LINE}" stroke-width="1.4" marker-end="url(#tip)"/>'


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def text(x: int, y: int, words: str, *, size: float, color: str = INK, weight: int = 400, anchor: str = "start") -> str:
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" fill="{color}" font-weight="{weight}" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )


def cut(words: str, length: int) -> str:
    return words if len(words) <= length else words[: length - 1] + "…"


def tail(path: str, length: int) -> str:
    """Keep the end of a path, which tells layers apart."""
    return path if len(path) <= length else "…" + path[len(path) - length + 1 :]
