"""One seed to separate generators, so that at one seed every arm sees the same draws, whatever runs beside it.

A generator depends on the seed, its purpose and the epoch alone: no state has to be carried from epoch to epoch, and
a run that goes on from a checkpoint draws what an undisturbed one draws.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

Purpose = Literal["init", "order", "augmentation", "dropout", "split"]


def derived_seed(seed: int, purpose: Purpose, epoch: int = 0) -> int:
    """Return a 63-bit seed that is a function of the arguments only."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{epoch}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def generator(seed: int, purpose: Purpose, epoch: int = 0) -> torch.Generator:
    """Return a new CPU generator for one purpose in one epoch of one run."""
    return torch.Generator().manual_seed(derived_seed(seed, purpose, epoch))


@contextmanager
def isolated_rng(device: str = "cpu") -> Iterator[None]:
    """Give the caller's global random state back on leaving; dropout and initialization draw from the global one."""
    devices = [torch.device(device)] if torch.device(device).type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        yield


def seed_global(seed: int, purpose: Purpose, epoch: int = 0) -> None:
    """Seed torch's global generators; call it inside `isolated_rng` only."""
    torch.manual_seed(derived_seed(seed, purpose, epoch))
