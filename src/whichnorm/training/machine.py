"""What a run is made on: device, threads and number format, and the description of them in a record."""

import ctypes
import hashlib
import platform
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path

import numpy
import torch

from whichnorm.errors import SpecError
from whichnorm.specs.study import MachineSpec, check_machine
from whichnorm.version import __version__


def choose_machine(device: str = "cpu", threads: int | None = None, precision: str = "auto") -> MachineSpec:
    """Check the choice against this machine and fill in what was left open.

    "auto" takes bfloat16 for convolutions and stored activations where the processor multiplies it natively, else
    float32. Statistics, weights and losses are float32 always.
    """
    check_machine(device, precision)
    if device == "cuda" and not torch.cuda.is_available():
        raise SpecError("device cuda: PyTorch finds no CUDA GPU here; use --device cpu, or a CUDA build of torch")
    native = precision == "auto" and (device == "cuda" or multiplies_bfloat16())
    return MachineSpec(
        device=device,
        threads=torch.get_num_threads() if threads is None else threads,
        precision="bfloat16" if native or precision == "bfloat16" else "float32",
    )


@cache
def multiplies_bfloat16() -> bool:
    """Tell whether this processor has bfloat16 arithmetic; without it, PyTorch emulates it slowly."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def keep_freed_memory() -> None:
    """Have glibc keep freed activations for the next step instead of giving them back to the system.

    By default it returns the heap's top after each step, and the kernel clears the same pages again in the next one:
    about a third of a small network's training time on a CPU. The setting is the process's and changes no result;
    elsewhere than on Linux with glibc nothing happens. See mallopt(3).
    """
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(-3, 32 * 2**20)  # M_MMAP_THRESHOLD: the most that glibc accepts
    mallopt(-1, 2**30)  # M_TRIM_THRESHOLD: far above need


@contextmanager
def as_specified(machine: MachineSpec) -> Iterator[None]:
    """Have this process train with the machine's number of threads for a while, and keep freed memory from now on."""
    before = torch.get_num_threads()
    torch.set_num_threads(machine.threads)
    keep_freed_memory()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def autocast(machine: MachineSpec) -> AbstractContextManager[None]:
    """Return the context of a forward pass: convolutions and linear layers in the machine's precision."""
    return torch.autocast(machine.device, torch.bfloat16, enabled=machine.precision == "bfloat16")


def synchronize(machine: MachineSpec) -> None:
    """Wait for the device, so that a clock read next counts the work given to it."""
    if machine.device == "cuda":
        torch.cuda.synchronize()


def _code_digest() -> str:
    """Return a short hash of the package's own source files: two records with the same one ran the same code."""
    package = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


CODE = _code_digest()  # when the process starts: files edited later are not what it runs


def environment(machine: MachineSpec) -> dict[str, str | int]:
    """Describe code, libraries and hardware for a record."""
    gpu = torch.cuda.get_device_name() if machine.device == "cuda" else ""
    return {
        "whichnorm": __version__,
        "code": CODE,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "device": gpu or f"cpu ({cpu_name()})",
        "threads": machine.threads,
        "precision": machine.precision,
        "platform": platform.platform(),
    }


@cache
def cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
