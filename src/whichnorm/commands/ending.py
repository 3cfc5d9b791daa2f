"""How commands that train end: what is printed, the exit code, and what is said where Ctrl-C stops them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # training and drawing are slow to import
    from rich.console import Console

    from whichnorm.study_results import StudyResults
    from whichnorm.sweeps.results import SweepResults

EXIT_CODES = "Exit code: 0 done, 1 done but a run failed, diverged or stayed at chance, 2 input that cannot be used."


def end(results: "StudyResults | SweepResults", console: "Console") -> int:
    """Print the results of a study or a sweep and where its report is; return the exit code."""
    from whichnorm.study_results import StudyResults

    if isinstance(results, StudyResults):
        from whichnorm.analyses.accuracy.terminal import print_results

        print_results(results, results.found, console)
    else:
        from whichnorm.sweeps.terminal import print_sweep

        print_sweep(results, console)
    print_page(results.folder, console)
    return 0 if results.ok else 1


def print_page(folder: Path, console: "Console") -> None:
    console.print(f"report: {folder / 'report' / 'index.html'}", markup=False, highlight=False, soft_wrap=True)


@contextmanager
def going_on(folder: Path) -> Iterator[None]:
    """Have Ctrl-C say how to go on with what a folder holds."""
    try:
        yield
    except KeyboardInterrupt:
        from whichnorm.study.command import resume_command

        begun = any((folder / name).exists() for name in ("study.json", "sweep.json"))
        raise KeyboardInterrupt(f"{resume_command(folder)} goes on" if begun else "nothing was trained") from None
