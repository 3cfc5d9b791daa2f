"""What a study's files say about it: made-up folders for every state, and one real study watched while it trains."""

import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from rich.console import Console
from synthetic import digits_test, diverged, failed, make_records, make_study
from watched import ARMS, EPOCHS, TEST_SPLIT, asked_to_resume, empty_study, put_checkpoint, put_record, put_results

from whichnorm.cli import build_parser, load_commands, main
from whichnorm.commands.watch import follow, show
from whichnorm.errors import StudyError
from whichnorm.norms import parse_norm
from whichnorm.specs.arm import ArmSpec
from whichnorm.specs.names import arm_title
from whichnorm.specs.recipes import RECIPES
from whichnorm.study.events import EpochDone
from whichnorm.study.folder import StudyFolder
from whichnorm.watch.state import Reader, seconds_left
from whichnorm.watch.view import BLOCKS, Sparkline, render


@pytest.fixture
def study(tmp_path):
    """An empty study of three arms and two seeds, and the records that its runs would have."""
    return empty_study(tmp_path / "study")


def shown(folder, width=80, height=None):
    out = io.StringIO()
    console = Console(file=out, width=width)
    for part in render(Reader(folder.root).read(), height):
        console.print(part, soft_wrap=height is None and not hasattr(part, "columns"))
    return out.getvalue()


def statuses(folder):
    return [run.status for run in Reader(folder.root).read().runs]


# ----- states


def test_runs_wait_train_and_end_in_the_order_of_the_study(study):
    folder, records = study
    assert statuses(folder) == ["waiting"] * 6
    with folder.locked():
        assert statuses(folder) == ["training"] + ["waiting"] * 5
        put_checkpoint(folder, records[0], 4)
        assert statuses(folder) == ["training"] + ["waiting"] * 5
        put_record(folder, records[0])
        put_checkpoint(folder, records[1], 1)
        assert statuses(folder) == ["finished", "training"] + ["waiting"] * 4
    assert statuses(folder) == ["finished", "stopped"] + ["waiting"] * 4


def test_a_row_has_the_numbers_of_its_last_epoch(study):
    folder, records = study
    put_record(folder, records[0])
    put_checkpoint(folder, records[1], 4)
    text = shown(folder)
    for record, status, num_epochs in ((records[0], "finished", EPOCHS), (records[1], "stopped, 4/15", 4)):
        row = record.epochs[num_epochs - 1]
        seconds = sum(row.seconds for row in record.epochs[:num_epochs])
        seconds += record.evaluate_seconds if record is records[0] else 1.0
        (line,) = re.findall(rf"^ {re.escape(arm_title(record.arm))} +0   {status} .*$", text, flags=re.MULTILINE)
        assert f"{100 * row.val_accuracy:.2f}   {row.val_loss:.3f}   {seconds:.1f}" in re.sub(" +", "   ", line)
    assert "val %" in text
    assert "19 of 90 epochs, 1 of 6 runs" in text


def test_the_epoch_under_way_counts_from_one_and_ends_at_the_last(study):
    folder, records = study
    with folder.locked():
        assert "epoch 1 of 15" in shown(folder)
        put_checkpoint(folder, records[0], 14)
        assert "epoch 15 of 15" in shown(folder)
        put_checkpoint(folder, records[0], 15)
        assert "epoch 15 of 15" in shown(folder)
        assert "A process is at work." in shown(folder)


def test_without_a_validation_split_the_curves_are_the_test_set_s(tmp_path):
    spec = make_study(seeds=(0,), val_fraction=0)
    folder = StudyFolder(tmp_path / "study")
    folder.claim(spec, TEST_SPLIT)
    (record,) = make_records(["bn"], spec, digits_test(), 10)
    put_record(folder, record)
    text = shown(folder)
    assert "test %" in text
    assert f"{100 * record.last.test_accuracy:.2f}" in text


def test_faults_are_named_with_their_reasons(study):
    folder, records = study
    put_record(folder, diverged(records[0], at_epoch=3))
    put_record(folder, failed(records[1], "no [bold]norm[/bold] layer [/]"))
    put_record(folder, replace(records[2], warnings=["still at chance"]))
    text = shown(folder)
    assert statuses(folder)[:3] == ["diverged", "failed", "finished"]
    assert "BatchNorm seed 0 diverged: the loss was not finite in epoch 3" in text
    assert "GroupNorm, 8 groups, seed 0 failed: no [bold]norm[/bold] layer [/]" in text
    assert "LayerNorm seed 0 finished: still at chance" in text
    assert "not finite" in text
    assert "45 of 90 epochs, 3 of 6 runs" in text  # runs that ended early count in full


