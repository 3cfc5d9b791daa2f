"""What a sweep's files say about it, and what of a study's follow-ups: made-up folders for every state."""

import io
import json
import re
from dataclasses import replace

import pytest
from rich.console import Console
from synthetic import digits_test, diverged, make_record
from synthetic_sweeps import make_sweep
from watched import ARMS, asked_to_resume, empty_study, put_checkpoint, put_record, put_results

from whichnorm.cli import main
from whichnorm.commands.watch import follow, parts, reader_of
from whichnorm.results.results import summarize
from whichnorm.study.folder import StudyFolder, TestSplit
from whichnorm.sweeps.results import summarize_sweep, write_sweep_results
from whichnorm.sweeps.state import sweep_seconds_left

TEST = digits_test()
TEST_SPLIT = TestSplit(digest="0123456789ab", class_names=tuple("0123456789"), labels=tuple(TEST.labels.tolist()))
EPOCHS = 3


@pytest.fixture
def sweep(tmp_path):
    """A sweep of three points, at the first of which every arm is left out, without a run."""
    made = make_sweep(tmp_path / "a sweep", batch_sizes=(1, 8, 16), norms=("bn", "gn:4"), seeds=2)
    return claimed(made)


def claimed(made):
    made.folder.root.mkdir()
    made.folder.claim(made.spec.to_dict(TEST_SPLIT.digest))
    return made


def records_of(made, error=0.1):
    """Return the records that the runs of each point would have, in the order in which they are made."""
    return [
        (study, [make_record(str(run.arm), run.seed, TEST, study.spec, 10, error) for run in study.spec.runs()])
        for _, study in made.jobs()
    ]


def put_all(made, records):
    """Write all records of a sweep, and its results."""
    studies = {}
    for study, of_point in records:
        for record in of_point:
            put_record(study.folder, record)
        shared = study.spec.shared_dict(TEST_SPLIT.digest)
        results = summarize(of_point, shared, TEST_SPLIT.class_names, TEST_SPLIT.labels, study.folder.root)
        studies[study.folder.root.name] = results
    found = summarize_sweep(made.spec, TEST_SPLIT.digest, studies, TEST_SPLIT.labels, made.folder.root)
    write_sweep_results(found)
    return found


def shown(folder, width=80, height=None):
    out = io.StringIO()
    console = Console(file=out, width=width)
    for part in parts(reader_of(folder).read(), height):
        console.print(part, soft_wrap=height is None and not hasattr(part, "columns"))
    return out.getvalue()


def rows(text):
    """Return the cells of the table of points, by batch."""
    lines = re.findall(r"^ (\d+(?: in \d+s)?)  +(.*?) *$", text, flags=re.MULTILINE)
    return {batch: re.split("  +", rest) for batch, rest in lines}


def test_points_wait_are_under_way_and_end_in_the_order_of_the_sweep(sweep):
    root, records = sweep.folder.root, records_of(sweep)
    assert rows(shown(root)) == {
        "1": ["0 of 2", "waiting"], "8": ["0 of 4", "waiting"], "16": ["0 of 4", "waiting"]
    }  # fmt: skip
    (first, of_first), (second, of_second), _ = records
    with StudyFolder(root).locked(), first.folder.locked():
        put_checkpoint(first.folder, of_first[0], 2)
        text = shown(root)
        assert rows(text)["1"] == ["0 of 2", "under way"]
        assert "batch 1, point 1 of 3" in text
        assert "epoch 3 of 3" in text
        assert "A process is at work." in text
    for record in of_first:
        put_record(first.folder, record)
    put_record(second.folder, of_second[0])
    text = shown(root)
    mean = sum(record.last.val_accuracy for record in of_first) / 2
    assert rows(text)["1"] == ["2 of 2", "finished", f"GroupNorm, 4 groups {100 * mean:.1f}"]
    assert rows(text)["8"] == ["1 of 4", "stopped", f"BatchNorm {100 * of_second[0].last.val_accuracy:.1f}"]
    assert "batch 8, point 2 of 3" in text
    assert "9 of 30 epochs, 3 of 10 runs" in text


def test_a_stopped_sweep_says_how_to_go_on(sweep, monkeypatch):
    assert asked_to_resume(shown(sweep.folder.root), monkeypatch) == str(sweep.folder.root)


def test_a_finished_sweep_has_the_answers_of_its_points_and_its_report(sweep):
    root = sweep.folder.root
    found = put_all(sweep, records_of(sweep))
    page = root / "report" / "index.html"
    page.parent.mkdir()
    page.touch()
    with StudyFolder(root).locked():
        assert "the report is being drawn" in shown(root)
        assert not reader_of(root).read().finished
    text = shown(root)
    assert reader_of(root).read().finished
    assert f"report: {page}" in text
    assert "resume" not in text
    assert "30 of 30 epochs, 10 of 10 runs" in text
    assert {c.comparison.call for c in found.comparisons} == {"cannot tell"}
    assert rows(text)["8"][:3] == ["4 of 4", "finished", "cannot tell"]
    assert rows(text)["1"][:2] == ["2 of 2", "finished"]


def test_the_answer_of_a_point_is_the_arm_that_is_called_better_than_every_other(tmp_path):
    made = claimed(make_sweep(tmp_path / "sweep", batch_sizes=(8,), norms=("bn", "ln", "gn:4"), seeds=5))
    ((study, _),) = records_of(made)
    errors = {"bn": 0.02, "ln": 0.5, "gn:4": 0.6}
    records = [make_record(str(run.arm), run.seed, TEST, study.spec, 10, errors[str(run.arm)])
               for run in study.spec.runs()]  # fmt: skip
    put_all(made, [(study, records)])
    assert rows(shown(made.folder.root))["8"][2] == "BatchNorm"


