import gc
import os
import signal

import chromium
import pytest
import shortcuts
import torch

from whichnorm.analyses.cost import measure as cost
from whichnorm.errors import MissingExtraError

gc.disable()  # until the first test: what collecting the tests makes is there to stay, and full passes walk over it


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Tiny tensors gain nothing from threads, and threads that wait for each other lose much on a busy machine."""
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"  # for processes that tests start


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_reaches_processes():
    """A shell's background jobs ignore SIGINT, and every process that they start would ignore it too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module", autouse=True)
def _short_garbage_collections():
    """Take what is there before a file's tests out of the garbage collector's sight.

    It walks over all modules and collected tests in every full pass, and measuring a network's memory asks for one.
    """
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _no_times():
    """To export a network, or to time its steps, takes seconds per arm; the tests of these put the functions back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cost, "measure_latency", _refuse)
        patch.setattr(cost, "step_times_or_reason", lambda study: (None, "steps are not timed in tests"))
        yield


def _refuse(*_):
    raise MissingExtraError("latency is not measured in tests")


@pytest.fixture
def no_report():
    with shortcuts.no_report():
        yield


@pytest.fixture
def records_alone():
    with shortcuts.records_alone():
        yield


@pytest.fixture
def undrawn():
    with shortcuts.undrawn():
        yield


@pytest.fixture(scope="session")
def browser():
    """The installed Chromium, started once; a test opens windows of its own in it."""
    program = chromium.find()
    if not program:
        missing = "no Chromium here: tests/install_chromium.sh installs it"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    with chromium.browser(program) as started:
        yield started
