import dataclasses
import json

import pytest

from whichnorm.errors import SpecError
from whichnorm.specs.recipe import Augmentation, Recipe, Schedule
from whichnorm.specs.recipes import RECIPES, default_recipe, find_recipe, read_recipe


def written(tmp_path, content, name="mine.json"):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def assert_refused(function, match):
    with pytest.raises(SpecError, match=match) as caught:
        function()
    assert "\n" not in str(caught.value)


# ----- names


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_found_by_the_name_it_carries(name):
    assert find_recipe(name) is RECIPES[name]
    assert RECIPES[name].name == name


def test_an_unknown_name_names_the_nearest_and_all():
    assert_refused(
        lambda: find_recipe("wynett"), r"unknown recipe 'wynett' \(did you mean 'wynet'\?\); there are default"
    )
    assert_refused(lambda: find_recipe(""), "unknown recipe ''.*or a .json file")


@pytest.mark.parametrize(
    ("data", "recipe"),
    [
        ("digits", "digits"),
        ("mnist", "mnist"),
        ("fashion-mnist", "default"),
        ("cifar10", "default"),
        ("photos", "default"),
    ],
)
def test_data_sets_have_a_recipe_of_their_own(data, recipe):
    assert default_recipe(data) is RECIPES[recipe]


@pytest.mark.parametrize("name", ["digits", "mnist", "mnist_s6"])
def test_digits_are_not_mirrored(name):
    assert RECIPES[name].augmentation.flip == 0


# ----- published recipes


def test_wynets_recipe_is_the_published_one():
    recipe = RECIPES["wynet"]
    assert recipe.batch_size == 64
    assert recipe.epochs == 20
    assert recipe.weight_decay == 1.953125e-06 == 0.000125 / 64
    assert recipe.decay_norms_and_biases
    assert (recipe.optimizer, recipe.learning_rate, recipe.momentum, recipe.nesterov) == ("sgd", 0.1, 0.9, True)
    assert recipe.schedule.kind == "triangle"
    assert (recipe.schedule.start_learning_rate, recipe.schedule.peak_epoch, recipe.schedule.low_momentum) == (
        0.01,
        6,
        0.8,
    )
    assert recipe.dropout == 0.0


def test_session08s_recipe_is_the_published_one():
    recipe = RECIPES["session08"]
    assert (recipe.optimizer, recipe.learning_rate, recipe.momentum, recipe.nesterov) == ("sgd", 0.01, 0.9, False)
    assert recipe.schedule == Schedule(kind="step", step_epochs=10, step_factor=0.1)
    assert (recipe.epochs, recipe.batch_size, recipe.dropout) == (20, 128, 0.05)
    assert recipe.weight_decay == 0
    assert recipe.augmentation == Augmentation(flip=0.5)


def test_residual8s_recipe_is_the_published_one():
    recipe = RECIPES["residual8"]
    assert (recipe.optimizer, recipe.learning_rate, recipe.momentum, recipe.nesterov) == ("sgd", 0.01, 0.9, False)
    assert recipe.schedule == Schedule(kind="step", step_epochs=8, step_factor=0.1)
    assert (recipe.epochs, recipe.batch_size, recipe.dropout) == (20, 64, 0.02)


# ----- JSON


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_reads_back_from_its_json(tmp_path, name):
    path = written(tmp_path, dataclasses.asdict(RECIPES[name]))
    assert read_recipe(path) == find_recipe(str(path)) == RECIPES[name]


def test_what_a_file_leaves_out_has_the_default_of_its_field(tmp_path):
    path = written(tmp_path, {"epochs": 3, "schedule": {"kind": "step"}, "augmentation": {"flip": 0.5}})
    assert read_recipe(path) == Recipe(
        name="mine", epochs=3, schedule=Schedule(kind="step"), augmentation=Augmentation(flip=0.5)
    )
    assert read_recipe(written(tmp_path, {}, "empty.json")) == Recipe(name="empty")
    assert read_recipe(written(tmp_path, {"name": "other"})).name == "other"


