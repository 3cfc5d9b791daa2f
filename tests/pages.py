"""What a browser makes of HTML, for tests: tags, attributes, text and scripts; and names that try to break out."""

from html.parser import HTMLParser

HOSTILE = (
    "<script>alert(1)</script>", "$\\frac$ & y", "a class name that goes on and on and on and on", "猫", "b_{\\",
    "tab\there", "--><b>", '" onload="x', "", "nine\udcff",
)  # fmt: skip


class Page(HTMLParser):
    """What a page shows and loads: tags with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[str] = []
        self.scripts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.cdata_elem == "script":  # what no reader sees
            self.scripts[-1] += data
        else:
            self.pieces.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.pieces).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]
