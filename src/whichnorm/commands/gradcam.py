"""`whichnorm gradcam`: where the arms of a study look."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console

from whichnorm.commands.options import add_study_arguments, study_of
from whichnorm.commands.pictures import add_picture_arguments, chosen_arms, picture_place, show
from whichnorm.errors import SpecError
from whichnorm.gradcam import StudyMaps, study_maps
from whichnorm.job import read_results

NAME = "gradcam"
HELP = "show where every arm of a finished study finds a class in the same test images"
DESCRIPTION = """\
Draw Grad-CAM maps of the same test images for every arm of a study, side by
side, and say how much the arms' maps agree. Nothing is trained.
"""
EPILOG = """\
examples:
  whichnorm gradcam runs/demo
  whichnorm gradcam results/session08 --data-dir data --images 3,17
  whichnorm gradcam runs/demo --layer block2 --norms bn,gn:8 --json

A map is the evidence for the image's true class in every arm, so that maps can
be compared where arms predict different classes; --target predicted asks each
arm for the class that it predicts. Exit code: 0 done, 2 input that cannot be
used.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study_arguments(parser)
    add_picture_arguments(parser)
    parser.add_argument("--layer", metavar="PATH", help="a module with an (N, C, H, W) output, such as block2.0 "
                        "(default: the end of the last convolutional block)")  # fmt: skip
    parser.add_argument("--images", metavar="A,B,...", help="test images by their place in the split, from 0 (default: "
                        "3 that every arm gets right, 3 on which arms disagree)")  # fmt: skip
    parser.add_argument("--seed", type=int, metavar="N", help="whose runs (default: the first that most arms finished)")
    parser.add_argument("--target", choices=("true", "predicted"), default="true", help="the class whose evidence is "
                        "shown (default %(default)s)")  # fmt: skip


def run(args: argparse.Namespace, console: Console) -> int:
    from whichnorm.report.gradcam_tables import agreements_table, images_table
    from whichnorm.report.pictures.gradcam import gradcam_picture

    picture_place(args)
    images = None if args.images is None else _places(args.images)
    job = study_of(args)
    results = read_results(job)
    arms = None if args.norms is None else chosen_arms(args, results)
    maps = study_maps(job, results, layer=args.layer, images=images, arms=arms, seed=args.seed, target=args.target)
    names = results.class_names
    tables = [images_table(maps, names), agreements_table(maps)]
    left_out = ", ".join(maps.left_out)
    notes = [f"without a finished run at seed {maps.seed}: {left_out}"] if left_out else []
    show(args, console, tables, [gradcam_picture(results, job.splits.test, maps)], _content(maps, names), notes)
    return 0


def _places(text: str) -> list[int]:
    try:
        return [int(place) for place in text.split(",")]
    except ValueError:
        raise SpecError(f"--images {text!r}: expected places in the test split, such as 3,17") from None


def _content(maps: StudyMaps, names: Sequence[str]) -> dict[str, Any]:
    return {
        "layer": maps.layer,
        "map_shape": list(maps.map_shape),
        "seed": maps.seed,
        "target": maps.target,
        "images": [
            {"image": place, "class": names[label]} for place, label in zip(maps.images, maps.labels, strict=True)
        ],
        "arms": [
            {
                "norm": arm.arm,
                "predictions": [names[prediction] for prediction in arm.predictions],
                "confidences": [round(value, 4) for value in arm.confidences],
                "empty": [not one.any() for one in arm.maps],
                "maps": arm.maps.tolist(),
                "num_empty_of_sampled": arm.num_empty,
            }
            for arm in maps.arms
        ],
        "left_out": list(maps.left_out),
        "num_sampled": maps.num_sampled,
        "agreements": [{"a": one.a, "b": one.b, **asdict(one.ranks)} for one in maps.agreements],
    }
