"""`whichnorm reproduce`: train a published comparison again, published beside measured."""

import argparse

from rich.console import Console

from whichnorm.commands.options import add_data_place
from whichnorm.reproduce import NAMES, QUICK, reproduce
from whichnorm.study.progress import console_progress

NAME = "reproduce"
HELP = "train a published comparison again and set its figures beside the measured ones"
DESCRIPTION = (
    "Train a published comparison of norms again, with its network, recipe and augmentation, and set the published "
    "figures beside the measured ones, with what is known to be wrong with the published."
)
EPILOG = """\
examples:
  whichnorm reproduce wynet --quick
  whichnorm reproduce session08 --data-dir data

The same command given again goes on where it stopped.
Exit code: 0 done, 1 done but a run failed, diverged or stayed at chance, 2 input that cannot be used.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help=f"which one: {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help=f"smoke run: {QUICK['epochs']} epoch on "
                        f"{QUICK['train_limit']:,} images; its accuracies say nothing")  # fmt: skip
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="number of seeds (default %(default)s)")
    add_data_place(parser)
    parser.add_argument("--device", default="cpu", metavar="NAME", help="cpu or cuda (default %(default)s)")
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads (default: all cores)")
    parser.add_argument("--precision", default="auto", metavar="NAME", help="float32, bfloat16 or auto (default)")
    parser.add_argument("--out", metavar="DIR", help="folder of the study (default runs/reproduce-NAME)")


def run(args: argparse.Namespace, console: Console) -> int:
    from whichnorm.analyses.accuracy.terminal import print_results
    from whichnorm.reproduce.text import print_reproduction

    done = reproduce(
        args.name, quick=args.quick, seeds=args.seeds, data_dir=args.data_dir, download=not args.no_download,
        threads=args.threads, precision=args.precision, device=args.device, out=args.out,
        progress=console_progress(console),
    )  # fmt: skip
    results = done.results
    print_results(results, results.found, console)
    console.print()
    print_reproduction(done.published, done.rows, results.records, results.num_test_images, console)
    for path in (done.page, results.folder / "report" / "index.html"):
        console.print(f"report: {path}", markup=False, highlight=False, soft_wrap=True)
    if args.quick:  # too short to leave chance behind
        return 0 if all(run.status == "finished" for run in results.records) else 1
    return 0 if results.ok else 1
