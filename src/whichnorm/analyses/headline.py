"""The first lines of a report: the question, the answer, and what it rests on."""

from collections.abc import Mapping
from typing import Any

from whichnorm.analyses import wording
from whichnorm.analyses.cost.tables import cost_in_a_line
from whichnorm.analyses.sensitivity.outlook import what_would_change
from whichnorm.errors import WhichnormError
from whichnorm.render import text
from whichnorm.results.results import Results, arm_title
from whichnorm.specs.recipe import batch_text

FOOTER = "Made by whichnorm. Every figure is also in the folder figures beside this file, as PNG and SVG."


def headline(results: Results, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of `Content` apart from its sections."""
    recipe, choice = results.study["recipe"], results.verdict.choice
    decided = choice in {arm.norm for arm in results.arms}
    limit = results.study["data"].get("train_limit")
    limited = f"only {text.count(limit, 'training image')}, " if limit else ""
    data, model = (text.printable(str(results.study[part]["name"])) for part in ("data", "model"))
    cost, sensitivity = found["cost"], found["sensitivity"]
    return {
        "question": f"which normalization for {model} on {data}?",
        "size": f"{limited}batch size {batch_text(recipe)}, {text.count(recipe['epochs'], 'epoch')}, "
        f"{text.num_seeds(len(results.seeds))}, {wording.devices(results.records)}",
        "decided": decided,
        "answer": f"Use {arm_title(choice)}" if decided else choice.capitalize(),
        "choice": choice if decided else "",
        "verdict": text.printable(" ".join(filter(None, [results.verdict.text, results.ending]))),
        "cost": "" if isinstance(cost, WhichnormError) else cost_in_a_line(results, cost),
        "outlook": ""
        if isinstance(sensitivity, WhichnormError)
        else text.printable(what_would_change(results, sensitivity.follow_ups)),
        "footer": FOOTER,
    }
