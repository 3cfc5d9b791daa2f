"""Options said once: Python's signature, the command line, the record, the folder's name and the command agree."""

import inspect
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

import whichnorm
from whichnorm.api import prepare
from whichnorm.cli import Parser, build_parser, load_commands
from whichnorm.commands import compare
from whichnorm.commands.arguments import add_options, read_options
from whichnorm.commands.explain import ExplainOptions
from whichnorm.commands.show import ShowOptions
from whichnorm.commands.watch import WatchOptions
from whichnorm.errors import SpecError, shown
from whichnorm.norms import parse_norm
from whichnorm.reproduce import reproduce
from whichnorm.specs import texts
from whichnorm.specs.arm import parse_arm
from whichnorm.specs.data import DataPlace
from whichnorm.specs.options import Choice, choices, make
from whichnorm.specs.recipe import Recipe
from whichnorm.specs.study_options import (
    CompareOptions,
    ReproduceOptions,
    ResumeOptions,
    RunOptions,
    SweepOptions,
)
from whichnorm.specs.value_types import fits
from whichnorm.study.command import compare_command, shell_options

FUNCTIONS = [
    (whichnorm.compare, CompareOptions),
    (whichnorm.sweep, SweepOptions),
    (whichnorm.resume, ResumeOptions),
    (reproduce, ReproduceOptions),
]
CLASSES = [
    CompareOptions, SweepOptions, ResumeOptions, ReproduceOptions, DataPlace, ExplainOptions, ShowOptions, WatchOptions,
]  # fmt: skip
NOT_RECORDED = {"data_dir", "download", "out", "budget", *(choice.keyword for choice in choices(RunOptions))}

# A value of every option that is not its default, as text and as Python has it.
GIVEN: dict[str, tuple[str, Any]] = {
    "norms": ("bn,gn:4", ("bn", "gn:4")),
    "model": ("session08", "session08"),
    "model_options": ("add_skip=true", {"add_skip": True}),
    "seeds": ("5,6", (5, 6)),
    "data": ("mnist", "mnist"),
    "data_dir": ("there", "there"),
    "download": ("", False),
    "image_size": ("32", 32),
    "val": ("0.25", 0.25),
    "train_limit": ("500", 500),
    "recipe": ("wynet", "wynet"),
    "epochs": ("3", 3),
    "batch_size": ("32", 32),
    "device_batch_size": ("8", 8),
    "device": ("cuda", "cuda"),
    "threads": ("3", 3),
    "precision": ("float32", "float32"),
    "out": ("here", "here"),
    "max_params": ("1000", 1000),
    "diagnostics": ("", True),
    "tensorboard": ("", True),
    "latency": ("", False),
    "until_sure": ("", True),
    "goal": ("all", "all"),
    "margin": ("1.5", 0.015),
    "max_seeds": ("9", 9),
    "budget": ("90s", 90.0),
    "tune_lr": ("", True),
    "recipes": ("digits,wynet", ("digits", "wynet")),
    "batch_sizes": ("2,4", (2, 4)),
    "device_batch_sizes": ("2", (2,)),
    "accumulations": ("1,2", (1, 2)),
    "refine": ("", True),
    "groups": ("1,c", (1, "c")),
    "channels_per_group": ("4", (4,)),
    "lr_rule": ("none", "none"),
    "quick": ("", True),
}


def parsed(kind: type, arguments: list[str]) -> Any:
    parser = Parser()
    add_options(parser, kind)
    return read_options(parser.parse_args(arguments), kind)


def as_arguments(choice: Choice) -> list[str]:
    text, _ = GIVEN[choice.keyword]
    needed = [f"--{choice.option.needs.replace('_', '-')}"] if choice.option.needs == "until_sure" else []
    return [*needed, choice.flag, *([text] if text else [])]


@pytest.mark.parametrize(("function", "kind"), FUNCTIONS, ids=lambda value: getattr(value, "__name__", ""))
def test_the_signature_has_every_option_with_its_type_and_default(function, kind):
    parameters = inspect.signature(function).parameters
    for choice in choices(kind):
        parameter = parameters[choice.keyword]
        assert parameter.default == choice.default
        assert parameter.annotation == choice.kind
        assert fits(choice.default, choice.kind)
        assert f"\n  {choice.keyword}: " in inspect.getdoc(function)
    others = {"progress", "folder", "name"}
    assert set(parameters) - {choice.keyword for choice in choices(kind)} <= others
    assert all(name == "data" or parameters[name].kind is inspect.Parameter.KEYWORD_ONLY
               for name in parameters if name not in others)  # fmt: skip


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_option_has_one_name_and_a_help_text(kind):
    every = choices(kind)
    for names in ([choice.keyword for choice in every], [choice.flag for choice in every]):
        assert len(set(names)) == len(names)
    for choice in every:
        assert choice.option.help
        if choice.option.parse is None and not choice.option.choices:
            assert isinstance(choice.default, bool)


