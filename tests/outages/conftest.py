"""The worker that every scenario buys its images from."""

import logging
from collections.abc import Iterator

import pytest

from tests.generator.worker_stub import Worker, running_worker


@pytest.fixture(autouse=True)
def quiet_worker() -> None:
    """A line for every image would hide what was measured."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)


@pytest.fixture
def worker() -> Iterator[Worker]:
    """A worker that answers after 0.1 s, so that something is always under way."""
    with running_worker() as running:
        running.delay_s = lambda _: 0.1
        yield running
