"""`whichnorm sweep`: the main study at several batch sizes or numbers of groups."""

import argparse

from rich.console import Console

from whichnorm.api import DEFAULT_NORMS
from whichnorm.commands.options import data_name
from whichnorm.commands.study_options import (
    add_data_and_split,
    add_machine_and_output,
    add_network_and_seeds,
    add_norms,
    add_recipe,
    norm_names,
    study_options,
)
from whichnorm.errors import SpecError
from whichnorm.study.progress import console_progress
from whichnorm.sweeps.run import execute_sweep, plan_sweep, prepare_sweep

NAME = "sweep"
HELP = "compare norms at several batch sizes or numbers of groups, and say where they cross"
DESCRIPTION = (
    "Compare norms at several batch sizes, or GroupNorm at several numbers of groups, and say below which batch one is "
    "better than another, with intervals. Every point is a study in a folder of its own."
)
EPILOG = """\
examples:
  whichnorm sweep --batch-sizes 2,4,8,16,32,64,128 --norms bn,gn:8
  whichnorm sweep --data cifar10 --model wynet --batch-sizes 32,128 --device-batch-sizes 2,8,32 --norms bn,gn:2
      images per optimizer step crossed with images per forward pass, which BatchNorm sees
  whichnorm sweep --data cifar10 --groups 1,2,4,8,c --dry-run

The same command given again goes on where it stopped; with more sizes, norms or seeds it trains only what is new.
Exit code: 0 done, 1 done but a run failed, diverged or stayed at chance, 2 input that cannot be used.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    axes = parser.add_argument_group("axes", "One of the first three, or two crossed; groups alone or with them.")
    axes.add_argument("--batch-sizes", metavar="N,...", help="images per optimizer step")
    axes.add_argument("--device-batch-sizes", metavar="N,...", help="images per forward pass, which BatchNorm sees")
    axes.add_argument("--accumulations", metavar="N,...", help="forward passes per optimizer step")
    axes.add_argument("--groups", metavar="N,...,c", help="GroupNorm with these numbers of groups; c: one per channel")
    axes.add_argument("--channels-per-group", metavar="N,...", help="GroupNorm with groups of so many channels")
    what = parser.add_argument_group("what to compare")
    add_norms(what, None, f"{','.join(DEFAULT_NORMS)}; bn with --groups or --channels-per-group")
    add_network_and_seeds(what)
    add_data_and_split(parser.add_argument_group("data"))
    training = parser.add_argument_group("training")
    add_recipe(training)
    training.add_argument("--lr-rule", metavar="NAME",
                          help="how the learning rate follows the images per step, from the recipe's own batch: "
                          "linear, sqrt or none (default: linear for SGD, sqrt for AdamW)")  # fmt: skip
    add_machine_and_output(parser.add_argument_group("machine and output"))


def run(args: argparse.Namespace, console: Console) -> int:
    from whichnorm.sweeps.terminal import print_plan, print_sweep

    prepared = prepare_sweep(
        data_name(args),
        batch_sizes=_numbers("--batch-sizes", args.batch_sizes),
        device_batch_sizes=_numbers("--device-batch-sizes", args.device_batch_sizes),
        accumulations=_numbers("--accumulations", args.accumulations),
        groups=_groups(args.groups),
        channels_per_group=_numbers("--channels-per-group", args.channels_per_group),
        lr_rule=args.lr_rule,
        norms=None if args.norms is None else norm_names(args.norms),
        **study_options(args),
    )
    if args.dry_run:
        print_plan(prepared, plan_sweep(prepared, args.max_params), console)
        return 0
    results = execute_sweep(
        prepared,
        max_params=args.max_params,
        progress=console_progress(console),
        tensorboard=args.tensorboard,
        latency=not args.no_latency,
        diagnostics=args.diagnostics,
    )
    print_sweep(results, prepared.rule.sentence(prepared.recipe), console)
    console.print(f"report: {results.folder / 'report' / 'index.html'}", markup=False, highlight=False, soft_wrap=True)
    return 0 if results.ok else 1


def _numbers(option: str, text: str | None) -> list[int]:
    """Read a list of whole numbers; an option that is not given has none."""
    if text is None:
        return []
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise SpecError(f"{option} {text!r}: expected whole numbers with commas between them, such as 2,4,8") from None


def _groups(text: str | None) -> list[int | str]:
    """Read numbers of groups, and c for as many as channels."""
    if text is None:
        return []
    parts = [part.strip() for part in text.split(",")]
    return [part if part == "c" else _numbers("--groups", part)[0] for part in parts]
