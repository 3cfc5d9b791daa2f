import dataclasses
import itertools
import json
import math
import re

import pytest

from whichnorm.errors import SpecError
from whichnorm.norms import parse_norm
from whichnorm.specs.arm import ArmSpec, parse_arm
from whichnorm.specs.data import DataSpec
from whichnorm.specs.model import ModelSpec
from whichnorm.specs.recipe import Augmentation, Recipe, Schedule
from whichnorm.specs.study import MachineSpec, RunSpec, StudySpec
from whichnorm.training.schedule import rates

NORMS = ["bn", "ln", "ln-element", "ln-channel", "gn:2", "gn:8", "gn:c2", "gn:c8", "in", "none"]
ARMS = [
    *NORMS, *(f"{norm}:noaffine" for norm in NORMS if norm != "none"), "bn+l1:0.001", "bn+l2:0.001", "bn+l1:0.01",
    "gn:8+l1:0.001", "bn:noaffine+l1:0.001+l2:0.5", "none+l2:1", "bn+l1:1e-05", "bn+l1:1e-06", "bn+l1:1e06",
    "bn+l1:0.123456789", "bn+l1:0.0001+loss:argmax",
]  # fmt: skip
INF, NAN = math.inf, math.nan


def study(arms=("bn", "ln"), seeds=(0, 1), **changed):
    parts = {"data": DataSpec(), "model": ModelSpec(), "recipe": Recipe(), "machine": MachineSpec(), **changed}
    return StudySpec(arms=tuple(parse_arm(arm) for arm in arms), seeds=tuple(seeds), **parts)


def assert_refused(make, match):
    with pytest.raises(SpecError, match=match) as caught:
        make()
    assert "\n" not in str(caught.value)


# ----- values that are refused


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"val_fraction": -0.1}, "val is -0.1, expected 0 or more and below 1"),
        ({"val_fraction": 1.0}, "val is 1.0"),
        ({"val_fraction": NAN}, "val is nan"),
        ({"train_limit": 0}, "train_limit is 0, expected 1 to"),
        ({"train_limit": -5}, "train_limit is -5"),
        ({"image_size": 0}, "image_size is 0, expected 1 to 10,000"),
        ({"image_size": -32}, "image_size is -32"),
    ],
)
def test_impossible_data_are_refused(fields, match):
    assert_refused(lambda: DataSpec(**fields), match)


@pytest.mark.parametrize(
    "name",
    ["flip", "crop_probability", "affine_probability", "brightness_contrast_probability", "grey_probability",
     "cutout_probability"],
)  # fmt: skip
@pytest.mark.parametrize("value", [-0.01, 1.01, NAN, INF])
def test_augmentation_probabilities_are_probabilities(name, value):
    assert_refused(lambda: Augmentation(**{name: value}), rf"{name} is {value}, expected 0 to 1")
    assert getattr(Augmentation(**{name: 0.0}), name) == 0.0
    assert getattr(Augmentation(**{name: 1.0}), name) == 1.0


@pytest.mark.parametrize(
    "name", ["crop_padding", "shift", "scale", "rotate_degrees", "brightness", "contrast", "cutout_size"]
)
@pytest.mark.parametrize("value", [-1, 10**6, 10**20, NAN, INF])
def test_augmentation_sizes_have_a_range(name, value):
    assert_refused(lambda: Augmentation(**{name: value}), rf"{name} is {value}.*, expected (0|a whole number)")


