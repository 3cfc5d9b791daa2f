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
    sentences = [follow_up.outcome(results) for follow_up in follow_ups]
    if len(results.arms) > 1:  # a single arm is no answer that could change
        sentences.append(f"Not tested: {listed(list(_not_tested(follow_ups)))}.")
    return " ".join([*sentences, *_of_the_batch(results)])


def _not_tested(follow_ups: Sequence[FollowUp]) -> Iterator[str]:
    yield "other batch sizes (whichnorm sweep)"
    if not any(isinstance(follow_up, LearningRates) for follow_up in follow_ups):
        yield "a learning rate tuned for each arm (--tune-lr)"
    if not any(isinstance(follow_up, OtherRecipe) for follow_up in follow_ups):
        yield "another recipe (--recipes)"


def _of_the_batch(results: Results) -> Iterator[str]:
    choice = results.verdict.choice
    if choice in {arm.norm for arm in results.arms} and parse_arm(choice).norm.sees_batch:
        recipe = results.study["recipe"]
        images = recipe.get("device_batch_size") or recipe["batch_size"]
        yield (
            f"The result of {choice} depends on the images per forward pass ({images} here), and on evaluation images "
            "like the training images, whose mean and variance it uses."
        )
