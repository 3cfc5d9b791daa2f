"""Three short points beside the answer: how sure it is, what it depends on, and what was not tested."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from whichnorm.analyses import wording
from whichnorm.analyses.arms import ranked
from whichnorm.analyses.corruptions.finding import turning
from whichnorm.analyses.headline.answer import is_decided, stayed_at_chance
from whichnorm.analyses.over_seeds import by_arm
from whichnorm.analyses.sensitivity.found import FollowUp, follow_ups_in
from whichnorm.analyses.sensitivity.learning_rates import LearningRates
from whichnorm.analyses.sensitivity.recipes import OtherRecipe
from whichnorm.analyses.sensitivity.section import title
from whichnorm.errors import WhichnormError
from whichnorm.render.content import KeyPoint
from whichnorm.render.text import count, printable
from whichnorm.results.comparisons import CANNOT_TELL, MIN_SEEDS, Comparison, against
from whichnorm.results.results import Results
from whichnorm.results.verdict import called_text, chance_text, more_seeds_text, p_text
from whichnorm.specs.arm import parse_arm
from whichnorm.specs.names import arm_title, enclosed

LEAST_CHANCE = 0.05  # of being best; less likely arms are not named
MAX_LIKELY = 3


def key_points(results: Results, found: Mapping[str, Any]) -> Iterator[KeyPoint]:
    """Yield the points; one that has nothing to say is left out, and runs that went wrong are one more."""
    follow_ups = follow_ups_in(found)
    yield KeyPoint(label="How sure", text=_how_sure(results))
    if depends := _depends(results, found, follow_ups):
        yield KeyPoint(label="What it depends on", text=depends)
    if len(results.arms) > 1:  # a single arm is no answer that could change
        yield KeyPoint(label="Not tested", text=f"{'; '.join(_not_tested(follow_ups))}.")
    if not results.ok:
        yield KeyPoint(label=wording.faults_label(results.faults), text=_went_wrong(results))


def _how_sure(results: Results) -> str:
    order = ranked(results)
    if not order:
        return "No run finished; the runs are listed with the reasons."
    if len(order) == 1:
        (arm,) = results.arms
        return f"Its test accuracy is {wording.accuracy(arm.test_accuracy)}, {_over(arm.seeds)}."
    if stayed_at_chance(results, order[0]):
        at_chance = sum(bool(run.warnings) for run in results.records)
        return f"{at_chance} of {count(len(results.records), 'run')} did no better than guessing."
    level = results.verdict.level
    nearest = order[1] if is_decided(results) or not level else level[0]
    pair = against(order[0], nearest, results.comparisons)
    said = _ahead(pair) if pair and pair.call != CANNOT_TELL else _apart(pair)
    return " ".join(filter(None, [results.ending, said, _if_you_must_choose(results)]))


def _if_you_must_choose(results: Results) -> str:
    """Say how likely each arm is the best, and what taking the one in front costs, where the answer is open."""
    if results.verdict.kind != "cannot tell" or not results.ranking or stayed_at_chance(results, ranked(results)[0]):
        return ""
    order = sorted(results.ranking, key=lambda arm: -results.ranking[arm].chance_best)
    likely = [arm for arm in order if results.ranking[arm].chance_best >= LEAST_CHANCE][:MAX_LIKELY]
    chances = "; ".join(f"{arm_title(arm)} with {100 * results.ranking[arm].chance_best:.0f} %" for arm in likely)
    front = ranked(results)[0]
    regret = 100 * results.ranking[front].regret
    return f"The best is {chances}. Taking {enclosed([front])} costs {regret:.2f} points on average against the best."


def _ahead(pair: Comparison) -> str:
    """Say how far the best arm is ahead of the next."""
    assert pair.adjusted_p is not None  # an arm is named on p-values alone
    return (
        f"{100 * pair.difference:.2f} points ahead of the next best, {arm_title(pair.b)}, {_over(pair.seeds)} "
        f"(p {p_text(pair.adjusted_p)}{called_text(pair)}). A new run of it wins with a probability of "
        f"{chance_text(pair)}."
    )


def _apart(pair: Comparison | None) -> str:
    """Say how far the best arm and one level with it are apart, that chance can explain it, and what would decide."""
    if pair is None:
        return "Those that are level have no seed in common."
    if pair.basis == "test images":
        return f"One seed says nothing of the noise between seeds: give {MIN_SEEDS} or more."
    settled = f"; {more_seeds_text(pair)}" if pair.settled else _by_chance(pair)
    return (
        f"{enclosed([pair.a, pair.b])} are {100 * abs(pair.difference):.2f} points apart {_over(pair.seeds)}{settled}."
    )


def _by_chance(pair: Comparison) -> str:
    return "" if pair.adjusted_p is None or pair.same else f", which chance can explain (p {p_text(pair.adjusted_p)})"


def _over(seeds: Sequence[int]) -> str:
    return f"over {count(len(seeds), 'seed')}"


def _depends(results: Results, found: Mapping[str, Any], follow_ups: Sequence[FollowUp]) -> str:
    """Say what other rates, recipes and images did to the answer, and what the norms that it names depend on."""
    tried = [f"{printable(title(results, follow_ups))}."] if follow_ups else []
    order = ranked(results)
    if len(order) < 2 or stayed_at_chance(results, order[0]):
        return " ".join(tried)
    return " ".join([*tried, *_of_the_images(results, found["corruptions"], order[0]), *_of_the_batch(results, order)])


def _of_the_images(results: Results, corruptions: Any, best: str) -> Iterator[str]:
    if not isinstance(corruptions, WhichnormError) and (said := turning(by_arm(results, corruptions), best)):
        yield said


def _of_the_batch(results: Results, order: Sequence[str]) -> Iterator[str]:
    sees = [arm for arm in (order[0], *results.verdict.level) if parse_arm(arm).norm.sees_batch]
    if sees:
        recipe = results.study["recipe"]
        images = recipe.get("device_batch_size") or recipe["batch_size"]
        yield (
            f"{enclosed(sees)} depend{'s' if len(sees) == 1 else ''} on the images per forward pass ({images} here), "
            "and on evaluation images like the training images."
        )


def _not_tested(follow_ups: Sequence[FollowUp]) -> Iterator[str]:
    yield "Other batch sizes (whichnorm sweep)"
    if not any(isinstance(follow_up, LearningRates) for follow_up in follow_ups):
        yield "a learning rate tuned for each norm (--tune-lr)"
    if not any(isinstance(follow_up, OtherRecipe) for follow_up in follow_ups):
        yield "another recipe (--recipes)"


def _went_wrong(results: Results) -> str:
    without = [arm for arm in results.arm_names if not results.finished(arm)]
    said = f"{len(results.faults)} of {count(len(results.records), 'run')}; they are listed with the reasons."
    return f"{said} No run of {enclosed(without)} finished." if without and results.arms else said
