"""What `whichnorm compare --dry-run` shows."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from rich.console import Console

from whichnorm import stats
from whichnorm.analyses.sensitivity.plan import PlannedFollowUp
from whichnorm.specs.recipe import batch_text
from whichnorm.study.plan import Plan, PlannedArm
from whichnorm.study.progress import rough_time
from whichnorm.study.study import Study


def show_plan(plan: Plan, study: Study, console: Console, follow_ups: Sequence[PlannedFollowUp] = ()) -> None:
    """Print the runs, parameters and estimated time of a study that is not run."""
    lines = [
        *_described(plan, study),
        "",
        f"{'norm':<20}{'parameters':>11}{'seeds':>7}{'s per run':>11}  norm layers",
        *(_arm(plan, arm, study) for arm in plan.arms),
        *_what_follows(study, follow_ups),
        "",
        _total(plan, study, follow_ups),
    ]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _described(plan: Plan, study: Study) -> Iterator[str]:
    recipe, machine, splits = study.spec.recipe, study.spec.machine, study.splits
    yield (
        f"data      {study.spec.data.name}: {len(splits.train):,} training, {len(splits.val):,} validation,"
        f" {len(splits.test):,} test images of {'x'.join(map(str, splits.image_shape))}"
    )
    yield f"network   {study.spec.model.name}"
    yield (
        f"recipe    {recipe.name}: {recipe.epochs} epochs, batch {batch_text(asdict(recipe))}, "
        f"{plan.steps_per_epoch:,} steps per epoch"
    )
    yield f"machine   {machine.device}, {machine.threads} threads, {machine.precision}"
    yield f"folder    {study.folder.root}"


def _arm(plan: Plan, arm: PlannedArm, study: Study) -> str:
    layers = ", ".join(f"{count} {name}" for name, count in arm.norm_layers.items()) or "none"
    seconds = plan.run_seconds(arm)
    return f"{arm.arm!s:<20}{arm.params:>11,}{len(study.spec.seeds):>7}{seconds:>11,.1f}  {layers}"


def _what_follows(study: Study, follow_ups: Sequence[PlannedFollowUp]) -> Iterator[str]:
    if study.spec.until_sure:
        looks = ", ".join(map(str, stats.looks(study.spec.until_sure.max_seeds)))
        yield from ("", f"This is the first look; seeds are added until sure, with looks at {looks} seeds.")
    if follow_ups:
        yield from ("", *(f"{one.title}: {one.runs}; about {rough_time(one.seconds)}" for one in follow_ups))


def _total(plan: Plan, study: Study, follow_ups: Sequence[PlannedFollowUp]) -> str:
    which = "all of these" if follow_ups else "all"
    seconds = plan.seconds + sum(planned.seconds for planned in follow_ups)
    done = sum(study.folder.record(run).exists() for run in study.spec.runs())
    return (
        f"{len(study.spec.runs())} runs, {done} of them finished; about {rough_time(seconds)} for {which}, from a few "
        "steps timed on this machine. Nothing was trained or written."
    )
