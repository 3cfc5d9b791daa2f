"""What would change a study's answer, from what was and what was not tested."""

from collections.abc import Iterator, Sequence

from whichnorm.analyses.sensitivity.found import FollowUp
from whichnorm.analyses.sensitivity.learning_rates import LearningRates
from whichnorm.analyses.sensitivity.recipes import OtherRecipe
from whichnorm.results.results import Results
from whichnorm.results.verdict import listed
from whichnorm.specs.arm import parse_arm


def what_would_change(results: Results, follow_ups: Sequence[FollowUp]) -> str:
    """Say what the follow-ups found, what was not tested, and what the chosen norm's result depends on."""
    found = (follow_up.conclusion(results) for follow_up in follow_ups)
    return " ".join([*found, *not_tested(results, follow_ups), *of_the_batch(results)])


def not_tested(results: Results, follow_ups: Sequence[FollowUp]) -> Iterator[str]:
    """Say what could change the answer and was not tried; a single arm is no answer that could change."""
    if len(results.arms) > 1:
        yield f"Not tested: {listed(list(_conditions(follow_ups)))}."


def _conditions(follow_ups: Sequence[FollowUp]) -> Iterator[str]:
    yield "other batch sizes (whichnorm sweep)"
    if not any(isinstance(follow_up, LearningRates) for follow_up in follow_ups):
        yield "a learning rate tuned for each arm (--tune-lr)"
    if not any(isinstance(follow_up, OtherRecipe) for follow_up in follow_ups):
        yield "another recipe (--recipes)"


def of_the_batch(results: Results) -> Iterator[str]:
    """Say what the result of a chosen norm that sees the batch depends on."""
    choice = results.verdict.choice
    if choice in {arm.norm for arm in results.arms} and parse_arm(choice).norm.sees_batch:
        recipe = results.study["recipe"]
        images = recipe.get("device_batch_size") or recipe["batch_size"]
        yield (
            f"The result of {choice} depends on the images per forward pass ({images} here), and on evaluation images "
            "like the training images, whose mean and variance it uses."
        )
