import signal

import pytest
import torch

from whichnorm.errors import MissingExtraError


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Tiny tensors gain nothing from threads, and threads that wait for each other lose much on a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_reaches_processes():
    """A shell's background jobs ignore SIGINT, and every process that they start would ignore it too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _no_export():
    """The export of a network takes seconds per arm; the tests of latency put the function back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("whichnorm.analyses.cost.measure.measure_latency", _refuse)
        yield


def _refuse(*_):
    raise MissingExtraError("latency is not measured in tests")
