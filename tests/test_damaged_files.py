"""Whatever a JSON file holds, it is read as a spec or refused in one line."""

import copy
import json
import random
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import shortcuts
from synthetic import digits_test, make_record, make_study

import whichnorm
from whichnorm.cli import main
from whichnorm.errors import WhichnormError
from whichnorm.files import place
from whichnorm.specs.codec import decode
from whichnorm.specs.json_files import read_json
from whichnorm.specs.recipe import Recipe
from whichnorm.specs.recipes import RECIPES
from whichnorm.specs.study import read_study
from whichnorm.study.folder import TestSplit
from whichnorm.sweeps.spec import read_sweep
from whichnorm.training.record import RunRecord, read_record

MOST = 400  # characters of a message

ODD = [
    None, True, -1, 0, 10**17, 1.5, 1e300, -0.0, "", "x", "x" * 10_000, "\udcff\n", [], {}, [[]], [None], [1, "a", {}],
    {"": 1}, {"a": {"b": [1]}},
]  # fmt: skip


INSERTED = ["NaN", "1" * 5000, "[" * 2000, '"', "\x00", "é", "1e999", "-", ","]


def places_of(value: Any, here: tuple = ()) -> list[tuple]:
    """Return the path to every part of a JSON value; of long arrays to the first and last items."""
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = [(i, item) for i, item in enumerate(value) if i < 2 or i == len(value) - 1]
    else:
        inner = []
    return [here, *(place for key, item in inner for place in places_of(item, (*here, key)))]


def put(value: Any, place: tuple, new: Any) -> Any:
    if not place:
        return new
    changed = copy.copy(value)
    changed[place[0]] = put(value[place[0]], place[1:], new) if len(place) > 1 else new
    return changed


def damaged_texts(value: Any, rng: random.Random, number: int) -> list[str]:
    """Return a file's text cut short, with odd values and without parts in many places, and with text in it."""
    text, texts = json.dumps(value), ["", "[" * 3000, "{}", "[]", "3", "null"]
    places = places_of(value)
    for _ in range(number):
        place, kind = rng.choice(places), rng.randrange(5)
        cut = rng.randrange(len(text))
        if kind == 0:
            texts.append(text[:cut])
        elif kind == 1:
            texts.append(
                text[:cut] + rng.choice(["NaN", "1" * 5000, "[" * 2000, '"', "\x00", "é", "1e999"]) + text[cut:]
            )
        elif kind == 2 and place and isinstance(place[-1], str):
            texts.append(json.dumps(put(value, (*place[:-1], f"{place[-1]}x" * rng.choice([1, 999])), 1)))
        else:
            texts.append(json.dumps(put(value, place, rng.choice(ODD))))
    return texts


def a_record() -> RunRecord:
    return make_record("bn", 0, digits_test(40), make_study(), num_classes=10, error=0.1)


def a_recipe_file() -> Any:
    return asdict(RECIPES["wynet"])


FILES = {
    "study.json": lambda: make_study().to_dict("0123"),
    "sweep.json": lambda: json.loads(Path(COMMITTED / "sweep_groups" / "sweep.json").read_text()),
    "record": lambda: asdict(a_record()),
    "recipe": a_recipe_file,
    "test_split.json": lambda: asdict(TestSplit("0123", ("a", "b"), (0, 1, 1))),
}
COMMITTED = Path(__file__).parent.parent / "results"


def read_as(name: str, path: Path) -> Any:
    if name == "record":
        return read_record(path)
    value = read_json(path)
    readers = {"study.json": read_study, "sweep.json": read_sweep}
    kinds = {"recipe": Recipe, "test_split.json": TestSplit}
    return readers[name](value, place(path)) if name in readers else decode(value, kinds[name], place(path))


def refusal(name: str, path: Path) -> str:
    """Return what is said of a file that is not one of its kind, "" where it is one."""
    try:
        read_as(name, path)
    except WhichnormError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_one_line_of_bounded_length_or_another_spec(name, tmp_path):
    path, refused = tmp_path / "f.json", 0
    path.write_text(json.dumps(FILES[name]()))
    assert refusal(name, path) == ""
    for text in damaged_texts(FILES[name](), random.Random(name), number=300):
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        said = refusal(name, path)
        refused += bool(said)
        assert "\n" not in said
        assert len(said) <= MOST
    assert refused > 150


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("damaged") / "study"
    with shortcuts.undrawn():
        whichnorm.compare("digits", norms=["bn", "gn:4"], seeds=1, epochs=1, train_limit=100, threads=1, out=out)
    return out


COMMANDS = [["watch", "--once"], ["curves", "--json"], ["calibration", "--json"], ["compare", "--dry-run"]]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.usefixtures("undrawn")
def test_commands_meet_a_damaged_folder_without_a_traceback(finished, seed, tmp_path, capsys):
    rng = random.Random(seed)
    files = sorted(path.relative_to(finished) for path in finished.rglob("*.json"))
    for number in range(6):
        folder = shutil.copytree(finished, tmp_path / f"study{number}")
        path = folder / rng.choice(files)
        path.write_text(rng.choice(damaged_texts(read_json(path), rng, number=30)), errors="surrogatepass")
        for command, *options in COMMANDS:
            where = ["--out", str(folder)] if command == "compare" else [str(folder)]
            assert main([command, *where, *options]) in (0, 2)
            said = capsys.readouterr().err
            assert said == "" or (said.startswith("whichnorm: ") and said.count("\n") == 1 and len(said) < 700), said
