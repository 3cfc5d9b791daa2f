"""A sweep from its options to its results: a study per point, one after the other."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from whichnorm.api import DEFAULT_NORMS, as_arm, as_recipe, default_name, execute, prepare
from whichnorm.errors import SpecError
from whichnorm.norms import NormSpec
from whichnorm.specs.arm import ArmSpec
from whichnorm.specs.recipe import Recipe
from whichnorm.study.events import Listener, PartStarted, ignore
from whichnorm.study.folder import StudyFolder
from whichnorm.study.plan import Plan, plan_study
from whichnorm.study.study import Study
from whichnorm.sweeps.axes import Axes, group_arms
from whichnorm.sweeps.folder import SweepFolder
from whichnorm.sweeps.points import Point, make_points
from whichnorm.sweeps.results import SweepResults, summarize_sweep, write_sweep_results
from whichnorm.sweeps.rules import Rule, find_rule


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """A sweep with its data in memory; nothing is trained or written yet. The arms are all, also those skipped."""

    axes: Axes
    recipe: Recipe
    rule: Rule
    arms: tuple[ArmSpec, ...]
    points: tuple[Point, ...]
    base: Study  # of the first point that has an arm; its data are those of all

    @property
    def folder(self) -> SweepFolder:
        return SweepFolder(self.base.folder.root)

    def jobs(self) -> list[tuple[Point, Study]]:
        """Return the study of every point that has an arm to train."""
        return [(point, self._job(point)) for point in self.points if point.arms]

    def _job(self, point: Point) -> Study:
        spec = replace(self.base.spec, arms=point.arms, recipe=point.recipe)
        return self.base.with_spec(spec, self.folder.of_point(point.batch.name))

    def to_dict(self) -> dict[str, Any]:
        """Return sweep.json's content; "recipe" is that at the base batch, which the rule starts from."""
        return {
            **self.base.shared(),
            "recipe": asdict(self.recipe),
            "learning_rate_rule": self.rule.name,
            "axes": {name: list(values) for name, values in asdict(self.axes).items()},
            "arms": [str(arm) for arm in self.arms],
            "seeds": list(self.base.spec.seeds),
            "points": [point.to_dict() for point in self.points],
        }


def sweep(
    data: str = "digits",
    *,
    batch_sizes: Sequence[int] = (),
    device_batch_sizes: Sequence[int] = (),
    accumulations: Sequence[int] = (),
    groups: Sequence[int | str] = (),
    channels_per_group: Sequence[int] = (),
    lr_rule: str | None = None,
    norms: Sequence[str | NormSpec | ArmSpec] | None = None,
    model: str | Callable[..., nn.Module] | None = None,
    model_options: dict[str, bool | int | float | str] | None = None,
    seeds: int | Sequence[int] | None = None,
    recipe: str | Recipe | None = None,
    epochs: int | None = None,
    val: float = 0.1,
    train_limit: int | None = None,
    image_size: int | None = None,
    data_dir: str | Path | None = None,
    download: bool = True,
    max_params: int | None = None,
    device: str = "cpu",
    threads: int | None = None,
    precision: str = "auto",
    out: str | Path | None = None,
    tensorboard: bool = False,
    diagnostics: bool = False,
    latency: bool = True,
    progress: Listener | None = None,
) -> SweepResults:
    """Compare norms at several batch sizes or numbers of groups, write the report, and return the results.

    batch_sizes are images per optimizer step, device_batch_sizes images per forward pass, accumulations forward passes
    per step; give one of them, or two, which are crossed. groups and channels_per_group add GroupNorm arms; "c" is as
    many groups as channels. lr_rule ("linear", "sqrt", "none") says how the learning rate follows the images per step,
    from the recipe's own batch size; None is linear for SGD and sqrt for AdamW. norms is by default bn, ln and gn:8,
    and with groups bn alone. The other arguments are those of `compare`.

    Every point is a study in a folder of its own inside `out`. Given again, with more sizes, arms or seeds too, the
    call trains only what is new. An arm that is undefined at a point, BatchNorm at one image, is skipped there.
    """
    prepared = prepare_sweep(
        data, batch_sizes=batch_sizes, device_batch_sizes=device_batch_sizes, accumulations=accumulations,
        groups=groups, channels_per_group=channels_per_group, lr_rule=lr_rule, norms=norms, model=model,
        model_options=model_options, seeds=seeds, recipe=recipe, epochs=epochs, val=val, train_limit=train_limit,
        image_size=image_size, data_dir=data_dir, download=download, device=device, threads=threads,
        precision=precision, out=out,
    )  # fmt: skip
    return execute_sweep(
        prepared, max_params=max_params, progress=progress or ignore, tensorboard=tensorboard,
        diagnostics=diagnostics, latency=latency,
    )  # fmt: skip


