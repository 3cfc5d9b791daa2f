"""The published comparisons beside the same trained again."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from docs.make.words import RESULTS, interval, listed, percent, read, table
from whichnorm.reproduce import NAMES
from whichnorm.reproduce.published import Published, PublishedArm, find_published
from whichnorm.reproduce.side_by_side import Row, side_by_side
from whichnorm.reproduce.text import markdown_table
from whichnorm.training.record import RunRecord, read_record

_ALL, _OTHERS = ("bn", "gn:4", "ln"), ("gn:4", "ln")
_SIZES = (("lcifar", "ln"), ("grouped_cifar", "bn"))
_LOSSES = ("training loss, last", "test loss, last")
_LAST_TEST, _LAST_TRAIN = "test accuracy, last", "training accuracy, last"
WRONG = "bn+l1:0.0001+loss:argmax"


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


def _measured(name: str, norms: tuple[str, ...], digits: int = 2, figure: str = _LAST_TEST) -> str:
    return listed([percent(_row(name, norm, figure).measured or 0, digits) for norm in norms])


def _published(name: str, norms: tuple[str, ...], digits: int = 2, figure: str = _LAST_TEST) -> str:
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
    best = _row(name, "bn", _LAST_TEST).measured or 0
    return listed([percent(best - (_row(name, n, _LAST_TEST).measured or 0), digits) for n in norms])


def _range(name: str, norms: tuple[str, ...]) -> str:
    """Say the range of the published accuracies."""
    found = [_row(name, norm, _LAST_TEST).published or 0 for norm in norms]
    return percent(max(found) - min(found))


def _published_epoch(name: str, norm: str, epoch: int) -> float:
    (arm,) = [arm for arm in find_published(name).arms if arm.norm == norm]
    return arm.epochs[epoch - 1].train_accuracy or 0


def _measured_epoch(name: str, norm: str, epoch: int) -> float:
    return _record(name, norm).epochs[epoch - 1].train_accuracy


def _record(name: str, norm: str) -> RunRecord:
    (record,) = [record for record in records_of(name) if record.arm == norm]
    return record


def easier_from_epoch() -> str:
    """Name the first epoch from which on wynet's training accuracy is above the published one with every norm."""
    published = find_published("wynet")
    below = [epoch for epoch in range(1, 21) if not all(_above(published, epoch))]
    return str(max(below, default=0) + 1)


def _above(published: Published, epoch: int) -> list[bool]:
    norms = [arm.norm for arm in published.arms]
    return [_measured_epoch("wynet", n, epoch) > _published_epoch("wynet", n, epoch) for n in norms]


def photometric_table() -> str:
    """Return wynet's first training accuracies: published, here, and with light changed after standardizing."""
    headings = ["arm", "epoch", "published, %", "here, %", "changed after standardizing, %"]
    return table(headings, [_photometric_row(arm, row) for arm, rows in _moved().items() for row in rows])


def _moved() -> dict[str, list[dict[str, Any]]]:
    """Return the logs of wynet's first epochs with the photometric change after standardizing, by arm."""
    logs: dict[str, list[dict[str, Any]]] = json.loads((RESULTS / "wynet_photometric.json").read_text())["epochs"]
    return logs


def _photometric_row(arm: str, row: dict[str, Any]) -> list[str]:
    epoch = row["epoch"]
    values = [_published_epoch("wynet", arm, epoch), _measured_epoch("wynet", arm, epoch), row["train_accuracy"]]
    return [f"`{arm}`", str(epoch), *map(percent, values)]


def _photometric_gap(norm: str) -> str:
    """Say how far at most a norm's first epochs are from the published ones, photometric change after standardizing."""
    gaps = [abs(row["train_accuracy"] - _published_epoch("wynet", norm, row["epoch"])) for row in _moved()[norm]]
    return percent(max(gaps))