def test_other_augmentation_rules():
    assert_refused(lambda: Augmentation(scale=1.0), "scale is 1.0, expected 0 or more and below 1")
    assert_refused(lambda: Augmentation(crop_mode="mirror"), "crop_mode is 'mirror' .str., expected 'reflect' or")


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"kind": "cosine"}, "kind is 'cosine' .str., expected 'constant' or 'warmup_linear' or 'step'"),
        ({"warmup_fraction": -0.1}, "warmup_fraction is -0.1"),
        ({"warmup_fraction": 1.1}, "warmup_fraction is 1.1"),
        ({"warmup_fraction": NAN}, "warmup_fraction is nan"),
        ({"step_epochs": 0}, "step_epochs is 0"),
        ({"step_factor": 0.0}, "step_factor is 0.0"),
        ({"step_factor": -0.1}, "step_factor is -0.1"),
        ({"step_factor": INF}, "step_factor is inf"),
        ({"peak_epoch": 1}, "peak_epoch is 1, expected 2 to 1,000,000"),
        ({"start_learning_rate": 0.0}, "start_learning_rate is 0.0"),
        ({"start_learning_rate": NAN}, "start_learning_rate is nan"),
        ({"final_learning_rate": -0.1}, "final_learning_rate is -0.1"),
        ({"final_learning_rate": INF}, "final_learning_rate is inf"),
        ({"low_momentum": 1.0}, "low_momentum is 1.0"),
        ({"low_momentum": -0.1}, "low_momentum is -0.1"),
        ({"low_momentum": NAN}, "low_momentum is nan"),
    ],
)
def test_impossible_schedules_are_refused(fields, match):
    assert_refused(lambda: Schedule(**fields), match)


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"epochs": 0}, "epochs is 0, expected 1 to 1,000,000"),
        ({"epochs": -1}, "epochs is -1"),
        ({"batch_size": 0}, "batch_size is 0, expected 1 to"),
        ({"optimizer": "adam"}, "optimizer is 'adam' .str., expected 'sgd' or 'adamw'"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0"),
        ({"learning_rate": -0.1}, "learning_rate is -0.1"),
        ({"learning_rate": NAN}, "learning_rate is nan"),
        ({"learning_rate": INF}, "learning_rate is inf"),
        ({"momentum": 1.0}, "momentum is 1.0, expected 0 or more and below 1"),
        ({"momentum": -0.1}, "momentum is -0.1"),
        ({"momentum": 0.0, "nesterov": True}, "Nesterov's method needs a momentum"),
        ({"weight_decay": -1e-9}, "weight_decay is -1e-09"),
        ({"weight_decay": INF}, "weight_decay is inf"),
        ({"weight_decay": NAN}, "weight_decay is nan"),
        ({"label_smoothing": 1.0}, "label_smoothing is 1.0"),
        ({"label_smoothing": -0.1}, "label_smoothing is -0.1"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"dropout": -0.1}, "dropout is -0.1"),
    ],
)
def test_impossible_recipes_are_refused(fields, match):
    assert_refused(lambda: Recipe(**fields), match)


def test_values_at_the_edges_are_accepted():
    edge = Recipe(epochs=1, batch_size=1, momentum=0.0, nesterov=False, weight_decay=0.0, dropout=0.0)
    assert (edge.epochs, edge.batch_size, edge.momentum, edge.dropout) == (1, 1, 0.0, 0.0)
    assert Schedule(warmup_fraction=1.0, final_learning_rate=0.0, low_momentum=0.0).warmup_fraction == 1.0
    assert DataSpec(val_fraction=0.0, train_limit=1, image_size=1).train_limit == 1


@pytest.mark.parametrize("name", ["name", "norm", "num_classes", "in_channels", "image_size", "dropout"])
def test_model_options_that_the_study_sets_itself_are_refused(name):
    assert_refused(lambda: ModelSpec(options=(("width", 2), (name, 1))), f"model option '{name}' is set by the study")


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"arms": ()}, "no norms given; expected at least one"),
        ({"arms": ("bn", "ln", "bn")}, "a norm is given twice in bn, ln, bn"),
        ({"arms": ("bn+l1:0.001", "bn+l1:1e-3")}, "a norm is given twice"),
        ({"arms": ("bn+l1:0", "bn")}, "a norm is given twice"),
        ({"seeds": ()}, "no seeds given"),
        ({"seeds": (0, 1, 0)}, r"a seed is given twice in \(0, 1, 0\)"),
        ({"seeds": (0, -1)}, r"seeds\[1\] is -1, expected 0 to"),
    ],
)
def test_impossible_studies_are_refused(changed, match):
    assert_refused(lambda: study(**changed), match)


# ----- changes and forms


def test_a_recipe_is_changed_where_a_value_is_given():
    recipe = Recipe(epochs=20, batch_size=128)
    assert recipe.changed() == recipe
    assert recipe.changed(epochs=3) == dataclasses.replace(recipe, epochs=3)
    assert recipe.changed(batch_size=1) == dataclasses.replace(recipe, batch_size=1)
    assert recipe.epochs == 20


def test_zero_epochs_and_an_empty_batch_are_refused_not_taken_for_left_out():
    assert_refused(lambda: Recipe().changed(epochs=0), "epochs is 0, expected 1 to 1,000,000")
    assert_refused(lambda: Recipe().changed(batch_size=0), "batch_size is 0, expected 1 to")