def test_a_whole_number_does_for_a_fraction_and_null_for_the_networks_own_dropout(tmp_path):
    recipe = read_recipe(written(tmp_path, {"learning_rate": 1, "weight_decay": 0, "dropout": None}))
    assert (recipe.learning_rate, recipe.weight_decay, recipe.dropout) == (1, 0, None)
    assert read_recipe(written(tmp_path, {"dropout": 0})).dropout == 0


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("", r"mine\.json: not readable as JSON"),
        ("{", "not readable as JSON"),
        ("{'epochs': 3}", "not readable as JSON"),
        ("[1, 2]", r"mine\.json: found an array, expected a JSON object"),
        ("3", "found a number, expected a JSON object"),
        ("null", "found null, expected a JSON object"),
        ({"epoch": 3}, r"mine\.json: unknown field 'epoch' \(did you mean 'epochs'\?\); there are name, epochs"),
        ({"gamma": 3}, "unknown field 'gamma'"),
        ({"schedule": {"gama": 3}}, r"mine\.json, schedule: unknown field 'gama'"),
        ({"schedule": "step"}, r"mine\.json, schedule: found a text, expected a JSON object"),
        ({"schedule": None}, "schedule: found null"),
        ({"augmentation": {"flipp": 1}}, "augmentation: unknown field 'flipp'.*did you mean 'flip'"),
        ({"epochs": "3"}, "field 'epochs' is '3', expected a whole number"),
        ({"epochs": 3.0}, "field 'epochs' is 3.0, expected a whole number"),
        ({"epochs": True}, "field 'epochs' is True, expected a whole number"),
        ({"epochs": None}, "field 'epochs' is None"),
        ({"learning_rate": "0.1"}, "field 'learning_rate' is '0.1', expected a number"),
        ({"learning_rate": False}, "field 'learning_rate' is False"),
        ({"nesterov": 1}, "field 'nesterov' is 1, expected true or false"),
        ({"dropout": "0.1"}, "field 'dropout' is '0.1', expected a number or null"),
        ({"dropout": True}, "field 'dropout' is True"),
        ({"name": 3}, "field 'name' is 3, expected a text"),
        ({"optimizer": ["sgd"]}, "field 'optimizer' is"),
        ({"augmentation": {"flip": [1]}}, "augmentation: field 'flip' is"),
        ({"epochs": 0}, r"mine\.json: epochs is 0, expected 1 to"),
        ({"optimizer": "adam"}, r"mine\.json: field 'optimizer' is 'adam', expected 'sgd' or 'adamw'"),
        ({"schedule": {"kind": "cosine"}}, r"mine\.json, schedule: field 'kind' is 'cosine', expected 'constant' or"),
        ({"augmentation": {"flip": 2}}, r"mine\.json, augmentation: flip is 2, expected 0 to 1"),
        ('{"learning_rate": NaN}', r"mine\.json: not readable as JSON \(NaN is no number in JSON"),
        ('{"learning_rate": 1e999}', r"mine\.json: not readable as JSON \(1e999 is out of range"),
        ('{"weight_decay": Infinity}', r"mine\.json: not readable as JSON \(Infinity is no number"),
    ],
    ids=str,
)
def test_a_recipe_that_is_not_right_is_refused_with_file_and_field(tmp_path, content, match):
    path = written(tmp_path, content)
    assert_refused(lambda: find_recipe(str(path)), match)


@pytest.mark.parametrize(("text", "size"), [("32", 32), ("null", None)])
def test_a_device_batch_size_is_a_whole_number_or_null(tmp_path, text, size):
    path = tmp_path / "mine.json"
    path.write_text(f'{{"batch_size": 128, "device_batch_size": {text}}}')
    assert find_recipe(str(path)).device_batch_size == size
    path.write_text('{"device_batch_size": 1.5}')
    with pytest.raises(SpecError, match=r"field .device_batch_size. is 1\.5, expected a whole number or null"):
        find_recipe(str(path))


def test_a_file_that_is_not_there_is_named(tmp_path):
    assert_refused(lambda: find_recipe(str(tmp_path / "none.json")), r"none\.json: not readable")


def test_a_file_that_is_not_text_is_named(tmp_path):
    (tmp_path / "mine.json").write_bytes(b"\xff\xfe\x00{")
    assert_refused(lambda: find_recipe(str(tmp_path / "mine.json")), r"mine\.json: not readable as JSON")


def test_a_folder_is_not_a_recipe(tmp_path):
    (tmp_path / "folder.json").mkdir()
    assert_refused(lambda: find_recipe(str(tmp_path / "folder.json")), r"folder\.json: not readable")