def _losses_nearby(name: str, norm: str, split: str) -> str:
    """Say the range of a run's losses in epochs within a point of any of the published last accuracies."""
    found = nearby(name, norm, split)
    return f"{min(found):.2f} to {max(found):.2f}"


def nearby(name: str, norm: str, split: str) -> list[float]:
    """Return the losses of a run's epochs whose accuracy is within a point of any of the published last accuracies."""
    published = [getattr(arm.final, f"{split}_accuracy") for arm in find_published(name).arms]
    rows = _record(name, norm).epochs
    return [
        getattr(row, f"{split}_loss")
        for row in rows
        if any(abs(getattr(row, f"{split}_accuracy") - there) <= 0.01 for there in published)
    ]


def losses_fit(name: str) -> float:
    """Return the largest distance in nats of a published last loss from ours at the same accuracy, interpolated."""
    return max(_misfit(name, arm, split) for arm in find_published(name).arms for split in ("train", "test"))


def _misfit(name: str, arm: PublishedArm, split: str) -> float:
    log = sorted((getattr(r, f"{split}_accuracy"), getattr(r, f"{split}_loss")) for r in _record(name, arm.norm).epochs)
    accuracies, losses = zip(*log, strict=True)
    ours = np.interp(getattr(arm.final, f"{split}_accuracy"), accuracies, losses)
    return abs(float(ours) - getattr(arm.final, f"{split}_loss"))


def _loss(name: str, norm: str, figure: str) -> str:
    return f"{_row(name, norm, figure).published or 0:.2f}"


def _not_trained(name: str) -> str:
    """Name the arms of a published comparison that have no record, added ones too."""
    trained = {record.arm for record in records_of(name)}
    return listed([f"`{arm.norm}`" for arm in find_published(name).arms if arm.norm not in trained])


def _minutes(records: Sequence[RunRecord]) -> str:
    """Say how long runs trained."""
    return listed([f"{record.train_seconds / 60:.0f}" for record in records])


def _rotated() -> str:
    """Say the accuracies of mnist_s6 under the recipe that it had here before the published one was known."""
    found = {record.arm: record.last.test_accuracy for record in records_of("mnist_s6_rotated")}
    return listed([percent(found[norm]) for norm in ("bn+l1:0.0001", "ln-element:noaffine", "gn:4")])


def better_recipe_table() -> str:
    """Return session08 under the default recipe: last and best epoch beside the published best epoch."""
    headings = ["layer", "test accuracy, last epoch, % [95 % over test images]", "best test epoch, %"]
    headings.append("published best test epoch, %")
    arms = sorted(read("session08")["arms"], key=lambda arm: -arm["test_accuracy"]["mean"])
    return table(headings, [_better_recipe_row(arm) for arm in arms])


def _better_recipe_row(arm: dict[str, Any]) -> list[str]:
    published = _published("session08", (arm["norm"],), figure="test accuracy, best")
    last, best = arm["test_accuracy"], arm["best_test_accuracy"]["mean"]
    accuracy = f"{percent(last['mean'])} {interval(last['ci95'])}"
    return [f"{arm['title']} `{arm['norm']}`", accuracy, percent(best), published]


def better_recipe_behind() -> str:
    """Say how far session08's other norms are behind BatchNorm under the default recipe."""
    means = {arm["norm"]: arm["test_accuracy"]["mean"] for arm in read("session08")["arms"]}
    return listed([percent(means["bn"] - means[norm], 1) for norm in ("gn:8", "ln")])


def _ln_above_gn(whose: str) -> str:
    """Say how far wynet's LayerNorm is above its GroupNorm, measured or published."""
    ln, gn = (getattr(_row("wynet", norm, _LAST_TEST), whose) for norm in ("ln", "gn:2"))
    return percent(ln - gn, 1)


def _size_gap() -> str:
    """Say how far lcifar is ahead of grouped_cifar."""
    large, small = (_row(name, norm, _LAST_TEST).measured or 0 for name, norm in _SIZES)
    return percent(large - small, 1)