@pytest.mark.parametrize("kind", [CompareOptions, SweepOptions, ReproduceOptions], ids=lambda kind: kind.__name__)
def test_the_command_line_and_python_give_the_same_options(kind):
    for choice in choices(kind):
        needed = {"until_sure": True} if choice.option.needs == "until_sure" else {}
        from_python = make(kind, {**needed, choice.keyword: GIVEN[choice.keyword][1]})
        assert parsed(kind, as_arguments(choice)) == from_python
        assert choice.of(from_python) != choice.default
        assert from_python != make(kind, needed)
    assert parsed(kind, []) == kind()


def test_the_value_written_for_a_shell_reads_back():
    for choice in choices(CompareOptions):
        if choice.option.parse and not choice.option.repeated:
            value = GIVEN[choice.keyword][1]
            assert choice.option.parse(choice.option.write(value)) == value


def test_an_option_is_in_the_command_of_its_study_or_is_no_part_of_the_record(monkeypatch):
    """A study made with an option is made again by its command; what its record does not hold changes no run."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    usual = prepare(threads=2, precision="bfloat16").spec
    for choice in choices(CompareOptions):
        arguments = ["--threads", "2", "--precision", "bfloat16", *as_arguments(choice)]
        study = prepare(options=compare.read(build_parser(load_commands()).parse_args(["compare", *arguments]))).spec
        held = json.loads(json.dumps(study.to_dict("")))
        if choice.keyword in NOT_RECORDED:
            if choice.keyword != "budget":
                assert held == json.loads(json.dumps(usual.to_dict("")))
            continue
        assert held != json.loads(json.dumps(usual.to_dict("")))
        words = " ".join(compare_command(held).options)
        assert choice.flag in words or choice.keyword == "model_options"


def test_options_left_at_their_defaults_are_not_written():
    assert list(shell_options(CompareOptions())) == []


# ----- Python


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"nrms": ["bn"]}, "unknown option 'nrms' (did you mean 'norms'?); there are data, norms"),
        ({"x" * 10_000: 1}, "unknown option 'xxxx"),
        ({"epochs": "three"}, "epochs is 'three' (str), expected a whole number"),
        ({"epochs": 2.0}, "epochs is 2.0 (float), expected a whole number"),
        ({"epochs": True}, "epochs is True (bool), expected a whole number"),
        ({"seeds": 10**30}, "number of seeds is 1000000000000000000000000000000, expected 1 to 10,000"),
        ({"threads": 10**5000}, "threads is a number of very many digits, expected 1 to 10,000"),
        ({"norms": "bn,ln"}, "norms is 'bn,ln' (str), expected a list"),
        ({"seeds": [1, None]}, "seeds[1] is None (NoneType), expected a whole number"),
        ({"seeds": [10**20]}, "seeds[0] is 100000000000000000000, expected 0 to 999,999,999,999,999,999"),
        ({"seeds": 10**5000}, "number of seeds is a number of very many digits, expected 1 to 10,000"),
        ({"val": float("nan")}, "val is nan, expected 0 or more and below 1"),
        ({"max_params": 0}, "max_params is 0, expected 1 to"),
        ({"until_sure": True, "budget": float("nan")}, "budget is nan, expected above 0 and at most 1,000,000,000"),
        ({"out": ""}, "out is '', expected the name of a folder"),
        ({"model": "wynet", "model_options": {"dilation": float("nan")}}, "model option 'dilation' is nan"),
        ({"norms": [3]}, "norms[0] is 3 (int), expected a text or NormSpec or ArmSpec"),
        ({"model": 3}, "model is 3 (int), expected a text or a function or None"),
        ({"recipe": {"epochs": 3}}, "recipe is {'epochs': 3} (dict), expected a text or Recipe or None"),
        ({"tune_lr": 1}, "tune_lr is 1 (int), expected True or False"),
        ({"margin": 0.01}, "--margin 1: has a meaning with --until-sure only; add that, or leave it out"),
        ({"budget": 60.0}, "--budget 60s: has a meaning with --until-sure only"),
        ({"seeds": 0}, "number of seeds is 0, expected 1 to 10,000"),
        ({"seeds": 10**6}, "number of seeds is 1000000, expected 1 to 10,000"),
        ({"until_sure": True, "seeds": 3}, "seeds are given and to be added until sure"),
        ({"recipes": ["digits"]}, "--recipes digits: expected two or more"),
        ({"until_sure": True, "margin": 2.0}, "margin of 200 points"),
    ],
    ids=lambda value: shown(value, 40),
)
def test_what_cannot_be_used_is_one_line_of_bounded_length(given, message):
    with pytest.raises(SpecError) as caught:
        prepare(**given)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_values_of_python_are_taken_beside_text_forms():
    recipe = Recipe(name="mine", epochs=7)
    norms = [parse_norm("bn"), parse_arm("ln+l1:0.5"), "in"]
    study = prepare("digits", norms=norms, seeds=[3, 1], recipe=recipe, epochs=9, out=Path("a")).spec
    assert [str(arm) for arm in study.arms] == ["bn", "ln+l1:0.5", "in"]
    assert (study.seeds, study.recipe) == ((3, 1), replace(recipe, epochs=9))


def test_too_many_values_without_a_name_are_a_type_error_as_in_any_function():
    with pytest.raises(TypeError):
        whichnorm.compare("digits", ["bn"])


# ----- the folder


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "digits-digits_net-digits-epochs-15-batch-64"),
        ({"data": "mnist"}, "mnist-mnist_s6-mnist-epochs-20-batch-128"),
        ({"val": 0, "train_limit": 9}, "digits-digits_net-digits-epochs-15-batch-64-val-0-train-9"),
        ({"model": "wynet", "model_options": {"dilation": True}},
         "digits-wynet-digits-dilation-True-epochs-15-batch-64"),
        ({"recipe": "lcifar", "epochs": 2}, "digits-digits_net-lcifar-epochs-2-batch-128"),
        ({"batch_size": 32, "device_batch_size": 8}, "digits-digits_net-digits-epochs-15-batch-32-device-8"),
        ({"norms": ["bn"], "seeds": 9, "max_params": 9**9}, "digits-digits_net-digits-epochs-15-batch-64"),
        ({"val": 0.2}, "digits-digits_net-digits-epochs-15-batch-64-val-0.2"),
        ({"data": "/tmp/my photos/"}, "my photos-session08-default-epochs-20-batch-128"),
    ],
    ids=lambda value: shown(value, 40),
)  # fmt: skip
def test_the_folder_is_named_after_what_is_special(given, name):
    assert prepare(**given).folder.root == Path("runs") / name
    assert prepare(**given, out="~/there").folder.root == Path("~/there").expanduser()


# ----- texts


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (texts.whole_number, " 12 ", 12),
        (texts.number, "1e-3", 0.001),
        (texts.whole_numbers, "2, 4", (2, 4)),
        (texts.names, "a, b,,", ("a", "b")),
        (texts.groups, "1, c", (1, "c")),
        (texts.seeds, "3", 3),
        (texts.seeds, "3,", (3,)),
        (texts.seeds, "5,6,7", (5, 6, 7)),
        (texts.points, "0.5", 0.005),
        (texts.key_value, "a=b=c", ("a", "b=c")),
        (texts.key_value, "a=1e3", ("a", 1000.0)),
        (texts.key_value, "a=", ("a", "")),
    ],
)
def test_texts_are_read(read, text, value):
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (texts.whole_number, ""), (texts.whole_number, "1.0"), (texts.whole_number, "9" * 19),
        (texts.whole_number, "1_000"), (texts.whole_number, "²"), (texts.whole_number, "9" * 10_000),
        (texts.number, "nan"), (texts.number, "-inf"), (texts.number, "1e999"), (texts.number, "x"),
        (texts.whole_numbers, "1,,2"), (texts.whole_numbers, ""), (texts.seeds, ","), (texts.seeds, "a"),
        (texts.groups, "1,C"), (texts.key_value, "=1"), (texts.key_value, "a b=1"), (texts.two_or_more, "a,"),
        (texts.seconds, "9" * 400 + "s"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else value.__name__,
)  # fmt: skip
def test_texts_that_are_something_else_are_refused_with_what_was_expected(read, text):
    with pytest.raises(SpecError, match=r"^expected ") as caught:
        read(text)
    assert len(str(caught.value)) < 120


# ----- how much an option is


def test_no_field_is_written_twice():
    """Compare and sweep share every field but those that are one's own."""
    shared = {one.name for one in fields(CompareOptions)} & {one.name for one in fields(SweepOptions)}
    own = {name for kind in (CompareOptions, SweepOptions) for name in inspect.get_annotations(kind)}
    assert shared & own <= {"norms", "changes"}  # a default, and which options of a recipe there are
