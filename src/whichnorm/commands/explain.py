"""`whichnorm explain`: which elements share a mean and a variance under each norm."""

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from whichnorm.commands.options import add_data_arguments, data_name
from whichnorm.errors import SpecError
from whichnorm.explain import explain
from whichnorm.explain.arrays import read_npy
from whichnorm.explain.sets import Explanation, explain_values
from whichnorm.files import escaped
from whichnorm.norms import parse_norm
from whichnorm.specs.data import DataSpec

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
OF_NETWORKS = ("layer", "data", "data_dir", "no_download", "image_size", "num_images", "seed")  # options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_argument_group("what to explain")
    what.add_argument(
        "array",
        nargs="?",
        metavar="FILE",
        help="a .npy file with an array (N, C, H, W), or (C, H, W) for one image (default: the published example)",
    )
    what.add_argument("--norms", metavar="A,B,...", help="norms, such as bn,ln,gn:2,in (default: all that fit)")
    network = parser.add_argument_group("what a network's norm layer is given, in place of a file")
    network.add_argument("--model", metavar="NAME", help="a network of whichnorm.models, or package.module:factory")
    network.add_argument("--layer", metavar="PATH", help="a norm layer's path, such as block1.0.norm (default: the "
                         "first)")  # fmt: skip
    add_data_arguments(network)
    network.add_argument("--num-images", type=int, metavar="N", help="the first N test images (default 4)")
    network.add_argument("--seed", type=int, metavar="N", help="of the network's weights (default 0)")
    output = parser.add_argument_group("output")
    output.add_argument("--out", metavar="FILE", help="draw the sets as a picture: FILE.svg or FILE.png")
    output.add_argument("--json", action="store_true", help="print everything as one JSON object")


def run(args: argparse.Namespace, console: Console) -> int:
    picture = None if args.out is None else picture_place(args.out)
    explanation = _explanation(args)
    if picture:
        write_picture(explanation, picture)
    if args.json:
        from whichnorm.explain.text import as_json

        print(json.dumps(as_json(explanation), allow_nan=False))
        return 0
    from whichnorm.explain.text import print_explanation

    print_explanation(explanation, console)
    if picture:
        console.print(f"\npicture: {picture}", markup=False, highlight=False, soft_wrap=True)
    return 0


def picture_place(out: str) -> Path:
    """Return where the picture goes; checked before anything is computed."""
    from whichnorm.render.files import check_file

    return check_file(out)


def write_picture(explanation: Explanation, path: Path) -> None:
    """Draw an explanation into a file, SVG or PNG by its ending."""
    from whichnorm.explain.picture import draw
    from whichnorm.render.files import write_figure

    write_figure(draw(explanation), path)


def _explanation(args: argparse.Namespace) -> Explanation:
    norms = None if args.norms is None else [parse_norm(name) for name in args.norms.split(",") if name.strip()]
    if args.model is not None:
        if args.array is not None:
            raise SpecError(f"{args.array} and --model {args.model}: both name something to explain; give one of them")
        return explain_values(*_network_input(args), norms)
    for option in OF_NETWORKS:
        if getattr(args, option) is not None:
            raise SpecError(f"--{option.replace('_', '-')} is for a network; name it with --model, such as session08")
    if args.array is not None:
        return explain_values(read_npy(Path(args.array)), f"The array of {escaped(Path(args.array).name)}", norms)
    return explain(norms=norms)


def _network_input(args: argparse.Namespace) -> tuple[NDArray[np.float64], str]:
    from whichnorm.explain.layer_input import layer_input

    data = DataSpec(
        name=data_name(args),
        data_dir=args.data_dir,
        image_size=args.image_size,
        val_fraction=0,
        download=not args.no_download,
    )
    num_images = 4 if args.num_images is None else args.num_images
    return layer_input(args.model, data, args.layer, num_images, args.seed or 0)
