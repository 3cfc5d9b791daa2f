"""What the published networks' authors reported, and what is known to be wrong with it."""

from dataclasses import dataclass

from whichnorm.errors import SpecError, nearest, shortened, shown
from whichnorm.specs.codec import decode
from whichnorm.specs.json_files import parse_json

NAMES = ("wynet", "mnist_s6", "session08", "residual8", "lcifar", "grouped_cifar")


@dataclass(frozen=True, kw_only=True)
class PublishedScores:
    """Scores of one epoch as published, None where they are not given. Accuracies are in [0, 1], losses in nats."""

    epoch: int | None = None  # from 1, in a log
    train_accuracy: float | None = None
    train_loss: float | None = None
    test_accuracy: float | None = None
    test_loss: float | None = None


@dataclass(frozen=True, kw_only=True)
class PublishedArm:
    """One published training: its arm's text form, and its last and its best epoch."""

    norm: str
    params: int | None  # None for an arm that was not published and is added for a fair comparison
    final: PublishedScores
    best: PublishedScores  # chosen on the test set
    epochs: tuple[PublishedScores, ...] = ()  # the whole log, where there is one


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published comparison: network and recipe have its name."""

    name: str
    data: str
    arms: tuple[PublishedArm, ...]
    faults: tuple[str, ...]  # what is known to be wrong with it
    choices: tuple[str, ...]  # where the reproduction had to choose, or differs on purpose


def check_name(name: str) -> None:
    """Raise SpecError for a name that no published network has."""
    if name not in NAMES:
        said = f"{shown(name)}{nearest(shortened(name), NAMES)}"
        raise SpecError(f"unknown published network {said}; there are {', '.join(NAMES)}")


def find_published(name: str) -> Published:
    """Return a published network's facts by its name."""
    from importlib.resources import files  # slow to import, and --help does without

    check_name(name)
    text = (files("whichnorm.reproduce") / "published" / f"{name}.json").read_text(encoding="utf-8")
    return decode(parse_json(text, name), Published, name)
