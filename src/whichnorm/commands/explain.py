"""`whichnorm explain`: which elements share a mean and a variance under each norm."""

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from whichnorm.commands.arguments import add_options, read_options
from whichnorm.errors import SpecError, shortened
from whichnorm.files import escaped
from whichnorm.norms import parse_norm
from whichnorm.specs import texts
from whichnorm.specs.data import DataSpec
from whichnorm.specs.options import choices, option, part

if TYPE_CHECKING:  # NumPy is for the work, not for --help
    from rich.console import Console

    from whichnorm.explain.sets import Explanation

NAME = "explain"
HELP = "show which elements share a mean and a variance under each norm, in numbers and as a picture"
DESCRIPTION = """\
Show for each norm which elements share a mean and a variance, with every
number: on the published example of 3 images, 4 channels and 1x2 pixels, on an
array of yours, or on what a network's norm layer is given.
"""
EPILOG = """\
examples:
  whichnorm explain
      the published example in full
  whichnorm explain features.npy --norms bn,gn:4,in --out sets.svg
  whichnorm explain --model session08 --layer block2.0.norm --data cifar10
  whichnorm explain --json

The text shows larger arrays in part; --json always gives everything.
Exit code: 0 done, 2 input that cannot be used.
"""
WHAT = "what to explain"
NETWORK = "what a network's norm layer is given, in place of a file"
OUTPUT = "output"
OF_STUDIES = ("val", "train_limit")  # options of data that only training has


@dataclass(frozen=True, kw_only=True)
class ExplainOptions:
    """What is explained, and how it is shown."""

    norms: tuple[str, ...] | None = option(
        None, "norms, such as bn,ln,gn:2,in (default: all that fit)", group=WHAT, metavar="A,B,...", parse=texts.names
    )
    model: str | None = option(
        None, "a network of whichnorm.models, or package.module:factory", group=NETWORK, metavar="NAME", parse=str
    )
    layer: str | None = option(
        None, "a norm layer's path, such as block1.0.norm (default: the first)", group=NETWORK, metavar="PATH",
        parse=str,
    )  # fmt: skip
    num_images: int = option(4, "the first N test images", group=NETWORK, metavar="N", parse=texts.whole_number)
    seed: int = option(0, "of the network's weights", group=NETWORK, metavar="N", parse=texts.whole_number)
    data: DataSpec = part(DataSpec)
    out: str | None = option(
        None, "draw the sets as a picture: FILE.svg or FILE.png", group=OUTPUT, metavar="FILE", parse=str
    )
    json: bool = option(False, "print everything as one JSON object", group=OUTPUT)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "array",
        nargs="?",
        metavar="FILE",
        help="a .npy file with an array (N, C, H, W), (C, H, W) for one image, or (N, features) "
        "(default: the published example)",
    )
    add_options(parser, ExplainOptions, but=OF_STUDIES)


def read(args: argparse.Namespace) -> ExplainOptions:
    _check_network_options(args)
    options = read_options(args, ExplainOptions)
    for name in options.norms or ():
        parse_norm(name)
    return options


def run(args: argparse.Namespace, options: ExplainOptions, console: "Console") -> int:
    picture = None
    if options.out is not None:
        from whichnorm.explain.picture import draw
        from whichnorm.render.files import check_file, write_figure

        picture = check_file(options.out)  # before anything is computed
    explanation = _explanation(args.array, options)
    if picture:
        write_figure(draw(explanation), picture)
    if options.json:
        from whichnorm.explain.text import as_json

        print(json.dumps(as_json(explanation), allow_nan=False))
        return 0
    from whichnorm.explain.text import print_explanation

    print_explanation(explanation, console)
    if picture:
        console.print(f"\npicture: {picture}", markup=False, highlight=False, soft_wrap=True)
    return 0


def _check_network_options(args: argparse.Namespace) -> None:
    """Raise SpecError for options of a network where none is named."""
    if args.model is not None:
        return
    of_networks = (*choices(DataSpec), *(one for one in choices(ExplainOptions) if one.option.group == NETWORK))
    for choice in of_networks:
        if getattr(args, choice.keyword, None) is not None:
            raise SpecError(f"{choice.flag} is for a network; name it with --model, such as session08")


def _explanation(array: str | None, options: ExplainOptions) -> "Explanation":
    from whichnorm.explain import explain
    from whichnorm.explain.arrays import read_npy
    from whichnorm.explain.sets import explain_values

    norms = None if options.norms is None else [parse_norm(name) for name in options.norms]
    if options.model is not None:
        from whichnorm.explain.layer_input import layer_input

        if array is not None:
            both = f"{shortened(array)} and --model {shortened(options.model)}"
            raise SpecError(f"{both}: both name something to explain; give one of them")
        data = replace(options.data, val_fraction=0)
        return explain_values(*layer_input(options.model, data, options.layer, options.num_images, options.seed), norms)
    if array is not None:
        return explain_values(read_npy(Path(array)), f"The array of {escaped(Path(array).name)}", norms)
    return explain(norms=norms)
