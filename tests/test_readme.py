import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
STUDY = ROOT / "results" / "session08"
PUBLISHED_BEST = {"bn": 77.99, "ln": 70.57, "gn:8": 72.61}


@pytest.mark.parametrize("norm", PUBLISHED_BEST)
def test_the_table_of_session08_holds_the_measured_numbers_beside_the_published(norm):
    results = json.loads((STUDY / "results.json").read_text())
    (arm,) = [arm for arm in results["arms"] if arm["norm"] == norm]
    low, high = arm["test_accuracy"]["ci95"]
    table = README.split("best test epoch, % | published", 1)[1]
    (row,) = re.findall(rf"^\| [^|]*`{re.escape(norm)}` \|.*$", table, flags=re.MULTILINE)[:1]
    assert f"{100 * arm['test_accuracy']['mean']:.2f} [{100 * low:.2f}, {100 * high:.2f}]" in row
    assert f"{100 * arm['best_test_accuracy']['mean']:.2f}" in row
    assert f"{PUBLISHED_BEST[norm]:.2f}" in row


def test_the_first_table_holds_the_measured_numbers_of_five_seeds():
    results = json.loads((ROOT / "results" / "wynet_seeds" / "results.json").read_text())
    for arm in results["arms"]:
        accuracy = arm["test_accuracy"]
        (low, high), values = accuracy["ci95"], accuracy["values"]
        assert len(arm["seeds"]) == 5
        (row,) = re.findall(rf"^\| [^|]*`{re.escape(arm['norm'])}` \|.*$", README, flags=re.MULTILINE)[:1]
        assert f"{100 * accuracy['mean']:.2f} [{100 * low:.2f}, {100 * high:.2f}]" in row
        assert f"| {100 * accuracy['std']:.2f} | {100 * max(values):.2f} to {100 * min(values):.2f} |" in row


def test_the_verdict_in_the_readme_is_the_studys():
    results = json.loads((ROOT / "results" / "wynet_seeds" / "results.json").read_text())
    said = " ".join(README.split())
    answer = results["verdict"]["text"].split(" bn − ")[0]
    assert f"*{answer}*" in said
    for c in results["comparisons"]:
        low, high = (100 * end for end in c["ci95"])
        if c["call"] == "cannot tell":
            assert f"({c['more_seeds']} more seeds would tell a difference of {100 * c['effect']:.2f} points)" in said
        else:
            assert f"{c['a']} − {c['b']}" in said
            assert re.search(rf"\{100 * c['difference']:+.2f} (points )?\[\{low:+.2f}, \{high:+.2f}\]", said)


def test_every_arm_of_the_study_in_the_repository_is_above_80_percent_on_all_training_images():
    results = json.loads((STUDY / "results.json").read_text())
    assert results["study"]["data"]["val_fraction"] == 0
    assert results["study"]["data"]["train_limit"] is None
    assert results["study"]["recipe"]["epochs"] == 20
    assert all(arm["test_accuracy"]["mean"] > 0.8 for arm in results["arms"])
    assert all(arm["params"] == 34_872 for arm in results["arms"])


def test_the_results_follow_from_the_records_in_the_repository():
    results = json.loads((STUDY / "results.json").read_text())
    for arm in results["arms"]:
        for seed, accuracy in zip(arm["seeds"], arm["test_accuracy"]["values"], strict=True):
            name = f"{arm['norm'].replace(':', '-')}-seed{seed}.json"
            record = json.loads((STUDY / "runs" / name).read_text())
            assert record["epochs"][-1]["test_accuracy"] == pytest.approx(accuracy, abs=1e-6)  # kept as float32
            assert len(record["epochs"]) == 20
            assert len(record["test_predictions"]) == 10_000


def test_the_source_tree_in_the_readme_is_true():
    tree = README.split("src/whichnorm/\n", 1)[1].split("    tests/", 1)[0]
    named = set(re.findall(r"[a-z_0-9]+(?:\.py|/)", tree))
    there = {p.name + ("/" if p.is_dir() else "") for p in (ROOT / "src" / "whichnorm").iterdir()}
    hidden = {"__pycache__/", "__init__.py", "__main__.py", "py.typed", "version.py", "errors.py"}
    missing = {name for name in there - hidden if name not in named}
    assert missing == set()


def test_the_python_of_the_readme_runs(monkeypatch, tmp_path):
    """The factory shown for one's own network is built and checked as a user's would be."""
    from torch import nn

    from whichnorm.models import build_model

    (code,) = [block for block in re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL) if "def make" in block]
    names = {"nn": nn}
    exec(code, names)
    model = build_model(names["make"], norm="gn:8", num_classes=4, in_channels=3)
    assert sum(isinstance(layer, nn.GroupNorm) for layer in model.modules()) == 1
