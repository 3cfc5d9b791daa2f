import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest
import torch
from PIL import Image

from whichnorm.cli import main
from whichnorm.interrupts import silent

QUICK = ["--epochs", "2", "--train-limit", "200", "--seeds", "1", "--threads", "1"]


@pytest.mark.usefixtures("undrawn")
def test_a_study_from_the_command_line_writes_results_and_report(tmp_path, capsys):
    out = tmp_path / "study"
    assert main(["compare", *QUICK, "--norms", "bn,gn:4,bn+l1:0.001", "--out", str(out)]) in (0, 1)
    shown = capsys.readouterr().out
    results = json.loads((out / "results.json").read_text())
    assert [arm["norm"] for arm in results["arms"]] == ["bn", "gn:4", "bn+l1:0.001"]
    for arm in results["arms"]:
        assert arm["params"] == 11_498
        assert arm["seeds"] == [0]
        low, high = arm["test_accuracy"]["ci95"]
        assert 0 <= low <= arm["test_accuracy"]["mean"] <= high <= 1
        assert len(arm["test_accuracy"]["values"]) == 1
        assert arm["train_seconds"] > 0
    assert {c["call"] for c in results["comparisons"]} <= {"better", "worse", "cannot tell"}
    assert len(results["comparisons"]) == 3
    assert "seed" in results["verdict"]["text"]
    assert (out / "results.csv").read_text().count("\n") == 4
    assert (out / "report" / "index.html").exists()
    assert {p.suffix for p in (out / "report" / "figures").iterdir()} == {".png", ".svg"}
    assert shown.rstrip().endswith(str(out / "report" / "index.html"))
    rows = re.findall(r"^ +\d+  0\.\d{6} +[\d.]+ +[\d.]+ +[\d.]+% +[\d.]+ +[\d.]+%$", shown, flags=re.MULTILINE)
    assert len(rows) == 3 * 2


@pytest.mark.usefixtures("undrawn")
def test_a_fault_is_shown_and_sets_the_exit_code(tmp_path, capsys):
    recipe = tmp_path / "still.json"
    recipe.write_text(json.dumps({"learning_rate": 1e-12, "epochs": 4, "batch_size": 64}))
    code = main(["compare", "--norms", "bn", "--recipe", str(recipe), "--seeds", "1", "--train-limit", "200",
                 "--out", str(tmp_path / "study")])  # fmt: skip
    assert code == 1
    assert "at chance" in capsys.readouterr().out
    faults = json.loads((tmp_path / "study" / "results.json").read_text())["faults"]
    assert faults[0]["norm"] == "bn"


