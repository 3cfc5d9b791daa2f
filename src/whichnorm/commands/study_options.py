"""Options of the commands that train: what is compared, on which data, with which recipe, and where."""

import argparse
from typing import Any

from whichnorm.api import DEFAULT_SEEDS
from whichnorm.commands.options import Arguments, add_data_arguments, model_option
from whichnorm.errors import SpecError
from whichnorm.norms import FORMS
from whichnorm.specs.recipes import RECIPES


def add_norms(what: Arguments, default: str | None, default_text: str = "%(default)s") -> None:
    what.add_argument(
        "--norms",
        default=default,
        metavar="A,B,...",
        help=f"norms: {', '.join(FORMS)}, each with :noaffine, +l1:0.001, +l2:0.001 or +lr:0.1 "
        f"(default {default_text})",
    )


def add_network_and_seeds(what: Arguments) -> None:
    what.add_argument(
        "--model",
        metavar="NAME",
        help="a network of whichnorm.models, or package.module:factory (default: one that fits the data)",
    )
    what.add_argument(
        "--model-option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an option of the network, such as add_skip=true; may be given again",
    )
    what.add_argument("--max-params", type=int, metavar="N", help="refuse networks with more parameters")
    what.add_argument("--seeds", metavar="N", help="number of seeds, or the seeds themselves: 3 or 5,6,7 "
                      f"(default {DEFAULT_SEEDS})")  # fmt: skip


def add_data_and_split(data: Arguments) -> None:
    add_data_arguments(data)
    data.add_argument("--val", type=float, default=0.1, metavar="SHARE",
                      help="share of the training images kept for validation; 0 trains on all, and the curves are "
                      "then the test set's (default %(default)s)")  # fmt: skip
    data.add_argument("--train-limit", type=int, metavar="N", help="use a stratified subset of the training images")


def add_recipe(training: Arguments) -> None:
    training.add_argument(
        "--recipe", metavar="NAME", help=f"{', '.join(RECIPES)}, or a JSON file (default: one that fits the data)"
    )
    training.add_argument("--epochs", type=int, metavar="N", help="instead of the recipe's")
    training.add_argument("--diagnostics", action="store_true",
                          help="measure gradient norms, dead ReLU channels and the distance of activations after every "
                          "epoch, for the report")  # fmt: skip


def add_machine_and_output(machine: Arguments) -> None:
    machine.add_argument("--device", default="cpu", metavar="NAME", help="cpu or cuda (default %(default)s)")
    machine.add_argument("--threads", type=int, metavar="N", help="processor threads (default: all cores)")
    machine.add_argument("--precision", default="auto", metavar="NAME",
                         help="float32, bfloat16 (convolutions and stored activations), or auto: bfloat16 where the "
                         "processor has it (default %(default)s)")  # fmt: skip
    machine.add_argument("--out", metavar="DIR", help="folder of the study (default runs/NAME)")
    machine.add_argument(
        "--tensorboard", action="store_true", help="write TensorBoard event files too, live (extra tensorboard)"
    )
    machine.add_argument(
        "--no-latency", action="store_true", help="do not export and time the trained networks, seconds per arm"
    )
    machine.add_argument("--dry-run", action="store_true", help="show the plan and train nothing")


def study_options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of `study.prepare` that these options set, but for the data, the norms and the batch."""
    return {
        "model": args.model,
        "model_options": dict(model_option(text) for text in args.model_option),
        "seeds": None if args.seeds is None else _seeds(args.seeds),
        "recipe": args.recipe,
        "epochs": args.epochs,
        "val": args.val,
        "train_limit": args.train_limit,
        "image_size": args.image_size,
        "data_dir": args.data_dir,
        "download": not args.no_download,
        "device": args.device,
        "threads": args.threads,
        "precision": args.precision,
        "out": args.out,
    }


def norm_names(text: str) -> list[str]:
    """Read a list of norms."""
    return [name for name in text.split(",") if name.strip()]


def _seeds(text: str) -> int | list[int]:
    try:
        numbers = [int(part) for part in text.removesuffix(",").split(",")]
    except ValueError:
        raise SpecError(f"--seeds {text!r}: expected a number of seeds (3) or the seeds themselves (5,6,7)") from None
    if "," in text:
        return numbers
    if numbers[0] < 1:
        raise SpecError(f"--seeds {text}: at least 1 is needed")
    return numbers[0]
