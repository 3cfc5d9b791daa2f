"""`whichnorm show`: what a network looks like."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whichnorm.commands.arguments import add_options, read_options
from whichnorm.errors import SpecError, shortened
from whichnorm.models import NETWORKS, check_name
from whichnorm.norms import FORMS, parse_norm
from whichnorm.specs import texts
from whichnorm.specs.options import again, option
from whichnorm.specs.study_options import WhatOptions

if TYPE_CHECKING:
    from rich.console import Console

NAME = "show"
HELP = "show a network's layers, receptive fields, picture and ONNX file"
DESCRIPTION = (
    "Show a network with any norm: a table of its layers with parameters, multiply-adds and receptive fields; as an "
    "option its picture as SVG, and an ONNX file that is checked against the live network."
)
EPILOG = """\
examples:
  whichnorm show session08 --norm gn:8
  whichnorm show wynet --norm ln --model-option dilation=true --svg wynet.svg
  whichnorm show mynet:make --norm bn --input 3,64,64 --num-classes 5 --onnx mynet.onnx --json

In the table, rf is the receptive field in pixels (a range where branches meet) and jump the distance in pixels
between neighbouring positions. Exit code: 0 done, 2 input that cannot be used.
"""
MAX_SIDE = 10_000  # of channels and pixels
TAKEN = {
    "name": "MODEL", "norm": "--norm", "num_classes": "--num-classes", "in_channels": "--input", "image_size": "--input"
}  # fmt: skip


def input_shape(text: str) -> tuple[int, int, int]:
    """Read channels, height and width."""
    try:
        C, H, W = texts.whole_numbers(text.replace("x", ","))
    except (SpecError, ValueError):
        raise SpecError("expected channels, height and width, such as 3,32,32") from None
    if not 1 <= min(C, H, W) <= max(C, H, W) <= MAX_SIDE:
        raise SpecError(f"each of channels, height and width is 1 or more and at most {MAX_SIDE:,}, such as 3,32,32")
    return C, H, W


@dataclass(frozen=True, kw_only=True)
class ShowOptions:
    """Which network is shown, and how."""

    norm: str = option("bn", ", ".join(FORMS), metavar="NORM", parse=str)
    input: tuple[int, int, int] | None = option(
        None, "channels, height and width of images (default: the network's own, 3,32,32 for a factory of yours)",
        metavar="C,H,W", parse=input_shape,
    )  # fmt: skip
    num_classes: int = option(10, "number of classes", metavar="N", parse=texts.whole_number)
    model_options: Mapping[str, texts.Value] | None = again(WhatOptions, "model_options", None, "")
    json: bool = option(False, "print everything as one JSON object")
    onnx: Path | None = option(None, "write the network as ONNX, for any number of images", metavar="FILE", parse=Path)
    svg: Path | None = option(None, "draw the network", metavar="FILE", parse=Path)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help=f"{', '.join(NETWORKS)}, or package.module:factory")
    add_options(parser, ShowOptions)


def read(args: argparse.Namespace) -> ShowOptions:
    options = read_options(args, ShowOptions)
    check_name(args.model)
    parse_norm(options.norm)
    check_files(options)
    return options


def run(args: argparse.Namespace, options: ShowOptions, console: "Console") -> int:
    from whichnorm.architecture.show import describe_network

    own = own_options(options.model_options or {})
    model, architecture = describe_network(args.model, options.norm, options.num_classes, options.input, own)
    shown: dict[str, Any] = architecture.as_json()
    said = []
    if options.svg is not None:
        from whichnorm.architecture.svg import write_svg

        write_svg(architecture, options.svg)
        shown["svg"] = str(options.svg)
        said.append(f"picture: {options.svg}")
    if options.onnx is not None:
        from whichnorm.architecture.export import export_onnx

        check = export_onnx(model, args.model, architecture.input_shape, options.onnx)
        shown["onnx"] = {"file": str(options.onnx), **asdict(check)}
        sizes = ", ".join(map(str, check.batch_sizes))
        said.append(
            f"ONNX: {options.onnx}: largest difference from the live network {check.max_difference:.1e} "
            f"({check.relative_difference:.1e} of the largest logit) on batches of {sizes} random images"
        )
    if options.json:
        print(json.dumps(shown, indent=2))
        return 0
    from whichnorm.architecture.table import print_architecture

    print_architecture(architecture, console)
    for line in said:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return 0


def check_files(options: ShowOptions) -> None:
    """Raise SpecError for files that cannot be written to, before anything is computed."""
    for flag, file in (("--svg", options.svg), ("--onnx", options.onnx)):
        if file is not None and file.is_dir():
            raise SpecError(f"{flag} {shortened(str(file))} is a folder; expected the name of a file")
    if options.svg is not None and options.svg.suffix.lower() != ".svg":
        name = shortened(str(options.svg))
        raise SpecError(f"--svg {name}: expected a file that ends in .svg, such as network.svg")


def own_options(options: Mapping[str, texts.Value]) -> dict[str, Any]:
    """Return the options of a network; those that are set in another way are a SpecError."""
    for key, instead in TAKEN.items():
        if key in options:
            raise SpecError(f"--model-option {key}: give it by {instead}")
    dropout = options.get("dropout", 0.0)
    if isinstance(dropout, bool | str):
        raise SpecError(f"--model-option dropout={dropout}: expected a rate in [0, 1), such as 0.05")
    return dict(options)