def test_a_finished_study_ends_with_the_verdict_and_the_report(study):
    folder, records = study
    for record in records:
        put_record(folder, record)
    assert not Reader(folder.root).read().finished
    assert f"whichnorm resume {folder.root} goes on" in shown(folder)
    results = put_results(folder, records)
    page = folder.root / "report" / "index.html"
    page.parent.mkdir()
    page.touch()
    with folder.locked():
        assert "the report is being drawn" in shown(folder)
    text = shown(folder)
    assert results.verdict.text in text
    assert f"report: {page}" in text
    assert "left" not in text


def test_the_verdict_of_other_runs_is_not_shown(study):
    folder, records = study
    for record in records:
        put_record(folder, record)
    put_results(folder, records[:5])  # of an earlier call with fewer seeds
    reader = Reader(folder.root)
    assert reader.read().verdict is None
    held = json.loads((folder.root / "study.json").read_text())
    (folder.root / "study.json").write_text(json.dumps({**held, "seeds": [0]}))
    assert reader.read().verdict is None
    put_results(folder, records[:3])
    assert reader.read().verdict is not None
    (folder.root / "study.json").write_text(json.dumps(held))
    assert reader.read().verdict is None  # the same results, but more runs are asked for


# ----- time left


def test_the_time_left_follows_from_the_measured_epochs_of_each_arm(study):
    folder, records = study
    assert seconds_left(Reader(folder.root).read()) is None

    def timed(record, seconds):
        return replace(record, epochs=[replace(row, seconds=seconds) for row in record.epochs], evaluate_seconds=15.0)

    put_record(folder, timed(records[0], 1.0))  # bn: 2 s per epoch with evaluation
    put_checkpoint(folder, timed(records[1], 4.5), 2, evaluate_seconds=3.0)  # gn:8: 6 s
    left = 13 * 6 + 15 * 4 + 15 * 2 + 15 * 6 + 15 * 4  # ln is taken to need their mean
    assert seconds_left(Reader(folder.root).read()) == pytest.approx(left)
    assert "about 5 min left" in shown(folder)


# ----- going on


def test_the_command_that_is_shown_goes_on_with_the_same_study(tmp_path, monkeypatch):
    folder = StudyFolder(tmp_path / "a study")
    arms = tuple(ArmSpec(norm=parse_norm(arm)) for arm in ARMS)
    folder.claim(replace(make_study(seeds=(0, 1)), arms=arms, recipe=RECIPES["digits"]), TEST_SPLIT)
    assert asked_to_resume(shown(folder), monkeypatch) == str(folder.root)


# ----- files that come and go


def test_a_look_takes_nothing_and_leaves_nothing(study):
    folder, records = study
    put_checkpoint(folder, records[0], 2)
    before = sorted(folder.root.rglob("*"))
    shown(folder)
    assert sorted(folder.root.rglob("*")) == before  # not even a lock file
    with folder.locked():
        pass


def test_onlookers_do_not_keep_a_study_from_its_lock(study):
    folder, _ = study
    with folder.locked():
        pass
    with ThreadPoolExecutor(3) as pool:
        looks = [pool.submit(folder.at_work) for _ in range(60)]
        assert not any(look.result() for look in looks)  # onlookers do not take each other for work
        looks = [pool.submit(folder.at_work) for _ in range(60)]
        while not all(look.done() for look in looks):
            with folder.locked():
                pass
    with folder.locked():
        assert folder.at_work() is True


def test_files_that_vanish_or_are_half_there_are_runs_that_wait(study, monkeypatch):
    folder, records = study
    checkpoint = put_checkpoint(folder, records[0], 2)
    checkpoint.write_bytes(checkpoint.read_bytes()[:20])
    assert statuses(folder) == ["waiting"] * 6
    path = folder.root / "runs" / "bn-seed0.json"
    put_record(folder, records[0])
    reader = Reader(folder.root)
    assert reader.read().runs[0].status == "finished"
    path.unlink()
    assert reader.read().runs[0].status == "waiting"

    put_record(folder, records[0])

    def vanishes(path):
        path.unlink()
        raise StudyError("gone")

    monkeypatch.setattr("whichnorm.watch.state.read_record", vanishes)
    assert Reader(folder.root).read().runs[0].status == "waiting"


