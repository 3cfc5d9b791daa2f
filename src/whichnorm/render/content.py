"""What a report says, in order and without a format: the page and the Markdown version both render this."""

from dataclasses import dataclass

from whichnorm.render.images import Sprite
from whichnorm.render.picture import Picture
from whichnorm.render.table import Table


@dataclass(frozen=True, kw_only=True)
class Code:
    """Text to be copied as it is, with what it is called."""

    text: str
    title: str
    language: str = ""


@dataclass(frozen=True, kw_only=True)
class Folded:
    """Sentences and tables that a reader opens on demand."""

    summary: str
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Section:
    """A part of the report under one heading, which says the finding; `label` names it in the list of contents.

    An analysis gives its own name, and its title where there is no label. The parts come in the order of the fields.
    `wide` pictures get a row each, others share one if there is room. `sprite` holds the small images that the
    pictures' widgets show.
    """

    title: str
    anchor: str = ""
    label: str = ""
    sentences: tuple[str, ...] = ()
    code: tuple[Code, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    folded: tuple[Folded, ...] = ()
    wide: bool = False
    alarming: bool = False
    sprite: Sprite | None = None


@dataclass(frozen=True, kw_only=True)
class KeyPoint:
    """A short remark beside the answer, under a label of a few words."""

    label: str
    text: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Content:
    """A whole report: the question, the answer in one sentence with a figure and a few points, and what is behind it.

    `figure` names one of the sections' pictures, which is shown beside the answer and not in its section; "" is none.
    """

    question: str
    size: str
    decided: bool
    answer: str
    points: tuple[KeyPoint, ...]
    figure: str
    statistics: tuple[str, ...]
    sections: tuple[Section, ...]
    footer: str

    @property
    def pictures(self) -> tuple[Picture, ...]:
        return tuple(picture for section in self.sections for picture in section.pictures)

    @property
    def beside(self) -> Picture | None:
        """The picture beside the answer."""
        return next((picture for picture in self.pictures if picture.name == self.figure), None)
