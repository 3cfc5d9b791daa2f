"""What the published networks' authors reported, and what is known to be wrong with it."""

import json
from dataclasses import dataclass
from typing import Any

from whichnorm.errors import SpecError, nearest, shortened, shown

NAMES = ("wynet", "mnist_s6", "session08", "residual8", "lcifar", "grouped_cifar")


@dataclass(frozen=True, kw_only=True)
class PublishedScores:
    """Scores of one epoch as published, None where they are not given. Accuracies are in [0, 1], losses in nats."""

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
    max_params: int  # the limit that its text states
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
    raw = json.loads((files("whichnorm.reproduce") / "published" / f"{name}.json").read_text(encoding="utf-8"))
    arms = tuple(_arm(arm) for arm in raw.pop("arms"))
    return Published(arms=arms, faults=tuple(raw.pop("faults")), choices=tuple(raw.pop("choices")), **raw)


def _arm(raw: dict[str, Any]) -> PublishedArm:
    return PublishedArm(
        norm=raw["norm"],
        params=raw["params"],
        final=PublishedScores(**raw["final"]),
        best=PublishedScores(**raw["best"]),
        epochs=tuple(
            PublishedScores(**{key: value for key, value in row.items() if key != "epoch"})
            for row in raw.get("epochs", ())
        ),
    )
