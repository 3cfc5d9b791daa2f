"""From run records to the answer: arms, pairwise comparisons and the verdict, and their JSON and CSV files."""

import csv
import io
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from whichnorm import stats
from whichnorm.norms import parse_norm
from whichnorm.record import RunRecord, write_in_one_step
from whichnorm.stats import Call, Interval

CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A quantity over the seeds of an arm. `ci95` is None where one value gives no interval."""

    mean: float
    ci95: tuple[float, float] | None
    values: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class ArmResult:
    """One arm over its finished seeds. Accuracies are in [0, 1], of the last epoch unless `best` says otherwise."""

    norm: str  # the arm's text form, penalty included
    title: str
    params: int
    norm_params: int
    seeds: tuple[int, ...]
    test_accuracy: Summary
    train_accuracy: Summary  # running mean over the last epoch's augmented images
    val_accuracy: Summary | None
    best_test_accuracy: Summary  # of each run's best epoch, chosen on the test set: flattering, for comparison only
    train_seconds: Summary  # per run


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Test accuracy of arm a less that of arm b, paired by seed and test image."""

    a: str
    b: str
    difference: float
    ci95: tuple[float, float]
    call: Call
    basis: Literal["seeds", "test images"]
    seeds: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The answer: an arm, or "cannot tell", and the sentences that say why."""

    choice: str
    text: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Results:
    """Everything a study found."""

    study: dict[str, Any]  # what all runs share: data, model, recipe, machine
    arms: tuple[ArmResult, ...]
    comparisons: tuple[Comparison, ...]
    verdict: Verdict
    records: tuple[RunRecord, ...]
    class_names: tuple[str, ...]
    num_test_images: int
    folder: Path

    @property
    def curves_split(self) -> Literal["val", "test"]:
        """The split that the curves come from: the test split where there is no validation split."""
        return "val" if self.study["data"]["val_fraction"] > 0 else "test"

    @property
    def faults(self) -> tuple[RunRecord, ...]:
        """Runs that failed, diverged, or stayed at chance."""
        return tuple(r for r in self.records if r.status != "finished" or r.warnings)

    @property
    def ok(self) -> bool:
        return not self.faults

    def finished(self, arm: str) -> tuple[RunRecord, ...]:
        """The finished runs of an arm, by seed."""
        return tuple(r for r in self.records if r.arm == arm and r.status == "finished")

    def to_dict(self) -> dict[str, Any]:
        """Return results.json's content."""
        return {
            "arms": [_arm_dict(arm) for arm in self.arms],
            "comparisons": [
                {"a": c.a, "b": c.b, "difference": c.difference, "ci95": list(c.ci95), "call": c.call,
                 "basis": c.basis, "seeds": list(c.seeds)}
                for c in self.comparisons
            ],
            "verdict": {"choice": self.verdict.choice, "text": self.verdict.text},
            "faults": [
                {"norm": r.arm, "seed": r.seed, "status": r.status, "reason": r.reason or "; ".join(r.warnings)}
                for r in self.faults
            ],
            "curves_split": self.curves_split,
            "num_test_images": self.num_test_images,
            "study": self.study,
            "environments": _distinct([r.environment for r in self.records]),
        }  # fmt: skip

    def to_csv(self) -> str:
        """Return results.csv's content: one line per run."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(
            ["norm", "seed", "status", "params", "train_accuracy", "val_accuracy", "test_accuracy",
             "best_test_accuracy", "best_test_epoch", "train_seconds", "reason"]
        )  # fmt: skip
        for r in self.records:
            params = r.audit.params if r.audit else ""
            row: list[Any] = ["", "", "", "", "", ""]
            if r.epochs:
                best = r.best_test
                val = "" if r.last.val_accuracy is None else r.last.val_accuracy
                row = [r.last.train_accuracy, val, r.last.test_accuracy, best.test_accuracy, best.epoch]
                row.append(round(r.train_seconds, 3))
            writer.writerow([r.arm, r.seed, r.status, params, *row, r.reason or "; ".join(r.warnings)])
        return out.getvalue()


def _arm_dict(arm: ArmResult) -> dict[str, Any]:
    def summary(s: Summary | None) -> dict[str, Any] | None:
        if s is None:
            return None
        return {"mean": s.mean, "ci95": list(s.ci95) if s.ci95 else None, "values": list(s.values)}

    return {
        "norm": arm.norm,
        "title": arm.title,
        "params": arm.params,
        "norm_params": arm.norm_params,
        "seeds": list(arm.seeds),
        "test_accuracy": summary(arm.test_accuracy),
        "train_accuracy": summary(arm.train_accuracy),
        "val_accuracy": summary(arm.val_accuracy),
        "best_test_accuracy": summary(arm.best_test_accuracy),
        "train_seconds": arm.train_seconds.mean,
        "train_seconds_values": list(arm.train_seconds.values),
    }


def _distinct(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for i, item in enumerate(items) if item not in items[:i]]


def summarize(
    records: Sequence[RunRecord], study: dict[str, Any], class_names: tuple[str, ...], test_labels: Sequence[int],
    folder: Path,
) -> Results:  # fmt: skip
    """Turn the records of a study into its results; test_labels are (N,), in the order of the records' predictions."""
    labels = np.asarray(test_labels)
    names = list(dict.fromkeys(r.arm for r in records))
    finished = {name: [r for r in records if r.arm == name and r.status == "finished"] for name in names}
    arms = tuple(_summarize_arm(name, runs, len(labels)) for name, runs in finished.items() if runs)
    pairs = itertools.combinations([arm.norm for arm in arms], 2)
    compared = [_compare(finished[a], finished[b], labels) for a, b in pairs]
    comparisons = tuple(c for c in compared if c)
    return Results(
        study=study,
        arms=arms,
        comparisons=comparisons,
        verdict=_verdict(arms, comparisons, {r.arm for r in records if r.warnings}),
        records=tuple(records),
        class_names=class_names,
        num_test_images=len(labels),
        folder=folder,
    )


