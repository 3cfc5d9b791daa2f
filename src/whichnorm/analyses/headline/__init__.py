"""The first screen of a report: the question, the answer in a sentence, three points, and the statistics below."""

from collections.abc import Mapping
from typing import Any

from whichnorm.analyses import wording
from whichnorm.analyses.headline.answer import answer_sentence, is_decided
from whichnorm.analyses.headline.points import key_points
from whichnorm.analyses.headline.statistics import statistics
from whichnorm.render import text
from whichnorm.results.results import Results
from whichnorm.specs.recipe import batch_text

FOOTER = "Made by whichnorm. Every figure is also in the folder figures beside this file, as PNG and SVG."


def headline(results: Results, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of `Content` apart from its sections; `found` is what every analysis found, by its name."""
    return {
        "question": question(results),
        "size": extent(results),
        "decided": is_decided(results),
        "answer": answer_sentence(results),
        "points": tuple(key_points(results, found)),
        "figure": "test_accuracy",
        "statistics": tuple(statistics(results, found)),
        "footer": FOOTER,
    }


def question(results: Results) -> str:
    data, model = (text.printable(str(results.study[part]["name"])) for part in ("data", "model"))
    return f"Which normalization for {model} on {data}?"


def extent(results: Results) -> str:
    """Say how large the study is, and on what device it was made."""
    recipe, limit = results.study["recipe"], results.study["data"].get("train_limit")
    limited = f"only {text.count(limit, 'training image')}, " if limit else ""
    return (
        f"{limited}batch size {batch_text(recipe)}, {text.count(recipe['epochs'], 'epoch')}, "
        f"{text.num_seeds(len(results.seeds))}, {wording.devices(results.records)}"
    )
