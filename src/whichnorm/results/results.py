"""From run records to results: arms, comparisons and the verdict, and their JSON and CSV files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from whichnorm import stats
from whichnorm.files import as_csv, write_in_one_step, write_json
from whichnorm.results.comparisons import Comparison, Correct, Rule, compare_arms, fixed_rule
from whichnorm.results.verdict import Failures, Outcome, Verdict, decide, judge
from whichnorm.specs.codec import encode
from whichnorm.specs.names import arm_title, enclosed
from whichnorm.specs.recipe import batch_text
from whichnorm.specs.study import UntilSure
from whichnorm.training.record import RunRecord, end_warnings


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A quantity over the seeds of an arm. `std` is the sample standard deviation; None if one value gives none."""

    mean: float
    std: float | None
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
class Standing:
    """How good a choice an arm is: the probability that no other has a higher mean accuracy, and the accuracy that
    taking it costs on average if one has."""

    chance_best: float
    regret: float


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Results:
    """Everything a study found."""

    study: dict[str, Any]  # what all runs share: data, model, recipe, machine
    arms: tuple[ArmResult, ...]
    comparisons: tuple[Comparison, ...]
    rule: Rule
    verdict: Verdict
    records: tuple[RunRecord, ...]
    class_names: tuple[str, ...]
    num_test_images: int
    folder: Path
    ranking: Mapping[str, Standing] = field(default_factory=dict)  # of two arms or more with two common seeds
    until_sure: UntilSure | None = None  # the rule by which seeds were added
    ending: str = ""  # why no more were
    all_arms: tuple[str, ...] = ()  # of the study, if these results are of some of its arms: they keep their colours

    def __repr__(self) -> str:
        accuracies = "; ".join(f"{arm_title(arm.norm)} {100 * arm.test_accuracy.mean:.2f} %" for arm in self.arms)
        return f"<{type(self).__name__}: {self.verdict.answer} Test accuracy: {accuracies or 'none'}. In {self.folder}>"

    @property
    def curves_split(self) -> Literal["val", "test"]:
        """The split that the curves come from: the test split if there is no validation split."""
        return "val" if self.study["data"]["val_fraction"] > 0 else "test"

    @property
    def arm_names(self) -> list[str]:
        """Every arm of the study in its order, also those without a finished run."""
        return list(dict.fromkeys(r.arm for r in self.records))

    @property
    def seeds(self) -> list[int]:
        """Every seed of the study in its order, also of runs that did not finish."""
        return list(dict.fromkeys(r.seed for r in self.records))

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

    def only(self, arms: Sequence[str]) -> Self:
        """Return the same results of some of the arms, in this order; the verdict stays that of all."""
        return replace(
            self,
            arms=tuple(arm for name in arms for arm in self.arms if arm.norm == name),
            comparisons=tuple(c for c in self.comparisons if {c.a, c.b} <= set(arms)),
            records=tuple(r for name in arms for r in self.records if r.arm == name),
            all_arms=self.all_arms or tuple(self.arm_names),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return results.json's content."""
        machines = [r.environment for r in self.records]
        return {
            "arms": [
                {**encode(arm), "train_seconds": arm.train_seconds.mean,
                 "train_seconds_values": list(arm.train_seconds.values)}
                for arm in self.arms
            ],
            "comparisons": encode(self.comparisons),
            "verdict": {
                "kind": self.verdict.kind,
                "choice": self.verdict.choice,
                "next_best": self.verdict.next_best,
                "level": list(self.verdict.level),
                "failures": [{**encode(one), "bound": one.bound} for one in self.verdict.failures],
                "with_failures": encode(self.verdict.with_failures),
                "text": self.verdict.text,
            },
            "ranking": encode(self.ranking),
            "faults": [
                {"norm": r.arm, "seed": r.seed, "status": r.status, "reason": r.reason or "; ".join(r.warnings)}
                for r in self.faults
            ],
            "examined": None,  # this and the next are what analyses find
            "follow_ups": [],
            "curves_split": self.curves_split,
            "num_test_images": self.num_test_images,
            "study": self.study,
            "environments": [one for place, one in enumerate(machines) if one not in machines[:place]],
        }  # fmt: skip

    def to_csv(self) -> str:
        """Return results.csv's content: one line per run."""
        heading = ["norm", "seed", "status", "params", "train_accuracy", "val_accuracy", "test_accuracy",
                   "best_test_accuracy", "best_test_epoch", "train_seconds", "reason"]  # fmt: skip
        return as_csv([heading, *map(_csv_row, self.records)])


def _csv_row(r: RunRecord) -> list[Any]:
    found: list[Any] = ["", "", "", "", "", ""]
    if r.epochs:
        best, seconds = r.best_test, round(r.train_seconds, 3)
        found = [
            r.last.train_accuracy, r.last.val_accuracy, r.last.test_accuracy, best.test_accuracy, best.epoch, seconds
        ]  # fmt: skip
    return [r.arm, r.seed, r.status, r.audit and r.audit.params, *found, r.reason or "; ".join(r.warnings)]


def summarize(
    records: Sequence[RunRecord], study: dict[str, Any], class_names: tuple[str, ...], test_labels: Sequence[int],
    folder: Path, rule: Rule | None = None,
) -> Results:  # fmt: skip
    """Turn the records of a study into its results; test_labels are (N,), in the order of the records' predictions.

    Without a rule the seeds of the records are those of the first look.
    """
    labels = np.asarray(test_labels)
    records = [r if r.warnings else replace(r, warnings=end_warnings(r.epochs, labels)) for r in records]
    names = list(dict.fromkeys(r.arm for r in records))
    rule = rule or fixed_rule([tuple(dict.fromkeys(r.seed for r in records))])
    finished = {name: [r for r in records if r.arm == name and r.status == "finished"] for name in names}
    arms = tuple(_summarize_arm(name, runs, labels) for name, runs in finished.items() if runs)
    correct = {arm.norm: _correct(finished[arm.norm], labels) for arm in arms}
    accuracies = {arm.norm: arm.test_accuracy.mean for arm in arms}
    outcome, comparisons = judge(accuracies, compare_arms(correct, rule))
    at_chance = [arm.norm for arm in arms if all(r.warnings for r in finished[arm.norm])]
    return Results(
        study=study,
        arms=arms,
        comparisons=comparisons,
        rule=rule,
        ranking=_ranking(correct),
        verdict=decide(
            outcome,
            accuracies,
            comparisons,
            setting(study),
            at_chance=at_chance,
            failures=_failures(records),
            with_failures=_counted(records, labels, len(class_names), rule),
            runs_at_chance=_at_chance_texts(finished),
        ),
        records=tuple(records),
        class_names=class_names,
        num_test_images=len(labels),
        folder=folder,
    )


def _failures(records: Sequence[RunRecord]) -> tuple[Failures, ...]:
    """Return the arms with runs that did not finish."""
    statuses: dict[str, list[str]] = {}
    for record in records:
        statuses.setdefault(record.arm, []).append(record.status)
    return tuple(
        Failures(arm=arm, failed=len(found) - found.count("finished"), runs=len(found))
        for arm, found in statuses.items() if found.count("finished") < len(found)
    )  # fmt: skip


def _counted(
    records: Sequence[RunRecord], labels: NDArray[np.int64], num_classes: int, rule: Rule
) -> Outcome | None:  # fmt: skip
    """Return the outcome with every run that did not finish scored as guessing; None where all finished."""
    if all(r.status == "finished" for r in records):
        return None
    guessing = np.full(len(labels), 1 / num_classes)
    correct: dict[str, dict[int, NDArray[Any]]] = {}
    for r in records:
        right = np.equal(r.test_predictions, labels) if r.status == "finished" else guessing
        correct.setdefault(r.arm, {})[r.seed] = right
    accuracies = {arm: float(np.mean(list(of_arm.values()))) for arm, of_arm in correct.items()}
    outcome, _ = judge(accuracies, compare_arms(correct, rule))
    return outcome


def _at_chance_texts(finished: Mapping[str, Sequence[RunRecord]]) -> list[str]:
    """Say how many finished runs of each arm are no better than guessing."""
    return [
        f"{number} of {len(runs)} finished runs of {enclosed([arm])} stayed at chance."
        for arm, runs in finished.items() if (number := sum(bool(r.warnings) for r in runs))
    ]  # fmt: skip


def _ranking(correct: Mapping[str, Correct]) -> dict[str, Standing]:
    """Return each arm's chance of being best, over the seeds that all arms have; empty for less than two."""
    seeds = sorted(set.intersection(*map(set, correct.values()))) if correct else []
    tables = [np.stack([of_arm[seed] for seed in seeds]) for of_arm in correct.values()] if seeds else []
    if len(correct) < 2 or len(seeds) < 2 or tables[0].shape[1] < 2:
        return {}
    found = stats.rank_arms(tables)
    each = zip(correct, found.chances_best, found.regrets, strict=True)
    return {arm: Standing(chance_best=chance, regret=regret) for arm, chance, regret in each}


def _summarize_arm(name: str, runs: Sequence[RunRecord], labels: NDArray[np.int64]) -> ArmResult:
    audit = runs[0].audit
    assert audit is not None  # a finished run has passed its audit
    vals = [r.last.val_accuracy for r in runs if r.last.val_accuracy is not None]
    return ArmResult(
        norm=name,
        title=arm_title(name),
        params=audit.params,
        norm_params=audit.norm_params,
        seeds=tuple(r.seed for r in runs),
        test_accuracy=_accuracy(_correct(runs, labels)),
        train_accuracy=_summary([r.last.train_accuracy for r in runs], bounds=(0, 1)),
        val_accuracy=_summary(vals, bounds=(0, 1)) if vals else None,
        best_test_accuracy=_summary([r.best_test.test_accuracy for r in runs], bounds=(0, 1)),
        train_seconds=_summary([r.train_seconds for r in runs], bounds=(0, float("inf"))),
    )


def _summary(values: Sequence[float], bounds: tuple[float, float]) -> Summary:
    """Summarize a quantity over seeds, with Student's interval of the mean."""
    ci95 = None
    if len(values) > 1:
        interval = stats.mean_interval(values).clipped(*bounds)
        ci95 = (interval.low, interval.high)
    return Summary(mean=float(np.mean(values)), std=_std(values), ci95=ci95, values=tuple(values))


def _accuracy(correct: Correct) -> Summary:
    """Summarize test accuracies, with an interval over seeds and test images together."""
    table = np.stack(list(correct.values()))  # (num_seeds, N)
    interval, values = stats.crossed_interval(table), table.mean(axis=1).tolist()
    return Summary(
        mean=interval.estimate, std=_std(values), ci95=(interval.low, interval.high), values=tuple(values)
    )  # fmt: skip


def _std(values: Sequence[float]) -> float | None:
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def _correct(runs: Sequence[RunRecord], labels: NDArray[np.int64]) -> Correct:
    """Return which test images each run got right, by seed."""
    return {r.seed: np.equal(r.test_predictions, labels) for r in runs}


def setting(study: Mapping[str, Any]) -> str:
    """Say what a study's answer is for: "wynet on cifar10 with the recipe default at batch size 128"."""
    data, model, recipe = study["data"]["name"], study["model"]["name"], study["recipe"]
    return f"{model} on {data} with the recipe {recipe['name']} at batch size {batch_text(recipe)}"


def write_results(results: Results) -> None:
    """Put results.json and results.csv in place in the study's folder."""
    write_json(results.folder / "results.json", results.to_dict())
    write_in_one_step(results.folder / "results.csv", results.to_csv().encode())
