"""Whatever is written on the command line ends in exit code 0 or 2, with at most one line on stderr."""

import random
import subprocess
import sys

import pytest

import whichnorm
from whichnorm.cli import build_parser, load_commands, main
from whichnorm.errors import DataError, SpecError, shown

WORDS = [
    "", " ", "-", "--", ",", ":", "=", "0", "-1", "1", "3", "9" * 20, "9" * 5000, "1e400", "-1e400", "nan", "inf",
    "-inf", "0x10", "1_000", "²", "1.5", "bn", "gn:4", "gn:999999", "gn:0", "bn+lr:1e400", "bn+l1:nan", "bn,bn",
    "x" * 5000, "ü", "\udcff", "a\nb", "\x1b[31m", "../..", "/", "/dev/null", "~", "none.json", "digits", "wynet",
    "session08", "module:make", ":", "a:b:c", "a=b", "=b", "name=3", "dropout=2", "32,32", "3,32,32", "99999,9,9", "c",
    "cpu", "auto", "float32", "30m", "0s", "9" * 400 + "h", "--help ", "%s", "{}", "$HOME", "true", "*",
]  # fmt: skip
ALWAYS = {  # what keeps a command that is accepted from training, downloading or opening a page
    "compare": ["--dry-run", "--no-download", "--train-limit", "100", "--data-dir", "none"],
    "sweep": ["--dry-run", "--no-download", "--train-limit", "100", "--data-dir", "none"],
    "reproduce": ["--no-download", "--data-dir", "none"],
    "resume": ["--no-download"],
    "watch": ["--once"],
    "explain": ["--no-download", "--data-dir", "none"],
}


def parsers():
    (subparsers,) = [action for action in build_parser(load_commands())._actions if action.dest == "command"]
    return subparsers.choices


PARSERS = parsers()


def random_arguments(command: str, rng: random.Random) -> list[str]:
    """Return a command with a few of its options, each with an odd value, and sometimes something else in between."""
    actions = [action for action in PARSERS[command]._actions if action.dest != "help"]
    arguments = [rng.choice(WORDS) for action in actions if not action.option_strings and rng.random() < 0.9]
    for action in rng.sample(actions, min(len(actions), rng.randint(0, 3))):
        if action.option_strings:
            word = rng.choice(WORDS)
            written = [f"{action.option_strings[0]}={word}"] if rng.random() < 0.3 else [action.option_strings[0], word]
            arguments += written[:1] if action.nargs == 0 else written
    if rng.random() < 0.2:
        arguments.insert(rng.randint(0, len(arguments)), rng.choice([*WORDS, "--nrms", "--no"]))
    return [command, *arguments, *ALWAYS.get(command, [])]