def prepare_sweep(
    data: str,
    *,
    batch_sizes: Sequence[int],
    device_batch_sizes: Sequence[int],
    accumulations: Sequence[int],
    groups: Sequence[int | str],
    channels_per_group: Sequence[int],
    lr_rule: str | None,
    norms: Sequence[str | NormSpec | ArmSpec] | None,
    recipe: str | Recipe | None,
    epochs: int | None,
    out: str | Path | None,
    **options: Any,
) -> Sweep:
    """Check the axes and options, then load the data; see `sweep`, and `study.prepare` for the options passed on."""
    axes = Axes(
        batch_sizes=tuple(batch_sizes),
        device_batch_sizes=tuple(device_batch_sizes),
        accumulations=tuple(accumulations),
    )
    if not (batch_sizes or device_batch_sizes or accumulations or groups or channels_per_group):
        wanted = "--batch-sizes, --device-batch-sizes, --accumulations, --groups or --channels-per-group"
        raise SpecError(f"nothing to sweep over; expected {wanted}")
    base_recipe = as_recipe(recipe, data).changed(epochs=epochs)
    rule = find_rule(lr_rule, base_recipe)
    arms = _arms(norms, tuple(group_arms(groups, channels_per_group)))
    points = make_points(axes, base_recipe, rule, arms)
    first = next(point for point in points if point.arms)
    base = prepare(
        data, norms=first.arms, recipe=first.recipe, epochs=None, batch_size=None, device_batch_size=None,
        out=out, **options,
    )  # fmt: skip
    if out is None:
        name = f"sweep-{default_name(replace(base.spec, recipe=base_recipe))}"
        base = replace(base, folder=StudyFolder(Path("runs") / name))
    return Sweep(axes=axes, recipe=base_recipe, rule=rule, arms=arms, points=points, base=base)


def _arms(norms: Sequence[str | NormSpec | ArmSpec] | None, of_groups: Sequence[ArmSpec]) -> tuple[ArmSpec, ...]:
    """Return the arms that are asked for, then those of groups that are not among them yet."""
    if norms is None:
        norms = ("bn",) if of_groups else DEFAULT_NORMS
    named = [as_arm(norm) for norm in norms]
    return (*named, *(arm for arm in dict.fromkeys(of_groups) if arm not in named))


def plan_sweep(sweep: Sweep, max_params: int | None) -> list[tuple[Point, Plan]]:
    """Check every point before any is trained: its arms can be built, and its folder holds nothing else."""
    sweep.folder.check(sweep.to_dict())
    for _, study in sweep.jobs():
        if (study.folder.root / "study.json").exists():
            study.folder.check(study.spec, study.splits.digest)
    return [(point, plan_study(study.spec, study.splits, max_params)) for point, study in sweep.jobs()]


def execute_sweep(
    sweep: Sweep,
    *,
    max_params: int | None,
    progress: Listener,
    tensorboard: bool = False,
    diagnostics: bool = False,
    latency: bool = True,
) -> SweepResults:
    """Train what is not trained yet, point by point, then write the sweep's results and report.

    A point is done, with its report, before the next one begins: a sweep that is interrupted leaves whole studies.
    """
    plan_sweep(sweep, max_params)
    with StudyFolder(sweep.folder.root).locked():
        sweep.folder.claim(sweep.to_dict())
        studies = {}
        for number, (point, study) in enumerate(sweep.jobs(), start=1):
            progress(PartStarted(title=f"batch {point.batch.text}, point {number} of {len(sweep.jobs())}"))
            studies[point.batch.name] = execute(
                study, max_params=max_params, progress=progress, tensorboard=tensorboard, diagnostics=diagnostics,
                latency=latency,
            )  # fmt: skip
        labels = sweep.base.splits.test.labels.tolist()
        results = summarize_sweep(
            sweep.to_dict(), sweep.axes.along, sweep.axes.across, studies, labels, sweep.folder.root
        )  # fmt: skip
        write_sweep_results(results)
        report_on_sweep(sweep, results)
    return results


def report_on_sweep(sweep: Sweep, results: SweepResults) -> Path:
    """Write the report of a sweep into its folder and return the path of the page."""
    from whichnorm.sweeps.report import write_sweep_report

    return write_sweep_report(results, sweep.rule.sentence(sweep.recipe))
