import json
import platform
import re
from pathlib import Path

import numpy
import pytest
import torch

from whichnorm.errors import SpecError
from whichnorm.specs.study import MachineSpec
from whichnorm.training import machine
from whichnorm.training.machine import (
    autocast,
    choose_machine,
    cpu_name,
    environment,
    keep_freed_memory,
    multiplies_bfloat16,
)
from whichnorm.version import __version__


@pytest.fixture
def cpuinfo(monkeypatch):
    """Let the test say what /proc/cpuinfo holds; None makes it unreadable."""

    def pretend(text):
        def read(self, *args, **kwargs):
            assert str(self) == "/proc/cpuinfo"
            if text is None:
                raise FileNotFoundError(str(self))
            return text

        monkeypatch.setattr(Path, "read_text", read)

    for function in (multiplies_bfloat16, cpu_name):
        function.cache_clear()
    yield pretend
    monkeypatch.undo()
    for function in (multiplies_bfloat16, cpu_name):
        function.cache_clear()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_is_given_is_taken(precision):
    assert choose_machine("cpu", 3, precision) == MachineSpec(device="cpu", threads=3, precision=precision)


def test_threads_left_open_are_torchs():
    assert choose_machine(precision="float32").threads == torch.get_num_threads()


@pytest.mark.parametrize(("native", "precision"), [(True, "bfloat16"), (False, "float32")])
def test_auto_takes_bfloat16_where_the_processor_multiplies_it(monkeypatch, native, precision):
    monkeypatch.setattr(machine, "multiplies_bfloat16", lambda: native)
    assert choose_machine("cpu", 1, "auto").precision == precision


def test_auto_takes_bfloat16_on_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(machine, "multiplies_bfloat16", lambda: False)
    assert choose_machine("cuda", 1, "auto") == MachineSpec(device="cuda", threads=1, precision="bfloat16")


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("gpu", 1, "auto"), "unknown device 'gpu'.*there are cpu and cuda"),
        (("cudaa", 1, "auto"), "did you mean 'cuda'"),
        (("", 1, "auto"), "unknown device ''"),
        (("cuda", 1, "auto"), "finds no CUDA GPU here; use --device cpu"),
        (("cpu", 0, "auto"), "threads is 0, expected 1 to 10,000"),
        (("cpu", -2, "float32"), "threads is -2"),
        (("cpu", 1, "float16"), "unknown precision 'float16'; there are auto, float32 and bfloat16"),
    ],
)
def test_a_machine_that_is_not_there_is_refused_in_one_line(monkeypatch, arguments, match):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SpecError, match=match) as caught:
        choose_machine(*arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("flags", "native"),
    [("fpu avx512_bf16 sse", True), ("amx_bf16 amx_tile", True), ("fpu avx2 avx512f", False), ("", False)],
)
def test_bfloat16_arithmetic_is_read_from_the_processors_flags(cpuinfo, flags, native):
    cpuinfo(f"model name\t: Example 3000\nflags\t\t: {flags}\n")
    assert multiplies_bfloat16() is native


def test_without_a_list_of_flags_there_is_no_bfloat16_and_still_a_name(cpuinfo):
    cpuinfo(None)
    assert multiplies_bfloat16() is False
    assert cpu_name() == (platform.processor() or platform.machine())


def test_the_processors_name_is_read_once_for_all_cores(cpuinfo):
    cpuinfo("processor: 0\nmodel name\t: Example 3000\nprocessor: 1\nmodel name\t: Example 3000\n")
    assert cpu_name() == "Example 3000"


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_convolutions_and_linear_layers_run_in_the_machines_precision(precision, dtype):
    conv, linear = torch.nn.Conv2d(1, 2, 3), torch.nn.Linear(4, 2)
    with autocast(MachineSpec(precision=precision)):
        assert conv(torch.randn(1, 1, 4, 4)).dtype == dtype
        assert linear(torch.randn(1, 4)).dtype == dtype
    assert conv.weight.dtype == linear.weight.dtype == torch.float32
    assert linear(torch.randn(1, 4)).dtype == torch.float32


def test_the_environment_names_code_libraries_and_hardware():
    found = environment(MachineSpec(threads=3, precision="bfloat16"))
    assert json.loads(json.dumps(found)) == found
    assert found["whichnorm"] == __version__
    assert found["python"] == platform.python_version()
    assert found["torch"] == torch.__version__
    assert found["numpy"] == numpy.__version__
    assert found["device"] == f"cpu ({cpu_name()})"
    assert (found["threads"], found["precision"]) == (3, "bfloat16")
    assert found["code"] == machine.CODE


def test_the_code_digest_changes_with_the_content_and_the_name_of_any_source_file(monkeypatch, tmp_path):
    def digest(files):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        for name, text in {"training/machine.py": "", **files}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        monkeypatch.setattr(machine, "__file__", str(folder / "training" / "machine.py"))
        return machine._code_digest()

    first = digest({"norms/a.py": "x = 1\n"})
    assert digest({"norms/a.py": "x = 1\n"}) == first
    assert digest({"norms/a.py": "x = 1\n", "notes.txt": "no code"}) == first
    others = [digest({"norms/a.py": "x = 2\n"}), digest({"norms/b.py": "x = 1\n"}), digest({})]
    assert len({first, *others}) == 4


def test_the_code_digest_is_that_of_the_process_not_of_files_edited_later(monkeypatch, tmp_path):
    before = environment(MachineSpec())["code"]
    monkeypatch.setattr(machine, "__file__", str(tmp_path / "training" / "machine.py"))
    (tmp_path / "edited.py").write_text("edited")
    assert machine._code_digest() != before
    assert environment(MachineSpec())["code"] == before
    assert re.fullmatch("[0-9a-f]{12}", before)


def test_memory_is_kept_by_two_settings_of_glibc(monkeypatch):
    given = {}

    class Library:
        def mallopt(self, parameter, value):
            given[parameter] = value

    monkeypatch.setattr(machine.ctypes, "CDLL", lambda name: Library())
    keep_freed_memory()
    assert given == {-3: 32 * 1024 * 1024, -1: 1024**3}  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD


@pytest.mark.parametrize("missing", ["library", "function"])
def test_without_glibc_memory_is_left_to_the_system(monkeypatch, missing):
    asked = []

    def load(name):
        asked.append(name)
        if missing == "library":
            raise OSError(name)
        return object()

    monkeypatch.setattr(machine.ctypes, "CDLL", load)
    keep_freed_memory()
    assert asked == ["libc.so.6"]


def test_waiting_for_a_cpu_asks_nothing_of_cuda_and_for_a_gpu_waits_for_it(monkeypatch):
    waits = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: waits.append("waited"))
    machine.synchronize(MachineSpec(device="cpu"))
    assert waits == []
    machine.synchronize(MachineSpec(device="cuda"))
    assert waits == ["waited"]
