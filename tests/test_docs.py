"""The documents say what the records say, link only what is there, and explain their words."""

import json
import re

import pytest
from documents import DOCUMENTS, ROOT, anchors, links, prose, without_blocks

from docs.make.facts import FACTS
from docs.make.marks import filled, marked, without_marked
from docs.make.published import WRONG, nearby, records_of
from whichnorm.models import build_model
from whichnorm.models.layers import Dropout
from whichnorm.reproduce import NAMES
from whichnorm.reproduce.published import find_published
from whichnorm.reproduce.side_by_side import side_by_side
from whichnorm.reproduce.text import markdown_table
from whichnorm.specs.arm import parse_arm

STUDY = ROOT / "results" / "session08"
REPRODUCTIONS = (ROOT / "docs" / "reproductions.md").read_text()
BENCHMARKS = ("calibration.txt", "crossings.txt")
SWEEPS = ("sweep_batch", "sweep_groups")
PUBLISHED_BEST = {"bn": 77.99, "ln": 70.57, "gn:8": 72.61}

# Numbers with a decimal point or a unit that no record under results/ holds: levels of the method, versions, settings.
GIVEN = {
    "README.md": {"95 %"},
    "CHANGELOG.md": {"0.1", "0.1.0"},
    "docs/index.md": {"2.6", "3.11", "3.13"},
    "docs/method.md": {"5 %"},
    "docs/networks.md": set(),
    "docs/norms.md": {"0.1"},
    "docs/speed.md": set(),
    "docs/sweeps.md": {"95 %"},
    "docs/reproductions.md": {
        "2.13",
        "95 %",
        "0.01",  # the published learning rate
        "70 %",  # what the published text asks for
        *("0.007", "0.05"),  # mnist_s6's dropout rates, published and in an earlier study
    },
    "docs/statistics.md": {
        *("5 %", "95 %", "80 %", "100 %", "0.05", "1.02", "0.5", "1.6", "90 %"),
        *("4 %", "0.8 %", "0.16 %", "45 %"),  # shares of unplanned looks, and a bound: tests/test_stats_*.py
        # by quadrature: tests/test_stats_crossed.py computes them
        *("95.0", "98.9 %", "87.2", "95.1 %", "97.1 %", "92.2", "95.0 %", "96.4 %", "94.1"),
    },
}
MEASURED = re.compile(r"\d[\d,]*(?:\.\d+)+(?: %)?|\d[\d,]* (?:%|points?\b|images/s|ms\b|MiB\b|s\b)")


@pytest.fixture(params=DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def document(request):
    return request.param


def test_measured_numbers_are_those_of_results(document):
    """Written anew from results/, a document stays as it is; if not, `make numbers` writes it."""
    assert filled(document.read_text(), FACTS) == document.read_text()


def test_every_number_is_measured_or_given(document):
    text = re.sub(r"`[^`]*`|<!--.*?-->", " ", without_marked(without_blocks(document.read_text())), flags=re.DOTALL)
    found = set(MEASURED.findall(" ".join(text.split())))
    assert found <= GIVEN.get(document.relative_to(ROOT).as_posix(), set())


def test_a_number_that_somebody_writes_is_found():
    assert MEASURED.findall("76.55 %, by 3 points, 1,944 images/s and 0.25") == [
        "76.55 %",
        "3 points",
        "1,944 images/s",
        "0.25",
    ]


def test_marks_leave_paragraphs_whole(document):
    """A comment at the start of a line would end a paragraph, unless it stands alone between blank lines."""
    lines = ["", *document.read_text().splitlines(), ""]
    for before, line, after in zip(lines, lines[1:], lines[2:], strict=False):
        if line.startswith("<!--"):
            assert line.endswith("-->")
            assert (before, after) == ("", "")


def test_every_mark_has_a_source_and_every_source_is_used():
    used = {name for path in DOCUMENTS for name, _ in marked(path.read_text())}
    assert used == set(FACTS)


def test_every_linked_file_and_heading_is_there(document):
    for link in links(document.read_text()):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text()), link


@pytest.mark.parametrize("word", ["arm", "recipe"])
def test_a_word_of_the_method_is_explained_where_it_is_first_used(document, word):
    if document.name in ("CHANGELOG.md", "CONTRIBUTING.md"):  # for those who know the words
        return
    text = prose(re.sub(r"^#+ .*$", "", document.read_text(), flags=re.MULTILINE))
    explained = (
        rf"\[[^\]]*\b{word}s?\b[^\]]*\]\(|\*\*{word}\*\*"  # a link to where it is explained, or that place itself
    )
    first = re.search(rf"{explained}|\b{word}s?\b", text, flags=re.IGNORECASE)
    assert not first or re.fullmatch(explained, first[0], flags=re.IGNORECASE), text[first.start() - 60 : first.end()]


