"""Write the measured numbers of the documents anew from results/: python -m docs.make.numbers."""

from pathlib import Path

from docs.make.facts import FACTS
from docs.make.marks import filled

ROOT = Path(__file__).parents[2]


def documents() -> list[Path]:
    """Return the Markdown files that people read."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def main() -> None:
    """Fill the marks of every document, and name those that changed."""
    for path in documents():
        old = path.read_text()
        new = filled(old, FACTS)
        if new != old:
            path.write_text(new)
            print(f"written: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