@pytest.mark.parametrize("make", [DataSpec, ModelSpec, Augmentation, Schedule, Recipe, MachineSpec, study])
def test_specs_are_frozen_and_hashable(make):
    spec = make()
    field = dataclasses.fields(spec)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(spec, field, None)
    assert hash(spec) == hash(make())


@pytest.mark.parametrize("text", ARMS)
def test_every_arm_reads_back(text):
    arm = parse_arm(text)
    assert str(arm) == text
    assert parse_arm(str(arm)) == arm


@pytest.mark.parametrize("value", [1e-300, 1e-10, 0.1 + 0.2, 1 / 3, 1.0, 123456.0, 999999.5, 1e6])
def test_penalties_read_back_exactly(value):
    arm = ArmSpec(norm=parse_norm("bn"), l1=value, l2=value / 3)
    assert parse_arm(str(arm)) == arm
    assert str(arm).count("+") == 2


def test_an_arm_is_a_norm_and_its_penalties():
    arm = parse_arm(" gn:8+l2:0.5+l1:1e-3 ")
    assert (arm.norm, arm.l1, arm.l2) == (parse_norm("gn:8"), 0.001, 0.5)
    assert str(arm) == "gn:8+l1:0.001+l2:0.5"
    assert parse_arm("bn+l1:0") == parse_arm("bn") == ArmSpec(norm=parse_norm("bn"))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("bn+l1", "'l1' is no addition to a norm; expected .l1:0.001 or"),
        ("bn+l1:", "'l1:' is no addition"),
        ("bn+l1:x", "'l1:x' is no addition"),
        ("bn+l1:1:2", "is no addition"),
        ("bn+l3:0.1", "'l3:0.1' is no addition"),
        ("bn+", "'' is no addition"),
        ("bn+l1:0.1+l1:0.2", "'l1:0.2' is no addition"),
        ("bn+ln", "'ln' is no addition"),
        ("bn+l1:-0.1", "arm 'bn.l1:-0.1': l1 is -0.1, expected 0 to 1,000,000"),
        ("bn+l2:nan", "l2 is nan"),
        ("bn+l1:inf", "l1 is inf"),
        ("bn+lr:-1", "learning_rate is -1.0, expected above 0 and at most 1,000,000"),
        ("bn+lr:0", "learning_rate is 0.0, expected above 0"),
        ("bn+lr:inf", "learning_rate is inf"),
        ("bn+lr:1e308", r"arm 'bn.lr:1e308': learning_rate is 1e.308, expected above 0 and at most 1,000,000"),
        ("bn+l2:1e308", r"l2 is 1e.308, expected 0 to 1,000,000"),
        ("bn+lr:0.1+lr:0.2", "'lr:0.2' is no addition"),
        ("bn+learning_rate:0.1", "'learning_rate:0.1' is no addition"),
        ("bn+loss:mse", "arm 'bn.loss:mse': loss is 'mse' .str., expected 'cross-entropy' or 'argmax'"),
        ("bn+loss:argmax+loss:argmax", "'loss:argmax' is no addition"),
        ("bm+l1:0.1", r"unknown norm 'bm' \(did you mean 'bn'\?\)"),
        ("+l1:0.1", "unknown norm ''"),
        ("gn+l1:0.1", "needs a number of groups"),
    ],
)
def test_a_text_that_is_no_arm_is_refused(text, match):
    assert_refused(lambda: parse_arm(text), match)


# ----- runs


def test_the_runs_are_the_grid_with_all_arms_of_a_seed_before_the_next():
    runs = study(arms=("bn", "gn:8+l1:0.001"), seeds=(3, 1)).runs()
    assert [(str(run.arm), run.seed) for run in runs] == [
        ("bn", 3), ("gn:8+l1:0.001", 3), ("bn", 1), ("gn:8+l1:0.001", 1)
    ]  # fmt: skip


def test_run_keys_are_distinct_and_safe_as_file_names():
    keys = [run.key for run in study(arms=ARMS, seeds=(*range(12), 100, 101)).runs()]
    assert len(set(keys)) == len(keys) == len(ARMS) * 14
    assert len({key.lower() for key in keys}) == len(keys)  # some file systems do not tell a from A
    for key in keys:
        assert re.fullmatch(r"[A-Za-z0-9_.-]+", key)
        assert not key.startswith((".", "-"))
        assert len(key) < 100


