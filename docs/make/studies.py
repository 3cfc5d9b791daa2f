"""What the comparisons and sweeps under results/ found."""

from typing import Any

from docs.make.words import (
    conclusion,
    interval,
    p_value,
    percent,
    points,
    read,
    signed_interval,
    table,
)
from whichnorm.specs.names import arm_title

COMPARED = "wynet_seeds"


def setting() -> str:
    """Say what was compared: network, data, training, seeds."""
    results = read(COMPARED)
    study, arm = results["study"], results["arms"][0]
    recipe, data = study["recipe"], study["data"]
    return (
        f"The network `{study['model']['name']}` ({arm['params']:,} parameters) on `{data['name']}`: "
        f"{recipe['epochs']} epochs of the recipe `{recipe['name']}` at batch {recipe['batch_size']}, "
        f"{len(arm['seeds'])} seeds for each layer, {percent(data['val_fraction'], 0)} % of the training images kept "
        f"for validation, and {results['num_test_images']:,} test images."
    )


def accuracy_table() -> str:
    """Return one row per norm, the best first."""
    arms = sorted(read(COMPARED)["arms"], key=lambda arm: -arm["test_accuracy"]["mean"])
    headings = ["layer", "test accuracy, % [95 % interval]", "standard deviation", "worst and best seed"]
    return table(headings, [_accuracy_row(arm) for arm in arms])


def _accuracy_row(arm: dict[str, Any]) -> list[str]:
    found = arm["test_accuracy"]
    ends = f"{percent(min(found['values']))} to {percent(max(found['values']))}"
    accuracy = f"{percent(found['mean'])} {interval(found['ci95'])}"
    return [f"{arm['title']} `{arm['norm']}`", accuracy, percent(found["std"]), ends]


def verdict() -> str:
    """Return the study's answer, without the differences that it rests on."""
    results = read(COMPARED)
    text, first = results["verdict"]["text"], arm_title(results["verdict"]["choice"])
    return f"*{text.split(f' {first} − ')[0]}*"


def differences() -> str:
    """Say every paired difference, and what it would take where it supports no conclusion."""
    return "\n".join(f"- {_difference(c)}" for c in read(COMPARED)["comparisons"])


def _difference(c: dict[str, Any]) -> str:
    said = f"`{c['a']}` − `{c['b']}`: {points(c['difference'])} points {signed_interval(c['ci95'])}, "
    said += p_value(c["adjusted_p"])
    if c["call"] != "cannot tell":
        return f"{said}."
    return f"{said}: no conclusion. {_wanted(c)}"


def _wanted(c: dict[str, Any]) -> str:
    """Say how many seeds would find a difference of the margin."""
    low, high = c["seeds_needed"] or (None, None)
    if low is None:
        return f"No number of seeds would find a difference of {percent(c['margin'])} points."
    most = f"{high:,}" if high else "more than 1,000"
    return f"To find a difference of {percent(c['margin'])} points takes {low:,} to {most} seeds."


def crossing() -> str:
    """Say between which batch sizes the better of the two norms changes."""
    (found,) = read("sweep_batch")["crossings"]
    at = found["crossing"]
    below, above = (found["a"], found["b"]) if at["better_below"] == "a" else (found["b"], found["a"])
    return (
        f"*`{found['a']}` and `{found['b']}` change places between a batch of {at['low']} and {at['high']}: `{below}` "
        f"is better at the smaller, `{above}` at the larger.*"
    )


def batch_table() -> str:
    """Return test error by batch size, and the paired differences."""
    results = read("sweep_batch")
    compared = {c["point"]: c for c in results["comparisons"]}
    headings = ["batch", "`bn`, test error, %", "`gn:4`, test error, %", "difference, points", "conclusion"]
    rows = []
    for point in results["points"]:
        errors = {arm["norm"]: arm for arm in point["arms"]}
        shown = [f"{percent(errors[norm]['error'], 1)} {interval(errors[norm]['ci95'], 1)}" for norm in ("bn", "gn:4")]
        rows.append([str(point["batch_size"]), *shown, *_error_difference(compared[point["folder"]])])
    return table(headings, rows)


def _error_difference(c: dict[str, Any]) -> list[str]:
    """Return a comparison of accuracies as one of errors, which has the other sign, and what it supports."""
    low, high = c["ci95"]
    return [f"{points(-c['difference'], 1)} {signed_interval((-high, -low), 1)}", conclusion(c)]


def batch_faults() -> str:
    """Say how many runs diverged, and where."""
    diverged = [fault for fault in read("sweep_batch")["faults"] if fault["status"] == "diverged"]
    (where,) = {(fault["point"], fault["norm"]) for fault in diverged}
    return f"{len(diverged)} of {len(read('sweep_batch')['sweep']['seeds'])} runs of `{where[1]}`"


def group_table() -> str:
    """Return test error by number of groups, beside BatchNorm."""
    results = read("sweep_groups")
    compared = {c["b"]: c for c in results["comparisons"] if c["a"] == "bn"}
    rows = [
        [
            f"`{arm['norm']}`",
            f"{percent(arm['error'], 1)} {interval(arm['ci95'], 1)}",
            *(["", ""] if arm["norm"] == "bn" else _error_difference(compared[arm["norm"]])),
        ]
        for arm in results["points"][0]["arms"]
    ]
    return table(["layer", "test error, %", "`bn` less this, points", "conclusion"], rows)


def group_trend() -> str:
    """Say how the test error changes with each doubling of the number of groups."""
    (trend,) = read("sweep_groups")["trends"]
    low, high = (-end for end in reversed(trend["ci95"]))
    change = f"{points(-trend['per_doubling'], 1)} points {signed_interval((low, high), 1)}"
    return f"{change}, {p_value(trend['adjusted_p'])}"


FACTS = {
    "wynet_seeds: setting": setting,
    "wynet_seeds: table": accuracy_table,
    "wynet_seeds: verdict": verdict,
    "wynet_seeds: differences": differences,
    "sweep_batch: crossing": crossing,
    "sweep_batch: table": batch_table,
    "sweep_batch: diverged": batch_faults,
    "sweep_groups: table": group_table,
    "sweep_groups: trend": group_trend,
}
