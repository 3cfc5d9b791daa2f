"""What the benchmarks measured, and the sizes of the networks."""

import json
import re
from collections.abc import Callable, Sequence

from docs.make.words import RESULTS, interval, percent, table
from whichnorm.models import NETWORKS, build_model, default_input_shape

_CALIBRATION = re.compile(r"(?P<what>\S.*?) {2,}[\d,]+ +(?P<share>[\d.]+) % \[ *(?P<low>[\d.]+), +(?P<high>[\d.]+)\]")


def _shares(name: str = "calibration.txt") -> dict[str, re.Match[str]]:
    """Return the lines of a file under results/ with a measured share in percent, by what is measured."""
    lines = (RESULTS / name).read_text().splitlines()
    return {found["what"]: found for line in lines if (found := _CALIBRATION.match(line))}


def _share(what: str) -> str:
    found = _shares()[what]
    return f"{found['share']} % [{found['low']}, {found['high']}]"


def calibration_table() -> str:
    """Return what is wanted of the method and what simulated studies gave."""
    planned = re.search(r"seeds: median (\d+)", (RESULTS / "calibration.txt").read_text())
    assert planned
    wrong, sure = "two equal layers are said to differ", "false calls: 2 equal arms, until sure to 0.5 points"
    found = "a true difference of 1 point is found, at the number of seeds that a pilot of 3 asked for"
    rows = [
        *([f"{wrong}, {n} seeds", _share(f"false calls: 2 equal arms, {n} seeds"), "at most 5 %"] for n in (3, 5)),
        [f"{wrong}, `--until-sure`", _share(sure), "at most 5 %"],
        [f"{found} (median {planned[1]})", _share("1 point found at the seeds said from 3"), "at least 80 %"],
        ["a 95 % interval holds the truth", _coverage(), "93 to 97 %"],
    ]
    return table(["in simulated studies", "measured [95 % interval]", "wanted"], rows)


def _coverage() -> str:
    """Say the range of the shares of 95 % intervals that hold the truth."""
    return f"{_range(_shares(), '95 % interval')} %"


def _range(found: dict[str, re.Match[str]], start: str) -> str:
    """Return the lowest and the highest share of the lines that begin so."""
    shares = [float(one["share"]) for what, one in found.items() if what.startswith(start)]
    return f"{min(shares):.2f} to {max(shares):.2f}"


def of_crossings(start: str) -> Callable[[], str]:
    """Return what writes the range of the shares of the lines of results/crossings.txt that begin so."""
    return lambda: _range(_shares("crossings.txt"), start)


def same_norm() -> str:
    """Say how often pairs of equal arms were said to differ."""
    found = json.loads((RESULTS / "same_norm.json").read_text())
    share, wrong = found["false_calls"] / found["studies"], found["false_calls"]
    return f"{wrong} of {found['studies']} ({percent(share, 1)} % {interval(found['false_calls_ci95'], 1)})"


def speed_table() -> str:
    """Return images per second of the loop beside the plain one."""
    norms = json.loads((RESULTS / "benchmark_loop.json").read_text())["norms"]
    headings = ["layer", "this loop, images/s", "plain loop, images/s", "ratio [lowest, highest]"]
    rows: list[Sequence[str]] = [
        [
            f"`{norm}`",
            f"{row['ours']:,.0f}",
            f"{row['plain']:,.0f}",
            f"{row['ratio']:.2f} [{row['ratio_min']:.2f}, {row['ratio_max']:.2f}]",
        ]
        for norm, row in norms.items()
    ]
    return table(headings, rows)


def speed_machine() -> str:
    """Say what the loops were timed on."""
    machine = json.loads((RESULTS / "benchmark_loop.json").read_text())["environment"]
    parts = [machine["device"], f"{machine['threads']} threads", machine["precision"]]
    return f"{', '.join(parts)}, torch {machine['torch'].split('+')[0]}"


def networks_table() -> str:
    """Return the networks with their input and, with BatchNorm, their parameters."""
    return table(["network", "input", "parameters with `bn`"], [_network_row(name) for name in NETWORKS])


def _network_row(name: str) -> list[str]:
    shape = default_input_shape(name)
    network = build_model(name, "bn", num_classes=10, in_channels=shape[0], image_size=shape[1:])
    params = sum(parameter.numel() for parameter in network.parameters())
    return [f"`{name}`", "×".join(map(str, shape)), f"{params:,}"]


FACTS = {
    "calibration: table": calibration_table,
    "crossings: held": of_crossings("the two sizes hold the place"),
    "crossings: false calls": of_crossings("false calls with the best"),
    "crossings: too few": of_crossings("if corrected for these pairs alone"),
    "crossings: false trends": of_crossings("false trends"),
    "same_norm: false": same_norm,
    "benchmark_loop: table": speed_table,
    "benchmark_loop: machine": speed_machine,
    "models: table": networks_table,
}