def _size_ratio() -> str:
    sizes = [read(f"reproductions/{name}")["arms"][0]["params"] for name, _ in _SIZES]
    return f"{sizes[0] / sizes[1]:.1f}"


FACTS: dict[str, Callable[[], str]] = {
    **{f"{name}: published and measured": partial(_table, name) for name in NAMES},
    "residual8: published": partial(_published, "residual8", _ALL),
    "residual8: measured": partial(_measured, "residual8", _ALL),
    "residual8: measured gn and ln": partial(_measured, "residual8", _OTHERS, 1),
    "residual8: range": partial(_range, "residual8", _ALL),
    "residual8: behind bn": partial(_behind, "residual8", _OTHERS),
    "residual8: too high": partial(_gaps, "residual8", _OTHERS, 1, _LAST_TEST),
    "residual8: training too high": partial(_gaps, "residual8", _OTHERS, 1, _LAST_TRAIN),
    "residual8: training of bn": partial(_gaps, "residual8", ("bn",), 1, _LAST_TRAIN),
    "session08: table": better_recipe_table,
    "session08: behind bn": better_recipe_behind,
    "session08: reproduced behind bn": partial(_behind, "session08", ("gn:8", "ln")),
    "session08: training gap": partial(_largest_gap, "session08", ("bn", "gn:8", "ln"), 2, "training accuracy, best"),
    "wynet: training gap": partial(_gaps, "wynet", ("bn", "gn:2", "ln"), 1, _LAST_TRAIN),
    "wynet: epoch": easier_from_epoch,
    "wynet: ln above gn": partial(_ln_above_gn, "measured"),
    "wynet: published ln above gn": partial(_ln_above_gn, "published"),
    "wynet: gn epoch 1": lambda: percent(_measured_epoch("wynet", "gn:2", 1)),
    "wynet: published gn epoch 1": lambda: percent(_published_epoch("wynet", "gn:2", 1)),
    "wynet: test gap": partial(_gaps, "wynet", ("bn", "gn:2", "ln"), 2, _LAST_TEST),
    "wynet: losses fit": lambda: f"{losses_fit('wynet'):.2f}",
    "wynet: photometric": photometric_table,
    "wynet: photometric gap": partial(_photometric_gap, "bn"),
    "residual8: training losses nearby": partial(_losses_nearby, "residual8", "bn", "train"),
    "residual8: test losses nearby": partial(_losses_nearby, "residual8", "bn", "test"),
    "residual8: training loss of ln": partial(_loss, "residual8", "ln", "training loss, last"),
    "residual8: losses of gn": lambda: f"{max(abs(_row('residual8', 'gn:4', f).difference or 0) for f in _LOSSES):.2f}",
    "residual8: test of gn": partial(_measured, "residual8", ("gn:4",)),
    "residual8: test loss of gn": partial(_loss, "residual8", "gn:4", "test loss, last"),
    **{f"{name}: not trained": partial(_not_trained, name) for name in ("mnist_s6", "lcifar", "grouped_cifar")},
    "mnist_s6: ln": partial(_measured, "mnist_s6", ("ln-element:noaffine",)),
    "mnist_s6: published ln": partial(_published, "mnist_s6", ("ln-element:noaffine",)),
    "mnist_s6: rotated": _rotated,
    "mnist_s6: wrong at first": lambda: percent(_record("mnist_s6", WRONG).epochs[0].test_accuracy),
    "mnist_s6: wrong": partial(_measured, "mnist_s6", (WRONG,)),
    "mnist_s6: published wrong": partial(_published, "mnist_s6", (WRONG,)),
    "lcifar: ahead": _size_gap,
    "lcifar: times the parameters": _size_ratio,
    "lcifar: minutes": lambda: _minutes([_record(name, norm) for name, norm in _SIZES]),
    "mnist_s6: minutes": lambda: _minutes(records_of("mnist_s6")),
}