def test_a_dry_run_shows_the_plan_and_writes_nothing(tmp_path, capsys):
    out = tmp_path / "study"
    assert main(["compare", "--dry-run", "--norms", "bn,gn:4", "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "11,498" in shown
    assert "6 runs, 0 of them finished" in shown
    assert "GroupNorm(4 groups)" in shown
    assert not out.exists()


WRONG = [
    (["compare", "--norms", "bm"], ["unknown norm 'bm'", "did you mean 'bn'"]),
    (["compare", "--norms", "gn:7"], ["7 groups", "1, 2, 4, 8, 16 do"]),
    (["compare", "--norms", ","], ["no norms"]),
    (["compare", "--norms", "bn,bn"], ["twice"]),
    (["compare", "--norms", "bn+l3:1"], ["l3:1", "+l1:0.001"]),
    (["compare", "--model", "sesion08"], ["did you mean 'session08'"]),
    (["compare", "--model", "no_such_module:make"], ["no_such_module"]),
    (["compare", "--model-option", "x"], ["KEY=VALUE"]),
    (["compare", "--data", "mnst"], ["did you mean 'mnist'"]),
    (["compare", "--data", "cifar10", "--data-dir", "nowhere", "--no-download"], ["data_batch_1.bin", "10-binary"]),
    (["compare", "--recipe", "defalt"], ["did you mean 'default'"]),
    (["compare", "--seeds", "many"], ["--seeds"]),
    (["compare", "--seeds", "0"], ["number of seeds is 0, expected 1 to 10,000"]),
    (["compare", "--epochs", "0"], ["epochs is 0"]),
    (["compare", "--batch-size", "0"], ["batch_size is 0"]),
    (["compare", "--batch-size", "5000"], ["1294 training images"]),
    (["compare", "--val", "1.5"], ["1.5"]),
    (["compare", "--train-limit", "5"], ["5"]),
    (["compare", "--max-params", "100"], ["11,398 over --max-params 100"]),
    (["compare", "--threads", "0"], ["threads"]),
    (["compare", "--precision", "int4"], ["precision"]),
    (["compare", "--device", "tpu"], ["unknown device"]),
    (["compare", "--nrms", "bn"], ["--nrms"]),
    (["compare", "--epochs", "two"], ["--epochs"]),
    (["conpare"], ["conpare"]),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=lambda value: " ".join(value[:4]))
def test_wrong_input_ends_in_one_line_and_code_2_with_nothing_written(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("whichnorm: ")
    assert shown.err.count("\n") == 1
    assert all(word in shown.err for word in words), shown.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="only where there is no GPU")
def test_a_gpu_that_is_not_there_is_one_line(tmp_path, capsys):
    assert main(["compare", "--device", "cuda", "--out", str(tmp_path / "study")]) == 2
    assert "no CUDA GPU" in capsys.readouterr().err


@pytest.mark.usefixtures("undrawn")
def test_a_folder_of_images_and_a_factory_of_ones_own(tmp_path, monkeypatch, capsys):
    for k, name in enumerate(["<script>alert(1)<", "b $x_1$"]):
        folder = tmp_path / "photos" / name.replace("/", "")
        folder.mkdir(parents=True)
        for i in range(30):
            Image.new("RGB", (12, 12), (120 * k + i, 60, 200 - 5 * i)).save(folder / f"{i}.png")
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n"
        "def make(norm, num_classes, in_channels):\n"
        "    return nn.Sequential(nn.Conv2d(in_channels, 8, 3, padding=1), norm(8), nn.ReLU(),\n"
        "                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, num_classes))\n"
    )
    monkeypatch.chdir(tmp_path)
    code = main(["compare", "--data", "photos", "--model", "mine:make", "--norms", "bn,gn:c4,none", "--epochs", "3",
                 "--batch-size", "8", "--seeds", "2", "--threads", "1", "--out", "study"])  # fmt: skip
    assert code in (0, 1), capsys.readouterr().err
    page = (tmp_path / "study" / "report" / "index.html").read_text()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_help_has_an_example_for_every_command(capsys):
    for arguments in (["--help"], ["compare", "--help"]):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 0
        assert "whichnorm compare --data cifar10" in capsys.readouterr().out


def test_the_module_runs_as_a_program_and_shows_no_traceback(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "whichnorm", "compare", "--norms", "bm"], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


SCRIPT = "import sys; from whichnorm.cli import main; sys.exit(main())"


@pytest.mark.parametrize(
    ("module", "start"),
    [
        ("torch", ["-m", "whichnorm"]),
        ("torch", ["-c", SCRIPT]),
        ("torch", ["whichnorm"]),
        ("numpy", ["-m", "whichnorm"]),
        ("numpy", ["whichnorm"]),
    ],
    ids=str,
)
def test_ctrl_c_while_libraries_are_imported_shows_no_traceback(module, start, tmp_path):
    (tmp_path / f"{module}.py").write_text("import time; print('importing', flush=True); time.sleep(60)")
    (tmp_path / "whichnorm").write_text(SCRIPT)  # as pip installs it
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", ""), *sys.path])
    process = subprocess.Popen([sys.executable, *start, "compare"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, env={**os.environ, "PYTHONPATH": path}, cwd=tmp_path)  # fmt: skip
    assert process.stdout.readline() == "importing\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate() == ("", "")
    assert process.returncode == -signal.SIGINT


@pytest.mark.parametrize("seconds", [0.2, 0.7, 1.8, 3.0, 4.5])
def test_ctrl_c_at_any_time_shows_no_traceback(seconds, tmp_path):
    command = [sys.executable, "-m", "whichnorm", "compare", *QUICK, "--out", "study"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
                               env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})  # fmt: skip
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert "Traceback" not in said
    assert process.returncode in (0, 1, 130, -signal.SIGINT)


def test_after_the_imports_ctrl_c_is_an_exception_again(monkeypatch, capsys):
    def run(*_):
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("whichnorm.commands.show.run", run)
    assert main(["show", "session08"]) == 130
    assert capsys.readouterr().err == "\nwhichnorm: stopped\n"


def test_interrupts_that_the_caller_ignores_stay_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with silent():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["compare", "--out", "study"], "stopped; nothing was trained"),
        (["reproduce", "wynet"], "stopped; the same command goes on from here"),
        (["show", "session08"], "stopped"),
    ],
)
def test_a_command_that_goes_on_says_how_when_it_is_stopped(arguments, words, tmp_path, capsys, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("whichnorm.study.plan.plan_study", stop)
    monkeypatch.setattr("whichnorm.reproduce.execute", stop)
    monkeypatch.setattr("whichnorm.architecture.show.build_model", stop)
    assert main(arguments) == 130
    assert capsys.readouterr().err == f"\nwhichnorm: {words}\n"


def test_a_thread_other_than_the_main_one_can_run_a_command(capsys):
    codes = []
    thread = threading.Thread(target=lambda: codes.append(main(["show", "resnet"])))
    thread.start()
    thread.join()
    assert codes == [2]