def test_run_keys_of_distinct_arms_do_not_meet_by_a_seed():
    for a, b in itertools.combinations(study(arms=("gn:1", "gn:11", "gn:c1"), seeds=(1, 11)).runs(), 2):
        assert a.key != b.key


def test_the_key_reads_like_its_arm():
    (run,) = study(arms=("gn:8+l1:0.001",), seeds=(0,)).runs()
    assert run.key == "gn-8_l1-0.001-seed0"


def test_what_runs_share_is_json_and_leaves_out_arm_seed_and_where_the_images_lie():
    here = study(data=DataSpec(data_dir="/here", download=False)).runs()
    there = study(data=DataSpec(data_dir="/there"), arms=("in",), seeds=(7,)).runs()
    shared = here[0].shared_dict("digest")
    assert json.loads(json.dumps(shared, allow_nan=False)) == shared
    assert all(run.shared_dict("digest") == shared for run in [*here, *there])
    assert study().shared_dict("digest") == shared
    assert shared["data"]["digest"] == "digest"
    assert "/here" not in json.dumps(shared)


@pytest.mark.parametrize(
    "changed",
    [
        {"data": DataSpec(val_fraction=0.2)},
        {"data": DataSpec(train_limit=100)},
        {"model": ModelSpec(name="wynet")},
        {"model": ModelSpec(options=(("width", 2),))},
        {"recipe": Recipe(epochs=3)},
        {"recipe": Recipe(schedule=Schedule(kind="step"))},
        {"recipe": Recipe(augmentation=Augmentation(flip=0.5))},
        {"machine": MachineSpec(threads=2)},
        {"machine": MachineSpec(precision="bfloat16")},
    ],
    ids=str,
)
def test_what_runs_share_tells_studies_apart(changed):
    assert study(**changed).shared_dict("digest") != study().shared_dict("digest")
    assert study().shared_dict("digest") != study().shared_dict("other digest")


def test_a_run_is_its_arm_at_its_seed_with_the_rest_of_the_study():
    spec = study(arms=("ln",), seeds=(4,))
    assert spec.runs() == [
        RunSpec(arm=parse_arm("ln"), seed=4, data=spec.data, model=spec.model, recipe=spec.recipe, machine=spec.machine)
    ]


def test_an_arm_with_a_learning_rate_reads_back():
    arm = parse_arm("gn:8+lr:1e-3+l1:0.5")
    assert (arm.learning_rate, arm.l1) == (0.001, 0.5)
    assert str(arm) == "gn:8+l1:0.5+lr:0.001"
    assert parse_arm(str(arm)) == arm


@pytest.mark.parametrize("kind", ["constant", "warmup_linear", "step", "one_cycle", "triangle"])
def test_another_peak_scales_every_rate_of_a_schedule(kind):
    recipe = Recipe(schedule=Schedule(kind=kind))
    scaled = recipe.at_learning_rate(recipe.learning_rate / 8)
    for step in range(0, 200, 7):
        assert rates(scaled, step, 10).learning_rate == pytest.approx(rates(recipe, step, 10).learning_rate / 8)
        assert rates(scaled, step, 10).momentum == rates(recipe, step, 10).momentum


def test_a_step_is_a_whole_number_of_forward_passes():
    recipe = Recipe(batch_size=128, device_batch_size=8)
    assert (recipe.images_per_forward, recipe.accumulation) == (8, 16)
    assert (Recipe().images_per_forward, Recipe().accumulation) == (128, 1)
    assert_refused(lambda: Recipe(batch_size=128, device_batch_size=48), "128 is not a multiple of the device batch")
    assert_refused(
        lambda: Recipe(batch_size=8, device_batch_size=16), "8 is not a multiple of the device batch size 16"
    )
    assert_refused(lambda: Recipe(device_batch_size=0), "device_batch_size is 0, expected 1 to")


def test_batch_norm_on_one_image_at_a_time_is_refused_with_the_reason():
    assert_refused(
        lambda: study(arms=("ln", "bn:noaffine"), recipe=Recipe(batch_size=8, device_batch_size=1)),
        "bn:noaffine: BatchNorm is undefined in training on one image at a time.*use a batch of 2 or more",
    )
    assert study(arms=("ln", "in", "none"), recipe=Recipe(batch_size=1))