def arm_title(arm: str) -> str:
    """Return an arm's name for people: "BatchNorm + L1 0.001", "BatchNorm, learning rate 0.1"."""
    norm, *additions = arm.split("+")
    spec = parse_norm(norm)
    title = spec.title if spec.affine or norm == "none" else f"{spec.title}, no affine"
    for name, value in (addition.split(":") for addition in additions):
        title += f", learning rate {value}" if name == "lr" else f" + {name.upper()} {value}"
    return title


def _summarize_arm(name: str, runs: Sequence[RunRecord], num_images: int) -> ArmResult:
    audit = runs[0].audit
    assert audit is not None  # a finished run has passed its audit
    vals = [r.last.val_accuracy for r in runs if r.last.val_accuracy is not None]
    return ArmResult(
        norm=name,
        title=arm_title(name),
        params=audit.params,
        norm_params=audit.norm_params,
        seeds=tuple(r.seed for r in runs),
        test_accuracy=_accuracy([r.last.test_accuracy for r in runs], num_images),
        train_accuracy=_summary([r.last.train_accuracy for r in runs], bounds=(0, 1)),
        val_accuracy=_summary(vals, bounds=(0, 1)) if vals else None,
        best_test_accuracy=_summary([r.best_test.test_accuracy for r in runs], bounds=(0, 1)),
        train_seconds=_summary([r.train_seconds for r in runs], bounds=(0, float("inf"))),
    )


def _summary(values: Sequence[float], bounds: tuple[float, float], resolution: float = 0.0) -> Summary:
    ci95 = None
    if len(values) > 1:
        interval = stats.mean_interval(values, resolution).clipped(*bounds)
        ci95 = (interval.low, interval.high)
    return Summary(mean=float(np.mean(values)), ci95=ci95, values=tuple(values))


def _accuracy(values: Sequence[float], num_images: int) -> Summary:
    """Summarize test accuracies: over seeds, or for one seed over the test images."""
    if len(values) > 1:
        return _summary(values, (0, 1), resolution=1 / num_images)
    interval = stats.proportion_interval(round(values[0] * num_images), num_images)
    return Summary(mean=values[0], ci95=(interval.low, interval.high), values=tuple(values))