@pytest.mark.parametrize("phrase", ["told from", "calls nothing", "tell from"])
def test_worn_phrases_are_left_out(document, phrase):
    assert phrase not in " ".join(document.read_text().split())


@pytest.mark.parametrize("name", NAMES)
def test_the_table_of_a_reproduction_is_that_of_its_records(name):
    records = records_of(name)
    published = find_published(name)
    arms = {record.arm for record in records}
    assert arms <= {arm.norm for arm in published.arms}
    for record in records:
        assert record.status == "finished"
        assert (record.seed, record.environment["threads"], record.environment["precision"]) == (0, 1, "bfloat16")
        assert (record.environment["device"], record.environment["torch"]) == ("cpu (AMD EPYC)", "2.13.0+cpu")
        assert len(record.epochs) == 20
        assert record.spec["recipe"]["name"] == name
        assert record.spec["data"]["train_limit"] is None
        assert record.spec["data"]["val_fraction"] == 0
    table = markdown_table(side_by_side(published, records, len(records[0].test_predictions)))
    assert table in REPRODUCTIONS


def test_what_is_said_of_the_reproductions_follows_from_their_tables():
    tables = {name: " ".join(FACTS[f"{name}: published and measured"]().split()) for name in NAMES}
    assert r"\*" not in tables["session08"]  # every interval takes in zero
    assert tables["wynet"].count(r"\*") == 2  # BatchNorm's last and best epoch, which are one
    assert tables["residual8"].count(r"\*") == 2  # GroupNorm's and LayerNorm's last epoch


def test_the_order_of_wynets_norms_is_the_published_one():
    rows = side_by_side(find_published("wynet"), records_of("wynet"), 10_000)
    last = [row for row in rows if row.figure == "test accuracy, last"]
    assert [row.norm for row in sorted(last, key=lambda row: -row.measured)] == ["bn", "ln", "gn:2"]
    assert [row.norm for row in sorted(last, key=lambda row: -row.published)] == ["bn", "ln", "gn:2"]
    assert all(row.measured > row.published for row in last)


def test_wynets_training_accuracies_are_above_the_published_ones_from_epoch_3_on_and_not_before():
    logs = {record.arm: record.epochs for record in records_of("wynet")}
    above = [
        all(logs[arm.norm][i].train_accuracy > arm.epochs[i].train_accuracy for arm in find_published("wynet").arms)
        for i in range(20)
    ]
    assert above == [False] * 2 + [True] * 18
    assert "in the first epoch GroupNorm has 23.95 % here and 25.68 % there" in said("wynet")


def test_only_batch_norm_comes_nearer_to_wynets_log_with_brightness_and_contrast_changed_after_standardizing():
    moved = json.loads((ROOT / "results" / "wynet_photometric.json").read_text())["epochs"]
    logs = {record.arm: record.epochs for record in records_of("wynet")}
    for arm in find_published("wynet").arms:
        for there, ours, row in zip(arm.epochs[:2], logs[arm.norm][:2], moved[arm.norm], strict=True):
            assert row["learning_rate"] == ours.learning_rate
            before, after = (abs(x - there.train_accuracy) for x in (ours.train_accuracy, row["train_accuracy"]))
            assert (after < before) == (arm.norm == "bn")


def test_the_earlier_mnist_study_has_the_recipe_that_is_said():
    network = build_model("mnist_s6", parse_arm("bn").norm, 10, 1, image_size=28)
    assert {layer.p for layer in network.modules() if isinstance(layer, Dropout)} == {0.05}
    for record in records_of("mnist_s6_rotated"):
        recipe, epochs = record.spec["recipe"], len(record.epochs)
        assert (recipe["batch_size"], recipe["augmentation"]["rotate_degrees"], epochs) == (64, 7, 20)
        assert recipe["dropout"] is None  # the network's own
        assert record.last.test_accuracy > 0.99


