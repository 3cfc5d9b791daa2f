"""The published comparisons beside the same trained again."""

from collections.abc import Callable
from functools import partial
from typing import Any

from docs.make.words import RESULTS, interval, listed, percent, points, read, signed_interval, table
from whichnorm.reproduce import NAMES
from whichnorm.reproduce.published import Published, find_published
from whichnorm.reproduce.side_by_side import Row, side_by_side
from whichnorm.reproduce.text import markdown_table
from whichnorm.training.record import RunRecord, read_record


def records_of(name: str) -> list[RunRecord]:
    """Return the records of a reproduction's runs."""
    return [read_record(path) for path in sorted((RESULTS / "reproductions" / name / "runs").glob("*.json"))]


def _rows(name: str) -> list[Row]:
    records = records_of(name)
    return side_by_side(find_published(name), records, len(records[0].test_predictions))


def _table(name: str) -> str:
    return markdown_table(_rows(name))


def _row(name: str, norm: str, figure: str) -> Row:
    (row,) = [row for row in _rows(name) if (row.norm, row.figure) == (norm, figure)]
    return row


def _measured(name: str, norms: tuple[str, ...], digits: int = 2, figure: str = "test, last epoch") -> str:
    return listed([percent(_row(name, norm, figure).measured or 0, digits) for norm in norms])


def _published(name: str, norms: tuple[str, ...], digits: int = 2, figure: str = "test, last epoch") -> str:
    return listed([percent(_row(name, norm, figure).published or 0, digits) for norm in norms])


def _gaps(name: str, norms: tuple[str, ...], digits: int, figure: str) -> str:
    """Say how far measured figures are from the published ones, the smallest and the largest distance."""
    found = sorted(abs(_row(name, norm, figure).difference or 0) for norm in norms)
    low, high = percent(found[0], digits), percent(found[-1], digits)
    return low if low == high else f"{low} to {high}"


def _largest_gap(name: str, norms: tuple[str, ...], digits: int, figure: str) -> str:
    return percent(max(abs(_row(name, norm, figure).difference or 0) for norm in norms), digits)


def _behind(name: str, norms: tuple[str, ...], digits: int = 1) -> str:
    """Say how far norms are behind BatchNorm in the last epoch."""
    best = _row(name, "bn", "test, last epoch").measured or 0
    return listed([percent(best - (_row(name, n, "test, last epoch").measured or 0), digits) for n in norms])


def _range(name: str, norms: tuple[str, ...]) -> str:
    """Say the range of the published accuracies."""
    found = [_row(name, norm, "test, last epoch").published or 0 for norm in norms]
    return percent(max(found) - min(found))


def _published_epoch(name: str, norm: str, epoch: int) -> float:
    (arm,) = [arm for arm in find_published(name).arms if arm.norm == norm]
    return arm.epochs[epoch - 1].train_accuracy or 0


def _measured_epoch(name: str, norm: str, epoch: int) -> float:
    (record,) = [record for record in records_of(name) if record.arm == norm]
    return record.epochs[epoch - 1].train_accuracy


def easier_from_epoch() -> str:
    """Name the first epoch from which on wynet's training accuracy is above the published one with every norm."""
    published = find_published("wynet")
    below = [epoch for epoch in range(1, 21) if not all(_above(published, epoch))]
    return str(max(below, default=0) + 1)


def _above(published: Published, epoch: int) -> list[bool]:
    norms = [arm.norm for arm in published.arms]
    return [_measured_epoch("wynet", n, epoch) > _published_epoch("wynet", n, epoch) for n in norms]


def _ahead() -> list[dict[str, Any]]:
    """Return mnist_s6's comparisons with GroupNorm, which is the second arm in both."""
    return [c for c in read("reproductions/mnist_s6")["comparisons"] if c["b"] == "gn:4"]


def mnist_ahead() -> str:
    """Say how far GroupNorm is ahead on MNIST."""
    parts = [f"{points(-c['difference'])} {signed_interval((-c['ci95'][1], -c['ci95'][0]))}" for c in _ahead()]
    return listed(parts)


