"""What would change a study's answer, from what was and what was not tested."""

from collections.abc import Iterator

from whichnorm.follow_ups.learning_rates import LearningRates
from whichnorm.follow_ups.recipes import OtherRecipe
from whichnorm.results import Results
from whichnorm.spec import parse_arm
from whichnorm.verdict import listed


def what_would_change(results: Results) -> str:
    """Say what the follow-ups found, what was not tested, and what the chosen norm's result depends on."""
    sentences = [follow_up.outcome(results) for follow_up in results.follow_ups]
    if len(results.arms) > 1:  # a single arm is no answer that could change
        sentences.append(f"Not tested: {listed(list(_not_tested(results)))}.")
    return " ".join([*sentences, *_of_the_batch(results)])


def _not_tested(results: Results) -> Iterator[str]:
    yield "other batch sizes (whichnorm sweep)"
    if not any(isinstance(follow_up, LearningRates) for follow_up in results.follow_ups):
        yield "a learning rate tuned for each arm (--tune-lr)"
    if not any(isinstance(follow_up, OtherRecipe) for follow_up in results.follow_ups):
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
