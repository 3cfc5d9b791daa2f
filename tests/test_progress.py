"""What is shown of a study from its events alone, on a pipe and on a terminal."""

import io
import os
from pathlib import Path

import pytest
from rich.console import Console

import whichnorm
from whichnorm.study.events import (
    EpochDone,
    FollowUpStarted,
    PartStarted,
    ReportStarted,
    RunFailed,
    RunFinished,
    RunStarted,
    SeedsAdded,
    StepDone,
    StudyStarted,
    StudyStopped,
)
from whichnorm.study.progress import console_progress, rough_time
from whichnorm.training.record import EpochRow


def row(epoch, **changes):
    values = {
        "epoch": epoch, "learning_rate": 0.05, "seconds": 1.25, "train_loss": 0.75, "train_accuracy": 0.5,
        "val_loss": 0.25, "val_accuracy": 0.875, "test_loss": 9.0, "test_accuracy": 0.0,
    }  # fmt: skip
    return EpochRow(**{**values, **changes})


def of_a_run(arm, seed, split="val", **changes):
    yield RunStarted(arm=arm, seed=seed, num_epochs=1, num_steps=2, split=split)
    yield from (StepDone(arm=arm, seed=seed, step=step) for step in (1, 2))
    yield EpochDone(arm=arm, seed=seed, row=row(1, **changes))


def study():
    yield PartStarted(title="batch 8, point 1 of 2")
    yield StudyStarted(num_runs=3, done=(("[bn]", 0),))
    yield from of_a_run("gn:8", 0)
    yield RunFinished(arm="gn:8", seed=0, warnings=("at chance",))
    yield from of_a_run("bn", 1, split="test", val_loss=None, val_accuracy=None, train_loss=None)
    yield RunFailed(arm="bn", seed=1, status="diverged", reason="the loss [/] was not finite", warnings=())
    yield StudyStopped()
    yield SeedsAdded(num_before=3, num_now=5, arms=("bn", "ln"))
    yield StudyStarted(num_runs=2, done=())
    yield StudyStopped()
    yield FollowUpStarted(title="at the tuned learning rates:")
    yield ReportStarted()


LINES = """\
batch 8, point 1 of 2
1 of 3 runs are finished already
run 2 of 3: GroupNorm, 8 groups, seed 0
 epoch        lr   seconds   train loss   train acc    val loss    val acc
     1  0.050000       1.2     0.750000      50.00%   0.250000    87.50%
GroupNorm, 8 groups, seed 0: at chance
run 3 of 3: BatchNorm, seed 1
 epoch        lr   seconds   train loss   train acc   test loss   test acc
     1  0.050000       1.2   not finite      50.00%   9.000000     0.00%
BatchNorm, seed 1 diverged: the loss [/] was not finite
not settled after 3 seeds: going on to 5 with BatchNorm and LayerNorm
at the tuned learning rates:
examining the networks and drawing the report
"""


def shown(events, **options):
    out = io.StringIO()
    listener = console_progress(Console(file=out, width=100, **options))
    for event in events:
        listener(event)
    return out.getvalue()


def test_a_pipe_gets_a_line_per_epoch_and_what_is_wrong():
    assert shown(study()) == LINES


def test_a_terminal_gets_the_same_lines_and_bars_that_are_gone_in_the_end():
    text = shown(study(), force_terminal=True, color_system=None)
    for line in LINES.splitlines():
        assert line.rstrip() in text
    for bar in ("study (runs)", "GroupNorm, 8 groups, seed 0 (epochs)", "epoch (steps)", "1/3"):
        assert bar in text
    assert text.count("\x1b[?25h") == text.count("\x1b[?25l") == 2  # the cursor is back after each study


def test_bars_are_gone_where_a_study_is_interrupted():
    text = shown([StudyStarted(num_runs=1, done=()), *of_a_run("bn", 0), StudyStopped()], force_terminal=True)
    assert text.count("\x1b[?25h") == text.count("\x1b[?25l") == 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (89.4, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1.5 h"), (36000, "10.0 h")],
)
def test_an_estimated_time_is_rough(seconds, text):
    assert rough_time(seconds) == text


IN_A_NOTEBOOK = """\
import whichnorm
from whichnorm.study.events import PartStarted, StepDone, StudyStarted, StudyStopped

listener = whichnorm.console_progress()
for event in (
    PartStarted(title="[bold]batch 8[/] " + "x" * 200), StudyStarted(num_runs=3, done=(("bn", 0),)),
    StepDone(arm="ln", seed=0, step=1), StudyStopped(),
):
    listener(event)
"""


def test_a_notebook_gets_lines_of_text_and_no_html(monkeypatch):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    package = str(Path(whichnorm.__file__).parent.parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([package, os.environ.get("PYTHONPATH", "")]))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(IN_A_NOTEBOOK)])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = notebook.cells[0].outputs
    assert {(output.output_type, output.get("name")) for output in outputs} == {("stream", "stdout")}
    text = "".join(output.text for output in outputs)
    assert text == f"[bold]batch 8[/] {'x' * 200}\n1 of 3 runs are finished already\n"
