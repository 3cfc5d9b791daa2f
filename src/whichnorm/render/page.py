"""The page: the report's content put into the template. One HTML file that needs no other and no network."""

import base64
import hashlib
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from PIL import Image

from whichnorm.render import export, text
from whichnorm.render.content import Content
from whichnorm.render.images import Sprite
from whichnorm.render.picture import Picture

SCRIPTS = ("make.js", "sort.js", "charts.js", "confusion.js", "take.js", "page.js")  # one script, in this order
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")  # such as --norms
INCHES = 96  # pixels of a browser
SAFE = " !'()*+,-./:;<=>?@[]^_`{|}~$&\\"  # what an address in an attribute may hold as it is


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A picture's file as the page holds it, and the size in pixels at which its text has the page's size."""

    uri: str
    width: int
    height: int


def render(content: Content, files: Mapping[str, bytes], class_names: Sequence[str]) -> str:
    """Return the page's HTML; `files` are the pictures' by name."""
    environment = Environment(
        loader=PackageLoader("whichnorm", "render/templates"),
        autoescape=True,  # class names, paths and reasons come from outside
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        prose=_prose,
        csv=lambda table: _text_uri(export.as_csv(table), "csv"),
        latex=lambda table: _text_uri(export.as_latex(table), "x-tex"),
    )
    widgets = {p.name: {"kind": p.widget.kind, "alt": p.alt, **p.widget.data} for p in content.pictures if p.widget}
    sprite = next((_sprite(section.sprite) for section in content.sections if section.sprite), {})
    data = {"classes": [text.printable(name) for name in class_names], "sprite": sprite, "widgets": widgets}
    folder = resources.files("whichnorm.render") / "templates"
    script = "\n".join((folder / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return environment.get_template("index.html.j2").render(
        content=content,
        shown={picture.name: _shown(picture, files[picture.name]) for picture in content.pictures},
        data=Markup(script_json(data)),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _sprite(sprite: Sprite) -> dict[str, Any]:
    uri = _data_uri(sprite.webp, "webp")
    return {"uri": uri, "width": sprite.width, "height": sprite.height, "columns": sprite.columns}


def script_json(data: Any) -> str:
    """Return JSON that neither ends a script element nor opens a comment in it, whatever its strings hold."""
    ascii_only = json.dumps(data, separators=(",", ":"), allow_nan=False)  # so U+2028 and U+2029 are escaped too
    return ascii_only.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _shown(picture: Picture, data: bytes) -> Shown:
    uri = _data_uri(data, "svg+xml") if picture.embed == "svg" else _data_uri(_as_webp(data), "webp")
    width, height = (round(INCHES * inches) for inches in picture.figure.get_size_inches())
    return Shown(uri=uri, width=width, height=height)


def _as_webp(png: bytes) -> bytes:
    """Return the same pixels as a lossless WebP file: the page holds many pictures, and has to stay small."""
    file = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(file, "WEBP", lossless=True, method=4)
    return file.getvalue()


def _prose(sentence: str) -> Markup:
    """Return text as HTML in which neither numbers nor names of options break at the end of a line."""
    return Markup(OPTION.sub(r"<code>\g<0></code>", str(escape(text.unbroken(sentence)))))


def _text_uri(content: str, kind: str) -> str:
    """Return text as an address that a link can save; it is percent-encoded, so that the page's script can read it."""
    return f"data:text/{kind};charset=utf-8,{quote(text.encodable(content), safe=SAFE)}"


def _data_uri(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