def test_a_damaged_record_is_shown_as_one(study):
    folder, records = study
    put_record(folder, records[0])
    (folder.root / "runs" / "bn-seed0.json").write_text("{")
    assert statuses(folder)[0] == "unreadable"
    assert "not readable as JSON" in shown(folder)


def test_a_file_that_did_not_change_is_not_read_twice(study, monkeypatch):
    folder, records = study
    put_record(folder, records[0])
    reader = Reader(folder.root)
    before = reader.read()
    monkeypatch.setattr("whichnorm.watch.state.read_record", lambda path: 1 / 0)
    assert reader.read() == before
    put_record(folder, records[0])
    with pytest.raises(ZeroDivisionError):
        reader.read()


# ----- looks


def test_a_sparkline_spans_its_scale_and_keeps_the_last_value():
    line = Sparkline([0.0, 0.5, 1.0, 0.25], low=0.0, high=1.0)
    assert line.text(10) == "▁▅█▃"
    assert line.text(2) == "▅▃"
    assert line.text(1) == "▃"
    assert Sparkline([0.3], low=0.3, high=0.3).text(5) == BLOCKS[0]


@pytest.mark.parametrize("width", [80, 200])
def test_the_longest_arms_fit(tmp_path, width):
    arms = ["ln-element:noaffine+l1:0.0001", "gn:c16:noaffine+l2:0.0005"]
    spec = replace(make_study(seeds=(0,), epochs=100), arms=tuple(ArmSpec(norm=parse_norm("bn")) for _ in "1"))
    folder = StudyFolder(tmp_path / "study")
    folder.claim(spec, TEST_SPLIT)
    held = json.loads((folder.root / "study.json").read_text())
    (folder.root / "study.json").write_text(json.dumps({**held, "arms": arms}))
    records = make_records(arms, spec, digits_test(), 10)
    put_record(folder, records[0])
    put_checkpoint(folder, records[1], 99)
    table = [line for line in shown(folder, width=width).splitlines() if not line.startswith("  ")]
    assert max(map(len, table[:-1])) <= width
    curves = [re.sub(f"[^{BLOCKS}]", "", line) for line in table]
    assert max(map(len, curves)) >= (100 if width == 200 else 8)
    assert "…" not in "".join(table)
    text = "".join(table)
    assert all(word in text for arm in arms for word in arm_title(arm).split())
    assert "stopped, 99/100" in text
    assert f"{100 * records[0].last.val_accuracy:.2f}" in text


def test_many_runs_are_folded_into_a_row_per_arm_where_they_would_not_fit(tmp_path):
    arms = ["bn", "ln", "ln-element", "ln-channel", "gn:4", "gn:8", "in", "none"]
    spec = replace(make_study(seeds=range(5)), arms=tuple(ArmSpec(norm=parse_norm(arm)) for arm in arms))
    folder = StudyFolder(tmp_path / "study")
    folder.claim(spec, TEST_SPLIT)
    records = make_records(arms, spec, digits_test(), 10)
    for record in records[:25]:
        put_record(folder, record)
    put_checkpoint(folder, records[25], 3)
    with folder.locked():
        text = shown(folder, height=24)
        assert text.count("\n") <= 24
        assert shown(folder, height=60).count("waiting") == 14
    mean = sum(r.last.val_accuracy for r in records[:25] if r.arm == "bn") / 4
    assert re.search(rf"^ BatchNorm +5   4 finished +{100 * mean:.2f} ", text, flags=re.MULTILINE)
    assert re.search(r"^   under way +seed 3   epoch 4 of 15 ", text, flags=re.MULTILINE)
    assert re.search(r"^ no normalization +5   3 finished ", text, flags=re.MULTILINE)


# ----- the command


def test_the_command_shows_a_pipe_the_present_state_and_ends(study, capsys):
    folder, records = study
    put_checkpoint(folder, records[0], 2)
    assert main(["watch", str(folder.root)]) == 0
    without = capsys.readouterr()
    assert main(["watch", str(folder.root), "--once"]) == 0
    assert capsys.readouterr() == without
    assert without.err == ""
    assert "stopped, 2/15" in without.out
    assert "\x1b" not in without.out


