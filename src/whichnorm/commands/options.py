"""Options that several commands read."""

import argparse

from whichnorm.errors import SpecError
from whichnorm.study.study import Study, reopen

Arguments = argparse.ArgumentParser | argparse._ArgumentGroup
DEFAULT_DATA = "digits"


def add_study_arguments(parser: Arguments) -> None:
    """Add the folder of a study, and where its data lie."""
    parser.add_argument("study", metavar="DIR", help="the folder of a study, --out of whichnorm compare")
    add_data_place(parser)


def add_data_arguments(parser: Arguments) -> None:
    """Add the choice of a data set, and where it lies. What is not given is None, so that a command can tell."""
    parser.add_argument(
        "--data",
        metavar="NAME",
        help=f"digits, mnist, fashion-mnist, cifar10, cifar100, or a folder of class folders (default {DEFAULT_DATA})",
    )
    add_data_place(parser)
    parser.add_argument("--image-size", type=int, metavar="PIXELS", help="resize a folder's images to this side")


def add_data_place(parser: Arguments) -> None:
    """Add where data lie and whether they may be downloaded."""
    parser.add_argument("--data-dir", metavar="DIR", help="where the data set lies or is downloaded to (default data)")
    parser.add_argument("--no-download", action="store_true", default=None, help="never download")


def data_name(args: argparse.Namespace) -> str:
    """Return the data set that `add_data_arguments` asked for."""
    return DEFAULT_DATA if args.data is None else str(args.data)


def study_of(args: argparse.Namespace) -> Study:
    """Open the study that `add_study_arguments` asked for."""
    return reopen(args.study, data_dir=args.data_dir, download=not args.no_download)


def model_option(text: str) -> tuple[str, bool | int | float | str]:
    """Read KEY=VALUE; the value is a truth value, a number or a text."""
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise SpecError(f"--model-option {text!r}: expected KEY=VALUE, such as add_skip=true")
    if value.lower() in ("true", "false"):
        return key, value.lower() == "true"
    for number in (int, float):
        try:
            return key, number(value)
        except ValueError:
            pass
    return key, value