@pytest.mark.parametrize("command", sorted(PARSERS))
def test_odd_arguments_end_in_one_line(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng = random.Random(command)
    for _ in range(25):
        arguments = random_arguments(command, rng)
        try:
            code = main(arguments)
        except SystemExit as left:  # --help
            code = left.code
        said = capsys.readouterr()
        assert code in (0, 2), shown(arguments, 400)
        assert "Traceback" not in said.out + said.err
        if code == 2:
            assert said.err.startswith("whichnorm: "), shown(arguments, 400)
            assert said.err.count("\n") == 1
            assert len(said.err) <= 700, shown(arguments, 400)
            assert said.out == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seeds", "99999999999999999999"], "--seeds '99999999999999999999': expected a number of seeds up to 10,"),
        (["--seeds", "999999999999999999"], "number of seeds is 999999999999999999, expected 1 to 10,000"),
        (["--epochs", "99999999999999999999"], "--epochs '99999999999999999999': expected a whole number"),
        (["--epochs", "999999999999999999"], "epochs is 999999999999999999, expected 1 to 1,000,000"),
        (["--batch-size", "9" * 18], "batch_size is 999999999999999999, expected 1 to 1,000,000"),
        (["--threads", "9" * 18], "threads"),
        (["--image-size", "9" * 18], "image_size is 999999999999999999, expected 1 to 10,000"),
        (["--train-limit", "9" * 18], "train_limit is 999999999999999999, expected 1 to 1,000,000,000"),
        (["--until-sure", "--max-seeds", "9" * 18], "expected 3 to 10,000"),
        (["--until-sure", "--margin", "1e300"], "margin"),
        (["--val", "1e300"], "val is 1e+300, expected 0 or more and below 1"),
        (["--norms", "bn+lr:1e300", "--val", "nan"], "--val 'nan': expected a number"),
        (["--norms", ",".join(["bn"] * 10_000)], "a norm is given twice in bn, bn"),
        (["--norms", "x" * 10_000], "unknown norm 'xxxx"),
        (["--model", "x" * 10_000], "unknown network 'xxxx"),
        (["--recipe", "x" * 10_000], "unknown recipe 'xxxx"),
        (["--recipe", "x" * 10_000 + ".json"], "not readable"),
        (["--data", "x" * 10_000], "xxxx"),
        (["x" * 10_000], "unrecognized arguments: xxxx"),
        (["--model-option", "x" * 10_000], "--model-option 'xxxx"),
        (["--device", "x" * 10_000], "unknown device 'xxxx"),
        (["--precision", "x" * 10_000], "unknown precision 'xxxx"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None,
)
def test_absurd_values_are_one_short_line(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["compare", *arguments]) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert len(said.err) <= 450
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["resume", ""], "'': no such folder, expected that of a study"),
        (["watch", "none"], "none: no such folder, expected that of a study"),
        (["report", "none"], "none: no such folder, expected that of a study"),
        (["curves", "/dev/null"], "/dev/null: is a file, expected that of a study"),
        (["compare", "--data", "/none/such"], "data '/none/such': no such folder, expected one of class folders"),
        (["compare", "--data", "\udcff"], r"data '\udcff' is neither"),
        (["compare", "--out", "/dev/null/x"], "cannot be made (Not a directory); choose another --out"),
        (["compare", "--norms", "batch"], "did you mean 'bn'"),
        (["compare", "--norms", "GroupNorm:4"], "did you mean 'gn:4'"),
        (["compare", "--norms", "groupnorm"], "did you mean 'gn:8'"),
        (["compare", "--norms", "layer_norm"], "did you mean 'ln'"),
        (["compare", "--norms", "bn+lr:1e308"], "learning_rate is 1e+308, expected above 0 and at most 1,000,000"),
        (["show", "wynet", "--num-classes", "999999999999"], "is 999999999999, expected 1 to 1,000,000"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None,
)
def test_messages_name_what_is_wrong_and_what_was_expected(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert (said.out, said.err.count("\n")) == ("", 1)


def test_a_text_in_place_of_an_array_is_told_where_norms_go():
    with pytest.raises(DataError, match=r"'gn:2' is text, expected numbers; norms are given as norms="):
        whichnorm.explain("gn:2")
    with pytest.raises(SpecError, match=r"norms\[1\] is 3"):
        whichnorm.explain(norms=["bn", 3])


def test_a_torch_error_shows_no_stack(tmp_path, monkeypatch, capsys):
    (tmp_path / "odd.py").write_text(
        "from torch import nn\n"
        "def make(norm, num_classes, in_channels):\n"
        "    return nn.Sequential(nn.Conv2d(in_channels, 8, 3), norm(8), nn.Flatten(), nn.Linear(7, num_classes))\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_SHOW_CPP_STACKTRACES", "1")
    done = subprocess.run([sys.executable, "-m", "whichnorm", "compare", "--model", "odd:make"], capture_output=True,
                          text=True)  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("whichnorm: ")]  # others are PyTorch's own
    assert "Traceback" not in done.stderr
    assert "cannot be multiplied" in line
    assert "frame #" not in line
    assert len(line) < 700
