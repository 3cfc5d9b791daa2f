"""The most bytes that torch has allocated at once while something runs."""

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch.profiler import ProfilerActivity, profile


def peak_bytes(work: Callable[[], None], device: str) -> int:
    """Return the most bytes that `work` holds at once of what it allocates on the device itself."""
    gc.collect()  # what is left over from before is not freed in between
    return _cuda_peak(work) if torch.device(device).type == "cuda" else _cpu_peak(work)


def _cuda_peak(work: Callable[[], None]) -> int:
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    work()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before


def _cpu_peak(work: Callable[[], None]) -> int:
    """Add up the profiler's events of torch's CPU allocator, one with its signed size per tensor made or freed."""
    with _without_messages(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        work()
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak


@contextmanager
def _without_messages() -> Iterator[None]:
    """Keep the profiler's own lines from the terminal: it writes them past Python, to the error stream itself."""
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # there is no error stream to keep anything from
        yield
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)