@pytest.mark.parametrize("part", ["arms", "seeds", "data", "model", "recipe", "machine"])
def test_a_study_without_a_part_is_one_line_and_code_2(tmp_path, capsys, part):
    held = {key: value for key, value in make_study().to_dict("").items() if key != part}
    (tmp_path / "study.json").write_text(json.dumps(held))
    assert main(["watch", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert f"not a study of this version: field '{part}' is missing" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "holds no study"), ("", "not a readable study"), ("[]", "not a readable study"),
        ('{"data": {}}', "not a study of this version"),
        ('{"arms": ["bn"], "seeds": ["x"]}', "not a study of this version"),
    ],
)  # fmt: skip
def test_a_folder_without_a_study_is_one_line_and_code_2(tmp_path, capsys, content, words):
    if content is not None:
        (tmp_path / "study.json").write_text(content)
    for folder in (tmp_path, tmp_path / "nowhere") if content is None else (tmp_path,):
        assert main(["watch", str(folder)]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith(f"whichnorm: {folder}")
        assert said.err.count("\n") == 1
        assert ("no such folder" if folder.name == "nowhere" else words) in said.err


@pytest.mark.parametrize("interval", ["0", "-1", "nan", "inf", "soon"])
def test_an_interval_is_a_time(tmp_path, capsys, interval):
    assert main(["watch", str(tmp_path), f"--interval={interval}"]) == 2
    assert "--interval" in capsys.readouterr().err


def test_help_has_the_command(capsys):
    assert "watch" in build_parser(load_commands()).format_help()


def test_on_a_terminal_it_draws_only_changes_and_ends_when_the_study_does(study, monkeypatch):
    folder, records = study
    for record in records[:-1]:
        put_record(folder, record)
    reader, drawn = Reader(folder.root), []

    def end(seconds):
        """Nothing happens for two looks; then the last run ends, and with it the study."""
        drawn.append(out.getvalue().count("recipe digits"))
        if len(drawn) == 3:
            put_record(folder, records[-1])
            put_results(folder, records)

    monkeypatch.setattr("whichnorm.commands.watch.time.sleep", end)
    out = io.StringIO()
    console = Console(file=out, width=80, height=50, force_terminal=True, color_system=None)
    follow(reader, reader.read(), console, interval=1)
    assert drawn[0] == drawn[1] == drawn[2]
    assert out.getvalue().count("recipe digits") > drawn[2]
    assert "90 of 90 epochs, 6 of 6 runs" in out.getvalue()


def test_ctrl_c_on_a_terminal_leaves_with_code_0_and_the_cursor_back(study):
    folder, records = study
    put_checkpoint(folder, records[0], 2)
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "whichnorm", "watch", str(folder.root)]
    process = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower,
                               env={**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "40"})  # fmt: skip
    os.close(follower)
    seen = b""
    while b"No process is at work" not in seen:
        seen += os.read(leader, 4096)
    process.send_signal(signal.SIGINT)
    while True:
        try:
            seen += os.read(leader, 4096)
        except OSError:  # the other end is closed
            break
    assert process.wait() == 0
    assert b"Traceback" not in seen
    assert seen.count(b"\x1b[?25h") >= seen.count(b"\x1b[?25l") >= 1


@pytest.mark.usefixtures("records_alone")
def test_a_real_study_under_way_is_seen_as_it_is(tmp_path):
    """After every epoch the study is looked at, by a process of its own as far as the lock can tell."""
    seen = []

    def onlooker(event):
        if isinstance(event, EpochDone):
            state = Reader(tmp_path / "study").read()
            assert state.at_work
            (training,) = [run for run in state.runs if run.status == "training"]
            assert training.epochs[-1] == event.row
            seen.append((training.arm, len(training.epochs), state.epochs_done))

    import whichnorm

    results = whichnorm.compare("digits", norms=["bn", "gn:4"], seeds=1, epochs=2, train_limit=150, threads=1,
                                out=tmp_path / "study", progress=onlooker)  # fmt: skip
    assert seen == [("bn", 1, 1), ("bn", 2, 2), ("gn:4", 1, 3), ("gn:4", 2, 4)]
    state = Reader(tmp_path / "study").read()
    assert state.finished
    assert state.verdict == results.verdict.text
    out = io.StringIO()
    show(state, Console(file=out, width=80))
    assert results.verdict.text in out.getvalue()
