"""The command of a report, read by a real shell and by the command line's own parser, gives the study it came from."""

import dataclasses
import json
import subprocess
from pathlib import Path

import pytest
from synthetic import make_study

from whichnorm.api import prepare
from whichnorm.cli import build_parser, load_commands
from whichnorm.commands import compare
from whichnorm.norms import parse_norm
from whichnorm.specs.arm import ArmSpec, parse_arm
from whichnorm.specs.data import DataSpec
from whichnorm.specs.model import ModelSpec
from whichnorm.specs.recipe import Augmentation, Recipe
from whichnorm.specs.recipes import RECIPES
from whichnorm.specs.study import FollowUps, MachineSpec, StudySpec, UntilSure
from whichnorm.specs.study_options import DEFAULT_NORMS
from whichnorm.study.command import compare_command, resume_command


def shell_words(text: str) -> list[str]:
    """Split a command as bash does."""
    printed = text.replace("whichnorm", "printf '%s\\0'", 1)
    return subprocess.run(["bash", "-c", printed], capture_output=True, check=True, text=True).stdout.split("\0")[:-1]


def read_back(study: StudySpec, monkeypatch, folder) -> StudySpec:
    """Write a study's command, and return the study that `whichnorm compare` makes of it."""
    described = json.loads(json.dumps(study.to_dict("0123456789ab")))
    command = compare_command(described)
    if command.recipe_file:
        (folder / "recipe.json").write_text(command.recipe_file)
    for name, content in command.other_files:
        (folder / name).write_text(content)
    assert ("recipe.json" in command.text) == bool(command.recipe_file)
    assert all(len(line) <= 80 or line.count(" --") == 1 for line in command.text.splitlines())
    monkeypatch.chdir(folder)
    args = build_parser(load_commands()).parse_args(shell_words(command.text))
    return prepare(options=compare.read(args)).spec


def a_study(**changes) -> StudySpec:
    usual = make_study()
    model = ModelSpec(name="digits_net")
    return dataclasses.replace(usual, **{"recipe": RECIPES["digits"], "model": model, **changes})


def followed(tune_lr: bool, *recipes: Recipe) -> StudySpec:
    arms = tuple(map(parse_arm, ["bn", "ln"]))
    return a_study(arms=arms, follow_ups=FollowUps(tune_lr=tune_lr, recipes=recipes))


STUDIES = {
    "all defaults": a_study(),
    "arms": a_study(arms=tuple(map(parse_arm, ["bn", "gn:c16", "ln-element:noaffine", "bn+l1:0.001", "in+l2:1e-05"]))),
    "seeds": a_study(seeds=(5, 3, 11)),
    "one later seed": a_study(seeds=(4,)),
    "seed 0": a_study(seeds=(0,)),
    "no validation": a_study(data=DataSpec(name="cifar10", val_fraction=0.0, train_limit=500), recipe=RECIPES["wynet"]),
    "a tenth and a bit": a_study(data=DataSpec(val_fraction=0.1 + 1e-9)),
    "folder": a_study(
        data=DataSpec(name="my photos/it's $HOME `x` \"y\" \\ & co", image_size=64), recipe=RECIPES["default"]
    ),
    "a folder like an option": a_study(data=DataSpec(name="--norms"), recipe=RECIPES["default"]),
    "another model": a_study(model=ModelSpec(name="wynet", options=(("add_skip", True), ("width", 1.5), ("x", "a b")))),
    "a named recipe": a_study(recipe=RECIPES["session08"]),
    "length and batch": a_study(recipe=RECIPES["digits"].changed(epochs=3, batch_size=16)),
    "several forward passes a step": a_study(recipe=RECIPES["digits"].changed(device_batch_size=8)),
    "an arm's own learning rate": a_study(arms=tuple(map(parse_arm, ["bn+lr:0.05", "ln"]))),
    "a recipe of one's own": a_study(
        recipe=Recipe(name="mine", optimizer="adamw", nesterov=False, augmentation=Augmentation(flip=0.25))
    ),
    "a changed one under its old name": a_study(recipe=dataclasses.replace(RECIPES["digits"], learning_rate=0.3)),
    "follow-ups": followed(True, RECIPES["session08"], RECIPES["wynet"]),
    "a rate alone": followed(True),
    "another recipe of one's own": followed(False, Recipe(name="mine", optimizer="adamw", nesterov=False)),
    "recipes with one length": dataclasses.replace(
        followed(True, RECIPES["session08"].changed(epochs=3)), recipe=RECIPES["digits"].changed(epochs=3)
    ),
    "recipes with a length each": dataclasses.replace(
        followed(True, RECIPES["session08"], RECIPES["lcifar"].changed(epochs=3)),
        recipe=RECIPES["digits"].changed(epochs=3),
    ),
    "machine": a_study(machine=MachineSpec(threads=1, precision="bfloat16")),
    "until sure": a_study(seeds=(0, 1, 2), until_sure=UntilSure(margin=0.0125, max_seeds=8)),
    "until sure as usual": a_study(seeds=(0, 1, 2), until_sure=UntilSure()),
}  # fmt: skip


@pytest.mark.parametrize("name", STUDIES)
def test_the_command_makes_the_same_study(name, monkeypatch, tmp_path):
    study = STUDIES[name]
    assert read_back(study, monkeypatch, tmp_path) == study


def test_what_has_its_default_is_left_out():
    text = compare_command(a_study(machine=MachineSpec(threads=2)).to_dict("")).text
    assert shell_words(text) == ["compare", "--norms", "bn", "--model", "digits_net", "--seeds", "3", "--threads", "2",
                                 "--precision", "float32"]  # fmt: skip
    usual = a_study(arms=tuple(map(parse_arm, DEFAULT_NORMS)), machine=MachineSpec(threads=2))
    assert "--norms" not in compare_command(usual.to_dict("")).text


def test_a_device_is_named():
    assert "--device cuda" in compare_command(a_study(machine=MachineSpec(device="cuda")).to_dict("")).text


def test_the_command_of_a_spec_given_in_python_is_its_text_form():
    arms = (ArmSpec(norm=parse_norm("gn:8")), ArmSpec(norm=parse_norm("bn"), l1=0.5))
    assert "--norms gn:8,bn+l1:0.5" in compare_command(a_study(arms=arms).to_dict("")).text


def test_a_network_that_only_python_knows_has_no_command():
    held = a_study().to_dict("")
    assert compare_command({**held, "model": {"name": "__main__:make", "options": {}}}) is None


def test_the_folder_of_the_results_is_named_where_it_is_known(tmp_path):
    command = compare_command(a_study().to_dict(""), tmp_path / "a b")
    assert shell_words(command.text)[-2:] == ["--out", str(tmp_path / "a b")]


@pytest.mark.parametrize("name", ["study", "a b", "it's $HOME", "-x"])
def test_the_command_that_goes_on_names_the_folder_alone(name):
    assert shell_words(resume_command(Path(name)))[-1] in (name, f"./{name}")
    assert shell_words(resume_command(Path(name)))[0] == "resume"