def better_recipe_table() -> str:
    """Return session08 under the default recipe: last and best epoch beside the published best epoch."""
    headings = ["layer", "test accuracy, last epoch, % [95 % over test images]", "best test epoch, %"]
    headings.append("published best test epoch, %")
    arms = sorted(read("session08")["arms"], key=lambda arm: -arm["test_accuracy"]["mean"])
    return table(headings, [_better_recipe_row(arm) for arm in arms])


def _better_recipe_row(arm: dict[str, Any]) -> list[str]:
    published = _published("session08", (arm["norm"],), figure="test, best epoch")
    last, best = arm["test_accuracy"], arm["best_test_accuracy"]["mean"]
    accuracy = f"{percent(last['mean'])} {interval(last['ci95'])}"
    return [f"{arm['title']} `{arm['norm']}`", accuracy, percent(best), published]


def better_recipe_behind() -> str:
    """Say how far session08's other norms are behind BatchNorm under the default recipe."""
    means = {arm["norm"]: arm["test_accuracy"]["mean"] for arm in read("session08")["arms"]}
    return listed([percent(means["bn"] - means[norm], 1) for norm in ("gn:8", "ln")])


def _ln_above_gn(whose: str) -> str:
    """Say how far wynet's LayerNorm is above its GroupNorm, measured or published."""
    ln, gn = (getattr(_row("wynet", norm, "test, last epoch"), whose) for norm in ("ln", "gn:2"))
    return percent(ln - gn, 1)


def _size_gap() -> str:
    """Say how far lcifar is ahead of grouped_cifar."""
    large, small = (
        _row(name, n, "test, last epoch").measured or 0 for name, n in (("lcifar", "ln"), ("grouped_cifar", "bn"))
    )
    return percent(large - small, 1)


def _size_ratio() -> str:
    sizes = [read(f"reproductions/{name}")["arms"][0]["params"] for name in ("lcifar", "grouped_cifar")]
    return f"{sizes[0] / sizes[1]:.1f}"


_ALL, _OTHERS, _LAST_TRAIN = ("bn", "gn:4", "ln"), ("gn:4", "ln"), "training, last epoch"
_MNIST = tuple(arm.norm for arm in find_published("mnist_s6").arms)

FACTS: dict[str, Callable[[], str]] = {
    **{f"{name}: published and measured": partial(_table, name) for name in NAMES},
    "residual8: published": partial(_published, "residual8", _ALL),
    "residual8: measured": partial(_measured, "residual8", _ALL),
    "residual8: measured gn and ln": partial(_measured, "residual8", _OTHERS, 1),
    "residual8: range": partial(_range, "residual8", _ALL),
    "residual8: behind bn": partial(_behind, "residual8", _OTHERS),
    "residual8: too high": partial(_gaps, "residual8", _OTHERS, 1, "test, last epoch"),
    "residual8: training too high": partial(_gaps, "residual8", _OTHERS, 1, _LAST_TRAIN),
    "residual8: training of bn": partial(_gaps, "residual8", ("bn",), 1, _LAST_TRAIN),
    "session08: table": better_recipe_table,
    "session08: behind bn": better_recipe_behind,
    "session08: reproduced behind bn": partial(_behind, "session08", ("gn:8", "ln")),
    "session08: training gap": partial(_largest_gap, "session08", ("bn", "gn:8", "ln"), 2, "training, best epoch"),
    "wynet: training gap": partial(_gaps, "wynet", ("bn", "gn:2", "ln"), 1, _LAST_TRAIN),
    "wynet: epoch": easier_from_epoch,
    "wynet: ln above gn": partial(_ln_above_gn, "measured"),
    "wynet: published ln above gn": partial(_ln_above_gn, "published"),
    "wynet: epoch 8": lambda: percent(_measured_epoch("wynet", "bn", 8), 1),
    "wynet: published epoch 8": lambda: percent(_published_epoch("wynet", "bn", 8), 1),
    "mnist_s6: accuracies": partial(_measured, "mnist_s6", _MNIST),
    "mnist_s6: gn ahead": mnist_ahead,
    "lcifar: ahead": _size_gap,
    "lcifar: times the parameters": _size_ratio,
}
