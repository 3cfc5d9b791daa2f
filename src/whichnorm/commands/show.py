"""`whichnorm show`: what a network looks like."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from whichnorm.commands.options import model_option
from whichnorm.errors import SpecError
from whichnorm.models import NETWORKS, build_model, default_input_shape
from whichnorm.norms import FORMS, parse_norm

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
TAKEN = {
    "name": "MODEL", "norm": "--norm", "num_classes": "--num-classes", "in_channels": "--input", "image_size": "--input"
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help=f"{', '.join(NETWORKS)}, or package.module:factory")
    parser.add_argument("--norm", default="bn", metavar="NORM", help=f"{', '.join(FORMS)} (default %(default)s)")
    parser.add_argument("--input", metavar="C,H,W", help="channels, height and width of images (default: the network's "
                        "own, 3,32,32 for a factory of yours)")  # fmt: skip
    parser.add_argument("--num-classes", type=int, default=10, metavar="N", help="(default %(default)s)")
    parser.add_argument("--model-option", action="append", default=[], metavar="KEY=VALUE",
                        help="an option of the network, such as add_skip=true; may be given again")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print everything as one JSON object")
    parser.add_argument("--onnx", type=Path, metavar="FILE", help="write the network as ONNX, for any number of images")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the network")


def run(args: argparse.Namespace, console: Console) -> int:
    from whichnorm.architecture.summary import describe

    for option, file in (("--svg", args.svg), ("--onnx", args.onnx)):
        if file is not None and file.is_dir():
            raise SpecError(f"{option} {file} is a folder; expected the name of a file")
    if args.svg is not None and args.svg.suffix.lower() != ".svg":
        raise SpecError(f"--svg {args.svg}: expected a file that ends in .svg, such as network.svg")
    norm = parse_norm(args.norm)
    shape = _input_shape(args.input) if args.input is not None else default_input_shape(args.model)
    options = _options(args.model_option)
    model = build_model(args.model, norm, args.num_classes, shape[0], image_size=shape[1:], **options)
    architecture = describe(model, args.model, norm, shape, args.num_classes)
    shown: dict[str, Any] = architecture.as_json()
    said = []
    if args.svg is not None:
        from whichnorm.architecture.svg import write_svg

        write_svg(architecture, args.svg)
        shown["svg"] = str(args.svg)
        said.append(f"picture: {args.svg}")
    if args.onnx is not None:
        from whichnorm.architecture.export import export_onnx

        check = export_onnx(model, args.model, shape, args.onnx)
        shown["onnx"] = {"file": str(args.onnx), **asdict(check)}
        sizes = ", ".join(map(str, check.batch_sizes))
        said.append(
            f"ONNX: {args.onnx}: largest difference from the live network {check.max_difference:.1e} "
            f"({check.relative_difference:.1e} of the largest logit) on batches of {sizes} random images"
        )
    if args.json:
        print(json.dumps(shown, indent=2))
        return 0
    from whichnorm.architecture.table import print_architecture

    print_architecture(architecture, console)
    for line in said:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return 0


def _input_shape(text: str) -> tuple[int, int, int]:
    try:
        C, H, W = (int(part) for part in text.replace("x", ",").split(","))
    except ValueError:
        raise SpecError(f"--input {text!r}: expected channels, height and width, such as 3,32,32") from None
    if min(C, H, W) < 1:
        raise SpecError(f"--input {text!r}: each of channels, height and width is 1 or more, such as 3,32,32")
    return C, H, W


def _options(texts: list[str]) -> dict[str, Any]:
    options = dict(model_option(text) for text in texts)
    for key, instead in TAKEN.items():
        if key in options:
            raise SpecError(f"--model-option {key}: give it by {instead}")
    dropout = options.get("dropout", 0.0)
    if isinstance(dropout, bool | str):
        raise SpecError(f"--model-option dropout={dropout}: expected a rate in [0, 1), such as 0.05")
    return options
