"""BibTeX of a report: the software and the study."""

from collections.abc import Iterable

from whichnorm.render.content import Code
from whichnorm.render.export import latex_text
from whichnorm.training.record import RunRecord

TITLE = "whichnorm: Which normalization layer should this network use, on this data, at this batch size?"


def citation(question: str, note: str, records: Iterable[RunRecord]) -> Code:
    """Return entries of the software, in the versions that made the runs, and of the study."""
    versions = dict.fromkeys(str(run.environment.get("whichnorm", "unknown version")) for run in records)
    code = dict.fromkeys(str(run.environment["code"]) for run in records if run.environment.get("code"))
    software = _entry(
        "software", "whichnorm",
        author="{The whichnorm authors}", title=latex_text(TITLE), version=latex_text(", ".join(versions)),
        note=latex_text(f"Code {', '.join(code)}") if code else "",
    )  # fmt: skip
    study = _entry("misc", "whichnorm-study", title=latex_text(question), howpublished="Report made by whichnorm",
                   note=latex_text(note))  # fmt: skip
    return Code(title="BibTeX", text=f"{software}\n\n{study}", language="bibtex")


def _entry(kind: str, key: str, **fields: str) -> str:
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])
