"""Imports point one way: each room imports only rooms that come before it, in functions and for types too."""

import ast
from pathlib import Path

import pytest

import whichnorm

SOURCE = Path(whichnorm.__file__).parent
LEVELS = (
    ("version", "errors", "interrupts", "modes", "signs"),
    ("files", "stats"),
    ("norms",),
    ("specs",),
    ("models", "data"),
    ("architecture",),
    ("training",),
    ("study",),
    ("results", "watch"),
    ("render",),
    ("analyses",),
    ("report",),
    ("study_results", "sweeps"),
    ("api",),
    ("reproduce", "explain"),
    ("__init__",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
LEVEL = {room: number for number, rooms in enumerate(LEVELS) for room in rooms}
MODULES = sorted(SOURCE.rglob("*.py"))


def room_of(module: str) -> str:
    """Return the room of a dotted name: "whichnorm.study.folder" is of study, and whichnorm itself of __init__."""
    return [*module.split("."), "__init__"][1]


def name_of(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> set[str]:
    """Return the modules of the package that a file imports anywhere: at the top, in functions, for types."""
    names = {name_of(found) for found in MODULES}
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            module = node.module or ""
            found |= {f"{module}.{alias.name}" if f"{module}.{alias.name}" in names else module for alias in node.names}
    return {module for module in found if module.split(".")[0] == "whichnorm"}


def test_every_room_has_its_level():
    rooms = {room_of(name_of(path)) for path in MODULES}
    assert rooms == set(LEVEL)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_arrow_runs_back(path):
    room = room_of(name_of(path))
    for module in sorted(imported(path)):
        other = room_of(module)
        assert other == room or LEVEL[other] < LEVEL[room], f"{name_of(path)} imports {module}"


def test_no_two_modules_import_each_other():
    arrows = {name_of(path): imported(path) - {name_of(path)} for path in MODULES}
    while free := [module for module, needs in arrows.items() if not needs & set(arrows)]:
        for module in free:
            del arrows[module]
    assert not arrows, f"in a circle: {sorted(arrows)}"


def test_a_backward_arrow_is_found(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("def f():\n    from whichnorm.commands import compare\n")
    assert imported(path) == {"whichnorm.commands.compare"}
    path.write_text("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import whichnorm.api\n")
    assert imported(path) == {"whichnorm.api"}
