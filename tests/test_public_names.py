import importlib
import pkgutil
import subprocess
import sys

import pytest

import whichnorm

PUBLIC = {
    "ArmResult", "ArmSpec", "Augmentation", "BatchNormSpec", "ChannelLayerNormSpec", "Comparison", "DataError",
    "ElementLayerNormSpec", "Explanation", "GroupNormSpec", "InstanceNormSpec", "LayerNormSpec", "MissingExtraError",
    "ModelError",
    "NoNormSpec", "NormSpec", "Recipe", "Results", "Schedule", "SpecError", "StatisticsSets", "StudyError",
    "StudyResults", "Summary",
    "SweepResults", "Verdict", "WhichnormError", "__version__", "build_model", "compare", "console_progress", "explain",
    "open_results", "parse_norm", "resume", "show", "sweep",
}  # fmt: skip


def test_the_public_names_are_these():
    assert set(whichnorm.__all__) == PUBLIC
    assert all(hasattr(whichnorm, name) for name in PUBLIC)
    assert set(dir(whichnorm)) == PUBLIC


def test_explain_stays_the_function_whatever_is_imported_of_the_room_that_has_its_name():
    code = (
        "import whichnorm.explain.sets, importlib, pkgutil, sys\n"
        "room = sys.modules['whichnorm.explain']; assert whichnorm.explain is room.explain\n"
        "for module in pkgutil.iter_modules(room.__path__, 'whichnorm.explain.'):\n"
        "    importlib.import_module(module.name); assert whichnorm.explain is room.explain, module.name\n"
        "from whichnorm.explain.sets import Explanation; from whichnorm import explain\n"
        "print(isinstance(explain(norms=['bn']), Explanation), Explanation is whichnorm.Explanation)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]


def test_every_public_class_and_function_says_what_it_is():
    undocumented = [name for name in PUBLIC - {"__version__"} if not (getattr(whichnorm, name).__doc__ or "").strip()]
    assert undocumented == []


def test_every_error_is_a_whichnorm_error():
    errors = [name for name in PUBLIC if name.endswith("Error")]
    assert len(errors) == 6
    assert all(issubclass(getattr(whichnorm, name), whichnorm.WhichnormError) for name in errors)


def test_every_module_imports_and_says_what_it_is():
    for module in pkgutil.walk_packages(whichnorm.__path__, "whichnorm."):
        if module.name != "whichnorm.__main__":
            assert importlib.import_module(module.name).__doc__, module.name


HEAVY = ("torch", "scipy", "sklearn", "matplotlib", "rich")


@pytest.mark.parametrize(
    "start",
    [
        ["-c", "import whichnorm"],
        ["-c", "import whichnorm.cli, whichnorm.specs.study_options, whichnorm.norms, whichnorm.results.results"],
        ["-m", "whichnorm", "--help"],
        ["-m", "whichnorm", "compare", "--help"],
        ["-m", "whichnorm", "compare", "--epochs", "many"],
        ["-m", "whichnorm", "compare", "--norms", "bm"],
        ["-m", "whichnorm", "sweep", "--batch-sizes", "2", "--model", "sesion08"],
        ["-m", "whichnorm", "conpare"],
    ],
    ids=" ".join,
)
def test_nothing_heavy_is_imported_with_the_package_nor_to_say_what_is_wrong_with_arguments(start):
    done = subprocess.run([sys.executable, "-X", "importtime", *start], capture_output=True, text=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time")}
    assert "whichnorm" in imported
    assert not imported & set(HEAVY)


def test_nothing_needs_torchvision():
    code = "import sys; sys.modules['torchvision'] = None; import whichnorm; whichnorm.build_model('digits_net', 'bn')"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_source_file_can_unpickle():
    from pathlib import Path

    for path in Path(whichnorm.__file__).parent.rglob("*.py"):
        text = path.read_text()
        assert "import pickle" not in text, path
        assert "torch.load" not in text, path
        assert "allow_pickle=True" not in text, path
