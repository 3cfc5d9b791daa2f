"""A study's results in a reader's hands: tables, pictures and the report, in Python and in a notebook."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whichnorm.analyses import ANALYSES
from whichnorm.analyses.analysis import Analysis
from whichnorm.analyses.examined_json import examined_json
from whichnorm.errors import MissingExtraError, SpecError, nearest, shown
from whichnorm.results.results import Results

if TYPE_CHECKING:  # drawing is slow to import
    import pandas
    from matplotlib.figure import Figure

    from whichnorm.render.content import Section
    from whichnorm.render.picture import Picture
    from whichnorm.render.table import Table
    from whichnorm.study.study import Study


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StudyResults(Results):
    """The results of a study, with what its analyses found, by their names.

    In a notebook it shows the answer and the table of accuracies. `verdict` is the answer with its evidence, `table`
    and `to_frame` hold the accuracies, `plot` draws an analysis of the report, `report` gives the page.
    """

    study_itself: "Study"
    found: dict[str, Any] = field(default_factory=dict)  # what is measured later is added

    @classmethod
    def of(cls, study: "Study", results: Results, found: Mapping[str, Any]) -> "StudyResults":
        values = {one.name: getattr(results, one.name) for one in fields(Results)}
        return cls(**values, study_itself=study, found=dict(found))

    def to_dict(self) -> dict[str, Any]:
        """Return results.json's content, with what the trained networks answered and whether the answer holds."""
        tested = getattr(self.found.get("sensitivity"), "tested", ())
        examined = examined_json(self.found) if self.found else None
        return {**super().to_dict(), "examined": examined, "follow_ups": list(tested)}

    def _repr_html_(self) -> str:
        return f"<p><strong>{escape(self.verdict.answer)}</strong></p>{self.table()._repr_html_()}"

    def table(self) -> "Table":
        """Return the accuracies, a row per arm: prints in a terminal, and is a table in a notebook."""
        from whichnorm.analyses.accuracy.tables import arms_table

        return arms_table(self)

    def to_frame(self) -> "pandas.DataFrame":
        """Return one row per run: norm, seed, status, accuracies in [0, 1], seconds. Needs pandas."""
        try:
            import pandas
        except ImportError:
            raise MissingExtraError("to_frame needs pandas, not installed: pip install pandas") from None
        import io

        return pandas.read_csv(io.StringIO(self.to_csv()))

    def section(self, name: str, *, norms: Sequence[str] | None = None, **options: Any) -> "Section":
        """Return what an analysis found, as the report shows it: "gradcam", "curves", "mistakes".

        norms are some of the study's arms, None all. options are those of the analysis, such as layer="block2" of
        "gradcam"; without any, what was found before is not measured again. Raises SpecError for a name, an arm or an
        option that is not there.
        """
        analysis = _find(name)
        if norms is not None:
            return self._of_some(norms).section(name, **options)
        section = analysis.section(self._found(analysis, options), self)
        if section is None:
            raise SpecError(f"{name}: {analysis.nothing}")
        return section

    def _of_some(self, norms: Sequence[str]) -> "StudyResults":
        for norm in norms:
            if norm not in self.arm_names:
                raise SpecError(f"{shown(norm)} is no arm of this study; it has {', '.join(self.arm_names)}")
        return replace(self.only(list(norms)), found={})

    def _found(self, analysis: Analysis, options: Mapping[str, Any]) -> Any:
        """Return what an analysis finds; with the report's own options it is measured once."""
        known = self.found.get(analysis.name)
        if not options and known is not None and not isinstance(known, Exception):
            return known
        found = analysis.measure(self.study_itself, self, _options(analysis, options))
        if not options:
            self.found[analysis.name] = found
        return found

    def plot(self, name: str, *, norms: Sequence[str] | None = None, **options: Any) -> "Plots":
        """Return the pictures of an analysis; a notebook shows them. See `section` for the arguments."""
        return Plots(self.section(name, norms=norms, **options).pictures)

    def report(self) -> Path:
        """Write the report anew and return the path of its page."""
        from whichnorm.report import measure_all, write_report

        if {analysis.name for analysis in ANALYSES} - set(self.found):
            self.found.update({**dict(measure_all(self.study_itself, self, {})), **self.found})
        return write_report(self, self.found)


class Plots(Sequence["Picture"]):
    """Pictures with their captions; a notebook shows them, one below the other."""

    def __init__(self, pictures: Sequence["Picture"]) -> None:
        self._pictures = tuple(pictures)

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: Any) -> Any:
        return self._pictures[index]

    def __repr__(self) -> str:
        return f"<Plots: {', '.join(picture.name for picture in self._pictures) or 'none'}>"

    @property
    def figures(self) -> list["Figure"]:
        """The matplotlib figures, in the same order."""
        return [picture.figure for picture in self._pictures]

    def save(self, folder: str | Path) -> list[Path]:
        """Write every picture into a folder as PNG and SVG, and return the paths of the PNG files."""
        from whichnorm.render.files import write_pictures

        return write_pictures(self._pictures, Path(folder))

    def _ipython_display_(self) -> None:
        """Show images as PNG, which every viewer of notebooks shows, code hosts too."""
        from IPython.display import Image, Markdown, display

        from whichnorm.render.style import saved

        for picture in self._pictures:
            png, width = saved(picture.figure, ["png"])["png"], round(96 * picture.figure.get_size_inches()[0])
            display(Image(png, width=width, alt=picture.alt))
            display(Markdown(picture.caption))


def _find(name: str) -> Analysis:
    names = [analysis.name for analysis in ANALYSES]
    if name not in names:
        raise SpecError(f"no analysis is called {shown(name)}{nearest(str(name), names)}; there are {', '.join(names)}")
    return ANALYSES[names.index(name)]


def _options(analysis: Analysis, given: Mapping[str, Any]) -> Any:
    known = [one.name for one in fields(analysis.options)]
    for option in given:
        if option not in known:
            expected = f"there are {', '.join(known)}" if known else "it has none"
            raise SpecError(f"{analysis.name} has no option {option!r}{nearest(option, known)}; {expected}")
    return analysis.options(**given) if given else analysis.of_report()