def _compare(a: Sequence[RunRecord], b: Sequence[RunRecord], labels: np.ndarray) -> Comparison | None:
    """Compare two arms on the seeds that both have finished; None where there is no such seed."""
    by_seed = {r.seed: r for r in b}
    pairs = [(r, by_seed[r.seed]) for r in a if r.seed in by_seed]
    if not pairs:
        return None
    if len(pairs) > 1:
        first, second = zip(*((x.last.test_accuracy, y.last.test_accuracy) for x, y in pairs), strict=True)
        interval = stats.paired_interval(first, second, resolution=1 / len(labels))
    else:
        ((x, y),) = pairs
        interval = stats.image_bootstrap(np.equal(x.test_predictions, labels), np.equal(y.test_predictions, labels))
    return _comparison(a[0].arm, b[0].arm, interval.clipped(-1, 1), tuple(x.seed for x, _ in pairs))


def _comparison(a: str, b: str, interval: Interval, seeds: tuple[int, ...]) -> Comparison:
    return Comparison(
        a=a,
        b=b,
        difference=interval.estimate,
        ci95=(interval.low, interval.high),
        call=stats.call(interval),
        basis="seeds" if len(seeds) > 1 else "test images",
        seeds=seeds,
    )


def _against(best: str, other: str, comparisons: Sequence[Comparison]) -> Comparison | None:
    """Return the comparison of `best` with `other`, in this direction."""
    for c in comparisons:
        if (c.a, c.b) == (best, other):
            return c
        if (c.b, c.a) == (best, other):
            turned = Interval(0.0 - c.difference, 0.0 - c.ci95[1], 0.0 - c.ci95[0])  # no negative zero
            return _comparison(best, other, turned, c.seeds)
    return None


def _verdict(arms: Sequence[ArmResult], comparisons: Sequence[Comparison], at_chance: set[str]) -> Verdict:
    """Name the arm that is better than every other, or say which cannot be told from the best."""
    if not arms:
        return Verdict(choice=CANNOT_TELL, text="Cannot tell: no run finished.")
    best = max(arms, key=lambda arm: arm.test_accuracy.mean)
    if len(arms) == 1:
        return Verdict(choice=CANNOT_TELL, text=f"Cannot tell: {best.norm} is the only arm that finished.")
    others = [arm for arm in sorted(arms, key=lambda arm: -arm.test_accuracy.mean) if arm is not best]
    against = {arm.norm: _against(best.norm, arm.norm, comparisons) for arm in others}
    beaten = [c for c in against.values() if c and c.call == "better"]
    level = [name for name, c in against.items() if not c or c.call != "better"]
    sentences = []
    if best.norm in at_chance:
        sentences.append(f"Cannot tell: even the best arm, {best.norm}, was at chance after a quarter of its epochs.")
    elif level:
        sentences.append(f"Cannot tell {_listed([best.norm, *level])} apart.")
    else:
        sentences.append(f"Use {best.norm}: it is better than {_listed([c.b for c in beaten])}.")
    sentences += [_difference_text(c) for c in against.values() if c]
    if any(c.basis == "test images" for c in comparisons):
        sentences.append("One seed: the intervals cover the choice of test images, not the noise between seeds.")
    if at_chance:
        sentences.append(f"At chance after a quarter of the epochs: {_listed(sorted(at_chance))}.")
    return Verdict(choice=CANNOT_TELL if level or best.norm in at_chance else best.norm, text=" ".join(sentences))


def _difference_text(c: Comparison) -> str:
    low, high = (100 * end for end in c.ci95)
    n = f"n = {len(c.seeds)} seeds" if len(c.seeds) > 1 else "n = 1 seed"
    points = f"{100 * c.difference:+.2f} points of test accuracy"
    return f"{c.a} − {c.b}: {points}, 95 % interval [{low:+.2f}, {high:+.2f}], {n}."


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def write_results(results: Results) -> None:
    """Put results.json and results.csv in place in the study's folder."""
    text = json.dumps(results.to_dict(), indent=2, allow_nan=False) + "\n"
    write_in_one_step(results.folder / "results.json", text.encode())
    write_in_one_step(results.folder / "results.csv", results.to_csv().encode())