def test_one_of_residual8s_published_losses_is_in_the_range_of_losses_at_its_accuracy():
    published = find_published("residual8")
    near = {split: nearby("residual8", "bn", split) for split in ("train", "test")}
    losses = {
        (arm.norm, split): getattr(arm.final, f"{split}_loss") for arm in published.arms for split in ("train", "test")
    }
    inside = {key for key, loss in losses.items() if min(near[key[1]]) <= loss <= max(near[key[1]])}
    assert inside == {("bn", "train")}

    def outside(split):
        return {
            norm: max(min(near[split]) - loss, loss - max(near[split]))
            for (norm, one), loss in losses.items()
            if one == split
        }

    for split, farthest in (("train", "ln"), ("test", "gn:4")):
        assert max(outside(split), key=outside(split).get) == farthest
    (fault,) = [fault for fault in published.faults if "losses" in fault]
    for split, word in (("train", "training losses of"), ("test", "test losses of")):
        assert f"{word} {min(near[split]):.2f} to {max(near[split]):.2f}" in fault
    assert all(f"{loss:.2f}" in fault for loss in losses.values())


def test_the_arm_with_the_published_loss_was_moved_by_its_l1_term_alone_and_stayed_near_chance():
    (record,) = [record for record in records_of("mnist_s6") if record.arm == WRONG]
    network = build_model("mnist_s6", parse_arm(WRONG).norm, 10, 1, image_size=28)
    assert record.audit.zero_gradient == [name for name, p in network.named_parameters() if p.dim() == 1]
    assert all(row.test_accuracy < 0.2 and row.train_loss > 2.2 for row in record.epochs)  # log 10 is 2.30


def test_what_both_networks_of_one_text_reach_is_as_said():
    large, small = records_of("lcifar"), records_of("grouped_cifar")
    assert all(record.last.test_accuracy > 0.7 for record in large + small)
    assert large[0].audit.params == 73_770 > 50_000 > small[0].audit.params == 5_882


def said(name):
    """Return the words of a network's part of the page, as a reader sees them."""
    part = REPRODUCTIONS.split(f"\n## {name}\n", 1)[1].split("\n## ", 1)[0]
    return " ".join(re.sub(r"<!--.*?-->", "", part, flags=re.DOTALL).split())


def test_what_is_said_of_the_sweeps_follows_from_their_results():
    found = {name: json.loads((ROOT / "results" / name / "results.json").read_text()) for name in SWEEPS}
    first = found["sweep_batch"]["points"][0]
    assert (first["batch_size"], len(first["arms"][0]["seeds"])) == (2, 3)
    assert first["arms"][0]["error"] > 0.85  # near the chance of ten classes, 0.9
    groups = found["sweep_groups"]
    assert all(c["call"] == "better" for c in groups["comparisons"] if c["a"] == "bn")
    assert all(c["call"] == "cannot tell" for c in groups["comparisons"] if c["a"] != "bn")
    (trend,) = groups["trends"]
    assert (trend["numbers"][0], trend["numbers"][-1], trend["adjusted_p"] < 0.05) == (1, 12, True)


def test_the_bounds_of_the_calibration_hold_as_said():
    lines = [line for name in BENCHMARKS for line in (ROOT / "results" / name).read_text().splitlines()]
    measured = [line for line in lines if " % [" in line]
    assert len(measured) > 10
    assert all(re.search(r"\bok\b", line) for line in measured)


@pytest.mark.parametrize("norm", PUBLISHED_BEST)
def test_the_table_of_session08_holds_the_measured_numbers_beside_the_published(norm):
    results = json.loads((STUDY / "results.json").read_text())
    (arm,) = [arm for arm in results["arms"] if arm["norm"] == norm]
    low, high = arm["test_accuracy"]["ci95"]
    table = REPRODUCTIONS.split("best test epoch, % | published", 1)[1]
    (row,) = re.findall(rf"^\| [^|]*`{re.escape(norm)}` \|.*$", table, flags=re.MULTILINE)[:1]
    assert f"{100 * arm['test_accuracy']['mean']:.2f} [{100 * low:.2f}, {100 * high:.2f}]" in row
    assert f"{100 * arm['best_test_accuracy']['mean']:.2f}" in row
    assert f"{PUBLISHED_BEST[norm]:.2f}" in row


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


def test_the_source_tree_in_the_documents_is_true():
    tree = (ROOT / "docs" / "source.md").read_text().split("src/whichnorm/\n", 1)[1].split("\ntests/", 1)[0]
    named = set(re.findall(r"[a-z_0-9]+(?:\.py|/)", tree))
    there = {p.name + ("/" if p.is_dir() else "") for p in (ROOT / "src" / "whichnorm").iterdir()}
    hidden = {"__pycache__/", "__init__.py", "__main__.py", "py.typed", "version.py", "errors.py"}
    missing = {name for name in there - hidden if name not in named}
    assert missing == set()
