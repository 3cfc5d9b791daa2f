"""The folder of a study, which several commands read."""

import argparse
from typing import TYPE_CHECKING

from whichnorm.commands.arguments import add_options
from whichnorm.specs.data import DataPlace

if TYPE_CHECKING:  # PyTorch is slow to import
    from whichnorm.study.study import Study


def add_study_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the folder of a study, and where its data lie."""
    parser.add_argument("study", metavar="DIR", help="the folder of a study, --out of whichnorm compare")
    add_options(parser, DataPlace)


def study_of(folder: str, place: DataPlace) -> "Study":
    """Open the study that `add_study_arguments` asked for."""
    from whichnorm.study.study import reopen

    return reopen(folder, data_dir=place.data_dir, download=place.download)