def test_results_of_other_runs_are_not_those_of_the_sweep(sweep):
    root = sweep.folder.root
    put_all(sweep, records_of(sweep))
    held = json.loads((root / "sweep.json").read_text())
    (root / "sweep.json").write_text(json.dumps({**held, "seeds": [0, 1, 2]}))
    state = reader_of(root).read()
    assert state.answers is None
    assert not state.finished
    assert rows(shown(root))["8"][:2] == ["4 of 6", "stopped"]
    (root / "sweep.json").write_text(json.dumps(held))
    for damaged in ("{", "[]", '{"points": 3}', '{"points": [{"folder": []}], "faults": [], "comparisons": 1}'):
        (root / "results.json").write_text(damaged)
        assert reader_of(root).read().answers is None


def test_the_time_left_of_a_point_that_has_not_begun_is_that_of_the_nearest(sweep):
    root = sweep.folder.root
    assert sweep_seconds_left(reader_of(root).read()) is None
    _, (second, of_second), _ = records_of(sweep)
    for record, seconds in ((of_second[0], 1.0), (of_second[1], 4.0)):
        epochs = [replace(row, seconds=seconds) for row in record.epochs]
        put_record(second.folder, replace(record, epochs=epochs, evaluate_seconds=0.0))
    one_seed = EPOCHS * (1.0 + 4.0)
    left = 2 * EPOCHS * 4.0 + one_seed + 2 * one_seed  # gn:4 alone at batch 1; a seed at 8; all at 16
    assert sweep_seconds_left(reader_of(root).read()) == pytest.approx(left)
    assert f"about {left:.0f} s left" in shown(root)


def test_faults_are_named_with_their_points(sweep):
    (first, of_first), *_ = records_of(sweep)
    put_record(first.folder, diverged(of_first[0], at_epoch=2))
    put_record(first.folder, of_first[1])
    text = shown(sweep.folder.root)
    assert "batch 1: GroupNorm, 4 groups, seed 0 diverged: the loss was not finite in epoch 2" in text
    assert rows(text)["1"][:2] == ["2 of 2", "finished, 1 went wrong"]


def test_a_look_takes_nothing_and_leaves_nothing(sweep):
    before = sorted(sweep.folder.root.rglob("*"))
    shown(sweep.folder.root)
    assert sorted(sweep.folder.root.rglob("*")) == before


@pytest.mark.parametrize("width", [80, 200])
def test_many_arms_fit_and_fold_where_the_terminal_is_low(tmp_path, width):
    arms = ("bn", "ln-element:noaffine+l1:0.0001", "gn:2", "gn:4", "gn:8", "gn:c1", "in")
    made = claimed(make_sweep(tmp_path / "sweep", batch_sizes=(8, 16, 32), norms=arms, seeds=5))
    records = records_of(made)
    for record in (*records[0][1], *records[1][1][:3]):
        put_record((records[0] if record in records[0][1] else records[1])[0].folder, record)
    text = shown(made.folder.root, width=width, height=40)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for arm in ("group", "InstanceNorm"):
        assert re.search(rf"{arm} \d\d\.\d", text)
    assert text.count("waiting") < 10  # a row per arm of the point that was stopped
    assert shown(made.folder.root, width=width).count("waiting") > 30


def test_a_pipe_gets_the_present_state_and_a_terminal_follows_until_the_end(sweep, monkeypatch, capsys):
    root, records = sweep.folder.root, records_of(sweep)
    assert main(["watch", str(root)]) == 0
    said = capsys.readouterr()
    assert "\x1b" not in said.out
    assert said.err == ""
    reader, drawn = reader_of(root), []

    def end(seconds):
        drawn.append(out.getvalue().count("by batch size"))
        if len(drawn) == 3:
            put_all(sweep, records)

    monkeypatch.setattr("whichnorm.commands.watch.time.sleep", end)
    out = io.StringIO()
    console = Console(file=out, width=80, height=50, force_terminal=True, color_system=None)
    follow(reader, reader.read(), console, interval=1)
    assert drawn[0] == drawn[1] == drawn[2]
    assert "10 of 10 runs" in out.getvalue()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"data": {}}'])
def test_a_damaged_sweep_is_one_line_and_code_2(tmp_path, capsys, content):
    (tmp_path / "sweep.json").write_text(content)
    assert main(["watch", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "sweep.json" in said.err


# ----- the follow-ups of a study


def test_follow_ups_are_named_with_their_runs(tmp_path):
    folder, records = empty_study(tmp_path / "study")
    for record in records:
        put_record(folder, record)
    put_results(folder, records)
    assert reader_of(folder.root).read().finished
    tuned = StudyFolder(folder.root / "tuned")
    tuned.claim(folder.spec(), TEST_SPLIT)
    put_record(tuned, records[0])
    with folder.locked(), tuned.locked():
        text = shown(folder.root)
        assert f"follow-ups: tuned under way (1 of {2 * len(ARMS)} runs)" in text
        assert "a follow-up is being trained" in text
    assert "No process is at work." in shown(folder.root)
    assert not reader_of(folder.root).read().finished
    for record in records:
        put_record(tuned, record)
    assert reader_of(folder.root).read().finished
    (tuned.root / "study.json").write_text("{")
    assert "follow-ups" not in shown(folder.root)
