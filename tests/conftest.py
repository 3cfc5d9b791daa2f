import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Tiny tensors gain nothing from threads, and threads that wait for each other lose much on a busy machine."""
    torch.set_num_threads(1)
