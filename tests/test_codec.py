"""JSON files: every spec reads back from what it is written as, and what is wrong is said in one line."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pytest
from synthetic import make_study

from whichnorm.errors import SpecError
from whichnorm.files import place
from whichnorm.norms import NORMS, GroupNormSpec, NormSpec
from whichnorm.specs.arm import ArmSpec, parse_arm
from whichnorm.specs.codec import FORMERLY, NOT_ENCODED, decode, encode
from whichnorm.specs.data import DataSpec
from whichnorm.specs.json_files import MAX_DEPTH, parse_json, read_json
from whichnorm.specs.model import ModelSpec
from whichnorm.specs.recipe import Augmentation, Recipe, Schedule
from whichnorm.specs.study import FollowUps, MachineSpec, StudySpec, UntilSure, completed, read_study
from whichnorm.sweeps.axes import Axes
from whichnorm.sweeps.spec import SweepSpec

MOST = 400  # characters of a message


def through_json(value: Any) -> Any:
    return parse_json(json.dumps(encode(value), allow_nan=False), "here")


def a_recipe(rng: random.Random) -> Recipe:
    batch, schedule = rng.choice([8, 64]), rng.choice(["constant", "one_cycle", "triangle"])
    return Recipe(
        name=rng.choice(["mine", "a b", "ü", "x" * 80]), epochs=rng.randint(1, 10**6), batch_size=batch,
        device_batch_size=rng.choice([None, 2, batch]), optimizer=rng.choice(["sgd", "adamw"]),
        learning_rate=rng.choice([1, 1e-300, rng.random() + 1e-9]), momentum=rng.random(), nesterov=False,
        schedule=Schedule(kind=schedule, low_momentum=rng.random()), dropout=rng.choice([None, 0, rng.random()]),
        augmentation=Augmentation(flip=rng.random(), crop_mode=rng.choice(["zero", "reflect"])),
    )  # fmt: skip


def a_study(rng: random.Random) -> StudySpec:
    arms = rng.sample(["bn+l1:0.001", "gn:c16", "ln:noaffine", "in", "none+lr:1e-05", "gn:4+l2:0.5"], rng.randint(1, 4))
    options = rng.sample(
        [("width", 2), ("skip", True), ("rate", 0.5), ("kind", "a=b"), ("n", False)], rng.randint(0, 4)
    )
    sure = rng.choice([None, UntilSure(margin=rng.random() / 2 + 1e-9, max_seeds=5)])
    return StudySpec(
        arms=tuple(map(parse_arm, arms)),
        seeds=tuple(rng.sample(range(10**17), rng.randint(1, 5))),
        data=DataSpec(name=rng.choice(["digits", "/a/ü b"]), image_size=rng.choice([None, 32]),
                      val_fraction=rng.random(), train_limit=rng.choice([None, 9]), download=rng.random() < 0.5),
        model=ModelSpec(name="m:f", options=tuple(options), source=rng.choice(["", "0123"])),
        recipe=a_recipe(rng),
        machine=MachineSpec(device="cuda", threads=rng.randint(1, 99), precision=rng.choice(["float32", "bfloat16"])),
        until_sure=sure,
        ended=((arms[0], 3),) if sure else (),
    )  # fmt: skip


# ----- round trips


@pytest.mark.parametrize("seed", range(40))
def test_every_spec_reads_back_from_its_json(seed):
    rng = random.Random(seed)
    study, recipe = a_study(rng), a_recipe(rng)
    values = [
        study, recipe, recipe.schedule, recipe.augmentation, study.data, study.model, study.machine, UntilSure(),
        FollowUps(tune_lr=True, recipes=(replace(recipe, name="other"),)), Axes(batch_sizes=(2, 8)), *study.arms,
        SweepSpec(data=study.data, model=study.model, recipe=recipe, machine=study.machine, arms=study.arms,
                  seeds=study.seeds, learning_rate_rule="sqrt", axes=Axes(accumulations=(1, 4))),
    ]  # fmt: skip
    for value in values:
        assert decode(through_json(value), type(value)) == value


@pytest.mark.parametrize("norm", [*NORMS, GroupNormSpec(num_groups=3, affine=False)], ids=str)
def test_a_norm_is_its_text_form(norm):
    assert encode(norm) == str(norm)
    assert decode(through_json(norm), NormSpec) == decode(through_json(norm), type(norm)) == norm
    assert decode(through_json(ArmSpec(norm=norm, l1=0.5)), ArmSpec) == ArmSpec(norm=norm, l1=0.5)


@pytest.mark.parametrize("seed", range(20))
def test_a_study_s_file_reads_back_but_for_where_its_images_lie(seed):
    study = a_study(random.Random(seed))
    held = json.loads(json.dumps(study.to_dict("0123")))
    found = read_study(held, "study.json")
    assert found == replace(study, data=replace(study.data, download=True))
    assert found.to_dict("0123") == held
    assert completed(held, "") == {key: held[key] for key in ("data", "model", "recipe", "machine")}


@dataclass(frozen=True, kw_only=True)
class Inner:
    numbers: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Every:
    """A field of every kind."""

    present: int = field(metadata={FORMERLY: ("past", "older")})
    choice: Literal["a", "b", 3] = "a"
    pair: tuple[int, str] = (1, "x")
    pairs: tuple[tuple[str, bool | int], ...] = ()
    table: Mapping[float, float | None] = field(default_factory=dict)
    by_number: dict[int, Inner] = field(default_factory=dict)
    inner: Inner | None = None
    listed: list[list[str]] = field(default_factory=list)
    path: Path = Path()
    anything: Any = None
    shown: str = field(default="not in files", metadata={NOT_ENCODED: True})


def test_every_kind_of_field_reads_back():
    value = Every(
        present=-3, choice=3, pair=(2, ""), pairs=(("a", True), ("b", 2)), table={0.1: None, 1e-300: 2.5},
        by_number={3: Inner(numbers=(1, 0.5))}, inner=Inner(), listed=[[], ["x"]], path=Path("a/b"),
        anything={"deep": [1, {}]},
    )  # fmt: skip
    assert decode(through_json(value), Every) == value
    assert decode({"present": 1}, Every) == Every(present=1)


def test_a_field_is_read_under_its_former_names_too():
    assert decode({"past": 4}, Every) == decode({"older": 4}, Every) == Every(present=4)
    with pytest.raises(SpecError, match="field 'present' is given twice"):
        decode({"past": 4, "present": 4}, Every)


def test_pairs_may_be_an_object():
    assert decode({"present": 1, "pairs": {"a": 1, "b": True}}, Every).pairs == (("a", 1), ("b", True))


def test_a_fault_of_the_program_is_no_fault_of_the_file():
    @dataclass(frozen=True)
    class Odd:
        when: complex

    with pytest.raises(TypeError, match="reads no"):
        decode({"when": 1}, Odd)


# ----- errors


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "f.json: field 'present' is missing"),
        ({"present": 1, "pathh": ""}, "f.json: unknown field 'pathh' (did you mean 'path'?); there are present, "),
        ({"present": 1, "shown": ""}, "f.json: unknown field 'shown'"),
        ([], "f.json: found an array, expected a JSON object"),
        (None, "f.json: found null, expected a JSON object"),
        ({"present": True}, "f.json: field 'present' is True, expected a whole number"),
        ({"present": 1.0}, "f.json: field 'present' is 1.0, expected a whole number"),
        ({"present": "1"}, "f.json: field 'present' is '1', expected a whole number"),
        ({"present": 1, "choice": "c"}, "f.json: field 'choice' is 'c', expected 'a' or 'b' or 3"),
        ({"present": 1, "choice": 3.0}, "f.json: field 'choice' is 3.0, expected"),
        ({"present": 1, "pair": [1]}, "f.json: field 'pair' is [1], expected an array of 2"),
        ({"present": 1, "pair": [1, 2]}, "f.json: field 'pair[1]' is 2, expected a text"),
        ({"present": 1, "pairs": [["a", 1.5]]}, "field 'pairs[0][1]' is 1.5, expected true or false or a whole number"),
        ({"present": 1, "table": {"x": 1}}, "f.json: field 'a key of table' is 'x', expected a number"),
        ({"present": 1, "table": {"nan": 1}}, "f.json: field 'a key of table' is 'nan', expected a number"),
        ({"present": 1, "table": {"1": "y"}}, "field \"table['1']\" is 'y', expected a number or null"),
        ({"present": 1, "by_number": {"3": {"numbers": [None]}}}, "f.json, by_number['3']: field 'numbers[0]' is None"),
        ({"present": 1, "inner": {"numbers": 3}}, "f.json, inner: field 'numbers' is 3, expected an array"),
        ({"present": 1, "listed": [["a"], [0]]}, "f.json: field 'listed[1][0]' is 0, expected a text"),
        ({"present": 1, "path": 3}, "f.json: field 'path' is 3, expected a text"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(value, message):
    with pytest.raises(SpecError) as caught:
        decode(value, Every, "f.json")
    assert message in str(caught.value)


def test_what_a_spec_refuses_is_said_with_its_place():
    with pytest.raises(SpecError, match=r"^f\.json, schedule: step_epochs is 0, expected 1 to 1,000,000$"):
        decode({"schedule": {"step_epochs": 0}}, Recipe, "f.json")
    with pytest.raises(SpecError, match=r"^f\.json: field 'arms\[1\]': unknown norm 'bm'"):
        read_study({**make_study().to_dict(""), "arms": ["bn", "bm"]}, "f.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not readable as JSON (Expecting value: line 1 column 1 (char 0))"),
        (b'{"a": 1', "not readable as JSON (Expecting ',' delimiter"),
        (b"\xff\xfe{", "not readable as JSON (it is not UTF-8 text)"),
        (b"[" * 100_000, f"nested more than {MAX_DEPTH} deep"),
        (b"[" * 500 + b"]" * 500, f"nested more than {MAX_DEPTH} deep"),
        (b'{"a":' * 200 + b"1" + b"}" * 200, f"nested more than {MAX_DEPTH} deep"),
        (b"NaN", "NaN is no number in JSON"),
        (b"[-Infinity]", "-Infinity is no number in JSON"),
        (b'{"a": 1e400}', "1e400 is out of range"),
        (b"1" * 19, "a whole number of 19 digits, at most 18 are expected"),
        (b"-" + b"1" * 10_000, "a whole number of 10,000 digits"),
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "'c' is given twice"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_text_that_python_reads_or_fails_at_in_ways_of_its_own_is_refused(tmp_path, content, message):
    path = tmp_path / "f.json"
    path.write_bytes(content)
    with pytest.raises(SpecError) as caught:
        read_json(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{path}: not readable as JSON")


def test_a_mark_of_the_byte_order_is_no_part_of_the_text(tmp_path):
    (tmp_path / "f.json").write_bytes(b"\xef\xbb\xbf[1]")
    assert read_json(tmp_path / "f.json") == [1]


def test_nesting_up_to_the_limit_is_read():
    assert parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH, "here")


def test_a_file_that_is_not_there_or_a_folder_is_named(tmp_path):
    with pytest.raises(SpecError, match=r"none\.json: not readable \(No such file"):
        read_json(tmp_path / "none.json")
    with pytest.raises(SpecError, match="not readable"):
        read_json(tmp_path)


def test_a_long_path_is_shown_by_its_end():
    shown = place(Path("/a" * 500) / "study.json")
    assert len(shown) <= 160
    assert shown.endswith("/study.json")
