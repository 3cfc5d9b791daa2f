"""`whichnorm gradcam`: where the arms of a study look."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, cast

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from whichnorm.commands.options import add_study_arguments, picture_path, study_of
from whichnorm.data.files import printable
from whichnorm.errors import SpecError
from whichnorm.gradcam import ArmMaps, StudyMaps, study_maps
from whichnorm.job import read_results
from whichnorm.record import write_in_one_step
from whichnorm.spec import parse_arm

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
BASIS = (
    "Means over {} test images spread evenly over the split. other: the mean where each map meets that of another "
    "image, which is what maps share whatever the image shows."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study_arguments(parser)
    parser.add_argument("--layer", metavar="PATH", help="a module with an (N, C, H, W) output, such as block2.0 "
                        "(default: the end of the last convolutional block)")  # fmt: skip
    parser.add_argument("--images", metavar="A,B,...", help="test images by their place in the split, from 0 (default: "
                        "3 that every arm gets right, 3 on which arms disagree)")  # fmt: skip
    parser.add_argument("--norms", metavar="A,B,...", help="some of the study's arms (default: all)")
    parser.add_argument("--seed", type=int, metavar="N", help="whose runs (default: the first that most arms finished)")
    parser.add_argument("--target", choices=("true", "predicted"), default="true", help="the class whose evidence is "
                        "shown (default %(default)s)")  # fmt: skip
    parser.add_argument("--out", metavar="FILE", help="FILE.png or FILE.svg (default DIR/report/figures/gradcam.png)")
    parser.add_argument("--json", action="store_true", help="print everything as one JSON object, maps included")


def run(args: argparse.Namespace, console: Console) -> int:
    out = None if args.out is None else picture_path(args.out, "gradcam.svg")
    images = None if args.images is None else _places(args.images)
    arms = None if args.norms is None else [str(parse_arm(name)) for name in args.norms.split(",") if name.strip()]
    job = study_of(args)
    results = read_results(job)
    maps = study_maps(job, results, layer=args.layer, images=images, arms=arms, seed=args.seed, target=args.target)

    from whichnorm.report.figures.style import saved
    from whichnorm.report.pictures.gradcam import gradcam_picture

    path = out or job.folder.root / "report" / "figures" / "gradcam.png"
    files = saved(gradcam_picture(results, job.splits.test, maps).figure)
    suffix = cast(Literal["svg", "png"], path.suffix.lower().removeprefix("."))
    write_in_one_step(path, files[suffix], remedy="make room or choose another --out")
    if args.json:
        print(json.dumps(_as_json(maps, results.class_names, path), allow_nan=False))
    else:
        print_maps(maps, results.class_names, path, console)
    return 0


def _places(text: str) -> list[int]:
    try:
        return [int(place) for place in text.split(",")]
    except ValueError:
        raise SpecError(f"--images {text!r}: expected places in the test split, such as 3,17") from None


def print_maps(maps: StudyMaps, names: Sequence[str], path: Path, console: Console) -> None:
    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False, soft_wrap=not console.is_terminal)

    h, w = maps.map_shape
    whose = "the true class" if maps.target == "true" else "each arm's predicted class"
    say(f"Grad-CAM at {printable(maps.layer)}, {h}x{w} positions, seed {maps.seed}, for {whose}\n")
    wide = images_table(maps, names)
    fits = console.measure(wide, options=console.options.update(width=10_000)).maximum <= console.width
    console.print(wide if fits else long_images_table(maps, names))
    if maps.agreements:
        say("\nRank correlation (Spearman) of two arms' maps of the same image\n")
        console.print(agreements_table(maps))
        say(BASIS.format(maps.num_sampled))
    if maps.left_out:
        say(f"Without a finished run at seed {maps.seed}: {', '.join(maps.left_out)}")
    console.print(f"\npicture: {path}", markup=False, highlight=False, soft_wrap=True)


def images_table(maps: StudyMaps, names: Sequence[str]) -> Table:
    """Return a row per image: its place, its class, and what every arm predicts."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("image", justify="right", no_wrap=True)
    for header in ("true class", *(arm.arm for arm in maps.arms)):
        table.add_column(Text(header), overflow="fold")
    for k, place in enumerate(maps.images):
        cells = [Text(_prediction(maps, arm, k, names)) for arm in maps.arms]
        table.add_row(str(place), Text(printable(names[maps.labels[k]])), *cells)
    return table


def long_images_table(maps: StudyMaps, names: Sequence[str]) -> Table:
    """Return the same with a row per image and arm, for many arms or a narrow terminal."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("image", justify="right", no_wrap=True)
    for header in ("true class", "arm", "prediction"):
        table.add_column(header, overflow="fold")
    for k, place in enumerate(maps.images):
        for arm in maps.arms:
            first = arm is maps.arms[0]
            table.add_row(
                str(place) if first else "",
                Text(printable(names[maps.labels[k]]) if first else ""),
                Text(arm.arm),
                Text(_prediction(maps, arm, k, names)),
                end_section=arm is maps.arms[-1],
            )
    return table


def _prediction(maps: StudyMaps, arm: ArmMaps, k: int, names: Sequence[str]) -> str:
    """Write what an arm makes of an image: "✗ dog, 61 %"."""
    wrong = "" if arm.predictions[k] == maps.labels[k] else "✗ "
    empty = "" if arm.maps[k].any() else ", map is empty"
    return f"{wrong}{printable(names[arm.predictions[k]])}, {100 * arm.confidences[k]:.0f} %{empty}"


def agreements_table(maps: StudyMaps) -> Table:
    """Return a row per pair of arms: the rank correlation of their maps."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("arms", overflow="fold")
    for header in ("mean", "sd", "n", "left out", "other"):
        table.add_column(header, justify="right", no_wrap=True)
    for one in maps.agreements:
        ranks = one.ranks
        numbers = ["-" if value is None else f"{value:.2f}" for value in (ranks.mean, ranks.std, ranks.mismatched)]
        table.add_row(Text(f"{one.a}, {one.b}"), *numbers[:2], str(ranks.n), str(ranks.left_out), numbers[2])
    return table


def _as_json(maps: StudyMaps, names: Sequence[str], path: Path) -> dict[str, Any]:
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
        "picture": str(path),
    }
